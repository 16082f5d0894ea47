"""Mandates and debits: what is allowed, what is refused, and what a return leads to."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from ledger.domain import mandates
from ledger.domain.autopay import Debit
from ledger.domain.errors import (
    DebitExists,
    DebitNotFound,
    DebitRefused,
    InvalidAmount,
    InvalidDate,
    LoanEnded,
    MandateEnded,
    MandateExists,
    MandateNotFound,
)
from ledger.domain.loan import Loan, settled
from ledger.domain.mandates import Step
from ledger.policies.debit_policies import debit_policies, debit_policy
from schemas.errors import LedgerError
from schemas.payments.events import PaymentReceived, PaymentReversed
from schemas.payments.mandates import DebitCancelled, DebitReturned, DebitRules, MandateRevoked, MandateTerms
from schemas.values import Event
from tests.loan_builders import DUE, Life, a_loan, days

RULES = DebitRules(
    policy="test@2026-01-01",
    attempts=3,
    within_days=20,
    notice_days=5,
    final_days=30,
    again=("R01", "R09"),
    ending=("R07",),
)
TODAY = days(-10)


def terms(**changed: Any) -> MandateTerms:
    usual: dict[str, Any] = {"rail": "ach", "account_token": "tok-1", "at_most_minor": 80_00, "rules": RULES}
    return MandateTerms(**usual | changed)


def a_mandate(**changed: Any) -> Life:
    """A loan of 100.00, due on DUE, with a mandate since ten days before."""
    life = Life(loan=a_loan(100_00), requests=[])
    life.records(mandates.authorise(life.loan, "m", "b-1", terms(**changed), today=TODAY))
    return life


def presented(life: Life, today: date = DUE) -> Life:
    """A debit of 80.00 that was announced in time is on its way."""
    life.records(mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5)))
    life.records(mandates.submit(life.loan, "d", today=today))
    return life


def status(loan: Loan) -> str:
    debit = loan.autopay.debit("d")
    assert debit
    return debit.status


def test_a_debit_that_settles_is_a_payment_that_is_provisional_for_a_while() -> None:
    life = presented(a_mandate())
    events = life.records(mandates.settle(life.loan, "d", 1, settled_on=days(1), today=days(1)))
    [payment] = [event for event in events if isinstance(event, PaymentReceived)]
    assert (payment.payment_id, payment.amount_minor, payment.method) == ("d.1", 80_00, "autopay")
    debit = life.loan.autopay.debit("d")
    assert debit
    assert (debit.status, debit.final_on) == (Debit.SETTLED, days(31))
    assert settled(life.loan).known.owed_minor == 20_00


def test_a_late_return_reverses_the_payment_in_the_same_request() -> None:
    life = presented(a_mandate())
    life.records(mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE))
    events = life.records(mandates.return_(life.loan, "d", 1, "R10", returned_on=days(9), today=days(9)))
    assert [type(event) for event in events[:2]] == [DebitReturned, PaymentReversed]
    assert settled(life.loan).known.owed_minor == 100_00
    assert status(life.loan) == Debit.RETURNED


def test_a_payment_that_was_reversed_otherwise_is_not_reversed_twice() -> None:
    life = presented(a_mandate())
    life.records(mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE))
    life.reverses("d.1", days(3))
    events = life.records(mandates.return_(life.loan, "d", 1, "R01", returned_on=days(9), today=days(9)))
    assert not [event for event in events if isinstance(event, PaymentReversed)]


def test_one_that_comes_back_while_the_next_is_announced_takes_no_more_than_is_due_with_it() -> None:
    life = presented(a_mandate())
    life.records(mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE))
    life.records(mandates.notify(life.loan, "m", "e", 20_00, collect_on=days(6), today=days(1)))
    life.records(mandates.return_(life.loan, "d", 1, "R01", returned_on=days(6), today=days(6)))
    assert mandates.next_step(life.loan, days(6)) is None
    assert mandates.next_step(life.loan, days(7)) == Step("submit", "d", 80_00, DUE)
    life.records(mandates.take_next_step(life.loan, today=days(7)))
    life.records(mandates.settle(life.loan, "d", 2, settled_on=days(7), today=days(7)))
    assert mandates.next_step(life.loan, days(8)) == Step("submit", "e", 20_00, days(6))


def test_a_return_that_allows_it_is_presented_again_within_limits() -> None:
    life = presented(a_mandate())
    for attempt, code in ((1, "R01"), (2, "R09")):
        life.records(mandates.return_(life.loan, "d", attempt, code, returned_on=days(2), today=days(2)))
        life.records(mandates.submit(life.loan, "d", today=days(3)))
    life.records(mandates.return_(life.loan, "d", 3, "R01", returned_on=days(4), today=days(4)))
    with pytest.raises(DebitRefused, match="returned; it is not presented"):
        mandates.submit(life.loan, "d", today=days(5))


def test_no_presentation_comes_after_its_time() -> None:
    life = presented(a_mandate())
    life.records(mandates.return_(life.loan, "d", 1, "R01", returned_on=days(2), today=days(2)))
    with pytest.raises(DebitRefused, match="allowed until 2026-02-25"):
        mandates.submit(life.loan, "d", today=days(21))
    assert [type(event) for event in mandates.take_next_step(life.loan, today=days(21))] == [DebitCancelled]


@pytest.mark.parametrize("code", ["R16", "X9"])
def test_a_code_that_nobody_knows_lets_nothing_be_presented_again(code: str) -> None:
    life = presented(a_mandate())
    life.records(mandates.return_(life.loan, "d", 1, code, returned_on=days(1), today=days(1)))
    with pytest.raises(DebitRefused):
        mandates.submit(life.loan, "d", today=days(2))
    assert mandates.require_in_force(life.loan, "m", "look", days(2)).mandate_id == "m"


def test_a_code_may_end_the_mandate() -> None:
    life = presented(a_mandate())
    events = life.records(mandates.return_(life.loan, "d", 1, "R07", returned_on=days(1), today=days(1)))
    assert [event.reason for event in events if isinstance(event, MandateRevoked)] == [
        "return code R07 (test@2026-01-01)"
    ]
    with pytest.raises(MandateEnded, match="revoked since 2026-02-06"):
        mandates.notify(life.loan, "m", "d2", 1_00, collect_on=days(9), today=days(2))


def test_failures_in_a_row_end_the_mandate_where_the_rules_say_so() -> None:
    life = presented(a_mandate(rules=RULES.changed(failures=2)))
    life.records(mandates.return_(life.loan, "d", 1, "R01", returned_on=days(1), today=days(1)))
    life.records(mandates.submit(life.loan, "d", today=days(2)))
    events = life.records(mandates.return_(life.loan, "d", 2, "R01", returned_on=days(3), today=days(3)))
    assert [event.reason for event in events if isinstance(event, MandateRevoked)] == [
        "2 failed debits in a row (test@2026-01-01)"
    ]


def test_after_a_revocation_nothing_is_presented_but_what_is_on_its_way_may_settle() -> None:
    life = presented(a_mandate())
    life.records(mandates.revoke(life.loan, "m", reason="asked by phone", today=DUE))
    life.records(mandates.settle(life.loan, "d", 1, settled_on=days(1), today=days(1)))
    assert settled(life.loan).known.owed_minor == 20_00


def test_what_was_never_handed_over_is_withheld_once_the_mandate_has_ended() -> None:
    life = presented(a_mandate())
    with pytest.raises(DebitRefused, match="in force; hand it over"):
        mandates.withhold(life.loan, "d", 1, today=DUE)
    life.records(mandates.revoke(life.loan, "m", reason="no more", today=DUE))
    life.records(mandates.withhold(life.loan, "d", 1, today=DUE))
    assert (status(life.loan), mandates.collectable(settled(life.loan), DUE)) == (Debit.CANCELLED, 100_00)
    with pytest.raises(DebitRefused, match="cancelled already"):
        mandates.withhold(life.loan, "d", 1, today=DUE)


def test_a_revocation_cancels_what_waits() -> None:
    life = a_mandate()
    life.records(mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5)))
    events = life.records(mandates.revoke(life.loan, "m", reason="asked by phone", today=days(-1)))
    assert [type(event) for event in events] == [MandateRevoked, DebitCancelled]
    assert status(life.loan) == Debit.CANCELLED


def test_what_was_paid_meanwhile_is_not_debited_too() -> None:
    life = a_mandate()
    life.records(mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5)))
    life.pays(70_00, days(-1))
    [event] = life.records(mandates.submit(life.loan, "d", today=DUE))
    assert getattr(event, "amount_minor", 0) == 30_00


def test_what_is_announced_by_another_way_is_not_debited_too() -> None:
    life = a_mandate()
    assert mandates.collectable(settled(life.loan), DUE) == 100_00
    presented(life)
    assert mandates.collectable(settled(life.loan), DUE) == 20_00
    assert mandates.collectable(settled(life.loan), days(-1)) == 0


def test_a_mandate_that_was_changed_holds_from_then_on() -> None:
    life = a_mandate()
    life.records(mandates.change(life.loan, "m", terms(at_most_minor=10_00), today=days(-6)))
    with pytest.raises(DebitRefused, match="allows 1000 at most"):
        mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5))


def twice(life: Life) -> Sequence[Event]:
    return mandates.authorise(life.loan, "m2", "b-1", terms(), today=TODAY)


@pytest.mark.parametrize(
    ("decide", "refusal", "why"),
    [
        (lambda life: mandates.authorise(life.loan, "m", "b", terms(), today=TODAY), MandateExists, "another id"),
        (twice, MandateExists, "mandate m is in force"),
        (lambda life: mandates.change(life.loan, "no", terms(), today=TODAY), MandateNotFound, "no such|no mandate"),
        (
            lambda life: mandates.change(life.loan, "m", terms(until=days(-11)), today=TODAY),
            InvalidDate,
            "Give a later day",
        ),
        (lambda life: mandates.change(life.loan, "m", terms(at_most_minor=0), today=TODAY), InvalidAmount, "mandate"),
        (lambda life: mandates.notify(life.loan, "m", "d", 80_01, collect_on=DUE, today=TODAY), DebitRefused, "8000"),
        (lambda life: mandates.notify(life.loan, "m", "d", 0, collect_on=DUE, today=TODAY), InvalidAmount, "refund"),
        (
            lambda life: mandates.notify(life.loan, "m", "d", 1, collect_on=days(-6), today=TODAY),
            DebitRefused,
            "notice until 2026-01-31",
        ),
        (
            lambda life: mandates.notify(life.loan, "m", "d", 1, collect_on=days(-1), today=TODAY),
            DebitRefused,
            "0 is due by then",
        ),
        (lambda life: mandates.submit(life.loan, "d", today=DUE), DebitNotFound, "ledger autopay show"),
        (
            lambda life: mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE),
            DebitNotFound,
            "no such debit",
        ),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(
    decide: Callable[[Life], object], refusal: type[LedgerError], why: str
) -> None:
    with pytest.raises(refusal, match=why):
        decide(a_mandate())


@pytest.mark.parametrize(
    ("decide", "why"),
    [
        (lambda loan: mandates.submit(loan, "d", today=days(1)), "which is submitted"),
        (lambda loan: mandates.settle(loan, "d", 2, settled_on=DUE, today=DUE), "presented 1 times"),
        (lambda loan: mandates.settle(loan, "d", 0, settled_on=DUE, today=DUE), "presented 1 times"),
        (lambda loan: mandates.cancel(loan, "d", reason="no", today=DUE), "which is submitted"),
    ],
)
def test_a_debit_on_its_way_is_neither_presented_nor_cancelled(decide: Callable[[Loan], object], why: str) -> None:
    with pytest.raises(DebitRefused, match=why):
        decide(presented(a_mandate()).loan)


def test_a_debit_that_has_ended_stays_as_it_is() -> None:
    life = presented(a_mandate())
    life.records(mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE))
    with pytest.raises(DebitRefused, match="settled already"):
        mandates.settle(life.loan, "d", 1, settled_on=DUE, today=DUE)
    life.records(mandates.return_(life.loan, "d", 1, "R10", returned_on=days(2), today=days(2)))
    with pytest.raises(DebitRefused, match="returned already"):
        mandates.return_(life.loan, "d", 1, "R10", returned_on=days(3), today=days(3))
    with pytest.raises(DebitExists):
        mandates.notify(life.loan, "m", "d", 1_00, collect_on=days(20), today=days(4))


def test_a_debit_is_not_presented_before_its_day() -> None:
    life = a_mandate()
    life.records(mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5)))
    with pytest.raises(DebitRefused, match="the payer was told 2026-02-05"):
        mandates.submit(life.loan, "d", today=days(-1))


def test_a_loan_of_which_nothing_is_due_takes_no_mandate() -> None:
    life = Life(loan=a_loan(100_00), requests=[])
    life.pays(100_00, TODAY)
    with pytest.raises(LoanEnded):
        mandates.authorise(life.loan, "m", "b", terms(), today=TODAY)


def test_a_mandate_ends_with_its_last_day() -> None:
    life = a_mandate(until=days(-1))
    with pytest.raises(MandateEnded, match="in force up to 2026-02-04"):
        mandates.notify(life.loan, "m", "d", 1_00, collect_on=DUE, today=days(-5))
    assert mandates.next_step(life.loan, days(-5)) is None


def test_autopay_announces_in_time_then_presents() -> None:
    life = a_mandate()
    assert mandates.next_step(life.loan, days(-6)) is None
    step = mandates.next_step(life.loan, days(-5))
    assert step == ("notify", "m-1", 80_00, DUE)
    life.records(mandates.take_next_step(life.loan, today=days(-5)))
    assert mandates.next_step(life.loan, days(-1)) is None
    assert mandates.next_step(life.loan, DUE) == ("submit", "m-1", 80_00, DUE)


@pytest.mark.parametrize("name", debit_policies())
def test_every_debit_policy_is_read_and_named_with_its_date(name: str) -> None:
    rules = debit_policy(name, date(2026, 11, 26))
    assert rules.policy.startswith(f"{name}@20")
    assert rules.attempts >= 1
    assert timedelta(rules.within_days) >= timedelta(0)


def test_day_end_ends_a_mandate_whose_last_day_is_over_and_cancels_what_waits() -> None:
    life = a_mandate(until=DUE)
    life.records(mandates.notify(life.loan, "m", "d", 80_00, collect_on=DUE, today=days(-5)))
    assert life.day_end(DUE) == []
    assert life.next_action_on == days(1)
    marked, revoked, cancelled = life.day_end(days(1))
    assert type(marked).__name__ == "DelinquencyChanged"
    assert isinstance(revoked, MandateRevoked)
    assert (revoked.mandate_id, revoked.revoked_on, revoked.reason) == ("m", days(1), "expired")
    assert isinstance(cancelled, DebitCancelled)
    assert revoked.standing == cancelled.standing == life.standing
    assert life.day_end(days(1)) == []


def test_a_mandate_that_ends_on_a_quiet_day_is_ended_alone() -> None:
    life = a_mandate(until=days(-8))
    assert life.next_action_on == days(-7)
    [revoked] = life.day_end(days(-7))
    assert isinstance(revoked, MandateRevoked)
    assert life.next_action_on == days(1)
