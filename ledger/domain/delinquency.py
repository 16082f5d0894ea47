"""How late an installment is: the day until which money is in time, days past due, and the industry's buckets.

Three counters run beside each other, each by its own rule; a pause or a freeze names those that it stops. Days are
counted from one midnight to the next: of an installment due on the 1st, one day has passed on the 2nd.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from ledger.domain.interest import read_rate
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.rules import CounterRule, OverdueRules
from schemas.values import Event, State

CONTRACTUAL, BUREAU, REGULATORY = "contractual", "bureau", "regulatory"
COUNTERS = (CONTRACTUAL, BUREAU, REGULATORY)

PAUSE, FREEZE = "pause", "freeze"

AS_AGREED = OverdueRules(policy="as_agreed@1900-01-01")
"""Holds where nothing else was set: late from the day after the due date, whatever is missing."""

_BUCKET_DAYS = 30
_LAST_BUCKET = 7
LAST_BUCKET_FROM_DAYS = _BUCKET_DAYS * (_LAST_BUCKET - 1) + 1
"""From so many days past due on, the bucket stays the same."""


class DatedRules(State, frozen=True):
    """Rules for installments that fall due on `since` or later. `moved`: closed days that would be the last one
    in time, each with the open day that is."""

    since: date
    rules: OverdueRules
    moved: tuple[tuple[date, date], ...] = ()


class Pause(State, frozen=True):
    """`counters` stand still from `since` to `until` (None: nobody knows yet). `how`: what passes meanwhile never
    counts (`pause`), or counts once it is over (`freeze`)."""

    pause_id: str
    counters: tuple[str, ...]
    how: str
    since: date
    until: date | None = None


class Overdue(State, frozen=True):
    """What overdue means for one loan. `rules`: in the order of their dates."""

    rules: tuple[DatedRules, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def with_rules(self, dated: DatedRules) -> "Overdue":
        """Of two that begin on the same day the newer one holds."""
        others = (each for each in self.rules if each.since != dated.since)
        return self.changed(rules=tuple(sorted([*others, dated], key=lambda each: each.since)))

    def with_pause(self, pause: Pause) -> "Overdue":
        return self.changed(pauses=(*self.pauses, pause))

    def resumed(self, pause_id: str, until: date) -> "Overdue":
        """With a pause that ends; one that ends before its first day never was."""
        ended = (each.changed(until=until) if each.pause_id == pause_id else each for each in self.pauses)
        return self.changed(pauses=tuple(each for each in ended if each.until is None or each.until >= each.since))

    def rules_of(self, due_on: date) -> DatedRules:
        """Those that hold for an installment due on a day."""
        begun = [each for each in self.rules if each.since <= due_on]
        return begun[-1] if begun else _UNCHANGED

    def rule_of(self, due_on: date, counter: str = CONTRACTUAL) -> CounterRule:
        return _counter_rule(self.rules_of(due_on).rules, counter)

    def in_time_until(self, due_on: date, late_from: date, counter: str = CONTRACTUAL) -> date | None:
        """The last day on which money for an installment is in time; None while nobody knows how long a pause lasts.
        `late_from`: its due date, or the day of a later excuse."""
        if not self.rules and not self.pauses:
            return late_from
        dated = self.rules_of(due_on)
        last = late_from + timedelta(_counter_rule(dated.rules, counter).grace_days)
        last = dict(dated.moved).get(last, last)
        for since, until in self._spans(PAUSE, counter):
            if since > last:
                break
            if until is None:
                return None
            last += timedelta(max(0, (until - max(since, late_from)).days))
        return last

    def first_above_tolerance(
        self, missing: Iterable[tuple[date, int]], principal_minor: int, counter: str = CONTRACTUAL
    ) -> int | None:
        """Which of some installments days count from: the oldest one at which more was missing, with all before it,
        than is tolerated. None: no more than that is missing in all.

        `missing`: due date and minor units of each, the oldest first. `principal_minor`: what a tolerated share is of.
        """
        sum_minor = 0
        for index, (due_on, missing_minor) in enumerate(missing):
            sum_minor += missing_minor
            rule = self.rule_of(due_on, counter)
            share = Fraction(*read_rate(rule.tolerance_share or "0"))
            if sum_minor > rule.tolerance_minor and sum_minor > principal_minor * share:
                return index
        return None

    def is_past_due(self, due_on: date, as_of: date, counter: str = CONTRACTUAL) -> bool:
        """Whether an installment that is not covered is past due on a day, as seen on it."""
        until = self.in_time_until(due_on, due_on, counter)
        return until is not None and self.as_seen(as_of, counter) > until

    def as_seen(self, on: date, counter: str = CONTRACTUAL) -> date:
        """The day whose number a counter shows on a day: the first one of a freeze that holds, else the day itself."""
        for since, until in self._spans(FREEZE, counter):
            if since < on and (until is None or on <= until):
                return since
        return on

    def free_from(self, on: date, counter: str = CONTRACTUAL) -> date | None:
        """The first day from `on` on that a counter shows its own number; None while nobody knows."""
        for since, until in self._spans(FREEZE, counter):
            if since < on and (until is None or on <= until):
                if until is None:
                    return None
                on = until + timedelta(1)
        return on

    def days(self, due_on: date, late_from: date, as_of: date, counter: str = CONTRACTUAL) -> int:
        """Days past due of an installment that is not covered, as a counter counts them; 0 up to the due date."""
        if not self.rules and not self.pauses:
            return days_past_due(late_from, as_of)
        as_of = self.as_seen(as_of, counter)
        rule = self.rule_of(due_on, counter)
        passed = days_past_due(late_from, as_of) - self._paused(late_from, as_of, counter)
        if not rule.counts_grace:
            passed -= rule.grace_days
        return passed + rule.first_day if passed > 0 else 0

    def date_of(self, due_on: date, late_from: date, days: int, counter: str = CONTRACTUAL) -> date | None:
        """The first date on which so many days (from 1) are past due; None while nobody knows."""
        rule = self.rule_of(due_on, counter)
        ahead = days - rule.first_day + (0 if rule.counts_grace else rule.grace_days)
        on = late_from + timedelta(max(1, ahead))
        for since, until in self._spans(PAUSE, counter):
            if since >= on:
                break
            if until is None:
                return None
            on += timedelta(max(0, (until - max(since, late_from)).days))
        return self.free_from(on, counter)

    def _paused(self, after: date, as_of: date, counter: str) -> int:
        """Days between two dates that never count."""
        return sum(
            max(0, (min(until or as_of, as_of) - max(since, after)).days)
            for since, until in self._spans(PAUSE, counter)
        )

    def _spans(self, how: str, counter: str) -> list[tuple[date, date | None]]:
        """From when to when a counter stands still, in order, each day once."""
        if not self.pauses:
            return []
        found = [(each.since, each.until) for each in self.pauses if each.how == how and counter in each.counters]
        return _joined(found)


def folded(overdue: Overdue, event: Event) -> Overdue:
    """What overdue means after one more event."""
    match event:
        case OverdueRulesSet():
            moved = tuple((each.closed_on, each.open_on) for each in event.moved)
            return overdue.with_rules(DatedRules(since=event.since, rules=event.rules, moved=moved))
        case CountingPaused():
            until = event.until or None
            return overdue.with_pause(
                Pause(pause_id=event.pause_id, counters=event.counters, how=event.how, since=event.since, until=until)
            )
        case CountingResumed():
            return overdue.resumed(event.pause_id, event.until)
    return overdue


_UNCHANGED = DatedRules(since=date.min, rules=AS_AGREED)
AS_DUE = Overdue()
"""What holds for a loan for which nothing was set."""


def _joined(spans: Iterable[tuple[date, date | None]]) -> list[tuple[date, date | None]]:
    joined: list[tuple[date, date | None]] = []
    for since, until in sorted(spans, key=lambda span: span[0]):
        if joined and (joined[-1][1] is None or since <= joined[-1][1]):
            last = joined[-1][1]
            joined[-1] = (joined[-1][0], None if last is None or until is None else max(last, until))
        else:
            joined.append((since, until))
    return joined


def _counter_rule(rules: OverdueRules, counter: str) -> CounterRule:
    match counter:
        case "contractual":
            return rules.contractual
        case "bureau":
            return rules.bureau
        case _:
            return rules.regulatory


def days_past_due(due_on: date, as_of: date) -> int:
    """Calendar days from the due date to `as_of`; 0 on the due date and before."""
    return max(0, (as_of - due_on).days)


def bucket(days: int) -> str:
    """The delinquency stage of so many days past due: M0 current, M1 1-30 days, M2 31-60, ... M7 more than 180.

    Industry usage without legal force; the boundaries are those of the repayment status codes of the PBOC personal
    credit report.

    >>> [bucket(days) for days in (0, 1, 30, 31, 180, 181, 4000)]
    ['M0', 'M1', 'M1', 'M2', 'M6', 'M7', 'M7']
    """
    return f"M{min(_LAST_BUCKET, -(-days // _BUCKET_DAYS))}"


def next_bucket_from(name: str) -> int | None:
    """The days past due from which on the bucket after this one holds; None after the last one.

    >>> [next_bucket_from(name) for name in ("M0", "M1", "M6", "M7")]
    [1, 31, 181, None]
    """
    number = int(name[1:])
    return None if number >= _LAST_BUCKET else _BUCKET_DAYS * number + 1
