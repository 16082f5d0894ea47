from datetime import date
from fractions import Fraction

import pytest

from ledger.domain.due_dates import moved, read_every, rhythm_of, span_back, span_on
from ledger.domain.errors import InvalidTerms
from ledger.domain.terms import BusinessDay, MonthEnd
from tests.terms_builders import terms


def first_three(**fields: object) -> list[str]:
    return [str(day) for day in rhythm_of(terms(**fields)).dues(1, 4)]


@pytest.mark.parametrize(
    ("month_end", "dates"),
    [
        (MonthEnd.CLAMP, ["2026-02-28", "2026-03-31", "2026-04-30"]),
        (MonthEnd.ROLL, ["2026-03-03", "2026-03-31", "2026-05-01"]),
        (MonthEnd.FIRST_OF_NEXT, ["2026-03-01", "2026-03-31", "2026-05-01"]),
    ],
)
@pytest.mark.parametrize("given", [True, False])
def test_a_day_that_a_month_does_not_have_moves_by_the_strategy(
    month_end: MonthEnd, dates: list[str], *, given: bool
) -> None:
    first = date.fromisoformat(dates[0]) if given else None
    assert first_three(disbursed_on=date(2026, 1, 31), month_end=month_end, first_due_on=first) == dates


@pytest.mark.parametrize(
    ("every", "dates"),
    [
        ("2w", ["2026-01-15", "2026-01-29", "2026-02-12"]),
        ("30d", ["2026-01-31", "2026-03-02", "2026-04-01"]),
        ("3m", ["2026-04-01", "2026-07-01", "2026-10-01"]),
        ("12m", ["2027-01-01", "2028-01-01", "2029-01-01"]),
    ],
)
def test_a_rhythm_counts_from_the_disbursement(every: str, dates: list[str]) -> None:
    assert first_three(every=every) == dates


def test_the_first_due_date_says_the_day_of_the_month() -> None:
    assert first_three(first_due_on=date(2026, 2, 28)) == ["2026-02-28", "2026-03-28", "2026-04-28"]


def test_an_agreed_day_of_the_month_is_kept_after_february() -> None:
    assert first_three(first_due_on=date(2026, 2, 28), due_day=30) == ["2026-02-28", "2026-03-30", "2026-04-30"]


def test_an_agreed_day_that_the_first_due_date_contradicts_is_refused() -> None:
    with pytest.raises(InvalidTerms, match="day 30 of the month, the first on 2026-02-27") as refusal:
        rhythm_of(terms(first_due_on=date(2026, 2, 27), due_day=30))
    assert refusal.value.field == "due_day"


@pytest.mark.parametrize("every", ["", "m", "0m", "01m", "1y", "1.5m", "-1m", "10000d", "１m", "1m\n"])
def test_a_rhythm_that_is_none_is_refused(every: str) -> None:
    with pytest.raises(InvalidTerms, match="write 1m, 2w or 30d"):
        read_every(every)


@pytest.mark.parametrize(
    ("disbursed_on", "back", "on"),
    [
        (date(2026, 2, 1), Fraction(1), Fraction(1)),
        (date(2026, 1, 1), Fraction(2), Fraction(2)),
        (date(2026, 2, 15), Fraction(14, 28), Fraction(14, 28)),
        (date(2026, 1, 17), 1 + Fraction(15, 31), 1 + Fraction(12, 28)),
        (date(2026, 3, 1), Fraction(0), Fraction(0)),
        (date(2026, 1, 31), 1 + Fraction(1, 31), 1 + Fraction(1, 31)),
    ],
)
def test_odd_days_are_a_part_of_the_period_that_they_lie_in(disbursed_on: date, back: Fraction, on: Fraction) -> None:
    rhythm = rhythm_of(terms(disbursed_on=disbursed_on, first_due_on=date(2026, 3, 1)))
    assert Fraction(*span_back(disbursed_on, rhythm).periods) == back
    assert Fraction(*span_on(disbursed_on, rhythm).periods) == on


@pytest.mark.parametrize(
    ("business_day", "moves_to"),
    [
        (BusinessDay.NONE, "2026-05-31"),
        (BusinessDay.FOLLOWING, "2026-06-01"),
        (BusinessDay.MODIFIED_FOLLOWING, "2026-05-29"),
        (BusinessDay.PRECEDING, "2026-05-29"),
    ],
)
def test_a_closed_day_moves_to_an_open_one(business_day: BusinessDay, moves_to: str) -> None:
    [found] = moved([date(2026, 5, 31)], business_day, lambda day: day.weekday() < 5, date(2026, 1, 1))
    assert str(found) == moves_to


def test_an_open_day_stays() -> None:
    friday = date(2026, 5, 29)
    assert moved([friday], BusinessDay.FOLLOWING, lambda day: day.weekday() < 5, friday) == [friday]


@pytest.mark.parametrize("business_day", [BusinessDay.PRECEDING, BusinessDay.MODIFIED_FOLLOWING])
def test_no_installment_moves_before_the_disbursement(business_day: BusinessDay) -> None:
    saturday, sunday = date(2026, 5, 30), date(2026, 5, 31)
    assert moved([sunday], business_day, lambda day: day.weekday() < 5, saturday) == [date(2026, 6, 1)]
