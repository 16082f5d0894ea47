"""Payments of a loan: on their way, received, failed, reversed."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

from ledger.domain.agreement import COMPONENTS
from ledger.domain.errors import (
    AlreadyReversed,
    InstallmentNotFound,
    InvalidAmount,
    InvalidDate,
    NotDisbursed,
    PaymentExists,
    PaymentNotFound,
    ReasonMissing,
    SameLoan,
    UnknownCause,
    UnknownComponent,
    WrongCurrency,
)
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.loan import LENDER_ERROR, Loan, settled, take_back_of
from ledger.domain.money import require_positive
from ledger.domain.outcomes import Fact, added, removed
from ledger.domain.standing import about, standing
from ledger.domain.transactions import PAYMENT, TAKE_BACK, Transaction
from schemas.payments.events import (
    PaymentDesignated,
    PaymentFailed,
    PaymentPending,
    PaymentReceived,
    PaymentReversed,
    RecoveryReceived,
)
from schemas.values import ABSENT, LARGEST_MINOR, Event, LoanEvent, MoneyEvent

MISDIRECTED = "misdirected"

CHANNELS = (
    *("wallet", "bank_transfer", "card", "autopay", "cash_at_agency"),
    *("court", "set_off", "guarantor", "insurer"),
)
"""How the ways are called in which money comes, so that reports find them; a lender may have others."""

CAUSES = ("bank_return", "payer_dispute", LENDER_ERROR, MISDIRECTED)
"""Why a payment may be reversed."""


class Designation(NamedTuple):
    """What a payer says that a payment is for, as far as it is due; the rest goes where it would. `rule`: by what the
    payer may say so, such as a law."""

    component: str
    installment: int
    rule: str


def receive_payment(
    loan: Loan,
    payment_id: str,
    amount_minor: int,
    currency: str,
    *,
    paid_on: date,
    today: date,
    method: str,
    received_at: str = "",
    designation: Designation | None = None,
) -> list[Event]:
    """Take a payment of `amount_minor` (> 0) that counts from `paid_on`, and say all that follows from it.

    What exceeds the debt becomes the borrower's credit. A payment may become known late; it then changes what later
    ones had covered, and may cure, withdraw or correct overdue marks. After a write-off it is a recovery.
    """
    loan = settled(loan)
    require_word(method, "payment method")
    _require_new(loan, payment_id, amount_minor, currency, f"record payment {payment_id}")
    require_money_date(loan, paid_on, today, f"record payment {payment_id}")
    if amount_minor + loan.known.paid_minor > LARGEST_MINOR:
        raise InvalidAmount(
            f"asked to record {amount_minor} {currency} (minor units) more; all payments then pass 2^53 - 1"
        )
    payment = Transaction(payment_id, PAYMENT, paid_on, amount_minor, received_at)
    if designation:
        _require_designable(loan, payment_id, designation)
        payment = payment._replace(about=designation.component, number=designation.installment)
    written_off_on = loan.known.written_off_on
    write = partial(_received, loan, payment, method, today)
    if written_off_on and written_off_on <= paid_on:
        write = partial(_recovered, loan, payment, method, today)
    events = added(loan, payment, today, write)
    return [*_designated(loan, payment, designation, events), *events]


def _require_designable(loan: Loan, payment_id: str, designation: Designation) -> None:
    asked = f"record payment {payment_id} for {designation.component or 'all'} of {designation.installment or 'any'}"
    if not designation.rule:
        raise ReasonMissing(f"asked to {asked} without a rule; say by what the payer may choose, such as a law")
    if designation.component and designation.component not in COMPONENTS:
        raise UnknownComponent(f"asked to {asked}; give one of {', '.join(COMPONENTS)}, or none")
    numbers = [each.number for each in loan.agreement.installments]
    if designation.installment and designation.installment not in numbers:
        raise InstallmentNotFound(
            f"asked to {asked}; loan {loan.loan_id} has installments {numbers[0]} to {numbers[-1]}"
        )


def _designated(
    loan: Loan, payment: Transaction, designation: Designation | None, events: Sequence[Event]
) -> Iterator[Event]:
    """It stands before the payment that it is about, with the standing after it."""
    if not designation:
        return
    for event in events:
        if isinstance(event, LoanEvent):
            yield PaymentDesignated(
                **about(loan, event.standing),
                payment_id=payment.id,
                designated_on=payment.on,
                rule=designation.rule,
                component=designation.component or ABSENT,
                installment=designation.installment or ABSENT,
            )
            return


def announce_payment(
    loan: Loan, payment_id: str, amount_minor: int, currency: str, *, pending_on: date, today: date, method: str
) -> list[Event]:
    """Say that a payment is on its way; no balance changes before it is received."""
    loan = settled(loan)
    require_word(method, "payment method")
    asked = f"announce payment {payment_id}"
    _require_new(loan, payment_id, amount_minor, currency, asked)
    require_money_date(loan, pending_on, today, asked)
    if payment_id in dict(loan.pending):
        raise PaymentExists(f"asked to {asked}, which is on its way already; record it, or that it failed")
    event = PaymentPending(
        **about(loan, standing(loan, today)),
        payment_id=payment_id,
        amount_minor=amount_minor,
        pending_on=pending_on,
        method=method,
    )
    return [event]


def fail_payment(loan: Loan, payment_id: str, *, reason: str, today: date) -> list[Event]:
    """Say that a payment that was on its way will not come."""
    loan = settled(loan)
    amount_minor = dict(loan.pending).get(payment_id)
    if amount_minor is None:
        raise PaymentNotFound(
            f"asked to say that payment {payment_id} failed; loan {loan.loan_id} has none of that name on its way. To "
            "undo one that was received, reverse it"
        )
    event = PaymentFailed(
        **about(loan, standing(loan, today)),
        payment_id=payment_id,
        amount_minor=amount_minor,
        failed_on=today,
        reason=reason,
    )
    return [event]


def reverse_payment(loan: Loan, payment_id: str, *, cause: str, today: date) -> list[Event]:
    """Undo a payment as if it had never counted: what it covered is owed again since its value date.

    An error of the lender is undone from today on instead: nobody is late, and nothing is charged, for the time in
    which the borrower could not know.
    """
    if cause not in CAUSES:
        raise UnknownCause(f"asked to reverse payment {payment_id} for {cause!r}; give one of {', '.join(CAUSES)}")
    loan = settled(loan)
    found = loan.history.find(payment_id)
    if found is None or found.kind != PAYMENT:
        raise PaymentNotFound(
            f"asked to reverse payment {payment_id}, which loan {loan.loan_id} does not have; see its history"
        )
    if payment_id in loan.gone or loan.history.find(take_back_of(payment_id)):
        raise AlreadyReversed(f"asked to reverse payment {payment_id}, which is reversed already; nothing was changed")
    write = partial(_reversed, loan, found, cause, today)
    if cause == LENDER_ERROR and today > found.on:
        error = Transaction(take_back_of(payment_id), TAKE_BACK, today, found.amount_minor, about=payment_id)
        return added(loan, error, today, write)
    return removed(loan, found, today, write)


def move_payment(
    loan: Loan, other: Loan, payment_id: str, *, method: str, paid_on: date | None, today: date
) -> tuple[list[Event], list[Event]]:
    """Undo a payment that was meant for another loan, and take it there: what follows on the one, and on the other.

    It keeps its id, its amount and, unless `paid_on` says otherwise, its value date: whoever paid on time was on time.
    """
    if loan.loan_id == other.loan_id:
        raise SameLoan(f"asked to move payment {payment_id} from loan {loan.loan_id} to itself; name another loan")
    reversed_ = reverse_payment(loan, payment_id, cause=MISDIRECTED, today=today)
    found = loan.history.find(payment_id)
    assert found, "only what is there is reversed"
    received = receive_payment(
        other,
        payment_id,
        found.amount_minor,
        loan.currency,
        paid_on=paid_on or found.on,
        today=today,
        method=method,
        received_at=found.at,
    )
    return reversed_, received


def require_money_date(loan: Loan, on: date, today: date, asked: str) -> None:
    """Refuse a value date before anything was paid out, or one that is to come. Of a settled loan."""
    since = loan.disbursed_on
    if since is None:
        raise NotDisbursed(f"asked to {asked}; nothing of loan {loan.loan_id} is paid out. Disburse it first")
    if on < since:
        raise InvalidDate(
            f"asked to {asked} on {on}; loan {loan.loan_id} was opened on {since}. Give that date or a later one"
        )
    if on > today:
        raise InvalidDate(f"asked to {asked} on {on}; today is {today}. Record it when it has arrived")


def require_currency(loan: Loan, currency: str, asked: str) -> None:
    if currency != loan.currency:
        raise WrongCurrency(f"asked to {asked} in {currency}; loan {loan.loan_id} is in {loan.currency}. Convert first")


def _require_new(loan: Loan, payment_id: str, amount_minor: int, currency: str, asked: str) -> None:
    require_identifier(payment_id, "payment")
    require_currency(loan, currency, asked)
    require_positive(amount_minor, currency, "a payment", "To undo a payment, reverse it")
    if loan.history.find(payment_id):
        raise PaymentExists(f"asked to {asked}, which loan {loan.loan_id} has already")


def _received(loan: Loan, payment: Transaction, method: str, today: date, fact: Fact) -> MoneyEvent:
    return PaymentReceived(
        **about(loan, fact.standing),
        booking_date=today,
        postings=fact.postings,
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        paid_on=payment.on,
        method=method,
        allocations=fact.allocations,
        credit_minor=fact.credit_minor,
        received_at=payment.at or ABSENT,
    )


def _recovered(loan: Loan, payment: Transaction, method: str, today: date, fact: Fact) -> MoneyEvent:
    return RecoveryReceived(
        **about(loan, fact.standing),
        booking_date=today,
        postings=fact.postings,
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        paid_on=payment.on,
        method=method,
        allocations=fact.allocations,
        credit_minor=fact.credit_minor,
    )


def _reversed(loan: Loan, payment: Transaction, cause: str, today: date, fact: Fact) -> MoneyEvent:
    return PaymentReversed(
        **about(loan, fact.standing),
        booking_date=today,
        postings=fact.postings,
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        paid_on=payment.on,
        reversed_on=today,
        cause=cause,
    )
