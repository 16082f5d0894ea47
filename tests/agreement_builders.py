"""Loans with terms and a servicing policy, to start a test from, and their lives."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from ledger.domain import adjustments, opening, payments
from ledger.domain.adjustments import Wish
from ledger.domain.fold import fold
from ledger.domain.loan import Loan, apply, settled
from ledger.domain.opening import Signed
from ledger.domain.payments import Designation
from ledger.domain.payoff import ExpectedInstallment, Payoff, payoff, projected
from ledger.domain.terms import DayCount, Method, Revolving, Terms
from ledger.domain.visiting import visit
from ledger.policies.open_days import open_days
from schemas.loans.servicing import AllocationRule, Servicing
from schemas.values import Basis, Event

BASIS = Basis(engine="2", policy="test", tzdata="2025.2")
PENALTIES_FIRST = ("penalty_interest", "fee", "interest", "principal")
DAY = date(2024, 1, 1)


def a_policy(**changed: Any) -> Servicing:
    """Penalty interest, fees, interest, principal; and nothing that costs."""
    rule = AllocationRule(from_days_past_due=0, order=PENALTIES_FIRST)
    return Servicing(policy="test@2024-01-01", **{"allocation": (rule,), **changed})


def some_terms(principal_minor: int = 100_00, **changed: Any) -> Terms:
    """100.00 USD at 7 %, six months from 2024-01-01, 30/360."""
    usual: dict[str, Any] = {
        "currency": "USD",
        "disbursed_on": DAY,
        "annual_rate": "0.07",
        "term": 6,
        "day_count": DayCount.THIRTY_360_US,
    }
    return Terms(principal_minor=principal_minor, **usual | changed)


def revolving_terms(limit_minor: int, on: date, *, annual_rate: str = "0.18", is_free: bool = False) -> Terms:
    """A year of statements on the last day of a month or the day before it, each due on the 20th after it."""
    return some_terms(
        limit_minor,
        disbursed_on=on,
        annual_rate=annual_rate,
        term=12,
        method=Method.REVOLVING,
        day_count=DayCount.ACTUAL_365F,
        first_due_on=date(on.year + on.month // 12, on.month % 12 + 1, 20),
        revolving=Revolving(days_to_pay=20, minimum_share="0.1", minimum_minor=20_00, interest_free=is_free),
    )


@dataclass
class AgreedLife:
    """A loan that is agreed and paid out on its first day, and all that happened to it since. `first_minor`: what is
    paid out; 0: all that was agreed."""

    terms: Terms = field(default_factory=some_terms)
    policy: Servicing = field(default_factory=partial(a_policy, accrual="daily"))
    first_minor: int = 0
    requests: list[list[Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        day = self.terms.disbursed_on
        signed = Signed(self.terms, self.policy, "installments", "0" * 64, ())
        events = opening.agree(None, "loan-1", signed, open_days, today=day, basis=BASIS)
        loan = apply(None, events[0])
        assert loan
        self.loan: Loan = loan
        self.requests.append(events)
        self.draws(self.first_minor or self.terms.principal_minor, day, name="out-1")

    def draws(self, amount_minor: int, on: date, *, name: str = "", today: date | None = None) -> list[Event]:
        return self.records(
            opening.disburse(
                self.loan,
                name or f"out{len(self.loan.history)}",
                amount_minor,
                self.loan.currency,
                open_days,
                paid_out_on=on,
                today=today or on,
                method="wallet",
                line_id="line-1",
            )
        )

    def pays(
        self,
        amount_minor: int,
        on: date,
        *,
        name: str = "",
        today: date | None = None,
        designation: Designation | None = None,
    ) -> list[Event]:
        return self.records(
            payments.receive_payment(
                self.loan,
                name or f"p{len(self.loan.history)}",
                amount_minor,
                self.loan.currency,
                paid_on=on,
                today=today or on,
                method="bank_transfer",
                designation=designation,
            )
        )

    def reverses(self, name: str, today: date, cause: str = "bank_return") -> list[Event]:
        return self.records(payments.reverse_payment(self.loan, name, cause=cause, today=today))

    def undoes(self, name: str, today: date) -> list[Event]:
        return self.records(adjustments.reverse_transaction(self.loan, name, cause="misdirected", today=today))

    def merchant_refunds(self, amount_minor: int, on: date, name: str, today: date | None = None) -> list[Event]:
        return self.records(
            adjustments.refund_by_merchant(self.loan, self.wish(name, amount_minor, on, today), method="card")
        )

    def refunds_credit(self, amount_minor: int, on: date, name: str) -> list[Event]:
        return self.records(adjustments.refund_credit(self.loan, self.wish(name, amount_minor, on), method="card"))

    def day_end(self, on: date) -> list[Event]:
        return self.records(visit(self.loan, business_date=on))

    def expected(self, as_of: date) -> tuple[ExpectedInstallment, ...]:
        return projected(self.loan.agreement, self.loan.counted, as_of)

    def payoff(self, on: date) -> Payoff:
        known = [each for each in self.loan.counted if each.on <= on]
        return payoff(fold(self.loan.agreement, known, on), on)

    def wish(self, name: str, amount_minor: int, on: date, today: date | None = None) -> Wish:
        return Wish(name, amount_minor, self.loan.currency, on=on, today=today or on)

    @property
    def owed(self) -> list[int]:
        """What each installment still lacks, principal and charges."""
        return [part.owed_minor for part in settled(self.loan).known.parts]

    @property
    def events(self) -> list[Event]:
        return [event for request in self.requests for event in request]

    def records(self, events: Sequence[Event]) -> list[Event]:
        for event in events:
            loan = apply(self.loan, event)
            assert loan
            self.loan = loan
        self.requests.append(list(events))
        return list(events)
