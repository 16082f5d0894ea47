"""The interest periods of a loan: their ends, their interest on one unit, and what changes within them.

Period 1 begins with the disbursement and ends on the first due date; each other one begins where the one before it
ended. Everything is a whole number over one denominator, so that the loop over installments has one multiplication
and one division for each.
"""

from collections.abc import Sequence
from datetime import date
from math import lcm

from ledger.domain import daycount
from ledger.domain.due_dates import OpenDays, Rhythm, moved, span_back, span_on
from ledger.domain.errors import InvalidTerms
from ledger.domain.interest import Period, Position, Rates, position_from, rates_of, weight
from ledger.domain.terms import BusinessDay, DayCount, Disbursement, Terms
from schemas.values import State


class Periods(State, frozen=True):
    """All lists are by period, from index 0. `ends`: the dates to which interest counts.

    `weights[k]` / `denominator`: interest of period k on one unit owed all through it. `shares`: the part of it that
    is time, so that a weight is a rate's numerator times a share where the rate does not change. `extras`: interest,
    over the same denominator, on what is paid out within the period; `added`: that amount in minor units.
    `rates`: numerator of the rate at the end of the period. `changes`: periods within which the rate changes or money
    is paid out, ascending. `regular_weight`: weight of the first period if it were a whole one.
    """

    due_on: Sequence[date]
    ends: Sequence[date]
    weights: list[int]
    shares: list[int]
    extras: list[int]
    added: list[int]
    rates: list[int]
    rate_denominator: int
    denominator: int
    changes: list[int]
    regular_weight: int


class _Shares(State, frozen=True):
    """Of a year, by period, in parts of `below`; `whole` is that of the first period if it were a whole one."""

    parts: list[int]
    below: int
    whole: int


def periods_of(terms: Terms, rhythm: Rhythm, count: int, is_open: OpenDays) -> Periods:
    """The periods of the first `count` due dates."""
    days = rhythm.dues(1, count + 1)
    due_on = days
    if terms.business_day is not BusinessDay.NONE:
        due_on = moved(days, terms.business_day, is_open, terms.disbursed_on)
    ends = due_on if terms.interest_from_due_dates == "adjusted" else days
    return _weighed(terms, due_on, ends, _shares(terms, rhythm, ends))


def periods_until(terms: Terms, rhythms: Sequence[Rhythm]) -> Periods:
    """The periods of agreed due dates, each the first of a rhythm that counts whole periods back from it."""
    ends = [rhythm.first for rhythm in rhythms]
    if terms.day_count is not DayCount.PERIOD:
        dated = _dated_shares(terms, ends)
        shares = _Shares(parts=dated, below=daycount.denominator(terms.day_count), whole=dated[0])
        return _weighed(terms, ends, ends, shares)
    starts = [terms.disbursed_on, *ends[:-1]]
    counted = [_counted(terms, start, rhythm) for start, rhythm in zip(starts, rhythms, strict=True)]
    common = lcm(*(below for _, below in counted))
    parts = [top * (common // below) for top, below in counted]
    return _weighed(terms, ends, ends, _Shares(parts=parts, below=common, whole=parts[0]))


def _shares(terms: Terms, rhythm: Rhythm, ends: Sequence[date]) -> _Shares:
    if terms.day_count is DayCount.PERIOD:
        return _whole_shares(terms, rhythm, len(ends), rhythm.every.share)
    below = daycount.denominator(terms.day_count)
    if terms.interest_from_due_dates == "nominal":
        return _whole_shares(terms, rhythm, len(ends), (30 * rhythm.every.count, below))
    parts, whole = _dated_shares(terms, ends), 0
    if terms.odd_days == "added":
        whole = daycount.numerator(terms.day_count, rhythm.due(0), ends[0])
    return _Shares(parts=parts, below=below, whole=whole)


def _dated_shares(terms: Terms, ends: Sequence[date]) -> list[int]:
    first = daycount.numerator(terms.day_count, terms.disbursed_on, ends[0])
    return [first, *daycount.numerators(terms.day_count, tuple(ends))]


def _whole_shares(terms: Terms, rhythm: Rhythm, count: int, share: tuple[int, int]) -> _Shares:
    """Every period is whole, but for the first, which has whole ones and odd days."""
    top, below = share
    if (terms.first_due_on is None and terms.due_day is None) or rhythm.due(0) == terms.disbursed_on:
        return _Shares(parts=[top] * count, below=below, whole=top)
    if terms.interest_from_due_dates == "nominal":
        first = _nominal_days(terms.disbursed_on, rhythm)
        return _Shares(parts=[first] + [top] * (count - 1), below=below, whole=top)
    first, common = _counted(terms, terms.disbursed_on, rhythm)
    whole = top * (common // below)
    return _Shares(parts=[first] + [whole] * (count - 1), below=common, whole=whole)


def _counted(terms: Terms, start: date, rhythm: Rhythm) -> tuple[int, int]:
    """The share of a year from a date to the first due date of a rhythm: whole periods, and odd days before them.

    The denominator is a multiple of that of the period's own share.
    """
    top, below = rhythm.every.share
    span = span_back(start, rhythm) if terms.odd_day_place == "first" else span_on(start, rhythm)
    if terms.odd_day_count is None or terms.odd_day_count is DayCount.PERIOD:
        odd, bottom = span.periods
        return top * odd, below * bottom
    odd, bottom = daycount.fraction(terms.odd_day_count, span.start, span.end)
    return top * span.whole * bottom + odd * below, below * bottom


def _nominal_days(start: date, rhythm: Rhythm) -> int:
    """Days of months of 30 from a date to the agreed day of the first installment's month."""
    months = rhythm.month - (start.year * 12 + start.month - 1)
    return months * 30 + min(rhythm.day, 30) - min(start.day, 30)


def _weighed(terms: Terms, due_on: Sequence[date], ends: Sequence[date], by_time: _Shares) -> Periods:
    count, shares = len(ends), by_time.parts
    if terms.interest_free:
        free = min(terms.interest_free, count)
        shares = [0] * free + shares[free:]
    rates = rates_of(terms.annual_rate, terms.rate_steps)
    rate = rates.on(terms.disbursed_on)
    plain = Periods(
        due_on=due_on,
        ends=ends,
        weights=[rate * share for share in shares],
        shares=shares,
        extras=[0] * count,
        added=[0] * count,
        rates=[rate] * count,
        rate_denominator=rates.denominator,
        denominator=rates.denominator * by_time.below,
        changes=[],
        regular_weight=0 if terms.interest_free else rate * by_time.whole,
    )
    later = [part for part in terms.disbursements if part.on > terms.disbursed_on]
    if not later and (not terms.rate_steps or terms.rate_steps[-1].since <= terms.disbursed_on):
        return plain
    return _with_changes(terms, plain, ends, rates, later)


def _with_changes(
    terms: Terms, plain: Periods, ends: Sequence[date], rates: Rates, later: Sequence[Disbursement]
) -> Periods:
    """The same with rate steps and disbursements in the periods that their days are in."""
    starts = [terms.disbursed_on, *ends[:-1]]
    weights, extras, added = [], [], []
    parts = [_Part(terms, start, end, share) for start, end, share in zip(starts, ends, plain.shares, strict=True)]
    common = lcm(*(part.below for part in parts))
    for part in parts:
        scale = common // part.below
        within = [paid for paid in later if part.start <= paid.on < part.end]
        weights.append(weight(rates, part.position, part.start, part.end) * scale)
        extras.append(
            sum(paid.amount_minor * weight(rates, part.position, paid.on, part.end) for paid in within) * scale
        )
        added.append(sum(paid.amount_minor for paid in within))
    _require_all_paid_out(later, ends)
    steps = [step for step in rates.since[1:] if step > terms.disbursed_on]
    return Periods(
        due_on=plain.due_on,
        ends=ends,
        weights=weights,
        shares=[share * common for share in plain.shares],
        extras=extras,
        added=added,
        rates=[rates.on(max(start, _day_before(end))) for start, end in zip(starts, ends, strict=True)],
        rate_denominator=rates.denominator,
        denominator=plain.denominator * common,
        changes=[k for k, part in enumerate(parts) if added[k] or any(part.start <= step < part.end for step in steps)],
        regular_weight=plain.regular_weight * common,
    )


class _Part:
    """One period, with the position of each day in it as a part of `below` of a share's unit."""

    def __init__(self, terms: Terms, start: date, end: date, share: int) -> None:
        self.start, self.end, self.below = start, end, 1
        self.position: Position = position_from(terms.day_count, start) if self._dated(terms) else self._even
        if share == 0:
            self.position = _nowhere
        elif not self._dated(terms):
            self.period = Period(start=start, end=end, share=(share, 1))
            self.below = self.period.denominator

    def _even(self, day: date) -> int:
        return self.period.position(day)

    @staticmethod
    def _dated(terms: Terms) -> bool:
        return terms.day_count is not DayCount.PERIOD and terms.interest_from_due_dates != "nominal"


def _nowhere(_: date) -> int:
    return 0


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _require_all_paid_out(later: Sequence[Disbursement], ends: Sequence[date]) -> None:
    for number, paid in enumerate(later):
        if paid.on >= ends[-1]:
            raise InvalidTerms(
                f"asked to pay out a part on {paid.on}, on or after the last due date, {ends[-1]}; "
                "give an earlier date or a longer term",
                f"disbursements[{number + 1}].on",
            )
