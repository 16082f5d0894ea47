"""How much time lies between the first advance of a loan and every other flow, as the laws on annual rates count it.

Reg Z counts in unit-periods and fractions of one (12 CFR 1026, appendix J (b)(3) to (5)); the European Union in months,
weeks or years, and days (Directive 2008/48/EC, annex I, remark (c); Directive 2014/17/EU, annex I, remark (c)). Both
measure back from the later date: the whole periods lie at its end, the odd days at the beginning.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Sequence
from datetime import date
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm
from typing import TypeAlias

from ledger.domain.errors import UnknownPeriod, shown
from schemas.values import State

PERIODS_KEPT = 256  # periods that are read from text once
SERIES_KEPT = 16  # series of dates that are measured once, though several rates of a loan need them


class Unit(Enum):
    DAY = "day"
    WEEK = "week"
    SEMIMONTH = "semimonth"
    MONTH = "month"
    YEAR = "year"


class UnitPeriod(State, frozen=True):
    """`count` of a unit, at most a year. `per_year`: how many of them a year is presumed to have."""

    unit: Unit
    count: int
    per_year: Fraction


Elapsed: TypeAlias = tuple[int, int, int]
"""Whole unit-periods, and of one more so many parts of so many: (2, 19, 30) is two and 19/30."""

SEMIMONTH = UnitPeriod(unit=Unit.SEMIMONTH, count=1, per_year=Fraction(24))
YEAR = UnitPeriod(unit=Unit.YEAR, count=1, per_year=Fraction(1))
DAYS_OF_A_YEAR = {Unit.DAY: 1, Unit.WEEK: 7}


@lru_cache(PERIODS_KEPT)
def read_period(every: str) -> UnitPeriod:
    """The unit-period of terms: "1m", "2w", "30d", or "semimonth". Raises `UnknownPeriod`.

    Days that are whole weeks count as weeks. A period of a year or more counts as a year (appendix J (b)(4)(i)). A
    year has 12 months, 52 weeks or 365 days (b)(5); the appendix knows no unit-period of several days, such as 30,
    which we take to occur 365/30 times.
    """
    if every == "semimonth":
        return SEMIMONTH
    number, unit = every[:-1], every[-1:]
    if not (number.isascii() and number.isdigit() and int(number) and unit in {"d", "w", "m"}):
        raise UnknownPeriod(f"asked for the period {shown(every)}; a period is such as 1m, 2w, 30d or semimonth")
    if unit == "m":
        return _months(int(number))
    return _days(int(number) * 7 if unit == "w" else int(number))


def counted_period(every: str) -> UnitPeriod:
    """What European time is counted in: days or weeks of more than a year too, which as a unit-period are a year."""
    period = read_period(every)
    return {"d": DAY, "w": WEEK}.get(every[-1], YEAR) if period == YEAR else period


def common_period(starts_on: date, advances: Sequence[date], payments: Sequence[date]) -> UnitPeriod:
    """The unit-period that follows from dates in order: the period that occurs most often, the shorter of equals.

    Without a period that occurs twice it is the average period, to the nearest whole number of months, or of weeks if
    it is less than a month (Reg Z, appendix J (b)(4)(i)). A single advance and a single payment are `single_period`'s.
    """
    if _is_semimonthly(payments):
        return SEMIMONTH
    series = [[starts_on, *(each for each in dates if each > starts_on)] for dates in (advances, payments)]
    periods = Counter(_period_between(start, end) for dates in series for start, end in pairwise(dates) if end > start)
    most = max(periods.values(), default=0)
    if most > 1:
        return max((period for period, times in periods.items() if times == most), key=lambda period: period.per_year)
    days = sum((dates[-1] - dates[0]).days for dates in series)
    return _average(Fraction(days, max(1, periods.total())))


def single_period(starts_on: date, ends_on: date) -> UnitPeriod | None:
    """The unit-period of one advance and one payment within a year: the term itself; None for a longer one.

    A term of whole months occurs 12 / months times a year, any other 365 / days times (appendix J (b)(5)(vi), (vii)).
    """
    [(months, odd_days)] = months_back(starts_on, (ends_on,), series_day(starts_on, [ends_on]))
    if months >= 12:
        return None
    if odd_days == 0:
        return UnitPeriod(unit=Unit.MONTH, count=months, per_year=Fraction(12, months))
    days = (ends_on - starts_on).days
    return UnitPeriod(unit=Unit.DAY, count=days, per_year=Fraction(365, days))


def elapsed(starts_on: date, ends: Sequence[date], day: int, period: UnitPeriod) -> list[Elapsed]:
    """Unit-periods from the start to each end (none before the start), as appendix J (b)(5) counts them.

    Odd days are parts of 30 for a month, of 15 for a semimonth, of 30 for each month of several, of the days of the
    period otherwise. `day`: as `series_day` says it.
    """
    if period.unit in DAYS_OF_A_YEAR:
        of = DAYS_OF_A_YEAR[period.unit] * period.count
        return [(days // of, days % of, of) for days in ((end - starts_on).days for end in ends)]
    measured = months_back(starts_on, tuple(ends), day)
    if period.unit is Unit.YEAR:
        return [_years(starts_on, end, *back) for end, back in zip(ends, measured, strict=True)]
    if period == MONTH:
        return [(months, odd_days, 30) for months, odd_days in measured]
    of = 15 if period.unit is Unit.SEMIMONTH else 30 * period.count
    return [(days // of, days % of, of) for days in (30 * back[0] + back[1] for back in measured)]


def years(starts_on: date, ends: Sequence[date], day: int, period: UnitPeriod) -> tuple[list[int], int]:
    """Time from the start to each end in equal parts of a year, and how many parts the year has.

    Whole months of 1/12 year (whole weeks of 1/52 where the period is weeks, whole years where it is days), the days
    left over at the beginning as parts of the year that ends with them, which has 365 or 366 (Directive 2014/17/EU,
    annex I, remark (c)).
    """
    whole, parts = _whole_and_days(starts_on, ends, day, period)
    year = lcm(parts, 365, 366)
    part = year // parts
    odd = {days: days and days * (year // _days_of_year_to(starts_on, days)) for days in {days for _, days in whole}}
    return [count * part + odd[days] for count, days in whole], year


@lru_cache(SERIES_KEPT)
def months_back(starts_on: date, ends: tuple[date, ...], day: int) -> tuple[tuple[int, int], ...]:
    """Full months counted back from each end, and the days from the start to where they begin.

    `day`: the day of the month of the series that the ends belong to. An end on the last day of a month that does not
    have it counts as that day (appendix J (b)(3)(iv)).
    """
    first = 12 * starts_on.year + starts_on.month
    begins: dict[int, tuple[int, int]] = {}
    measured = []
    for end in ends:
        of_month = end.day
        if 28 <= of_month < day and of_month != starts_on.day and is_month_end(end):
            of_month = day
        if of_month not in begins:
            begins[of_month] = _begin(starts_on, of_month)
        later, odd_days = begins[of_month]
        measured.append((12 * end.year + end.month - first - later, odd_days))
    return tuple(measured)


def series_day(starts_on: date, payments: Sequence[date]) -> int:
    """The day of the month of a series: its latest day; 31 if it keeps to the last days of months from its start on."""
    day = max(payment.day for payment in payments)
    if 28 <= day < 31 and is_month_end(starts_on) and all(map(is_month_end, payments)):
        return 31
    return day


def is_month_end(on: date) -> bool:
    return on.day >= 28 and on.day == monthrange(on.year, on.month)[1]


def _months(count: int) -> UnitPeriod:
    return YEAR if count >= 12 else UnitPeriod(unit=Unit.MONTH, count=count, per_year=Fraction(12, count))


def _days(count: int) -> UnitPeriod:
    if count > 365:
        return YEAR
    if count % 7 == 0:
        return UnitPeriod(unit=Unit.WEEK, count=count // 7, per_year=Fraction(52 * 7, count))
    return UnitPeriod(unit=Unit.DAY, count=count, per_year=Fraction(365, count))


MONTH, WEEK, DAY = _months(1), _days(7), _days(1)


def _period_between(start: date, end: date) -> UnitPeriod:
    [(months, odd_days)] = months_back(start, (end,), series_day(start, [end]))
    return _days((end - start).days) if odd_days else _months(months)


def _average(days: Fraction) -> UnitPeriod:
    if days >= Fraction(365, 12):
        return _months(_nearest(days * 12 / 365))
    return _days(7 * _nearest(days / 7)) if days > 4 else _days(max(1, _nearest(days)))


def _nearest(number: Fraction) -> int:
    """The nearest whole number, the lower of two that are equally near."""
    return -((-number + Fraction(1, 2)) // 1)


def _is_semimonthly(payments: Sequence[date]) -> bool:
    """Whether two days of the month take turns, about half a month apart, in three payments or more."""
    days = [30 if each.day >= 28 else each.day for each in payments]
    later = max(days)
    halves = [2 * (12 * each.year + each.month) + (day == later) for each, day in zip(payments, days, strict=True)]
    take_turns = all(after - before == 1 for before, after in pairwise(halves))
    return len(days) > 2 and len(set(days)) == 2 and 13 <= later - min(days) <= 17 and take_turns


def _begin(starts_on: date, of_month: int) -> tuple[int, int]:
    """The first such day of a month from the start on: how many months after the start's month, and how many days."""
    mark = _on_day(starts_on.year, starts_on.month, of_month)
    if mark >= starts_on:
        return 0, (mark - starts_on).days
    year, month = divmod(12 * starts_on.year + starts_on.month, 12)
    return 1, (_on_day(year, month + 1, of_month) - starts_on).days


def _on_day(year: int, month: int, day: int) -> date:
    return date(year, month, day if day <= 28 else min(day, monthrange(year, month)[1]))


def _years(starts_on: date, end: date, months: int, odd_days: int) -> Elapsed:
    whole, odd_months = divmod(months, 12)
    if odd_days == 0:
        return whole, odd_months, 12
    return whole, (_on_day(end.year - whole, end.month, end.day) - starts_on).days, 365


def _whole_and_days(
    starts_on: date, ends: Sequence[date], day: int, period: UnitPeriod
) -> tuple[Sequence[tuple[int, int]], int]:
    """Whole parts of a year, days left over at the beginning, and how many such parts a year has."""
    if period.unit is Unit.WEEK:
        return [divmod((end - starts_on).days, 7) for end in ends], 52
    if period.unit is not Unit.DAY:
        return months_back(starts_on, tuple(ends), day), 12
    counts = [_years_back(starts_on, end) for end in ends]
    return counts, 1


def _years_back(starts_on: date, end: date) -> tuple[int, int]:
    whole = end.year - starts_on.year - ((end.month, end.day) < (starts_on.month, starts_on.day))
    return whole, (_on_day(end.year - whole, end.month, end.day) - starts_on).days


def _days_of_year_to(starts_on: date, odd_days: int) -> int:
    last = date.fromordinal(starts_on.toordinal() + odd_days)
    return (last - _on_day(last.year - 1, last.month, last.day)).days
