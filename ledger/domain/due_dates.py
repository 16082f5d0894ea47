"""When installments are due: the rhythm of a loan, the ends of months, and days on which banks are closed.

A rhythm in months keeps its day of the month; what becomes of a day that a month does not have is agreed
(`MonthEnd`), and it never moves the months that follow: 31 January, 28 February, 31 March. A rhythm in weeks or days
counts days. The due dates of a loan are numbered from 1; number 0 is one period before the first.
"""

from calendar import isleap
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache

from ledger.domain.errors import InvalidTerms
from ledger.domain.terms import BusinessDay, MonthEnd, Terms
from schemas.values import State

OpenDays = Callable[[date], bool]
"""Whether banks are open on a day. Raises `CalendarMissing` for a year without a published calendar."""

Calendars = Callable[[str], OpenDays]
"""Calendars by name. Raises `CalendarMissing` for one that nobody has."""

_ONE_DAY = timedelta(1)
_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Every(State, frozen=True):
    """The time from one due date to the next. `share`: of a year, as numerator and denominator."""

    count: int
    unit: str
    share: tuple[int, int]

    @property
    def monthly(self) -> bool:
        return self.unit == "m"

    @property
    def days(self) -> int:
        """Days of a rhythm that is not in months."""
        return self.count * (7 if self.unit == "w" else 1)


class Rhythm(State, frozen=True):
    """Due dates by number. `month` is that of due date 1, in months since year 0; `day` is of the month."""

    every: Every
    first: date
    month: int
    day: int
    month_end: MonthEnd

    def due(self, number: int) -> date:
        """The due date of a number, which may be 0 or less. Raises `ValueError` or `OverflowError` outside years."""
        return self.dues(number, number + 1)[0]

    def dues(self, start: int, stop: int) -> Sequence[date]:
        """Due dates from number `start` to `stop` - 1."""
        if not self.every.monthly:
            step, first = self.every.days, self.first
            return [first + timedelta(step * number) for number in range(start - 1, stop - 1)]
        month = self.month + self.every.count * (start - 1)
        return _months_apart(month, self.every.count, stop - start, self.day, self.month_end)


@lru_cache(maxsize=256)
def read_every(text: str) -> Every:
    """`1m`, `2w`, `30d`: a year has 12 months, 52 weeks, 365 days. Raises `InvalidTerms` for what is none of these."""
    digits, unit = text[:-1], text[-1:]
    if not (digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) <= 4 and unit in "dwm"):
        raise InvalidTerms(f"asked for due dates every {text!r}; write 1m, 2w or 30d, up to 9999", "every")
    count = int(digits)
    return Every(count=count, unit=unit, share=(count, {"m": 12, "w": 52, "d": 365}[unit]))


def rhythm_of(terms: Terms) -> Rhythm:
    """The rhythm that the terms agree on.

    The day of the month is `due_day`, or that of `first_due_on`, or that of the disbursement. Where the first due
    date is one that the rhythm of the disbursement has, its day is kept: a loan of 31 January that is first due on
    28 February is next due on 31 March.
    """
    every, disbursed_on, first = read_every(terms.every), terms.disbursed_on, terms.first_due_on
    day = terms.due_day or disbursed_on.day
    if first is None:
        return _rhythm_from(every, disbursed_on, day, terms.month_end)
    rhythm = rhythm_to(first, every, day, terms.month_end)
    if terms.due_day and rhythm.day != terms.due_day:
        raise InvalidTerms(
            f"asked for installments on day {terms.due_day} of the month, the first on {first}; give a first due date "
            "that the month-end strategy makes of that day, or no due_day",
            "due_day",
        )
    return rhythm


def rhythm_to(first: date, every: Every, day: int, month_end: MonthEnd) -> Rhythm:
    """The rhythm with a first due date that keeps `day` of the month if the strategy makes that date of it."""
    month = first.year * 12 + first.month - 1
    for nominal in (month, month - 1):
        if every.monthly and _in_month(nominal, day, month_end) == first:
            return Rhythm(every=every, first=first, month=nominal, day=day, month_end=month_end)
    return Rhythm(every=every, first=first, month=month, day=first.day, month_end=month_end)


def _rhythm_from(every: Every, disbursed_on: date, day: int, month_end: MonthEnd) -> Rhythm:
    month = disbursed_on.year * 12 + disbursed_on.month - 1
    if every.monthly:
        month += every.count
        first = _in_month(month, day, month_end)
    else:
        first = disbursed_on + timedelta(every.days)
    return Rhythm(every=every, first=first, month=month, day=day, month_end=month_end)


@lru_cache(maxsize=1024)
def _months_apart(month: int, step: int, count: int, day: int, month_end: MonthEnd) -> tuple[date, ...]:
    """A day in each of `count` months; loans of a portfolio have them in common."""
    months = range(month, month + step * count, step)
    if day <= 28:  # which every month has
        return tuple([date(each // 12, each % 12 + 1, day) for each in months])
    return tuple(_in_month(each, day, month_end) for each in months)


def _in_month(month: int, day: int, month_end: MonthEnd) -> date:
    """A day of a month that is counted from year 0."""
    year, index = divmod(month, 12)
    last = 29 if index == 1 and isleap(year) else _LAST_DAYS[index]
    if day <= last:
        return date(year, index + 1, day)
    if month_end is MonthEnd.CLAMP:
        return date(year, index + 1, last)
    return date(year, index + 1, last) + timedelta(day - last if month_end is MonthEnd.ROLL else 1)


class Span(State, frozen=True):
    """Time from a date to a due date: whole periods, and the days from `start` to `end` of a period that begins with
    `begins` and ends with `ends`."""

    whole: int
    start: date
    end: date
    begins: date
    ends: date

    @property
    def periods(self) -> tuple[int, int]:
        """How many periods it is, as numerator and denominator: odd days are a part of the period that they lie in.

        By its calendar days, as in ICMA Rule 251 (actual/actual in a period).
        """
        length = (self.ends - self.begins).days
        return self.whole * length + (self.end - self.start).days, length


def span_back(start: date, rhythm: Rhythm) -> Span:
    """Whole periods counted back from the first due date, and the days that remain before them.

    >>> from ledger.domain.terms import Terms
    >>> terms = Terms(principal_minor=1, currency="CNY", disbursed_on=date(2026, 1, 17), first_due_on=date(2026, 3, 1))
    >>> span_back(date(2026, 1, 17), rhythm_of(terms)).periods  # one month, and 15 of the 31 days of another
    (46, 31)
    """
    whole = 0
    while rhythm.due(-whole) >= start:
        whole += 1
    return Span(
        whole=whole, start=start, end=rhythm.due(1 - whole), begins=rhythm.due(-whole), ends=rhythm.due(1 - whole)
    )


def span_on(start: date, rhythm: Rhythm) -> Span:
    """Whole periods counted on from a date, and the days that remain until the first due date."""
    from_start = _rhythm_from(rhythm.every, start, start.day, rhythm.month_end)
    whole = 0
    while from_start.due(whole + 1) <= rhythm.first:
        whole += 1
    begins = from_start.due(whole) if whole else start
    return Span(whole=whole, start=begins, end=rhythm.first, begins=begins, ends=from_start.due(whole + 1))


def moved(days: Sequence[date], business_day: BusinessDay, is_open: OpenDays, not_before: date) -> list[date]:
    """Due dates on open days: each is moved alone, so that the rhythm of the others stays.

    One that would move to a day before `not_before`, the disbursement, moves to the next open day instead.
    """
    return [_moved(day, business_day, is_open, not_before) for day in days]


def _moved(day: date, business_day: BusinessDay, is_open: OpenDays, not_before: date) -> date:
    if business_day is BusinessDay.NONE or is_open(day):
        return day
    if business_day is not BusinessDay.PRECEDING:
        after = _next_open(day, _ONE_DAY, is_open)
        if business_day is BusinessDay.FOLLOWING or after.month == day.month:
            return after
    before = _next_open(day, -_ONE_DAY, is_open)
    return before if before >= not_before else _next_open(day, _ONE_DAY, is_open)


def _next_open(day: date, step: timedelta, is_open: OpenDays) -> date:
    while not is_open(day):
        day += step
    return day
