"""Events of a loan's life: opened, paid off, open again."""

from datetime import date

from schemas.values import (
    ABSENT,
    Absent,
    Identifier,
    InstallmentNumber,
    LoanEvent,
    MoneyEvent,
    PositiveMinor,
    Value,
    Word,
)


class InstallmentLine(Value, frozen=True):
    """One line of the schedule: what falls due, and when."""

    number: InstallmentNumber
    due_on: date
    principal_minor: PositiveMinor


class LoanOpened(MoneyEvent, frozen=True):
    """Money was lent. `product` is `bullet`: the whole principal falls due on one date, without interest."""

    TYPE = "ledger.loan.opened.v1"
    FAMILY = "ledger.loans"

    product: Word
    opened_on: date
    principal_minor: PositiveMinor
    installments: tuple[InstallmentLine, ...]
    borrower_id: Identifier | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.opened_on


class LoanPaidOff(LoanEvent, frozen=True):
    """Nothing is owed any more since `paid_off_on`. A later event of this type corrects the date."""

    TYPE = "ledger.loan.paid_off.v1"
    FAMILY = "ledger.loans"

    paid_off_on: date

    @property
    def value_date(self) -> date:
        return self.paid_off_on


class LoanReopened(LoanEvent, frozen=True):
    """A loan that had been paid off owes money again, because a payment was reversed."""

    TYPE = "ledger.loan.reopened.v1"
    FAMILY = "ledger.loans"

    reopened_on: date

    @property
    def value_date(self) -> date:
        return self.reopened_on
