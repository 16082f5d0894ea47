"""What overdue means: grace, tolerance, the due date as day 0 or 1, closed days; counters that stand still."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.domain import counting
from ledger.domain.counters import lateness_on
from ledger.domain.delinquency import (
    AS_DUE,
    BUREAU,
    CONTRACTUAL,
    COUNTERS,
    FREEZE,
    PAUSE,
    DatedRules,
    Overdue,
    Pause,
    bucket,
)
from ledger.domain.errors import InvalidDate, LoanEnded, PauseExists, PauseNotFound, UnknownCounter
from ledger.domain.loan import apply
from schemas.overdue.counting import CountingPaused, OverdueRulesSet
from schemas.overdue.events import DelinquencyChanged, WithdrawnMark
from schemas.overdue.rules import CounterRule, MovedDay, OverdueRules
from schemas.values import Event
from tests.loan_builders import DUE, OPENED, Life, a_loan, a_loan_opened, days


def rules(**contractual: Any) -> OverdueRules:
    return OverdueRules(policy="test@2026-01-01", contractual=CounterRule(**contractual))


def overdue(rule: CounterRule | None = None, *pauses: Pause) -> Overdue:
    dated = (DatedRules(since=date.min, rules=OverdueRules(policy="t", contractual=rule)),) if rule else ()
    return Overdue(rules=dated, pauses=pauses)


def a_pause(since: date, until: date | None, how: str = PAUSE, counters: tuple[str, ...] = COUNTERS) -> Pause:
    return Pause(pause_id=f"p-{since}-{how}", counters=counters, how=how, since=since, until=until)


@dataclass
class Counted(Life):
    """A life of which it can be said how its days count."""

    closed: frozenset[date] = frozenset()

    def sets(self, found: OverdueRules, since: date = OPENED, today: date = OPENED) -> list[Event]:
        def is_open(day: date) -> bool:
            return day not in self.closed

        return self.records(counting.set_rules(self.loan, found, lambda _: is_open, since=since, today=today))

    def pauses(
        self, since: date, until: date | None, today: date, *, how: str = PAUSE, name: str = "flood"
    ) -> list[Event]:
        wish = Pause(pause_id=name, counters=COUNTERS, how=how, since=since, until=until)
        return self.records(counting.pause(self.loan, wish, "disaster", "flood", today=today))

    def resumes(self, until: date, today: date, name: str = "flood") -> list[Event]:
        return self.records(counting.resume(self.loan, name, until=until, today=today))


def change(events: list[Event]) -> DelinquencyChanged:
    [found] = [event for event in events if isinstance(event, DelinquencyChanged)]
    return found


@pytest.mark.parametrize(
    ("as_of", "delinquent", "past_due"),
    [
        (date(2023, 10, 1), 0, 0),
        (date(2023, 10, 2), 0, 1),
        (date(2023, 10, 4), 0, 3),
        (date(2023, 10, 5), 1, 4),
        (date(2023, 10, 6), 2, 5),
        (date(2023, 10, 30), 2, 29),
        (date(2023, 10, 31), 3, 30),
    ],
)
def test_days_of_grace_and_of_a_pause_do_not_count(as_of: date, delinquent: int, past_due: int) -> None:
    """Figures of Apache Fineract, `LoanDelinquency.feature`: three days of grace, a pause from 10-06 to 10-30."""
    due = date(2023, 10, 1)
    paused = a_pause(date(2023, 10, 6), date(2023, 10, 30), counters=(CONTRACTUAL,))
    found = overdue(CounterRule(grace_days=3, counts_grace=False), paused)
    assert found.days(due, due, as_of) == delinquent
    assert found.days(due, due, as_of, BUREAU) == AS_DUE.days(due, due, as_of) == past_due


@pytest.mark.parametrize(
    ("days_late", "name"),
    [
        *((0, "M0"), (1, "M1"), (30, "M1"), (31, "M2"), (60, "M2"), (61, "M3"), (90, "M3"), (91, "M4")),
        *((120, "M4"), (121, "M5"), (150, "M5"), (151, "M6"), (180, "M6"), (181, "M7"), (4000, "M7")),
    ],
)
@pytest.mark.parametrize("first_day", [0, 1])
def test_each_edge_of_a_bucket(days_late: int, name: str, first_day: int) -> None:
    """With the due date as day 1 each edge comes one day earlier."""
    assert bucket(days_late) == name
    found = overdue(CounterRule(first_day=first_day))
    on = DUE + timedelta(days_late)
    assert found.days(DUE, DUE, on) == (days_late + first_day if days_late else 0)
    if days_late > 1:
        assert found.date_of(DUE, DUE, days_late) == on - timedelta(first_day)


@pytest.mark.parametrize("due", [date(2024, 2, 28), date(2024, 2, 29), date(2023, 12, 31), date(2026, 3, 28)])
def test_days_are_calendar_days_over_leap_days_and_the_turn_of_a_year(due: date) -> None:
    assert [AS_DUE.days(due, due, due + timedelta(n)) for n in (0, 1, 2, 30, 366)] == [0, 1, 2, 30, 366]


@pytest.mark.parametrize(
    ("pauses", "last"),
    [
        ([(0, 10)], 10),  # begins on the due date: the day after is the first one that stands still
        ([(1, 10)], 0),  # begins a day too late
        ([(-5, 0)], 0),
        ([(-5, 1)], 1),
        ([(-5, 3), (2, 8)], 8),  # two that overlap count once
        ([(-5, 3), (3, 8)], 8),
        ([(-5, 3), (4, 8)], 3),  # it is late on the 4th
        ([(0, None)], None),
    ],
)
def test_a_pause_over_the_due_date_moves_the_last_day_in_time(
    pauses: list[tuple[int, int | None]], last: int | None
) -> None:
    spans = [a_pause(days(since), None if until is None else days(until)) for since, until in pauses]
    found = overdue(None, *spans).in_time_until(DUE, DUE)
    assert found == (None if last is None else days(last))


def test_the_day_after_the_last_one_in_time_is_the_first_one_past_due() -> None:
    for since, until in ((-3, 2), (0, 7), (2, 9), (1, 1)):
        found = overdue(CounterRule(grace_days=2, counts_grace=False), a_pause(days(since), days(until)))
        last = found.in_time_until(DUE, DUE)
        assert last
        assert found.days(DUE, DUE, last) == 0
        assert found.days(DUE, DUE, last + timedelta(1)) == 1
        assert found.date_of(DUE, DUE, 1) == last + timedelta(1)


def test_a_freeze_holds_the_number_and_counts_all_days_once_it_is_over() -> None:
    found = overdue(None, a_pause(days(10), days(40), FREEZE, (BUREAU,)))
    assert [found.days(DUE, DUE, days(n), BUREAU) for n in (9, 10, 11, 40, 41)] == [9, 10, 10, 10, 41]
    assert [found.days(DUE, DUE, days(n)) for n in (9, 10, 11, 40, 41)] == [9, 10, 11, 40, 41]
    assert found.date_of(DUE, DUE, 31, BUREAU) == days(41)


def test_within_grace_nothing_is_overdue_and_after_it_the_mark_says_until_when_money_was_in_time() -> None:
    life = Counted()
    life.sets(rules(grace_days=3))
    assert life.next_action_on == days(4)
    assert life.day_end(days(3)) == []
    event = change(life.day_end(days(4)))
    [marked] = event.marked
    assert (marked.due_on, marked.in_time_until, marked.days_past_due) == (DUE, days(3), 4)
    assert event.rule == "test@2026-01-01"
    assert life.day_end(days(4)) == []


def test_money_on_the_last_day_of_grace_leaves_no_mark_and_a_day_later_one() -> None:
    for paid_on, is_marked in ((3, False), (4, True)):
        life = Counted()
        life.sets(rules(grace_days=3))
        events = life.pays(100_00, days(paid_on), today=days(9))
        assert bool([event for event in events if isinstance(event, DelinquencyChanged)]) == is_marked


@pytest.mark.parametrize(("missing_minor", "is_marked"), [(0, False), (99, False), (100, False), (101, True)])
def test_a_little_that_is_missing_is_tolerated(missing_minor: int, is_marked: bool) -> None:
    life = Counted()
    life.sets(rules(tolerance_minor=1_00))
    life.pays(100_00 - missing_minor, DUE)
    assert bool(life.day_end(days(1))) == is_marked
    assert (life.next_action_on is None) != is_marked
    assert life.standing.status == ("paid_off" if not missing_minor else "overdue" if is_marked else "active")


def test_late_money_that_leaves_a_tolerated_rest_cures() -> None:
    life = Counted()
    life.sets(rules(tolerance_minor=1_00))
    life.day_end(days(1))
    event = change(life.pays(99_50, days(5)))
    assert [cured.cured_on for cured in event.cured] == [days(5)]
    assert (event.bucket, life.standing.status) == ("M0", "active")
    assert life.next_action_on is None
    assert life.standing.total_due_minor == 50


def test_a_last_day_that_is_closed_gives_way_to_the_next_open_one() -> None:
    life = Counted(closed=frozenset({DUE, days(1)}))
    events = life.sets(OverdueRules(policy="open@2026-01-01", calendar="cn"))
    [told] = [event for event in events if isinstance(event, OverdueRulesSet)]
    assert told.moved == (MovedDay(closed_on=DUE, open_on=days(2)),)
    assert life.day_end(days(2)) == []
    assert [marked.in_time_until for marked in change(life.day_end(days(3))).marked] == [days(2)]


def test_rules_hold_for_what_falls_due_from_their_date_on() -> None:
    life = Counted(a_loan(100, 100))
    life.sets(rules(grace_days=5), since=days(30))
    assert [marked.in_time_until for marked in change(life.day_end(days(40))).marked] == [DUE, days(35)]


def test_stricter_rules_mark_at_once_and_milder_ones_withdraw_what_was_never_true() -> None:
    life = Counted()
    life.day_end(days(1))
    [told, event] = life.sets(rules(grace_days=10), today=days(2))
    assert isinstance(told, OverdueRulesSet)
    assert isinstance(event, DelinquencyChanged)
    assert event.withdrawn == (WithdrawnMark(installment=1, due_on=DUE),)
    assert (event.cause, event.because_of, event.bucket) == ("rules", "test@2026-01-01", "M0")
    assert (life.standing.status, told.standing) == ("active", event.standing)
    back = change(life.sets(rules(), today=days(3)))
    assert [marked.days_past_due for marked in back.marked] == [3]


def test_a_backdated_pause_withdraws_the_mark_and_names_itself() -> None:
    life = Counted()
    life.day_end(days(1))
    event = change(life.pauses(DUE, days(20), today=days(5)))
    assert event.withdrawn == (WithdrawnMark(installment=1, due_on=DUE),)
    assert (event.cause, event.because_of) == ("pause", "flood")
    assert life.next_action_on == days(21)
    assert change(life.day_end(days(21))).days_past_due == 1


def test_a_pause_that_begins_too_late_keeps_the_mark_and_stops_the_days() -> None:
    life = Counted()
    life.day_end(days(1))
    assert [type(event) for event in life.pauses(days(10), days(40), today=days(10))] == [CountingPaused]
    assert life.next_action_on == days(61)  # 31 days past due, of which 30 stood still
    assert change(life.day_end(days(61))).days_past_due == 31


def test_a_pause_without_an_end_waits_for_it() -> None:
    life = Counted()
    life.pauses(OPENED, None, today=OPENED)
    assert life.next_action_on is None
    assert life.day_end(days(100)) == []
    event = change(life.resumes(days(2), today=days(100)))
    assert ([marked.in_time_until for marked in event.marked], event.days_past_due) == ([days(2)], 98)
    assert (event.cause, event.because_of) == ("resume", "flood")


def test_a_pause_that_ends_before_it_began_never_was() -> None:
    life = Counted()
    life.day_end(days(1))
    life.pauses(DUE, days(20), today=days(5))
    event = change(life.resumes(days(-1), today=days(6)))
    assert [marked.days_past_due for marked in event.marked] == [6]


def test_a_freeze_lets_no_new_mark_come_and_then_all_of_it() -> None:
    life = Counted()
    life.pauses(days(-5), days(9), today=days(-5), how=FREEZE)
    assert life.next_action_on == days(10)
    assert life.day_end(days(9)) == []
    assert change(life.day_end(days(10))).days_past_due == 10


@pytest.mark.parametrize(
    ("wish", "reason", "error"),
    [
        (Pause(pause_id="p", counters=("weekly",), how=PAUSE, since=DUE), "relief", UnknownCounter),
        (Pause(pause_id="p", counters=(), how=PAUSE, since=DUE), "relief", UnknownCounter),
        (Pause(pause_id="p", counters=COUNTERS, how="stop", since=DUE), "relief", UnknownCounter),
        (Pause(pause_id="p", counters=COUNTERS, how=PAUSE, since=DUE), "holiday", UnknownCounter),
        (Pause(pause_id="p", counters=COUNTERS, how=PAUSE, since=DUE, until=days(-1)), "relief", InvalidDate),
        (Pause(pause_id="flood", counters=COUNTERS, how=PAUSE, since=DUE), "relief", PauseExists),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(wish: Pause, reason: str, error: type[Exception]) -> None:
    life = Counted()
    life.pauses(DUE, days(3), today=DUE)
    with pytest.raises(error):
        counting.pause(life.loan, wish, reason, "", today=DUE)
    with pytest.raises(PauseNotFound, match="it has flood"):
        counting.resume(life.loan, "storm", until=DUE, today=DUE)


def test_nothing_is_set_for_a_loan_that_is_closed() -> None:
    closed = a_loan().changed(closed_on=DUE)
    with pytest.raises(LoanEnded):
        counting.set_rules(closed, rules(), lambda _: lambda _: True, since=OPENED, today=DUE)


def test_a_replay_gives_the_loan_that_the_rules_saw() -> None:
    life = Counted()
    first = life.loan
    life.sets(rules(grace_days=3, tolerance_minor=1_00))
    life.day_end(days(4))
    life.pauses(DUE, days(20), today=days(5))
    life.pays(99_00, days(12))
    life.resumes(days(8), today=days(30))
    assert reduce(lambda loan, event: apply(loan, event) or loan, life.events, first) == life.loan


def test_a_bucket_never_falls_while_nothing_is_paid_and_nothing_stands_still() -> None:
    life = Counted()
    moves = [life.day_end(days(n)) for n in range(1, 200)]
    told = [change(events).bucket for events in moves if events]
    assert all(int(after[1:]) == int(before[1:]) + 1 for before, after in pairwise(told))
    assert told[-1] == "M7"


@pytest.mark.parametrize(
    ("as_of", "missing"),
    [
        (date(2023, 11, 16), {"1-2": 250, "3-29": 250, "30-59": 500}),
        (date(2023, 12, 16), {"30-59": 500, "60-": 500}),
    ],
)
def test_what_is_missing_by_how_long_it_is(as_of: date, missing: dict[str, int]) -> None:
    """Figures of Apache Fineract, `LoanDelinquency.feature`: four installments of 250, of which nothing is paid."""
    first_due = date(2023, 10, 1)
    opened = a_loan_opened(250, 250, 250, 250)
    lines = tuple(replace(line, due_on=DUE + timedelta(15 * place)) for place, line in enumerate(opened.installments))
    loan = apply(None, replace(opened, installments=lines))
    assert loan
    spans = {"1-2": (1, 2), "3-29": (3, 29), "30-59": (30, 59), "60-": (60, 9999)}
    found: dict[str, int] = {}
    for each in lateness_on(loan, DUE + (as_of - first_due)).installments:
        name = next(name for name, (first, last) in spans.items() if first <= each.days[0] <= last)
        found[name] = found.get(name, 0) + each.missing_minor
    assert found == missing


def test_what_each_installment_lacks_is_told_with_its_days_by_each_counter() -> None:
    life = Counted(loan=a_loan(100_00, 100_00, 100_00), requests=[])
    life.sets(rules(grace_days=3))
    life.day_end(days(40))
    life.pays(130_00, days(35))
    [second] = lateness_on(life.loan, days(40)).installments
    assert (second.installment, second.due_on, second.missing_minor) == (2, days(30), 70_00)
    assert (dict(zip(COUNTERS, second.days, strict=True))["contractual"], second.bucket) == (10, "M1")
    assert [each.installment for each in lateness_on(life.loan, days(30)).installments] == [1]
