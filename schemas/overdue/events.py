"""Events of delinquency: an installment passes its due date unpaid, is cured, or never was overdue."""

from datetime import date, timedelta

from schemas.values import Bucket, Count, InstallmentNumber, LoanEvent, PositiveMinor


class OverdueEvent(LoanEvent, frozen=True):
    """A fact about one installment."""

    installment: InstallmentNumber
    due_on: date


class InstallmentOverdue(OverdueEvent, frozen=True):
    """An installment was not covered on its due date.

    `overdue_minor` was missing at the end of the due date, as far as known. Days past due and bucket are those of
    `as_of`: the day of the decision, or the day on which late money that is known by then covered the installment. A
    second mark for the same installment opens it again after a cure that a reversal undid.
    """

    TYPE = "ledger.installment.overdue.v1"
    FAMILY = "ledger.overdue"

    overdue_minor: PositiveMinor
    as_of: date
    days_past_due: Count
    bucket: Bucket

    @property
    def value_date(self) -> date:
        return self.due_on + timedelta(days=1)


class InstallmentCured(OverdueEvent, frozen=True):
    """An overdue installment is covered since `cured_on`, the value date of the money. A later one corrects it."""

    TYPE = "ledger.installment.cured.v1"
    FAMILY = "ledger.overdue"

    cured_on: date
    days_past_due: Count

    @property
    def value_date(self) -> date:
        return self.cured_on


class OverdueWithdrawn(OverdueEvent, frozen=True):
    """A mark was never true: money with a value date up to the due date became known later."""

    TYPE = "ledger.installment.overdue_withdrawn.v1"
    FAMILY = "ledger.overdue"

    covered_on: date

    @property
    def value_date(self) -> date:
        return self.due_on + timedelta(days=1)
