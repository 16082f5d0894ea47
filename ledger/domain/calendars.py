"""Days on which banks are open, by dated calendars.

A calendar is a row of editions, each in force from its first date until the next one. An edition lists days that are
closed and weekend days that are open (调休上班), or says by rules which days of any year are closed. Where lists end,
the calendar ends: nobody knows the holidays of a year before they are published, so such a day is refused by name.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from enum import Enum

from ledger.domain.due_dates import OpenDays
from ledger.domain.errors import CalendarMissing
from schemas.values import State

_ONE_DAY = timedelta(1)


class Shift(Enum):
    """Where a holiday is observed that falls on a weekend."""

    NONE = "none"
    NEAREST = "nearest"  # Saturday on the Friday before, Sunday on the Monday after
    SUNDAY_TO_MONDAY = "sunday_to_monday"  # Saturday not at all


class Holiday(State, frozen=True):
    """A day of every year: of a month, the `nth` weekday of a month (1 Monday; -1 the last), or days from Easter."""

    name: str
    month: int = 0
    day: int = 0
    weekday: int = 0
    nth: int = 0
    easter: int | None = None


class Edition(State, frozen=True):
    """What holds from `since` on; `until` is the last day that it knows, None where its rules hold for ever."""

    since: date
    until: date | None
    weekend: frozenset[int]
    closed: frozenset[date] = frozenset()
    open: frozenset[date] = frozenset()
    holidays: tuple[Holiday, ...] = ()
    shift: Shift = Shift.NONE


class Calendar(State, frozen=True):
    """Editions in the order of their dates."""

    name: str
    editions: tuple[Edition, ...]


def open_days(calendar: Calendar) -> OpenDays:
    """Tells whether a day is open, and remembers the holidays of each year that it was asked for.

    Raises `CalendarMissing` for a day that no edition knows.
    """
    starts = [edition.since for edition in calendar.editions]
    observed: dict[tuple[date, int], frozenset[date]] = {}

    def is_open(day: date) -> bool:
        edition = _edition_on(calendar, starts, day)
        if day in edition.open:
            return True
        if day.isoweekday() in edition.weekend or day in edition.closed:
            return False
        key = edition.since, day.year
        if key not in observed:
            observed[key] = closed_in(edition, day.year)
        return day not in observed[key]

    return is_open


def closed_in(edition: Edition, year: int) -> frozenset[date]:
    """The days of a year that are closed by the rules, on which they are observed."""
    years = (each for each in (year, year + 1) if each <= date.max.year)
    moved = (_observed(day, edition) for each in years for day in _days(edition.holidays, each))
    return frozenset(day for day in moved if day is not None and day.year == year)


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year (J. Meeus, Astronomical Algorithms, chapter 8).

    >>> easter(2026)
    datetime.date(2026, 4, 5)
    """
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, skipped = divmod(century, 4)
    epact = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    quarters, odd = divmod(rest, 4)
    to_sunday = (32 + 2 * skipped + 2 * quarters - epact - odd) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _edition_on(calendar: Calendar, starts: Sequence[date], day: date) -> Edition:
    index = bisect_right(starts, day) - 1
    edition = calendar.editions[max(index, 0)]
    if index < 0 or (edition.until and day > edition.until):
        known = f"from {starts[0]}" + (f" to {calendar.editions[-1].until}" if calendar.editions[-1].until else " on")
        raise CalendarMissing(
            f"asked whether {day} is open in the calendar {calendar.name}, which is known {known}; "
            f"add the one of {day.year} when it is published, or agree on another calendar",
            "calendar",
        )
    return edition


def _days(holidays: Sequence[Holiday], year: int) -> Iterator[date]:
    for holiday in holidays:
        if holiday.easter is not None:
            yield easter(year) + timedelta(holiday.easter)
        elif holiday.nth > 0:
            first = date(year, holiday.month, 1)
            yield first + timedelta((holiday.weekday - first.isoweekday()) % 7 + 7 * (holiday.nth - 1))
        elif holiday.nth < 0:
            last = date(year, holiday.month, monthrange(year, holiday.month)[1])
            yield last - timedelta((last.isoweekday() - holiday.weekday) % 7)
        else:
            yield date(year, holiday.month, holiday.day)


def _observed(day: date, edition: Edition) -> date | None:
    if day < edition.since:
        return None
    if edition.shift is Shift.NONE or day.isoweekday() < 6:
        return day
    if day.isoweekday() == 7:
        return day + _ONE_DAY
    return day - _ONE_DAY if edition.shift is Shift.NEAREST else None
