"""Statements to render, and hand-made events of a loan with interest, fees and penalty interest."""

from datetime import date
from typing import Any

from ledger.domain.payoff_statement import PayoffStatement
from projections.statement_answers import AccountStatement, Amounts, StatementLine
from schemas.loans.events import Charge, ChargesPosted, LoanDisbursed
from schemas.payments.events import (
    Allocation,
    AllocationsRestated,
    CreditRefunded,
    PaymentReceived,
    PaymentReversed,
    RestatedCharge,
)
from schemas.values import MoneyEvent, Posting, Standing
from tests.loan_builders import BASIS, DUE, OPENED, days

HASH = "a" * 64
STANDING = Standing(status="active", principal_minor=0, overdue_minor=0, total_due_minor=0, credit_minor=0)


def owes(principal: int = 0, interest: int = 0, fee: int = 0, penalty_interest: int = 0, credit: int = 0) -> Amounts:
    return Amounts(
        principal_minor=principal,
        interest_minor=interest,
        fee_minor=fee,
        penalty_interest_minor=penalty_interest,
        total_due_minor=principal + interest + fee + penalty_interest,
        credit_minor=credit,
    )


def a_statement(
    *changes: Amounts,
    loan: str = "L-1",
    currency: str = "CNY",
    summary: str = "",
    event_type: str = PaymentReceived.TYPE,
) -> AccountStatement:
    """A line for each change, on the days from OPENED on; the last one is a correction."""
    lines, balance = [], Amounts()
    for number, change in enumerate(changes, 1):
        balance = balance.plus(change)
        line = StatementLine(
            position=1_000 * number,
            hash=HASH,
            type=event_type,
            summary=summary or event_type,
            value_date=date.fromordinal(OPENED.toordinal() + number),
            booking_date=DUE,
            compensates=number == len(changes),
            change=change,
            cash_minor=-change.total_due_minor,
            balance=balance,
        )
        lines.append(line)
    return AccountStatement(
        loan=loan,
        currency=currency,
        since=OPENED,
        until=DUE,
        known_at=1_234_567,
        opening=Amounts(),
        lines=tuple(lines),
        closing=balance,
    )


def a_payoff(**other: int) -> PayoffStatement:
    parts = {"principal_minor": 500_00, "interest_minor": 1_00, "fee_minor": 0, "penalty_interest_minor": 5} | other
    credit_minor = parts.pop("credit_minor", 3_00)
    return PayoffStatement(
        loan="L-1",
        currency="CNY",
        payoff_on=DUE,
        valid_until=days(1),
        **parts,
        credit_minor=credit_minor,
        total_minor=sum(parts.values()) - credit_minor,
        known_at=99,
    )


def line(account: str, amount_minor: int, on: date, component: str | None = None) -> Posting:
    if component:
        return Posting(account=account, amount_minor=amount_minor, value_date=on, component=component, installment=1)
    return Posting(account=account, amount_minor=amount_minor, value_date=on)


def a_charged_life(loan_id: str) -> list[MoneyEvent]:
    """100.00 lent for 2.00 of interest and a late fee of 5.00, paid with 8.00 too much, of which 3.00 go back.

    Then it becomes known that 50.00 had come before the due date: the fee is withdrawn, 55.00 more are credit. Last,
    that payment is returned, and all is as before.
    """
    told: dict[str, Any] = {"loan_id": loan_id, "currency": "USD", "basis": BASIS, "standing": STANDING}
    allocated = tuple(
        Allocation(component=component, installment=1, amount_minor=minor)
        for component, minor in (("fee", 5_00), ("interest", 2_00), ("principal", 100_00))
    )
    fee_on, paid_on, early_on = days(1), days(10), days(-5)
    return [
        LoanDisbursed(
            **told,
            booking_date=OPENED,
            postings=(line("receivable", 100_00, OPENED, "principal"), line("funding", -100_00, OPENED)),
            disbursement_id="d1",
            amount_minor=100_00,
            fee_minor=0,
            disbursed_on=OPENED,
            method="bank_transfer",
            installments=(),
        ),
        ChargesPosted(
            **told,
            booking_date=fee_on,
            postings=(
                line("receivable", 2_00, DUE, "interest"),
                line("interest_income", -2_00, DUE),
                line("receivable", 5_00, fee_on, "fee"),
                line("fee_income", -5_00, fee_on),
            ),
            charged_until=fee_on,
            charges=(
                Charge(charged_on=DUE, component="interest", installment=1, amount_minor=2_00),
                Charge(charged_on=fee_on, component="fee", installment=1, amount_minor=5_00),
            ),
        ),
        PaymentReceived(
            **told,
            booking_date=paid_on,
            postings=(
                line("cash", 115_00, paid_on),
                line("receivable", -5_00, paid_on, "fee"),
                line("receivable", -2_00, paid_on, "interest"),
                line("receivable", -100_00, paid_on, "principal"),
                line("credit", -8_00, paid_on),
            ),
            payment_id="p1",
            amount_minor=115_00,
            paid_on=paid_on,
            method="wallet",
            allocations=allocated,
            credit_minor=8_00,
        ),
        CreditRefunded(
            **told,
            booking_date=days(12),
            postings=(line("credit", 3_00, days(12)), line("cash", -3_00, days(12))),
            refund_id="r1",
            refunded_on=days(12),
            amount_minor=3_00,
            method="wallet",
        ),
        PaymentReceived(
            **told,
            booking_date=days(20),
            postings=(line("cash", 50_00, early_on), line("receivable", -50_00, early_on, "principal")),
            payment_id="p2",
            amount_minor=50_00,
            paid_on=early_on,
            method="wallet",
            allocations=(Allocation(component="principal", installment=1, amount_minor=50_00),),
            credit_minor=0,
        ),
        AllocationsRestated(
            **told,
            booking_date=days(20),
            postings=(
                line("receivable", -5_00, fee_on, "fee"),
                line("fee_income", 5_00, fee_on),
                line("receivable", 5_00, paid_on, "fee"),
                line("receivable", 50_00, paid_on, "principal"),
                line("credit", -55_00, paid_on),
            ),
            cause=PaymentReceived.TYPE,
            caused_by="p2",
            restated_on=days(20),
            counted_on=early_on,
            part=1,
            parts=1,
            transactions=(),
            charges=(
                RestatedCharge(charged_on=fee_on, component="fee", installment=1, before_minor=5_00, after_minor=0),
            ),
        ),
        PaymentReversed(
            **told,
            booking_date=days(30),
            postings=(
                line("cash", -50_00, early_on),
                line("receivable", 50_00, early_on, "principal"),
                line("receivable", 5_00, fee_on, "fee"),
                line("fee_income", -5_00, fee_on),
                line("receivable", -5_00, paid_on, "fee"),
                line("receivable", -50_00, paid_on, "principal"),
                line("credit", 55_00, paid_on),
            ),
            payment_id="p2",
            amount_minor=50_00,
            paid_on=early_on,
            reversed_on=days(30),
            cause="bank_return",
        ),
    ]
