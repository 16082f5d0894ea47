"""Time between two dates, as the laws on annual rates count it."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from ledger.domain.unit_periods import (
    SEMIMONTH,
    YEAR,
    UnitPeriod,
    common_period,
    elapsed,
    read_period,
    series_day,
    years,
)
from tests.flow_builders import daily, monthly

START = date(2025, 1, 10)


def unit_periods(start: date, end: date, every: str) -> tuple[int, Fraction]:
    [(whole, odd, of)] = elapsed(start, [end], series_day(start, [end]), read_period(every))
    return whole, Fraction(odd, of)


def in_years(start: date, end: date, every: str) -> Fraction:
    [time], parts = years(start, [end], series_day(start, [end]), read_period(every))
    return Fraction(time, parts)


@pytest.mark.parametrize(
    ("start", "end", "every", "periods"),
    [
        (date(1978, 2, 10), date(1978, 4, 1), "1m", (1, Fraction(19, 30))),
        (date(1978, 2, 23), date(1978, 3, 1), "semimonth", (0, Fraction(6, 15))),
        (date(1978, 5, 23), date(1978, 10, 1), "3m", (1, Fraction(39, 90))),
        (date(1978, 3, 20), date(1978, 4, 21), "1w", (4, Fraction(4, 7))),
        (date(2025, 1, 31), date(2025, 2, 28), "1m", (1, 0)),
        (date(2024, 2, 29), date(2024, 3, 31), "1m", (1, 0)),
        (date(2025, 1, 1), date(2025, 2, 10), "30d", (1, Fraction(10, 30))),
        (date(2025, 1, 10), date(2027, 4, 10), "12m", (2, Fraction(3, 12))),
        (date(2025, 1, 10), date(2027, 4, 11), "12m", (2, Fraction(91, 365))),
    ],
)
def test_unit_periods_are_measured_back_from_the_later_date(
    start: date, end: date, every: str, periods: tuple[int, Fraction]
) -> None:
    assert unit_periods(start, end, every) == periods


@pytest.mark.parametrize(
    ("start", "end", "every", "time"),
    [
        (date(2019, 1, 12), date(2020, 1, 12), "1m", Fraction(1)),
        (date(2012, 1, 12), date(2012, 2, 15), "1m", Fraction(1, 12) + Fraction(3, 365)),
        (date(2012, 1, 12), date(2012, 4, 15), "1m", Fraction(3, 12) + Fraction(3, 365)),
        (date(2013, 1, 12), date(2013, 2, 15), "1m", Fraction(1, 12) + Fraction(3, 366)),
        (date(2013, 2, 25), date(2013, 3, 28), "1m", Fraction(1, 12) + Fraction(3, 366)),
        (date(2013, 2, 26), date(2013, 3, 29), "1m", Fraction(1, 12) + Fraction(2, 366)),
        (date(2012, 2, 26), date(2012, 3, 29), "1m", Fraction(1, 12) + Fraction(3, 366)),
        (date(2012, 1, 12), date(2012, 2, 15), "1d", Fraction(34, 365)),
        (date(2012, 1, 12), date(2014, 2, 15), "1d", 2 + Fraction(34, 365)),
        (date(2020, 1, 1), date(2021, 3, 15), "1d", 1 + Fraction(74, 366)),
        (date(2012, 1, 12), date(2012, 1, 30), "1w", Fraction(2, 52) + Fraction(4, 365)),
        (date(2012, 1, 12), date(2013, 1, 12), "1w", 1 + Fraction(2, 365)),
    ],
)
def test_european_years_are_whole_parts_and_days_of_the_year_that_ends_with_them(
    start: date, end: date, every: str, time: Fraction
) -> None:
    assert in_years(start, end, every) == time


@pytest.mark.parametrize(
    ("every", "per_year"),
    [
        ("1m", 12),
        ("3m", 4),
        ("12m", 1),
        ("18m", 1),
        ("1w", 52),
        ("14d", 26),
        ("1d", 365),
        ("30d", Fraction(365, 30)),
        ("400d", 1),
        ("semimonth", 24),
    ],
)
def test_a_year_has_so_many_unit_periods(every: str, per_year: Fraction) -> None:
    assert read_period(every).per_year == per_year


@pytest.mark.parametrize(
    ("payments", "period"),
    [
        (monthly(date(2025, 2, 10), 12), read_period("1m")),
        (monthly(date(2025, 1, 31), 12), read_period("1m")),
        (monthly(date(2025, 3, 1), 6, step=2), read_period("2m")),
        (daily(date(2025, 1, 20), 6, step=14), read_period("2w")),
        (daily(date(2025, 1, 20), 6, step=30), read_period("30d")),
        (sorted(monthly(date(2025, 2, 1), 3) + monthly(date(2025, 2, 16), 3)), SEMIMONTH),
        (sorted(monthly(date(2025, 1, 15), 6) + monthly(date(2025, 1, 31), 6)), SEMIMONTH),
        (sorted(monthly(date(2025, 2, 1), 6) + monthly(date(2025, 2, 15), 6)), SEMIMONTH),
        (daily(date(2025, 1, 20), 6, step=15), read_period("15d")),
        (monthly(date(2026, 1, 10), 3, step=12), YEAR),
        ([date(2025, 2, 10), date(2025, 3, 10), date(2025, 6, 10), date(2025, 9, 10)], read_period("1m")),
        ([date(2025, 2, 10), date(2025, 3, 12), date(2025, 6, 1)], read_period("2m")),
    ],
)
def test_the_unit_period_is_the_period_that_occurs_most_often(payments: list[date], period: UnitPeriod) -> None:
    assert common_period(START, [START], payments) == period


def test_without_a_common_period_short_ones_are_averaged_to_weeks() -> None:
    payments = [START + timedelta(days=days) for days in (9, 21, 36)]
    assert common_period(START, [START], payments) == read_period("2w")
