"""What callers may ask for beyond opening, paying and reversing: the rest of a loan's life, as plain commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from ledger.application.commands import LoanCommand, with_rules
from ledger.domain import adjustments, opening, parties, payments
from ledger.domain.adjustments import Wish
from ledger.domain.loan import Loan
from ledger.domain.opening import Signed
from ledger.domain.terms import Terms
from ledger.policies.open_days import open_days
from ledger.policies.servicing_policies import servicing_policy
from schemas.loans.events import Party
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreeLoan(LoanCommand):
    """Both sides have signed. `parties`: role and id; `cost_table_hash`: of the table that was shown and confirmed;
    `overdue`: by which policy days past due are counted, empty: as agreed."""

    LATER: ClassVar[frozenset[str]] = frozenset({"overdue"})

    terms: dict[str, Any]
    policy: str
    product: str
    cost_table_hash: str
    parties: tuple[tuple[str, str], ...] = ()
    overdue: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        signed = Signed(
            terms=Terms.from_plain(self.terms),
            servicing=servicing_policy(self.policy, today),
            product=self.product,
            cost_table_hash=self.cost_table_hash,
            parties=tuple(Party(party_id=party_id, role=role, since=today) for role, party_id in self.parties),
        )
        agreed = opening.agree(loan, self.loan_id, signed, open_days, today=today, basis=basis)
        return with_rules(agreed, self.overdue, today)


@dataclass(frozen=True, kw_only=True, slots=True)
class DisburseLoan(LoanCommand):
    """Pay out what was agreed, or a part of it. `paid_out_on` None: today."""

    amount_minor: int
    disbursement_id: str | None = None
    paid_out_on: date | None = None
    method: str = "wallet"

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return opening.disburse(
            loan,
            self.disbursement_id or fallback_id,
            self.amount_minor,
            self.currency or loan.currency,
            open_days,
            paid_out_on=self.paid_out_on or today,
            today=today,
            method=self.method,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FailDisbursement(LoanCommand):
    """Say that a disbursement never arrived."""

    disbursement_id: str
    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return opening.fail_disbursement(self.require(loan), self.disbursement_id, reason=self.reason, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawAgreement(LoanCommand):
    """The borrower withdraws from the agreement."""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return opening.withdraw(self.require(loan), today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnouncePayment(LoanCommand):
    """A payment is on its way."""

    payment_id: str
    amount_minor: int
    method: str = "wallet"

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return payments.announce_payment(
            loan,
            self.payment_id,
            self.amount_minor,
            self.currency or loan.currency,
            pending_on=today,
            today=today,
            method=self.method,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FailPayment(LoanCommand):
    """A payment that was on its way will not come."""

    payment_id: str
    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return payments.fail_payment(self.require(loan), self.payment_id, reason=self.reason, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment(LoanCommand):
    """An amount that changes a debt and is no payment. `on` None: today; `name` None: named after the command."""

    amount_minor: int
    on: date | None = None
    name: str | None = None

    def wish(self, loan: Loan, today: date, fallback_id: str) -> Wish:
        name = fallback_id.replace("payment-", "adjustment-") if self.name is None else self.name
        return Wish(name, self.amount_minor, self.currency or loan.currency, on=self.on or today, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChargeFee(Adjustment):
    """Charge a fee. `fee`: what it is called; `installment` 0: with the next one."""

    fee: str
    installment: int = 0

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        wish = self.wish(loan, today, fallback_id)
        return adjustments.charge_fee(loan, wish, name=self.fee, installment=self.installment)


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiveCharge(Adjustment):
    """Give up interest, a fee or penalty interest. `asked_by` and `approved_by`: two people above the limit."""

    component: str
    reason: str
    asked_by: str
    approved_by: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return adjustments.waive(
            loan,
            self.wish(loan, today, fallback_id),
            component=self.component,
            reason=self.reason,
            actor=self.asked_by,
            approved_by=self.approved_by,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditGoodwill(Adjustment):
    """Let the borrower off an amount as if it had been paid."""

    reason: str
    asked_by: str
    approved_by: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        wish = self.wish(loan, today, fallback_id)
        return adjustments.credit_goodwill(
            loan, wish, reason=self.reason, actor=self.asked_by, approved_by=self.approved_by
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundByMerchant(Adjustment):
    """A merchant gives back what was bought with the loan."""

    method: str = "card"

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return adjustments.refund_by_merchant(loan, self.wish(loan, today, fallback_id), method=self.method)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundCredit(Adjustment):
    """Pay credit out to the borrower."""

    method: str = "bank_transfer"

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return adjustments.refund_credit(loan, self.wish(loan, today, fallback_id), method=self.method)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetCreditApart(Adjustment):
    """Keep credit apart that nobody claims."""

    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        return adjustments.set_credit_apart(loan, self.wish(loan, today, fallback_id), reason=self.reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteOffLoan(LoanCommand):
    """Take all that is owed off the books."""

    reason: str
    on: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        name = fallback_id.replace("payment-", "write-off-")
        return adjustments.write_off(self.require(loan), name, on=self.on or today, today=today, reason=self.reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReverseTransaction(LoanCommand):
    """Undo a fee, waiver, goodwill, refund or write-off."""

    transaction_id: str
    cause: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return adjustments.reverse_transaction(self.require(loan), self.transaction_id, cause=self.cause, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseLoan(LoanCommand):
    """Close a loan on which nothing is expected any more."""

    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return adjustments.close(self.require(loan), reason=self.reason, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddParty(LoanCommand):
    """Give somebody a role on a loan. `since` None: today."""

    party_id: str
    role: str
    since: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        party = Party(party_id=self.party_id, role=self.role, since=self.since or today)
        return parties.join(self.require(loan), party, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndParty(LoanCommand):
    """End a role on a loan. `left_on` None: today."""

    party_id: str
    role: str
    reason: str
    left_on: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        left_on = self.left_on or today
        return parties.leave(
            self.require(loan), self.party_id, self.role, left_on=left_on, today=today, reason=self.reason
        )
