"""What callers may ask for. A command is a plain value; its body is what the idempotency key stands for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from ledger.domain import opening, payments
from ledger.domain.errors import LoanNotFound
from ledger.domain.identifiers import loan_stream
from ledger.domain.loan import Loan
from ledger.domain.payments import Designation
from ledger.domain.visiting import visit
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class LoanCommand:
    """A wish about one loan. `currency` is that of the amount in it; None where there is none or the loan's counts."""

    loan_id: str
    currency: str | None = None

    @property
    def stream(self) -> str:
        return loan_stream(self.loan_id)

    def body(self) -> dict[str, Any]:
        """What was asked, as far as the caller said it; JSON types and dates."""
        return {"command": type(self).__name__} | {field.name: getattr(self, field.name) for field in fields(self)}

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        """Events that follow, or a named refusal. `fallback_id` names what the caller gave no name."""
        raise NotImplementedError

    def require(self, loan: Loan | None) -> Loan:
        if loan is None:
            raise LoanNotFound(f"asked for loan {self.loan_id}; this book has no such loan. ledger balances lists all")
        return loan


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLoan(LoanCommand):
    """Lend `principal_minor` until `due_on`. `opened_on` None: today."""

    currency: str
    principal_minor: int
    due_on: date
    opened_on: date | None = None
    borrower_id: str | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return opening.open_bullet(
            loan,
            self.loan_id,
            self.principal_minor,
            self.currency,
            opened_on=self.opened_on or today,
            due_on=self.due_on,
            today=today,
            basis=basis,
            borrower_id=self.borrower_id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordPayment(LoanCommand):
    """Take money. `paid_on` None: today; `payment_id` None: named after the command; `currency` None: the loan's."""

    amount_minor: int
    paid_on: date | None = None
    payment_id: str | None = None
    method: str = "wallet"
    received_at: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return payments.receive_payment(
            loan,
            fallback_id if self.payment_id is None else self.payment_id,
            self.amount_minor,
            self.currency or loan.currency,
            paid_on=self.paid_on or today,
            today=today,
            method=self.method,
            received_at=self.received_at,
            designation=self.designation(),
        )

    def designation(self) -> Designation | None:
        """What the payer says that it is for."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDesignatedPayment(RecordPayment):
    """Take money of which the payer says what it is for: a component, an installment (0: any), or both. `rule`: by what
    the payer may say so."""

    component: str = ""
    installment: int = 0
    rule: str

    def designation(self) -> Designation:
        return Designation(self.component, self.installment, self.rule)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReversePayment(LoanCommand):
    """Undo a payment for a cause: bank_return, payer_dispute or lender_error."""

    payment_id: str
    cause: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return payments.reverse_payment(self.require(loan), self.payment_id, cause=self.cause, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitLoan(LoanCommand):
    """Day end of a business date looks at a loan."""

    business_date: date

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return visit(self.require(loan), business_date=self.business_date)
