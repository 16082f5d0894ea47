"""What callers may ask for. A command is a plain value; its body is what the idempotency key stands for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import reduce
from typing import Any, ClassVar

from ledger.domain import counting, opening, payments
from ledger.domain.errors import LoanNotFound
from ledger.domain.identifiers import loan_stream
from ledger.domain.loan import Loan, apply
from ledger.domain.payments import Designation
from ledger.domain.visiting import visit
from ledger.policies.open_days import open_days
from ledger.policies.overdue_policies import overdue_policy
from schemas.values import Basis, Event, LoanEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class LoanCommand:
    """A wish about one loan. `currency` is that of the amount in it; None where there is none or the loan's counts."""

    LATER: ClassVar[frozenset[str]] = frozenset()
    """Fields that came when keys were in use already: where they say nothing, the body is as it was without them."""

    loan_id: str
    currency: str | None = None

    @property
    def stream(self) -> str:
        return loan_stream(self.loan_id)

    def body(self) -> dict[str, Any]:
        """What was asked, as far as the caller said it; JSON types and dates."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"command": type(self).__name__} | {
            name: value for name, value in said.items() if value or name not in self.LATER
        }

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        """Events that follow, or a named refusal. `fallback_id` names what the caller gave no name."""
        raise NotImplementedError

    def require(self, loan: Loan | None) -> Loan:
        if loan is None:
            raise LoanNotFound(f"asked for loan {self.loan_id}; this book has no such loan. ledger balances lists all")
        return loan


def with_rules(events: Sequence[Event], policy: str, today: date) -> Sequence[Event]:
    """A loan that begins, and by which policy (empty: none of its own) its days past due are counted from then on."""
    loan = reduce(apply, events, None)
    begun = next((event for event in events if isinstance(event, LoanEvent)), None)
    if not policy or loan is None or begun is None:
        return events
    rules = overdue_policy(policy, today, loan.currency)
    return [*events, counting.rules_from_the_start(loan, rules, open_days, now=begun.standing, today=today)]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLoan(LoanCommand):
    """Lend `principal_minor` until `due_on`. `opened_on` None: today. `overdue`: by which policy days past due are
    counted; empty: as agreed."""

    LATER: ClassVar[frozenset[str]] = frozenset({"overdue"})

    currency: str
    principal_minor: int
    due_on: date
    opened_on: date | None = None
    borrower_id: str | None = None
    overdue: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        opened = opening.open_bullet(
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
        return with_rules(opened, self.overdue, today)


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
