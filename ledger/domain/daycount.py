"""Day counts: what share of a year lies between two dates.

The first day counts, the last one does not (算头不算尾). Shares are exact: whole numerators over a denominator that is
the same for every pair of dates of a convention, so that the shares of adjoining periods add up.

Sources: ISDA 2006 Definitions, section 4.16 (b) actual/actual ISDA, (d) actual/365 fixed, (e) actual/360, (f) 30/360,
(g) 30E/360; SIA, Standard Securities Calculation Methods (30U/360). `actual/actual` splits a period that crosses the
end of a year at 31 December and not at 1 January, as EMICalculation-Part1.feature of Apache Fineract (C3152) does.
"""

from calendar import isleap, monthrange
from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache
from itertools import pairwise
from operator import attrgetter, sub

from ledger.domain.terms import DayCount

_BOTH_YEARS = 365 * 366
_day = attrgetter("day")

_DENOMINATORS = {
    DayCount.ACTUAL_365F: 365,
    DayCount.ACTUAL_360: 360,
    DayCount.THIRTY_360_US: 360,
    DayCount.THIRTY_U_360: 360,
    DayCount.THIRTY_E_360: 360,
    DayCount.ACTUAL_ACTUAL: _BOTH_YEARS,
    DayCount.ACTUAL_ACTUAL_ISDA: _BOTH_YEARS,
}


def fraction(day_count: DayCount, start: date, end: date) -> tuple[int, int]:
    """The share of a year from `start` (counted) to `end` (not counted), as numerator and denominator, not reduced.

    `DayCount.PERIOD` has no share by dates alone: see `due_dates.Span`.

    >>> from datetime import date
    >>> fraction(DayCount.THIRTY_360_US, date(2026, 1, 31), date(2026, 3, 31))
    (60, 360)
    """
    return numerator(day_count, start, end), denominator(day_count)


def denominator(day_count: DayCount) -> int:
    """What the numerators of a day count are parts of."""
    return _DENOMINATORS[day_count]


def numerator(day_count: DayCount, start: date, end: date) -> int:
    """The share of a year from `start` to `end`, in parts of `denominator(day_count)`."""
    position = _POSITIONS.get(day_count)
    if position is None:
        return _NUMERATORS[day_count](start, end)
    return position(end) - position(start)


@lru_cache(maxsize=1024)
def numerators(day_count: DayCount, days: tuple[date, ...]) -> tuple[int, ...]:
    """The share of a year from each date to the next one, in parts of `denominator(day_count)`.

    Remembered, because loans of a portfolio have due dates in common.
    """
    position = _POSITIONS.get(day_count)
    if position is None and max(map(_day, days)) < 28:
        position = _eurobond  # days that no 30/360 count moves have the same shares in all of them
    if position is None:
        each = _NUMERATORS[day_count]
        return tuple(each(start, end) for start, end in pairwise(days))
    positions = list(map(position, days))
    return tuple(map(sub, positions[1:], positions))


def days_30_360(start: date, end: date) -> int:
    """Bond basis: day 31 is day 30; at the end only if the start is on day 30 or 31. February keeps its days."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return _months(start, end) * 30 + last - first


def days_30u_360(start: date, end: date) -> int:
    """As `days_30_360`; a start on the last of February is day 30, and so is the end if both are."""
    first, last = start.day, end.day
    if _is_last_of_february(start):
        first = 30
        if _is_last_of_february(end):
            last = 30
    first = min(first, 30)
    return _months(start, end) * 30 + (30 if last == 31 and first == 30 else last) - first


def _months(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def _is_last_of_february(day: date) -> bool:
    return day.month == 2 and day.day == monthrange(day.year, 2)[1]


def _eurobond(day: date) -> int:
    """Day 31 is day 30, at both ends alike."""
    return (day.year * 12 + day.month) * 30 + min(day.day, 30)


def _split_at_31_december(day: date) -> int:
    """Days are counted by the date on which they end: 1 January is the first of its year's."""
    before, each = _year(day.year)
    return before + day.toordinal() * each


def _split_at_1_january(day: date) -> int:
    """Days are counted by the date on which they begin: 31 December is the last of its year's."""
    before, each = _year(day.year)
    return before + (day.toordinal() - 1) * each


@cache
def _year(year: int) -> tuple[int, int]:
    """What a day of the year weighs, and what to add to its ordinal number times that."""
    each = 365 if isleap(year) else 366
    return year * _BOTH_YEARS - date(year, 1, 1).toordinal() * each + each, each


# Conventions in which a share is the difference of two positions, so that parts add up wherever they are cut.
_POSITIONS: dict[DayCount, Callable[[date], int]] = {
    DayCount.ACTUAL_365F: date.toordinal,
    DayCount.ACTUAL_360: date.toordinal,
    DayCount.THIRTY_E_360: _eurobond,
    DayCount.ACTUAL_ACTUAL: _split_at_31_december,
    DayCount.ACTUAL_ACTUAL_ISDA: _split_at_1_january,
}

# In the others the end depends on the start.
_NUMERATORS: dict[DayCount, Callable[[date, date], int]] = {
    DayCount.THIRTY_360_US: days_30_360,
    DayCount.THIRTY_U_360: days_30u_360,
}
