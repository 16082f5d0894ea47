import pytest

from ledger.application.line_reading import InputLine, lines_by_chunk


def read(*chunks: bytes, bytes_max: int = 100) -> list[InputLine]:
    return [line for lines in lines_by_chunk(chunks, bytes_max) for line in lines]


@pytest.mark.parametrize("chunks", [[b"a\nbc\n"], [b"a", b"\nb", b"c\n"], [b"a\nb", b"", b"c"], [b"a\n", b"bc"]])
def test_lines_are_the_same_wherever_chunks_end(chunks: list[bytes]) -> None:
    assert read(*chunks) == [InputLine(1, b"a", False), InputLine(2, b"bc", False)]


def test_what_a_chunk_completes_is_there_before_the_next_chunk_is_read() -> None:
    chunks = iter([b"a\nb", b"\n"])
    lines = lines_by_chunk(chunks, 100)
    assert next(lines) == [InputLine(1, b"a", False)]
    assert next(chunks) == b"\n"


def test_blank_lines_are_counted() -> None:
    assert [line.number for line in read(b"\n\nx\n") if line.text] == [3]


@pytest.mark.parametrize("pieces", [1, 7, 50])
def test_of_a_line_that_is_too_long_only_the_beginning_is_kept(pieces: int) -> None:
    text = b"x" * 50 + b"\n" + b"y\n"
    chunks = [text[at : at + pieces] for at in range(0, len(text), pieces)]
    assert read(*chunks, bytes_max=10) == [InputLine(1, b"x" * 10, True), InputLine(2, b"y", False)]


def test_a_line_as_long_as_the_limit_is_whole() -> None:
    assert read(b"x" * 10 + b"\n", bytes_max=10) == [InputLine(1, b"x" * 10, False)]


def test_a_last_line_that_is_too_long_is_cut_as_well() -> None:
    assert read(b"x" * 11, bytes_max=10) == [InputLine(1, b"x" * 10, True)]


def test_a_stream_of_nothing_has_no_line() -> None:
    assert read() == []
