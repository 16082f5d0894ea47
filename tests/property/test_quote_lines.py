"""Whatever a line is, it has one answer; whatever the chunks are, the answers are the same."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ledger.application.line_reading import InputLine
from ledger.application.quote_options import options_of
from ledger.application.quote_reading import QuoteRequest
from ledger.application.quoting import answer_line, answers
from tests.terms_builders import request_line

NAMES = sorted({name.rpartition(".")[2].removesuffix("[]") for name in options_of(QuoteRequest)})
WORDS = sorted({each.word for option in options_of(QuoteRequest).values() for each in option.words})
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.integers(-2, 20), st.floats(), st.text(max_size=8),
    st.sampled_from([*WORDS, "0.1299", "1m", "2w", "30d", "CNY", "JPY", "2026-01-31", "2026-03-01", "9999-12-01"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inside, max_size=4),
    max_leaves=8,
)
CHANGES = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), VALUES, max_size=4)


def answer(text: bytes) -> Any:
    return orjson.loads(answer_line(InputLine(1, text, False)))


def is_answer(found: Any) -> bool:
    return ("installments" in found) != ("error" in found) and found.get("error", {}).get("code") != "fault"


@given(text=st.binary(max_size=200).filter(lambda text: text.strip() and b"\n" not in text))
def test_any_bytes_have_one_answer(text: bytes) -> None:
    [part] = answers([text])
    assert part.count(b"\n") == 1
    assert is_answer(orjson.loads(part))


@given(changes=CHANGES)
def test_any_json_has_a_quote_or_a_named_error(changes: dict[str, Any]) -> None:
    assert is_answer(answer(request_line(**changes)))


@given(changes=CHANGES, cut=st.integers(0, 400), put=st.binary(max_size=4))
def test_a_damaged_line_has_a_quote_or_a_named_error(changes: dict[str, Any], cut: int, put: bytes) -> None:
    whole = request_line(**changes).replace(b"\n", b" ")
    assert is_answer(answer(whole[:cut] + put + whole[cut + len(put) :]))


@given(
    lines=st.lists(st.sampled_from([request_line(id=1, term=2), request_line(id="b", term=0), b"", b"{", b" \r"])),
    cuts=st.lists(st.integers(0, 600), max_size=6),
)
def test_chunks_make_no_difference(lines: list[bytes], cuts: list[int]) -> None:
    text = b"\n".join(lines)
    ends = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in pairwise(ends)]
    found = b"".join(answers(chunks))
    assert found == b"".join(answers([text]))
    assert found.count(b"\n") == sum(bool(line.strip()) for line in lines)
