"""In which class a loan is by how long it has been past due: a ladder of days, and the way back from its lower end.

A class changes by events and by mere time, so it is not recorded: this works it out for any date, from the spells in
which installments were past due, as known at some position. The same spells give the same answer in any year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from ledger.domain.delinquency import REGULATORY, DatedRules, Overdue
from ledger.domain.restructured import Restructuring
from schemas.overdue.rules import CounterRule, OverdueRules
from schemas.values import State, Text, Value, Word


class Scheme(Value, frozen=True):
    """A ladder, as policy. `policy`: its id and version; `confirmed`: whether its source was read for these values.

    `classes`: their names, the best one first; `from_days`: from how many days past due each but the first holds.
    `impaired`: the first class from which there is no way back at once (empty: there is one from all). Once nothing is
    past due for more than `probation_days`, the loan stays in that class for `probation_months` more; any longer delay
    meanwhile begins them anew. `rule` counts the days, unless something else was set for the loan. An amount that it
    tolerates is in `currency`; of a loan in another one, only a share is tolerated.

    `restructured`: the class that is the best one for a loan whose terms were eased, until `observation_months` after
    its first payment date have passed without a delay of more than `probation_days`; `restructured_again`: where they
    are eased once more in that time. Empty: easing terms changes nothing.
    """

    policy: Text
    title: Text
    confirmed: bool
    classes: tuple[Word, ...]
    from_days: tuple[int, ...]
    impaired: str = ""
    probation_months: int = 0
    probation_days: int = 0
    rule: CounterRule = CounterRule()
    currency: str = ""
    restructured: str = ""
    restructured_again: str = ""
    observation_months: int = 0


class Spell(State, frozen=True):
    """An installment was past due from the day after `due_on`, and lacked `overdue_minor`; `ended_on` is the value date
    of the money that covered it, None: it is past due still."""

    installment: int
    due_on: date
    overdue_minor: int
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """From a day on a loan is in another class, and why."""

    on: date
    before: str
    after: str
    days_past_due: int
    reason: str


class _Oldest(NamedTuple):
    """The days past due of a loan, and the installment from whose due date they count."""

    days: int
    installment: int = 0
    due_on: date = date.max


def classify(
    scheme: Scheme,
    spells: Sequence[Spell],
    overdue: Overdue,
    as_of: date,
    *,
    principal_minor: int,
    currency: str,
    restructured: Sequence[Restructuring] = (),
) -> list[Change]:
    """All changes up to a date, the oldest first; none: it was always in the best class.

    `principal_minor`: what a tolerated share is a share of. `currency`: of the loan. `restructured`: when its terms
    were eased, in any order.
    """
    counted = _counted(scheme, overdue, currency)
    ladder = _Ladder(scheme)
    eased = sorted(restructured, key=lambda each: each.on) if scheme.restructured else []
    for on in sorted(_dates(scheme, spells, counted) | {each.on for each in eased}):
        if on <= as_of:
            found = _oldest(spells, counted, on, principal_minor)
            ladder.step(on, found, [each for each in eased if each.on == on])
    ladder.pass_time(as_of)
    return ladder.changes


def _oldest(spells: Sequence[Spell], overdue: Overdue, on: date, principal_minor: int) -> _Oldest:
    """Days past due on a date, from the oldest due date at which more was missing than is tolerated."""
    late = [each for each in spells if each.due_on < on and (each.ended_on is None or each.ended_on > on)]
    missing = ((each.due_on, each.overdue_minor) for each in late)
    first = overdue.first_above_tolerance(missing, principal_minor, REGULATORY)
    if first is None:
        return _Oldest(0)
    spell = late[first]
    return _Oldest(overdue.days(spell.due_on, spell.due_on, on, REGULATORY), spell.installment, spell.due_on)


class _Ladder:
    """The class of a loan, taken from date to date: what its days past due make of it, and no better than what it is
    held in while it is observed."""

    def __init__(self, scheme: Scheme) -> None:
        self.changes: list[Change] = []
        self._scheme = scheme
        self._floor = scheme.classes.index(scheme.impaired) if scheme.impaired else len(scheme.classes)
        self._reached = 0
        self._free_on: date | None = None
        """When probation is over; None: it has not begun, or there is none."""
        self._observation = _Observation(scheme)
        self._now = 0

    def step(self, on: date, found: _Oldest, eased: Sequence[Restructuring]) -> None:
        self.pass_time(on)
        scheme, days = self._scheme, found.days
        reason = self._reach(on, found)
        if days > scheme.probation_days:
            self._observation.restart()
        for each in eased:
            self._observation.begin(each)
            reason = f"restructured on {on} ({each.restructuring_id})"
        if days <= scheme.probation_days:
            self._observation.go_on(on)
        self._move(on, days, f"{reason}{self._observation.told}")
        self.pass_time(on)

    def pass_time(self, by: date) -> None:
        """End probation and observation where their days have come."""
        for on in sorted({*_given(self._free_on), *_given(self._observation.free_on)}):
            if on > by:
                break
            reasons = []
            if on == self._free_on:
                self._free_on, self._reached = None, 0
                months = self._scheme.probation_months
                reasons.append(f"{months} months of probation are over" if months else "nothing past due")
            if on == self._observation.free_on:
                self._observation.end()
                reasons.append(f"{self._scheme.observation_months} months of observation are over")
            self._move(on, 0, "; ".join(reasons) + self._observation.told)

    def _reach(self, on: date, found: _Oldest) -> str:
        """Where days past due lead, and why."""
        scheme, days = self._scheme, found.days
        reached = sum(1 for first in scheme.from_days if days >= first)
        if reached >= self._floor:
            self._free_on, self._reached = None, reached
        elif self._reached < self._floor:
            self._reached = reached
        elif days > scheme.probation_days:
            self._free_on, self._reached = None, self._floor
            return f"{_because(found)}; it was {scheme.impaired} before"
        elif self._free_on is None:
            self._free_on, self._reached = _months_later(on, scheme.probation_months), self._floor
            return f"probation until {self._free_on}"
        return _because(found)

    def _move(self, on: date, days: int, reason: str) -> None:
        to = max(self._reached, self._observation.least)
        if to != self._now:
            names = self._scheme.classes
            self.changes.append(Change(on, names[self._now], names[to], days, reason))
            self._now = to


class _Observation:
    """The time after terms were eased. `least`: the class that the loan is held in; `free_on`: when that is over, None:
    nobody knows yet, or it is not observed."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._first_payment_on = date.min
        self.least = 0
        self.free_on: date | None = None

    @property
    def told(self) -> str:
        if not self.least:
            return ""
        return f"; restructured, observed until {self.free_on}" if self.free_on else "; restructured and observed"

    def begin(self, eased: Restructuring) -> None:
        """Terms are eased, for the first time or once more."""
        scheme = self._scheme
        name = (scheme.restructured_again or scheme.restructured) if self.least else scheme.restructured
        self.least = max(self.least, scheme.classes.index(name))
        self._first_payment_on = max(self._first_payment_on, eased.first_payment_on)
        self.free_on = None

    def restart(self) -> None:
        """Something is past due; once nothing is, its months begin anew."""
        self.free_on = None

    def go_on(self, on: date) -> None:
        if self.least and self.free_on is None:
            self.free_on = _months_later(max(on, self._first_payment_on), self._scheme.observation_months)

    def end(self) -> None:
        self.least, self.free_on = 0, None


def _dates(scheme: Scheme, spells: Sequence[Spell], overdue: Overdue) -> set[date]:
    """The days on which days past due may change the class."""
    found: set[date] = set()
    edges = {*scheme.from_days, scheme.probation_days + 1}
    for spell in spells:
        found |= {spell.due_on + timedelta(1), *_given(spell.ended_on)}
        for days in edges:
            found |= _given(overdue.date_of(spell.due_on, spell.due_on, days, REGULATORY))
    for pause in overdue.pauses:
        found |= {pause.since, pause.since + timedelta(1), *_given(pause.until)}
        found |= {each + timedelta(1) for each in _given(pause.until)}
    return found


def _given(on: date | None) -> set[date]:
    return set() if on is None else {on}


def _counted(scheme: Scheme, overdue: Overdue, currency: str) -> Overdue:
    """What was set for the loan, else the rule of the scheme; pauses hold for both."""
    if overdue.rules:
        return overdue
    rule = scheme.rule if scheme.currency in {"", currency} else scheme.rule.changed(tolerance_minor=0)
    rules = OverdueRules(policy=scheme.policy, regulatory=rule)
    return overdue.changed(rules=(DatedRules(since=date.min, rules=rules),))


def _because(found: _Oldest) -> str:
    if not found.days:
        return "nothing past due"
    day = "day" if found.days == 1 else "days"
    return f"{found.days} {day} past due since installment {found.installment}, due {found.due_on}"


def _months_later(on: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    number = on.year * 12 + on.month - 1 + months
    first = date(number // 12, number % 12 + 1, 1)
    last = (first + timedelta(31)).replace(day=1) - timedelta(1)
    return min(first + timedelta(on.day - 1), last)
