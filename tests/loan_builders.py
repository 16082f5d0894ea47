"""Loans to start a test from, and a loan's life that remembers its events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce

from ledger.domain.loan import Loan, apply, next_action_on
from ledger.domain.opening import open_bullet
from ledger.domain.payments import receive_payment, reverse_payment
from ledger.domain.visiting import visit
from schemas.loans.events import InstallmentLine, LoanOpened
from schemas.values import Basis, Event, LoanEvent, Posting, Standing

OPENED = date(2026, 1, 5)
DUE = date(2026, 2, 5)
BASIS = Basis(engine="1", policy="bullet/test@2026-01", tzdata="2025.2")


def days(count: int) -> date:
    """So many days after the due date (before it: negative)."""
    return DUE + timedelta(count)


def a_loan_opened(*principals_minor: int, loan_id: str = "loan-1", currency: str = "USD") -> LoanOpened:
    """A loan with one installment per amount, the first due on DUE and each further one 30 days later."""
    lines = tuple(
        InstallmentLine(number=number, due_on=days(30 * (number - 1)), principal_minor=amount)
        for number, amount in enumerate(principals_minor, 1)
    )
    lent = [
        Posting(
            account="receivable",
            amount_minor=line.principal_minor,
            value_date=OPENED,
            component="principal",
            installment=line.number,
        )
        for line in lines
    ]
    total_minor = sum(principals_minor)
    return LoanOpened(
        loan_id=loan_id,
        currency=currency,
        standing=Standing(
            status="active",
            principal_minor=total_minor,
            overdue_minor=0,
            total_due_minor=total_minor,
            credit_minor=0,
        ),
        basis=BASIS,
        booking_date=OPENED,
        postings=(*lent, Posting(account="funding", amount_minor=-total_minor, value_date=OPENED)),
        product="bullet",
        opened_on=OPENED,
        principal_minor=total_minor,
        installments=lines,
    )


def a_loan(*principals_minor: int) -> Loan:
    """An open loan of 100.00 USD, or with one installment per amount."""
    loan = apply(None, a_loan_opened(*(principals_minor or (100_00,))))
    assert loan
    return loan


def a_bullet(
    principal_minor: int = 100_00, currency: str = "USD", *, opened_on: date = OPENED, due_on: date = DUE
) -> LoanOpened:
    """What the domain says when such a loan is opened on its day."""
    [event] = open_bullet(
        None, "loan-1", principal_minor, currency, opened_on=opened_on, due_on=due_on, today=opened_on, basis=BASIS
    )
    assert isinstance(event, LoanOpened)
    return event


@dataclass
class Life:
    """A loan and all that happened to it. Each method decides, folds, remembers, and returns the new events."""

    loan: Loan = field(default_factory=a_loan)
    requests: list[list[Event]] = field(default_factory=list)

    def pays(self, amount_minor: int, on: date, *, payment_id: str = "", today: date | None = None) -> list[Event]:
        """A payment that counts from `on` and becomes known on `today` (the same day, unless told)."""
        return self.records(
            receive_payment(
                self.loan,
                payment_id or f"p{len(self.loan.history)}",
                amount_minor,
                self.loan.currency,
                paid_on=on,
                today=today or on,
                method="bank_transfer",
            )
        )

    def reverses(self, payment_id: str, today: date, cause: str = "bank_return") -> list[Event]:
        return self.records(reverse_payment(self.loan, payment_id, cause=cause, today=today))

    def day_end(self, on: date) -> list[Event]:
        return self.records(visit(self.loan, business_date=on))

    @property
    def events(self) -> list[Event]:
        """All that happened, in order."""
        return [event for request in self.requests for event in request]

    @property
    def next_action_on(self) -> date | None:
        return next_action_on(self.loan)

    @property
    def standing(self) -> Standing:
        """What the newest event says."""
        newest = self.events[-1]
        assert isinstance(newest, LoanEvent)
        return newest.standing

    def records(self, events: Sequence[Event]) -> list[Event]:
        self.loan = reduce(lambda loan, event: apply(loan, event) or loan, events, self.loan)
        self.requests.append(list(events))
        return list(events)


def names(events: Sequence[Event]) -> list[str]:
    """What happened, by class name."""
    return [type(event).__name__ for event in events]
