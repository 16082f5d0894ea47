"""What callers may ask about how days past due are counted, and what loans are called by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger.application.commands import LoanCommand
from ledger.domain import counting, restructuring
from ledger.domain.delinquency import COUNTERS, PAUSE, Pause
from ledger.domain.loan import Loan
from ledger.domain.restructured import Restructuring
from ledger.policies.open_days import open_days
from ledger.policies.overdue_policies import overdue_policy
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class SetOverdueRules(LoanCommand):
    """Count by a policy what falls due on `since` (None: on the day of the agreement) or later."""

    policy: str
    since: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        rules = overdue_policy(self.policy, today, loan.currency)
        return counting.set_rules(loan, rules, open_days, since=self.since or loan.agreed_on, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseCounting(LoanCommand):
    """Let counters stand still. `since` None: from today on; `until` None: nobody knows yet."""

    reason: str
    how: str = PAUSE
    counters: tuple[str, ...] = COUNTERS
    since: date | None = None
    until: date | None = None
    pause_id: str | None = None
    note: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        wish = Pause(
            pause_id=self.pause_id or fallback_id.replace("payment-", "pause-"),
            counters=self.counters,
            how=self.how,
            since=self.since or today,
            until=self.until,
        )
        return counting.pause(self.require(loan), wish, self.reason, self.note, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeCounting(LoanCommand):
    """End a pause, or correct its end. `until` None: today is the last day with the same number."""

    pause_id: str
    until: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return counting.resume(self.require(loan), self.pause_id, until=self.until or today, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class RestructureLoan(LoanCommand):
    """Say that terms were eased for a borrower in difficulty. `on` None: today."""

    reason: str
    first_payment_on: date
    on: date | None = None
    restructuring_id: str | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        wish = Restructuring(
            restructuring_id=self.restructuring_id or fallback_id.replace("payment-", "restructuring-"),
            on=self.on or today,
            first_payment_on=self.first_payment_on,
        )
        return restructuring.restructure(self.require(loan), wish, self.reason, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawRestructuring(LoanCommand):
    """Say that it was none."""

    restructuring_id: str
    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return restructuring.withdraw(self.require(loan), self.restructuring_id, self.reason, today=today)
