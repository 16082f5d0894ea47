import doctest
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import calendars, daycount, due_dates, equal_amounts, interest, rounding, schedule
from ledger.domain.rounding import rounded
from ledger.domain.terms import Rounding


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Rounding.HALF_UP, [13, 101, 15]),
        (Rounding.HALF_EVEN, [12, 100, 14]),
        (Rounding.UP, [13, 101, 15]),
        (Rounding.DOWN, [12, 100, 14]),
    ],
)
def test_ties_of_published_examples(mode: Rounding, expected: list[int]) -> None:
    assert [rounded(mode, tie, 10) for tie in (125, 1005, 145)] == expected


@given(
    mode=st.sampled_from(Rounding),
    top=st.integers(0, 10**30),
    bottom=st.integers(1, 10**12),
    multiple=st.integers(1, 1000),
)
def test_a_rounded_amount_is_a_multiple_beside_the_exact_one(
    mode: Rounding, top: int, bottom: int, multiple: int
) -> None:
    found, exact = rounded(mode, top, bottom, multiple), Fraction(top, bottom)
    assert found % multiple == 0
    off = found - exact
    assert abs(off) < multiple
    assert abs(off) <= Fraction(multiple, 2) or mode in {Rounding.UP, Rounding.DOWN}
    assert off >= 0 or mode is not Rounding.UP
    assert off <= 0 or mode is not Rounding.DOWN


@pytest.mark.parametrize("module", [calendars, daycount, due_dates, equal_amounts, interest, rounding, schedule])
def test_examples_in_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type] # a module is no type of its own here
