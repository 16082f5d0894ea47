"""Events of payments and of what counts like them: received, reversed, refunded, waived, restated."""

from datetime import date

from schemas.values import (
    ABSENT,
    Absent,
    AmountMinor,
    Identifier,
    InstallmentNumber,
    LoanEvent,
    MoneyEvent,
    PositiveCount,
    PositiveMinor,
    Text,
    Value,
    Word,
)


class Allocation(Value, frozen=True):
    """The part of a payment that one component of one installment takes."""

    component: Word
    installment: InstallmentNumber
    amount_minor: PositiveMinor


class PaymentReceived(MoneyEvent, frozen=True):
    """Money came in. `allocations` and `credit_minor` say where it went and add up to `amount_minor`.

    `received_at` is the payer's local wall-clock time where the source tells it (ISO 8601 without offset). The
    postings hold every line that the payment changed, with the value date of each: a payment that arrives after
    later ones may move what those had covered.
    """

    TYPE = "ledger.payment.received.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    amount_minor: PositiveMinor
    paid_on: date
    method: Word
    allocations: tuple[Allocation, ...]
    credit_minor: AmountMinor
    received_at: Text | Absent = ABSENT

    def __post_init__(self) -> None:
        super().__post_init__()
        placed_minor = self.credit_minor
        for allocation in self.allocations:
            placed_minor += allocation.amount_minor
        if placed_minor != self.amount_minor:
            raise ValueError(f"payment {self.payment_id} of {self.amount_minor} has {placed_minor} placed")

    @property
    def value_date(self) -> date:
        return self.paid_on


class PaymentDesignated(LoanEvent, frozen=True):
    """The payer has said what the next payment of that name is for: a component of what is due, an installment, or one
    component of one. `rule`: by what the payer may say so."""

    TYPE = "ledger.payment.designated.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    designated_on: date
    rule: Text
    component: Word | Absent = ABSENT
    installment: InstallmentNumber | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.designated_on


class PaymentReversed(MoneyEvent, frozen=True):
    """A payment turned out never to have counted.

    `cause` is `bank_return`, `payer_dispute` or `lender_error`. The value date is that of the payment.
    """

    TYPE = "ledger.payment.reversed.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    amount_minor: PositiveMinor
    paid_on: date
    reversed_on: date
    cause: Word

    @property
    def value_date(self) -> date:
        return self.paid_on


class PaymentPending(LoanEvent, frozen=True):
    """A payment is on its way. It changes no balance; it is received, or fails."""

    TYPE = "ledger.payment.pending.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    amount_minor: PositiveMinor
    pending_on: date
    method: Word

    @property
    def value_date(self) -> date:
        return self.pending_on


class PaymentFailed(LoanEvent, frozen=True):
    """A payment that was on its way will not come."""

    TYPE = "ledger.payment.failed.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    amount_minor: PositiveMinor
    failed_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.failed_on


class PlacedMoneyEvent(MoneyEvent, frozen=True):
    """What takes from a debt as money does. `allocations` and `credit_minor` add up to `amount_minor`."""

    amount_minor: PositiveMinor
    allocations: tuple[Allocation, ...]
    credit_minor: AmountMinor

    def __post_init__(self) -> None:
        super().__post_init__()
        placed_minor = self.credit_minor + sum(allocation.amount_minor for allocation in self.allocations)
        if placed_minor != self.amount_minor:
            raise ValueError(f"{self.TYPE} of {self.amount_minor} for {self.loan_id} has {placed_minor} placed")


class MerchantRefunded(PlacedMoneyEvent, frozen=True):
    """A merchant gave back what was bought with the loan: due installments first, the rest makes all others smaller."""

    TYPE = "ledger.payment.merchant_refunded.v1"
    FAMILY = "ledger.payments"

    refund_id: Identifier
    refunded_on: date
    method: Word

    @property
    def value_date(self) -> date:
        return self.refunded_on


class GoodwillCredited(PlacedMoneyEvent, frozen=True):
    """The lender lets the borrower off an amount, as if it had been paid. `approved_by`: a second person."""

    TYPE = "ledger.payment.goodwill_credited.v1"
    FAMILY = "ledger.payments"

    credit_id: Identifier
    credited_on: date
    reason: Text
    approved_by: Text | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.credited_on


class AmountWaived(MoneyEvent, frozen=True):
    """The lender gives up a charge. `allocations` add up to `amount_minor`; `approved_by`: a second person.

    Facts that become known later may leave less to waive; restatements then say so.
    """

    TYPE = "ledger.payment.amount_waived.v1"
    FAMILY = "ledger.payments"

    waiver_id: Identifier
    waived_on: date
    component: Word
    amount_minor: PositiveMinor
    allocations: tuple[Allocation, ...]
    reason: Text
    approved_by: Text | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.waived_on


class CreditRefunded(MoneyEvent, frozen=True):
    """The borrower got credit back. What later turns out not to have been credit is principal that is owed."""

    TYPE = "ledger.payment.credit_refunded.v1"
    FAMILY = "ledger.payments"

    refund_id: Identifier
    refunded_on: date
    amount_minor: PositiveMinor
    method: Word

    @property
    def value_date(self) -> date:
        return self.refunded_on


class CreditUnclaimed(MoneyEvent, frozen=True):
    """Nobody claims the borrower's credit: it is kept apart, for whom the law says. Who claims it after all has this
    undone, and the credit refunded."""

    TYPE = "ledger.payment.credit_unclaimed.v1"
    FAMILY = "ledger.payments"

    unclaimed_id: Identifier
    unclaimed_on: date
    amount_minor: PositiveMinor
    reason: Text

    @property
    def value_date(self) -> date:
        return self.unclaimed_on


class RecoveryReceived(PlacedMoneyEvent, frozen=True):
    """Money came in after the loan was written off. `allocations` say which part of the claim it settles."""

    TYPE = "ledger.payment.recovery_received.v1"
    FAMILY = "ledger.payments"

    payment_id: Identifier
    paid_on: date
    method: Word

    @property
    def value_date(self) -> date:
        return self.paid_on


class TransactionReversed(MoneyEvent, frozen=True):
    """A refund, credit, waiver, fee or write-off turned out never to have counted. `kind` says which it was."""

    TYPE = "ledger.payment.transaction_reversed.v1"
    FAMILY = "ledger.payments"

    transaction_id: Identifier
    kind: Word
    counted_on: date
    reversed_on: date
    cause: Word

    @property
    def value_date(self) -> date:
        return self.counted_on


class RestatedTransaction(Value, frozen=True):
    """Where the amount of an earlier transaction went: as it was recorded last, and as it is now."""

    transaction_id: Identifier
    counted_on: date
    before: tuple[Allocation, ...]
    after: tuple[Allocation, ...]
    credit_before_minor: AmountMinor
    credit_after_minor: AmountMinor


class RestatedCharge(Value, frozen=True):
    """A charge as it was recorded last, and as it is now; 0 before: it is new; 0 after: it is withdrawn."""

    charged_on: date
    component: Word
    installment: InstallmentNumber
    before_minor: AmountMinor
    after_minor: AmountMinor


class AllocationsRestated(MoneyEvent, frozen=True):
    """A fact that became known late changes what earlier transactions had covered and what was charged.

    `cause` is the type of the event that brought the fact, `caused_by` the id in it. A long restatement comes in
    `parts`, numbered from 1, all in one request; each has the postings of its own changes and adds up to zero.
    """

    TYPE = "ledger.payment.allocations_restated.v1"
    FAMILY = "ledger.payments"

    cause: Text
    caused_by: Identifier
    restated_on: date
    counted_on: date
    part: PositiveCount
    parts: PositiveCount
    transactions: tuple[RestatedTransaction, ...]
    charges: tuple[RestatedCharge, ...]

    @property
    def value_date(self) -> date:
        return self.counted_on
