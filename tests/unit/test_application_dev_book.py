"""Made-up books: plans that make sense, lives of every kind, stamps that come from numbers only."""

import re
from collections import Counter
from datetime import UTC, date, datetime
from multiprocessing import Pipe
from random import Random
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.application.dev_book.book import BookProcessEnded, received
from ledger.application.dev_book.lives import Traits, live, some_traits
from ledger.application.dev_book.plan import InvalidPlan, Plan
from ledger.application.dev_book.stamps import event_id, instant_of, midnight_us, moment
from ledger.application.dev_book.templates import templates
from ledger.domain.identifiers import loan_stream
from schemas.envelope import instant
from schemas.loans.events import LoanPaidOff
from schemas.overdue.events import DelinquencyChanged
from schemas.payments.events import PaymentReceived
from tests.loan_builders import BASIS

UNTIL = date(2026, 1, 31)
HABITS = ("on_time", "early", "overpaid", "late", "silent", "returned", "found_late")
LATE = ("late", "silent", "returned", "found_late")

moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive


def microseconds(when: datetime) -> int:
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"loans": 0}, "loans: 0; give 1 to"),
        ({"payments_per_loan": 1001}, "payments per loan: 1001; give 1 to 1000"),
        ({"late_share": -0.1}, "late share: -0.1; give 0 to 1"),
        ({"due_share": 1.5}, "due share: 1.5; give 0 to 1"),
        ({"long_loan_payments": -1}, "long loan with payments: -1; give 0 to"),
        ({"until": date(1, 1, 1)}, "until 0001-01-01; give 2000-01-01 or a later day"),
    ],
)
def test_a_plan_says_what_it_cannot_be(wrong: dict[str, Any], said: str) -> None:
    plan: dict[str, Any] = {"loans": 10, "until": UNTIL} | wrong
    with pytest.raises(InvalidPlan, match=said):
        Plan(**plan)


def test_a_book_ends_on_a_day_that_is_over() -> None:
    plan = Plan(loans=1, until=UNTIL)
    plan.require_past(datetime(2026, 2, 1, tzinfo=UTC))
    with pytest.raises(InvalidPlan, match="in UTC it is 2026-01-31"):
        plan.require_past(datetime(2026, 1, 31, 23, 59, tzinfo=UTC))


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize(("payments", "installments"), [(1, 0), (4, 0), (40, 0), (1, 3), (1, 12)])
def test_exactly_the_late_habits_lead_to_a_mark(habit: str, payments: int, installments: int) -> None:
    steps = live(Traits(120_00, 30, payments, habit, 12, installments), BASIS)
    marks = [event for step in steps for event in step.events if isinstance(event, DelinquencyChanged)]
    assert bool(marks) == (habit in LATE)
    assert [step.day for step in steps] == sorted(step.day for step in steps)
    assert all(step.events for step in steps)


@pytest.mark.parametrize("habit", [habit for habit in HABITS if habit != "silent"])
def test_an_agreed_loan_is_paid_back_with_its_interest(habit: str) -> None:
    steps = live(Traits(1200_00, 30, 1, habit, 12, 6), BASIS)
    [last] = [event for event in steps[-1].events if isinstance(event, LoanPaidOff)]
    assert last.standing.total_due_minor == 0
    paid = [event for step in steps for event in step.events if isinstance(event, PaymentReceived)]
    assert sum(event.amount_minor for event in paid) > 1200_00
    assert steps[-1].next_action is None


def test_lives_have_events_of_every_type_of_a_loan_without_interest() -> None:
    steps = [step for habit in HABITS for step in live(Traits(120_00, 30, 4, habit, 12), BASIS)]
    assert {event.TYPE for step in steps for event in step.events} == {
        "ledger.loan.opened.v1",
        "ledger.loan.paid_off.v1",
        "ledger.loan.reopened.v1",
        "ledger.payment.received.v1",
        "ledger.payment.reversed.v1",
        "ledger.loan.delinquency_changed.v1",
    }


@pytest.mark.parametrize("late_share", [0.0, 0.25, 1.0])
def test_the_late_share_is_the_part_of_late_habits(late_share: float) -> None:
    random = Random(7)
    found = Counter(some_traits(random, 4, late_share).habit in LATE for _ in range(4000))
    assert found[True] / 4000 == pytest.approx(late_share, abs=0.03)


def test_a_template_says_how_many_requests_come_together() -> None:
    steps = live(Traits(120_00, 30, 60, "on_time"), BASIS)
    made = templates(steps, book_id="dev", principal="operator:test", day_end="service:day-end")
    assert [each.together for each in made[:4]] == [
        2,
        1,
        2,
        1,
    ]
    assert sum(len(each.events) for each in made) == made[-1].events[-1].version


def test_no_mark_of_a_template_is_left_when_its_holes_are_filled() -> None:
    steps = live(Traits(120_00, 30, 2, "late", 3), BASIS)
    made = templates(steps, book_id="dev", principal="operator:test", day_end="service:day-end")
    for request in made:
        values = [b"%d" % number for number in range(7 + len(request.days))]
        for event in request.events:
            state = (event.form % event.pick(values)).decode()
            assert not re.search("29[0-9]{2}-|2899|0loan0id0|0borrower0id0|00000000", state)
            assert loan_stream("0") in state


@given(moments)
def test_an_instant_is_written_as_the_envelope_writes_it(when: datetime) -> None:
    at_us = microseconds(when)
    assert moment(at_us) == when
    assert instant_of(when.date().isoformat().encode(), at_us) == instant(when).encode()
    assert 0 <= at_us - midnight_us(when.date()) < 86_400_000_000


@given(moments, st.integers())
def test_an_event_id_is_a_uuid_of_its_moment(when: datetime, seed: int) -> None:
    found = UUID(event_id(Random(seed), microseconds(when)))
    assert (found.version, found.variant) == (7, RFC_4122)
    assert found.int >> 80 == microseconds(when) // 1000


def test_a_process_that_ends_before_its_book_does_is_named() -> None:
    here, there = Pipe(duplex=False)
    there.close()
    with pytest.raises(BookProcessEnded, match="its own error stands above"):
        next(received(here))
