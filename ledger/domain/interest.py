"""Interest of days: what a principal earns from one date to another, exactly.

The first day counts and the last one does not (算头不算尾). A rate holds from its date on. Every day between the two
dates has exactly one rate, and the shares of adjoining parts add up to the share of the whole, so no day counts twice
or is missed, wherever steps or readings fall. Nothing is rounded until it is posted, and what posting leaves over is
kept. Interest is simple: interest that was not posted to the principal earns none.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import pairwise
from math import gcd

from ledger.domain import daycount
from ledger.domain.errors import InvalidDate, InvalidTerms
from ledger.domain.rounding import rounded
from ledger.domain.terms import DayCount, RateStep, Rounding
from schemas.values import State

Position = Callable[[date], int]
"""The share of a year from the beginning of a period to a day in it, as a numerator."""


class Accrued(State, frozen=True):
    """An exact amount of interest: `numerator` / `denominator` minor units."""

    numerator: int
    denominator: int

    def __add__(self, other: "Accrued") -> "Accrued":
        """Both together, reduced."""
        return self.with_more(other.numerator, other.denominator)

    def with_more(self, top: int, bottom: int) -> "Accrued":
        """With `top` / `bottom` more, reduced."""
        if self.numerator:
            top = self.numerator * bottom + top * self.denominator
            bottom *= self.denominator
        common = gcd(top, bottom)
        return Accrued(numerator=top // common, denominator=bottom // common)

    def posted(self, mode: Rounding, multiple_minor: int = 1) -> tuple[int, "Accrued"]:
        """What is posted, in minor units, and the exact rest to carry on; a rest below 0 was posted in advance."""
        if not self.numerator:
            return 0, self
        minor = rounded(mode, max(self.numerator, 0), self.denominator, multiple_minor)
        return minor, Accrued(numerator=self.numerator - minor * self.denominator, denominator=self.denominator)


NOTHING_ACCRUED = Accrued(numerator=0, denominator=1)


class Rates(State, frozen=True):
    """Annual rates by date: `numerators[i]` / `denominator` holds from `since[i]` on, the first from ever on."""

    since: tuple[date, ...]
    numerators: tuple[int, ...]
    denominator: int

    def on(self, day: date) -> int:
        """The rate of a day, as a numerator."""
        return self.numerators[bisect_right(self.since, day, 1) - 1]


class Period(State, frozen=True):
    """An interest period whose share of a year is agreed, whatever days are in it; its days have equal parts of it."""

    start: date
    end: date
    share: tuple[int, int]

    @property
    def denominator(self) -> int:
        return self.share[1] * max((self.end - self.start).days, 1)

    def position(self, day: date) -> int:
        return self.share[0] * (day - self.start).days


@lru_cache(maxsize=1024)
def read_rate(text: str, field: str = "annual_rate") -> tuple[int, int]:
    """A decimal string as an exact numerator and denominator; raises `InvalidTerms` for anything else.

    >>> read_rate("0.1299")
    (1299, 10000)
    """
    whole, point, decimals = text.partition(".")
    digits = whole + decimals
    if not (digits.isascii() and digits.isdigit() and whole and bool(point) == bool(decimals)) or len(digits) > 24:
        raise InvalidTerms(f"asked for a rate of {text[:40]!r}; write a decimal number like 0.1299 for 12.99 %", field)
    return int(digits), 10 ** len(decimals)


@lru_cache(maxsize=256)
def rates_of(annual_rate: str, steps: tuple[RateStep, ...] = ()) -> Rates:
    """The rates of all dates, over one denominator. Steps are in the order of their dates, one for each."""
    for number, (before, after) in enumerate(pairwise(steps), 1):
        if before.since >= after.since:
            raise InvalidTerms(
                f"asked for a rate since {after.since} after one since {before.since}; put steps in the order of dates",
                f"rate_steps[{number}].since",
            )
    read = [read_rate(annual_rate)]
    read += [read_rate(step.annual_rate, f"rate_steps[{number}].annual_rate") for number, step in enumerate(steps)]
    bottom = max(below for _, below in read)
    return Rates(
        since=(date.min, *(step.since for step in steps)),
        numerators=tuple(top * (bottom // below) for top, below in read),
        denominator=bottom,
    )


def accrued(
    principal_minor: int,
    rates: Rates,
    day_count: DayCount,
    start: date,
    end: date,
    *,
    since: date | None = None,
    period: Period | None = None,
    so_far: Accrued = NOTHING_ACCRUED,
) -> Accrued:
    """Interest on `principal_minor` from `start` (counted) to `end` (not counted), on top of what has accrued `so_far`;
    exact and reduced.

    `since`: the beginning of the interest period that both dates are in, `start` where it is left out. The 30/360
    counts need it, because the share of part of a period is what the period's beginning makes of it: interest of the
    parts then is that of the whole. `period`: needed for `DayCount.PERIOD`. Raises `InvalidDate` for an end before
    the start, or dates outside the period.

    >>> first_half = rates_of("0.1299")
    >>> accrued(10_000_00, first_half, DayCount.ACTUAL_365F, date(2026, 1, 1), date(2026, 1, 31))
    Accrued(numerator=779400, denominator=73)
    """
    days_of_year = 360 if day_count is DayCount.ACTUAL_360 else 365 if day_count is DayCount.ACTUAL_365F else 0
    if days_of_year and len(rates.numerators) == 1 and start <= end:  # looks at nothing but the number of days
        top = principal_minor * rates.numerators[0] * (end - start).days
        return so_far.with_more(top, rates.denominator * days_of_year)
    _require_order(start, end, since, period)
    if day_count is DayCount.PERIOD:
        if period is None:
            raise InvalidTerms("asked for interest by periods without the period that the days are in", "day_count")
        position: Position = period.position
        shares = period.denominator
    else:
        position, shares = position_from(day_count, since or start), daycount.denominator(day_count)
    return so_far.with_more(principal_minor * weight(rates, position, start, end), rates.denominator * shares)


def position_from(day_count: DayCount, since: date) -> Position:
    """Positions of days in a period that begins on `since`."""
    return lambda day: daycount.numerator(day_count, since, day)


def weight(rates: Rates, position: Position, start: date, end: date) -> int:
    """Interest on one unit of principal from `start` to `end`: rate times share, summed over the steps between."""
    cuts = [start, *(step for step in rates.since[1:] if start < step < end), end]
    return sum(rates.on(a) * (position(b) - position(a)) for a, b in pairwise(cuts))


def _require_order(start: date, end: date, since: date | None, period: Period | None) -> None:
    if end < start:
        raise InvalidDate(f"asked for interest from {start} to {end}; give an end that is not before the start")
    if since and start < since:
        raise InvalidDate(f"asked for interest from {start} in a period since {since}; give days in that period")
    if period and not period.start <= start <= end <= period.end:
        raise InvalidDate(
            f"asked for interest from {start} to {end} in a period from {period.start} to {period.end}; "
            "give days in that period"
        )
