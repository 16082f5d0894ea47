"""Lines of a stream of bytes, as they come in, in bounded memory."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class InputLine(NamedTuple):
    """A line without its line feed, counted from 1. `is_cut`: it is longer than what was kept of it."""

    number: int
    text: bytes
    is_cut: bool


def lines_by_chunk(chunks: Iterable[bytes], bytes_max: int) -> Iterator[list[InputLine]]:
    """The lines that each chunk completes, and at the end what comes after the last line feed.

    Of a line longer than `bytes_max` only the beginning is kept, so memory depends on that limit and on the chunks.
    """
    number, kept, length = 0, list[bytes](), 0
    for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            number += 1
            lines.append(_line(number, [*kept, end], length + len(end), bytes_max))
            kept, length = [], 0
        if length <= bytes_max:
            kept.append(rest)
        length += len(rest)
        yield lines
    if length:
        yield [_line(number + 1, kept, length, bytes_max)]


def _line(number: int, parts: Sequence[bytes], length: int, bytes_max: int) -> InputLine:
    text = parts[0] if len(parts) == 1 else b"".join(parts)
    return InputLine(number, text[:bytes_max], length > bytes_max)
