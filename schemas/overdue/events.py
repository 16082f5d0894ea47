"""Events of delinquency: installments pass their due date unpaid, are cured, or never were overdue; the loan moves from
bucket to bucket.

The first three types say one thing about one installment each; they are read for ever, as `DelinquencyChanged`.
"""

from datetime import date, timedelta

from schemas.values import (
    ABSENT,
    Absent,
    AmountMinor,
    Bucket,
    Count,
    Event,
    InstallmentNumber,
    LoanEvent,
    PositiveMinor,
    Text,
    Value,
    Word,
)


class MarkedInstallment(Value, frozen=True):
    """An installment was not covered in time.

    `in_time_until`: the last day on which money would have been in time; `overdue_minor` was missing at its end, as far
    as known. Days past due and bucket are those of `as_of`: the day of the decision, or the day on which late money
    that is known by then covered the installment. A second mark for the same installment opens it again after a cure
    that a reversal undid.
    """

    installment: InstallmentNumber
    due_on: date
    in_time_until: date
    overdue_minor: PositiveMinor
    as_of: date
    days_past_due: Count
    bucket: Bucket


class CuredInstallment(Value, frozen=True):
    """An overdue installment is covered since `cured_on`, the value date of the money. A later one corrects it."""

    installment: InstallmentNumber
    due_on: date
    cured_on: date
    days_past_due: Count


class WithdrawnMark(Value, frozen=True):
    """A mark was never true. `covered_on`: value date of the money that was in time; absent where it is still missing,
    but not late."""

    installment: InstallmentNumber
    due_on: date
    covered_on: date | Absent = ABSENT


class DelinquencyEvent(LoanEvent, frozen=True):
    """Says how late a loan or an installment is."""


class DelinquencyChanged(DelinquencyEvent, frozen=True):
    """What one request changed in how late a loan is: all of it, in one event.

    Marks come first, then cures, then what is withdrawn; without any of them only the bucket has moved.
    `days_past_due` and `bucket` are those of the whole loan as of `as_of`, once all of it is applied: of its oldest
    installment that is overdue still. `rule`: id and version of what decides on lateness. `cause`: what led to it:
    `time`, the kind of a fact, or that with `_reversed`; `because_of`: the id of that fact. `cure_minor` is what covers
    all overdue installments, as known (penalty interest is owed besides); paid by `cure_by`, the loan stays out of the
    next bucket.
    """

    TYPE = "ledger.loan.delinquency_changed.v1"
    FAMILY = "ledger.overdue"

    as_of: date
    days_past_due: Count
    bucket: Bucket
    bucket_before: Bucket
    rule: Text
    cause: Word
    because_of: Text | Absent = ABSENT
    marked: tuple[MarkedInstallment, ...] = ()
    cured: tuple[CuredInstallment, ...] = ()
    withdrawn: tuple[WithdrawnMark, ...] = ()
    cure_minor: AmountMinor = 0
    cure_by: date | Absent = ABSENT

    @property
    def value_date(self) -> date:
        """The first day for which something changes."""
        return min(
            [
                *(each.due_on + timedelta(days=1) for each in self.marked),
                *(each.cured_on for each in self.cured),
                *(each.due_on + timedelta(days=1) for each in self.withdrawn),
            ],
            default=self.as_of,
        )


class OverdueEvent(DelinquencyEvent, frozen=True):
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


_AS_AGREED = "as_agreed@1900-01-01"
_UNKNOWN = "unknown"


def as_change(event: Event) -> Event:
    """What an event about one installment says, as a change of its loan. Days and bucket of the loan are those that the
    event tells; what led to it was not recorded."""
    marked: tuple[MarkedInstallment, ...] = ()
    cured: tuple[CuredInstallment, ...] = ()
    withdrawn: tuple[WithdrawnMark, ...] = ()
    as_of, days, bucket = event.value_date, 0, "M0"
    match event:
        case InstallmentOverdue():
            as_of, days, bucket = event.as_of, event.days_past_due, event.bucket
            marked = (
                MarkedInstallment(
                    installment=event.installment,
                    due_on=event.due_on,
                    in_time_until=event.due_on,
                    overdue_minor=event.overdue_minor,
                    as_of=as_of,
                    days_past_due=days,
                    bucket=bucket,
                ),
            )
        case InstallmentCured():
            cured = (
                CuredInstallment(
                    installment=event.installment,
                    due_on=event.due_on,
                    cured_on=event.cured_on,
                    days_past_due=event.days_past_due,
                ),
            )
        case OverdueWithdrawn():
            withdrawn = (
                WithdrawnMark(installment=event.installment, due_on=event.due_on, covered_on=event.covered_on),
            )
    assert isinstance(event, OverdueEvent), "only these become a change"
    return DelinquencyChanged(
        loan_id=event.loan_id,
        currency=event.currency,
        standing=event.standing,
        basis=event.basis,
        as_of=as_of,
        days_past_due=days,
        bucket=bucket,
        bucket_before=bucket if cured or withdrawn else "M0",
        rule=_AS_AGREED,
        cause=_UNKNOWN,
        marked=marked,
        cured=cured,
        withdrawn=withdrawn,
    )
