"""What a request changes in how late a loan is: marks, cures, withdrawn marks and the bucket, in one event at most."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypedDict

from ledger.domain.agreement import Agreement
from ledger.domain.delinquency import bucket
from ledger.domain.loan import Loan
from ledger.domain.marks import in_time_until, is_late, next_bucket_on, settled_on, was_in_time
from ledger.domain.tally import Part
from schemas.overdue.events import CuredInstallment, DelinquencyChanged, MarkedInstallment, WithdrawnMark
from schemas.values import ABSENT, Basis, Standing


class About(TypedDict):
    """What every event of a loan says."""

    loan_id: str
    currency: str
    standing: Standing
    basis: Basis


class Cause(NamedTuple):
    """What led to a change: `time`, the kind of a fact, or that with `_reversed`; and the id of the fact."""

    kind: str
    id: str = ""


TIME = Cause("time")


class _Change(NamedTuple):
    """Of one installment. `is_open`: it is overdue afterwards."""

    part: Part
    is_open: bool
    marked: MarkedInstallment | None = None
    cured: CuredInstallment | None = None
    withdrawn: WithdrawnMark | None = None

    @property
    def is_told(self) -> bool:
        """Whether the event says anything of it."""
        return bool(self.marked or self.cured or self.withdrawn)


def delinquency_changes(loan: Loan, about: About, today: date, cause: Cause) -> Iterator[DelinquencyChanged]:
    """One event, or none where all is as recorded. Of a settled loan."""
    if loan.known.written_off_on:
        return
    as_of = max(today, loan.bucket_on)
    changes = [_change(loan, part, as_of) for part in sorted(loan.known.parts, key=lambda part: part.number)]
    open_parts = [change.part for change in changes if change.is_open]
    days = max((_days(loan.agreement, part, as_of) for part in open_parts), default=0)
    marked = tuple(change.marked for change in changes if change.marked)
    cured = tuple(change.cured for change in changes if change.cured)
    withdrawn = tuple(change.withdrawn for change in changes if change.withdrawn)
    if not (marked or cured or withdrawn or bucket(days) != loan.bucket):
        return
    yield DelinquencyChanged(
        **about,
        as_of=as_of,
        days_past_due=days,
        bucket=bucket(days),
        bucket_before=loan.bucket,
        rule=_rule(loan.agreement, [change.part for change in changes if change.is_told] or open_parts),
        cause=cause.kind,
        because_of=cause.id or ABSENT,
        marked=marked,
        cured=cured,
        withdrawn=withdrawn,
        cure_minor=sum(part.lacks_minor for part in open_parts),
        cure_by=_cure_by(loan.agreement, open_parts, bucket(days)) or ABSENT,
    )


def _change(loan: Loan, part: Part, as_of: date) -> _Change:
    mark, settled = loan.mark(part.number), settled_on(loan.agreement, part)
    if was_in_time(loan.agreement, part):
        return _Change(part, is_open=False, withdrawn=_withdrawn(part) if mark else None)
    if not is_late(loan.agreement, part, mark, as_of):
        return _Change(part, is_open=False, withdrawn=_withdrawn(part) if mark and mark.is_open else None)
    marked, cured = None, None
    if mark is None or (mark.cured_on and settled is None):
        marked = _marked(loan.agreement, part, settled or as_of)
    if settled is not None and (mark is None or mark.cured_on != settled):
        cured = _cured(loan.agreement, part, settled)
    return _Change(part, settled is None, marked, cured)


def _marked(agreement: Agreement, part: Part, as_of: date) -> MarkedInstallment:
    days = _days(agreement, part, as_of)
    return MarkedInstallment(
        installment=part.number,
        due_on=part.late_from,
        in_time_until=in_time_until(agreement, part) or part.late_from,
        overdue_minor=part.asked_minor - part.in_time_minor,
        as_of=as_of,
        days_past_due=days,
        bucket=bucket(days),
    )


def _cured(agreement: Agreement, part: Part, cured_on: date) -> CuredInstallment:
    return CuredInstallment(
        installment=part.number,
        due_on=part.late_from,
        cured_on=cured_on,
        days_past_due=_days(agreement, part, cured_on),
    )


def _withdrawn(part: Part) -> WithdrawnMark:
    return WithdrawnMark(installment=part.number, due_on=part.late_from, covered_on=part.covered_on or ABSENT)


def _days(agreement: Agreement, part: Part, as_of: date) -> int:
    return agreement.overdue.days(part.due_on, part.late_from, as_of)


def _rule(agreement: Agreement, parts: Sequence[Part]) -> str:
    """Of the newest installment that the event is about."""
    newest = max((part.due_on for part in parts), default=date.max)
    return agreement.overdue.rules_of(newest).rules.policy


def _cure_by(agreement: Agreement, parts: Sequence[Part], now: str) -> date | None:
    """The last day before the next bucket; None in the last one, and where nothing is overdue."""
    begins = [next_bucket_on(agreement, part, now) for part in parts]
    first = min((on for on in begins if on), default=None)
    return None if first is None else first - timedelta(1)
