"""Opening a loan, paying it, taking a payment back: what happens, and each refusal with its message."""

from datetime import date, timedelta
from typing import Any

import pytest

from ledger.domain.errors import (
    AlreadyReversed,
    InvalidAmount,
    InvalidDate,
    InvalidIdentifier,
    LoanExists,
    PaymentExists,
    PaymentNotFound,
    UnknownCause,
    WrongCurrency,
)
from ledger.domain.loan import apply
from ledger.domain.opening import open_bullet
from ledger.domain.payments import CHANNELS, receive_payment
from schemas.books.events import DayClosed
from schemas.errors import LedgerError
from schemas.loans.events import LoanOpened
from schemas.payments.events import Allocation, PaymentReceived, PaymentReversed
from schemas.values import LARGEST_MINOR, Event
from tests.loan_builders import BASIS, DUE, OPENED, Life, a_bullet, a_loan, days, names

TOMORROW = OPENED + timedelta(1)


def opening(loan_id: str = "loan-1", principal_minor: int = 100_00, **other: Any) -> list[Event]:
    asked: dict[str, Any] = {"opened_on": OPENED, "due_on": DUE, "today": OPENED, "basis": BASIS} | other
    return open_bullet(None, loan_id, principal_minor, "USD", **asked)


def paying(payment_id: str = "p1", amount_minor: int = 100_00, currency: str = "USD", **other: Any) -> list[Event]:
    asked: dict[str, Any] = {"paid_on": OPENED, "today": OPENED, "method": "wallet"} | other
    return receive_payment(a_loan(100_00), payment_id, amount_minor, currency, **asked)


def test_a_loan_is_opened_with_one_installment_and_what_was_paid_out() -> None:
    event = a_bullet(100_00)
    assert [(line.number, line.due_on, line.principal_minor) for line in event.installments] == [(1, DUE, 100_00)]
    assert [(p.account, p.amount_minor) for p in event.postings] == [("receivable", 100_00), ("funding", -100_00)]
    assert (event.standing.status, event.standing.total_due_minor, event.value_date) == ("active", 100_00, OPENED)


def test_a_loan_may_be_opened_later_than_it_began_and_due_on_its_first_day() -> None:
    [event] = opening(due_on=OPENED, today=days(5), borrower_id="b1")
    assert isinstance(event, LoanOpened)
    assert (event.value_date, event.booking_date, event.borrower_id) == (OPENED, days(5), "b1")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"loan_id": "a b"}, InvalidIdentifier, "asked to name a loan 'a b'"),
        ({"borrower_id": ""}, InvalidIdentifier, "asked to name a borrower ''"),
        ({"principal_minor": 0}, InvalidAmount, "a loan of 0.00 USD.*A loan lends something"),
        ({"principal_minor": -1}, InvalidAmount, "a loan of -0.01 USD"),
        ({"principal_minor": LARGEST_MINOR + 1}, InvalidAmount, "the largest is 9007199254740991"),
        ({"due_on": OPENED - timedelta(1)}, InvalidDate, "due on 2026-01-04, before it is opened on 2026-01-05"),
        ({"opened_on": TOMORROW}, InvalidDate, "open loan loan-1 on 2026-01-06; today is 2026-01-05"),
    ],
)
def test_an_opening_that_cannot_be_is_refused(asked: dict[str, Any], error: type[LedgerError], message: str) -> None:
    with pytest.raises(error, match=message):
        opening(**asked)


def test_a_loan_is_opened_once() -> None:
    with pytest.raises(LoanExists, match="open loan loan-1, which was opened on 2026-01-05; choose another id"):
        open_bullet(a_loan(), "loan-1", 1, "USD", opened_on=OPENED, due_on=DUE, today=OPENED, basis=BASIS)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"payment_id": "p/1"}, InvalidIdentifier, "asked to name a payment 'p/1'"),
        ({"method": "Bank transfer"}, InvalidIdentifier, "asked for the payment method 'Bank transfer'"),
        ({"currency": "EUR"}, WrongCurrency, "record payment p1 in EUR; loan loan-1 is in USD"),
        ({"amount_minor": 0}, InvalidAmount, "a payment of 0.00 USD.*To undo a payment, reverse it"),
        ({"amount_minor": -5}, InvalidAmount, "a payment of -0.05 USD"),
        ({"amount_minor": LARGEST_MINOR + 1}, InvalidAmount, "the largest is"),
        ({"paid_on": OPENED - timedelta(1)}, InvalidDate, "on 2026-01-04; loan loan-1 was opened on 2026-01-05"),
        ({"paid_on": TOMORROW}, InvalidDate, "on 2026-01-06; today is 2026-01-05. Record it when it has arrived"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(asked: dict[str, Any], error: type[LedgerError], message: str) -> None:
    with pytest.raises(error, match=message):
        paying(**asked)


def test_a_payment_id_is_used_once_also_after_a_reversal() -> None:
    life = Life()
    life.pays(1_00, OPENED, payment_id="p1")
    life.reverses("p1", OPENED)
    with pytest.raises(PaymentExists, match="record payment p1, which loan loan-1 has already"):
        life.pays(1_00, OPENED, payment_id="p1")


def test_all_payments_together_have_a_limit_that_reversed_ones_do_not_use_up() -> None:
    life = Life()
    life.pays(LARGEST_MINOR, OPENED, payment_id="p1")
    with pytest.raises(InvalidAmount, match="all payments then pass"):
        life.pays(1, OPENED)
    life.reverses("p1", OPENED)
    assert names(life.pays(1, OPENED)) == ["PaymentReceived"]


def test_a_part_payment_lowers_what_is_owed() -> None:
    [event] = Life().pays(40_00, TOMORROW)
    assert isinstance(event, PaymentReceived)
    assert event.allocations == (Allocation(component="principal", installment=1, amount_minor=40_00),)
    assert (event.credit_minor, event.standing.total_due_minor, event.standing.status) == (0, 60_00, "active")


def test_the_last_part_pays_the_loan_off() -> None:
    life = Life()
    life.pays(99_99, OPENED)
    assert names(life.pays(1, TOMORROW)) == ["PaymentReceived", "LoanPaidOff"]
    assert (life.standing.status, life.loan.paid_off_on, life.next_action_on) == ("paid_off", TOMORROW, None)


def test_money_beyond_the_debt_is_credit() -> None:
    life = Life()
    [received, paid_off] = life.pays(100_01, DUE)
    assert isinstance(received, PaymentReceived)
    assert (received.credit_minor, life.standing.credit_minor) == (1, 1)
    assert names([paid_off]) == ["LoanPaidOff"]


def test_money_after_the_end_is_credit_and_ends_nothing_again() -> None:
    life = Life()
    life.pays(100_00, DUE)
    assert names(life.pays(5_00, days(9))) == ["PaymentReceived"]
    assert (life.standing.credit_minor, life.loan.paid_off_on) == (5_00, DUE)


def test_one_payment_may_cover_several_installments() -> None:
    [event] = Life(a_loan(100, 100, 100)).pays(150, OPENED)
    assert isinstance(event, PaymentReceived)
    assert [(part.installment, part.amount_minor) for part in event.allocations] == [(1, 100), (2, 50)]


def test_a_reversal_undoes_a_payment_with_its_value_date() -> None:
    life = Life()
    life.pays(40_00, TOMORROW, payment_id="p1")
    [event] = life.reverses("p1", today=days(-3))
    assert isinstance(event, PaymentReversed)
    assert (event.value_date, event.booking_date, event.cause) == (TOMORROW, days(-3), "bank_return")
    assert [(p.account, p.amount_minor, p.value_date) for p in event.postings] == [
        ("cash", -40_00, TOMORROW),
        ("receivable", 40_00, TOMORROW),
    ]


def test_a_payment_that_is_not_there_cannot_be_reversed() -> None:
    with pytest.raises(PaymentNotFound, match="reverse payment p9, which loan loan-1 does not have"):
        Life().reverses("p9", OPENED)


def test_a_payment_is_reversed_once() -> None:
    life = Life()
    life.pays(1, OPENED, payment_id="p1")
    life.reverses("p1", OPENED)
    with pytest.raises(AlreadyReversed, match="p1, which is reversed already; nothing was changed"):
        life.reverses("p1", OPENED)


def test_a_reversal_has_one_of_the_causes_that_are_told_apart() -> None:
    life = Life()
    life.pays(1, OPENED, payment_id="p1")
    message = "for 'Bounced!'; give one of bank_return, payer_dispute, lender_error, misdirected"
    with pytest.raises(UnknownCause, match=message):
        life.reverses("p1", OPENED, cause="Bounced!")


def test_a_reversed_end_reopens_the_loan_and_its_next_date() -> None:
    life = Life()
    life.pays(100_00, TOMORROW, payment_id="p1")
    assert names(life.reverses("p1", today=days(-1))) == ["PaymentReversed", "LoanReopened"]
    assert (life.standing.status, life.loan.paid_off_on, life.next_action_on) == ("active", None, days(1))


def test_credit_covers_what_a_reversal_opens() -> None:
    life = Life()
    life.pays(100_00, OPENED, payment_id="p1")
    life.pays(100_00, TOMORROW)
    assert names(life.reverses("p1", today=TOMORROW)) == ["PaymentReversed", "AllocationsRestated", "LoanPaidOff"]
    assert (life.standing.credit_minor, life.loan.paid_off_on) == (0, TOMORROW)


def test_a_fold_begins_with_an_opening_and_passes_over_what_it_does_not_know() -> None:
    [payment] = paying(amount_minor=1)
    assert apply(None, payment) is None
    assert apply(a_loan(), a_book_event()) == a_loan()


def a_book_event() -> Event:
    return DayClosed(book_id="main", business_date=date(2026, 1, 1), loans_visited=0)


@pytest.mark.parametrize("channel", CHANNELS)
def test_money_comes_by_every_channel_and_says_by_which(channel: str) -> None:
    received, *_ = receive_payment(a_loan(), "p", 1_00, "USD", paid_on=DUE, today=DUE, method=channel)
    assert isinstance(received, PaymentReceived)
    assert received.method == channel
