"""When an installment is marked overdue, and when not: by what overdue means for its loan, and by what is known."""

from datetime import date, timedelta

from ledger.domain.agreement import Agreement
from ledger.domain.delinquency import next_bucket_from
from ledger.domain.tally import Part
from schemas.values import State


class Mark(State, frozen=True):
    """An installment was found overdue; `cured_on` is the value date of the money that ended it."""

    cured_on: date | None = None

    @property
    def is_open(self) -> bool:
        return self.cured_on is None


def settled_on(agreement: Agreement, part: Part) -> date | None:
    """Since when an installment lacks nothing, or no more than is tolerated."""
    return part.tolerated_on if is_tolerated(agreement, part) else part.covered_on


def is_tolerated(agreement: Agreement, part: Part) -> bool:
    """Whether late money left no more missing than is tolerated."""
    is_open = part.covered_on is None and part.tolerated_on is not None
    return is_open and part.lacks_minor <= _tolerance_minor(agreement, part)


def in_time_until(agreement: Agreement, part: Part) -> date | None:
    """The last day on which money for it is in time; None while nobody knows how long a pause lasts."""
    return agreement.overdue.in_time_until(part.due_on, part.late_from)


def was_in_time(agreement: Agreement, part: Part) -> bool:
    """Whether it was settled, and not late."""
    settled, until = settled_on(agreement, part), in_time_until(agreement, part)
    return settled is not None and (until is None or settled <= until or not _lacked_more(agreement, part))


def is_late(agreement: Agreement, part: Part, mark: Mark | None, today: date) -> bool:
    """Whether it is or was past due as of a day."""
    until, settled = in_time_until(agreement, part), settled_on(agreement, part)
    if until is None:
        return False
    if settled is not None:
        return settled > until and _lacked_more(agreement, part)
    is_open = bool(mark and mark.is_open)  # what was seen to be late once stays so while a freeze holds
    seen_on = today if is_open else agreement.overdue.as_seen(today)
    return seen_on > until and _lacked_more(agreement, part)


def next_mark_on(agreement: Agreement, part: Part) -> date | None:
    """The day on which it is marked, if nothing is paid; None: never, or nobody knows yet."""
    until = in_time_until(agreement, part)
    if until is None or not _lacked_more(agreement, part):
        return None
    return agreement.overdue.free_from(until + timedelta(1))


def next_bucket_on(agreement: Agreement, part: Part, bucket: str) -> date | None:
    """The day on which an overdue installment brings its loan into the bucket after this one."""
    days = next_bucket_from(bucket)
    return None if days is None else agreement.overdue.date_of(part.due_on, part.late_from, days)


def _lacked_more(agreement: Agreement, part: Part) -> bool:
    """Whether more was missing, when money was last in time, than is tolerated."""
    tolerance_minor = _tolerance_minor(agreement, part)
    return not tolerance_minor or part.asked_minor - part.in_time_minor > tolerance_minor


def _tolerance_minor(agreement: Agreement, part: Part) -> int:
    return agreement.overdue.rule_of(part.due_on).tolerance_minor if agreement.overdue.rules else 0
