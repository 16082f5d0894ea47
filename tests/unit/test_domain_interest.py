from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ledger.domain.errors import InvalidDate, InvalidTerms
from ledger.domain.interest import NOTHING_ACCRUED, Accrued, Period, accrued, rates_of, read_rate
from ledger.domain.terms import DayCount, RateStep, Rounding

YEAR = (date(2025, 1, 1), date(2026, 1, 1))
STEPS = (
    RateStep(since=date(2025, 4, 1), annual_rate="0.06"),
    RateStep(since=date(2025, 7, 1), annual_rate="0.0125"),
)


def exact(found: Accrued) -> Fraction:
    return Fraction(found.numerator, found.denominator)


def test_each_day_has_the_rate_that_holds_on_it() -> None:
    found = accrued(365_00, rates_of("0.12", STEPS), DayCount.ACTUAL_365F, *YEAR)
    assert exact(found) == 100 * (90 * Fraction("0.12") + 91 * Fraction("0.06") + 184 * Fraction("0.0125"))


def test_the_day_of_a_step_has_the_new_rate() -> None:
    rates = rates_of("0.12", STEPS)
    before = accrued(365_00, rates, DayCount.ACTUAL_365F, date(2025, 3, 31), date(2025, 4, 1))
    after = accrued(365_00, rates, DayCount.ACTUAL_365F, date(2025, 4, 1), date(2025, 4, 2))
    assert [exact(before), exact(after)] == [12, 6]


def test_what_was_posted_and_the_rest_are_what_accrued() -> None:
    found = accrued(10_000_00, rates_of("0.1299"), DayCount.ACTUAL_360, date(2025, 1, 1), date(2025, 1, 8))
    minor, rest = found.posted(Rounding.HALF_UP)
    assert minor == 25_26
    assert minor + exact(rest) == exact(found) == Fraction(252583, 100) + Fraction(1, 300)


def test_a_rest_is_carried_to_the_next_posting() -> None:
    rates, carried, posted = rates_of("0.1"), NOTHING_ACCRUED, 0
    for day in range(1, 31):
        carried += accrued(100_00, rates, DayCount.ACTUAL_365F, date(2025, 1, day), date(2025, 1, day + 1))
        minor, carried = carried.posted(Rounding.DOWN)
        posted += minor
    assert posted == 82
    assert posted + exact(carried) == Fraction(100_00 * 30, 10 * 365)


def test_a_part_of_a_30_360_period_is_what_its_beginning_makes_of_it() -> None:
    start, middle, end = date(2026, 1, 15), date(2026, 1, 31), date(2026, 2, 15)
    rates = rates_of("0.12")
    parts = [
        accrued(3600_00, rates, DayCount.THIRTY_360_US, a, b, since=start) for a, b in ((start, middle), (middle, end))
    ]
    assert [exact(part) for part in parts] == [16_00 * Fraction("1.2"), 14_00 * Fraction("1.2")]


def test_days_of_an_agreed_period_have_equal_parts_of_it() -> None:
    february = Period(start=date(2026, 2, 1), end=date(2026, 3, 1), share=(1, 12))
    found = accrued(1200_00, rates_of("0.28"), DayCount.PERIOD, date(2026, 2, 1), date(2026, 2, 2), period=february)
    assert exact(found) == 100


@pytest.mark.parametrize("text", ["", ".5", "1.", "-0.1", "1e3", "0,1", " 0.1", "٣", "0.1\n", "0." + "1" * 30])
def test_a_rate_that_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InvalidTerms, match="write a decimal number like"):
        read_rate(text)


def test_steps_out_of_order_are_refused_by_name() -> None:
    with pytest.raises(InvalidTerms, match="put steps in the order of dates") as refusal:
        rates_of("0.1", STEPS[::-1])
    assert refusal.value.field == "rate_steps[1].since"


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(InvalidDate, match="give an end that is not before the start"):
        accrued(1, rates_of("0.1"), DayCount.ACTUAL_360, date(2026, 1, 2), date(2026, 1, 1))


def test_interest_by_periods_needs_the_period() -> None:
    with pytest.raises(InvalidTerms, match="without the period") as refusal:
        accrued(1, rates_of("0.1"), DayCount.PERIOD, *YEAR)
    assert refusal.value.field == "day_count"


@pytest.mark.parametrize(
    "options",
    [
        {"since": date(2025, 1, 2)},
        {"period": Period(start=date(2025, 1, 2), end=date(2026, 1, 1), share=(1, 1))},
        {"period": Period(start=date(2025, 1, 1), end=date(2025, 12, 31), share=(1, 1))},
    ],
)
def test_days_outside_their_period_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDate, match="give days in that period"):
        accrued(1, rates_of("0.1"), DayCount.PERIOD, *YEAR, **options)


def test_interest_posted_in_advance_is_made_up_for_by_the_next_days() -> None:
    owed = Accrued(numerator=1, denominator=2)
    posted, rest = owed.posted(Rounding.HALF_UP)
    assert (posted, exact(rest)) == (1, Fraction(-1, 2))
    assert (rest + owed).posted(Rounding.HALF_UP) == (0, NOTHING_ACCRUED)


def test_a_rate_before_the_first_step_is_the_agreed_one() -> None:
    rates = rates_of("0.12", STEPS)
    assert [Fraction(rates.on(day), rates.denominator) for day in (YEAR[0], STEPS[0].since, YEAR[1])] == [
        Fraction("0.12"),
        Fraction("0.06"),
        Fraction("0.0125"),
    ]
