"""Events of payments: received, reversed."""

from datetime import date

from schemas.values import (
    ABSENT,
    Absent,
    AmountMinor,
    Identifier,
    InstallmentNumber,
    MoneyEvent,
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
