"""Events of a loan's life: agreed, disbursed, charged, changed, written off, paid off, open again, closed."""

from datetime import date
from typing import Any

from schemas.loans.servicing import Servicing
from schemas.values import (
    ABSENT,
    Absent,
    AmountMinor,
    Digest,
    Identifier,
    InstallmentNumber,
    LoanEvent,
    MoneyEvent,
    PositiveMinor,
    Text,
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


class AgreedInstallment(Value, frozen=True):
    """What one installment asks for, as agreed; a down payment is the first.

    Interest counts from `interest_from` to the day before `interest_until`; `interest_share`: the part of a year that
    this is, where it is agreed whatever days are in it, such as 1/12.
    """

    number: InstallmentNumber
    due_on: date
    principal_minor: AmountMinor
    interest_minor: AmountMinor
    fee_minor: AmountMinor
    interest_from: date
    interest_until: date
    interest_share: Text | Absent = ABSENT


class Party(Value, frozen=True):
    """Somebody with a role on it: borrower, co_borrower, guarantor, guardian, administrator, attorney, adviser."""

    party_id: Identifier
    role: Word
    since: date


class CreditAgreed(LoanEvent, frozen=True):
    """Both sides have signed; nothing is paid out yet.

    `terms` are what the schedule follows from, in the form that `ledger quote --terms` reads. `cost_table_hash`:
    SHA-256 of the cost table that was shown and confirmed. `installments` are those that the terms make of the agreed
    date of disbursement.
    """

    TYPE = "ledger.loan.agreed.v1"
    FAMILY = "ledger.loans"

    product: Word
    agreed_on: date
    principal_minor: PositiveMinor
    terms: dict[str, Any]
    servicing: Servicing
    installments: tuple[AgreedInstallment, ...]
    parties: tuple[Party, ...]
    cost_table_hash: Digest

    @property
    def value_date(self) -> date:
        return self.agreed_on


class LoanDisbursed(MoneyEvent, frozen=True):
    """Money was paid out. `installments`: the schedule from now on; `fee_minor` was kept back from the amount."""

    TYPE = "ledger.loan.disbursed.v1"
    FAMILY = "ledger.loans"

    disbursement_id: Identifier
    amount_minor: PositiveMinor
    fee_minor: AmountMinor
    disbursed_on: date
    method: Word
    installments: tuple[AgreedInstallment, ...]

    @property
    def value_date(self) -> date:
        return self.disbursed_on


class DisbursementFailed(MoneyEvent, frozen=True):
    """A disbursement never arrived: it is undone, with all that was charged for it."""

    TYPE = "ledger.loan.disbursement_failed.v1"
    FAMILY = "ledger.loans"

    disbursement_id: Identifier
    amount_minor: PositiveMinor
    disbursed_on: date
    failed_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.disbursed_on


class AgreementWithdrawn(LoanEvent, frozen=True):
    """The borrower has withdrawn from the agreement, within the time for it or before anything was paid out.

    `repay_minor` is owed for it on `withdrawn_on`: what was paid out, and interest to that day.
    """

    TYPE = "ledger.loan.withdrawn.v1"
    FAMILY = "ledger.loans"

    withdrawn_on: date
    repay_minor: AmountMinor

    @property
    def value_date(self) -> date:
        return self.withdrawn_on


class Charge(Value, frozen=True):
    """Interest, a fee or penalty interest that is owed from a date on.

    `asked_minor` and `rule`: only where less was charged than that, and by which rule.
    """

    charged_on: date
    component: Word
    installment: InstallmentNumber
    amount_minor: AmountMinor
    asked_minor: AmountMinor | Absent = ABSENT
    rule: Text | Absent = ABSENT


class ChargesPosted(MoneyEvent, frozen=True):
    """What fell due or was charged by the terms alone, up to `charged_until`."""

    TYPE = "ledger.loan.charged.v1"
    FAMILY = "ledger.loans"

    charged_until: date
    charges: tuple[Charge, ...]

    @property
    def value_date(self) -> date:
        return self.charged_until


class FeeCharged(MoneyEvent, frozen=True):
    """A person charged a fee. `asked_minor` and `rule`: only where a cap left less of it."""

    TYPE = "ledger.loan.fee_charged.v1"
    FAMILY = "ledger.loans"

    fee_id: Identifier
    name: Word
    charged_on: date
    installment: InstallmentNumber
    amount_minor: AmountMinor
    asked_minor: AmountMinor | Absent = ABSENT
    rule: Text | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.charged_on


class InstallmentAsks(Value, frozen=True):
    """What an installment asks for in all, paid or not."""

    number: InstallmentNumber
    due_on: date
    principal_minor: AmountMinor
    interest_minor: AmountMinor
    fee_minor: AmountMinor


class ScheduleChanged(LoanEvent, frozen=True):
    """Installments ask for something else than before, because of `cause`: a word for what was recorded with it."""

    TYPE = "ledger.loan.schedule_changed.v1"
    FAMILY = "ledger.loans"

    cause: Word
    effective_on: date
    installments: tuple[InstallmentAsks, ...]

    @property
    def value_date(self) -> date:
        return self.effective_on


class StatementIssued(LoanEvent, frozen=True):
    """What is owed of a balance that revolves, and how much of it by `due_on`. A later event with the same `statement`
    corrects it, because something became known that counts from before.

    `minimum_minor` is made up of the interest and fees of the cycle and of `principal_minor`; what is past due
    (`past_due_minor`) is asked for besides.
    """

    TYPE = "ledger.loan.statement_issued.v1"
    FAMILY = "ledger.loans"

    statement: InstallmentNumber
    issued_on: date
    due_on: date
    balance_minor: AmountMinor
    minimum_minor: AmountMinor
    principal_minor: AmountMinor
    interest_minor: AmountMinor
    fee_minor: AmountMinor
    past_due_minor: AmountMinor

    @property
    def value_date(self) -> date:
        return self.issued_on


class LoanWrittenOff(MoneyEvent, frozen=True):
    """The lender gives up hope, not the claim: nothing is in the books any more, and what still comes is a recovery."""

    TYPE = "ledger.loan.written_off.v1"
    FAMILY = "ledger.loans"

    write_off_id: Identifier
    written_off_on: date
    amount_minor: PositiveMinor
    reason: Text

    @property
    def value_date(self) -> date:
        return self.written_off_on


class LoanClosed(LoanEvent, frozen=True):
    """Nothing is owed in either direction, and nothing more is expected."""

    TYPE = "ledger.loan.closed.v1"
    FAMILY = "ledger.loans"

    closed_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.closed_on


class PartyJoined(LoanEvent, frozen=True):
    """Somebody has a role on the loan since a date."""

    TYPE = "ledger.loan.party_joined.v1"
    FAMILY = "ledger.loans"

    party: Party

    @property
    def value_date(self) -> date:
        return self.party.since


class PartyLeft(LoanEvent, frozen=True):
    """Somebody has a role no more from `left_on` on."""

    TYPE = "ledger.loan.party_left.v1"
    FAMILY = "ledger.loans"

    party_id: Identifier
    role: Word
    left_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.left_on
