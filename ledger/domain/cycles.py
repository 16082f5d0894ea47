"""Where in its cycle a balance that revolves is: which part is drawn on, and whose interest is whose.

Each part is one cycle: drawn on until its statement (`until`), billed until the end of its due date, so that money of
that day is in time. There is never more than one that is billed and has not fallen due.
"""

from datetime import date, timedelta

from ledger.domain.tally import Part
from ledger.domain.working import Work


def next_date(part: Part) -> date:
    """When time next does something to a part: its statement, then the day after its due date."""
    return part.until if part.billed is None else part.due_on + timedelta(1)


def still_asked_minor(part: Part) -> int:
    """Principal that a statement asks for and that is not paid yet."""
    if part.billed is None:
        return 0
    paid_minor = part.billed.billed_minor - part.principal_minor
    return min(part.principal_minor, max(0, part.billed.principal_minor - paid_minor))


def open_index(work: Work, on: date) -> int:
    """The part that is drawn on: the first one whose statement comes after a day, else the last."""
    return next((index for index, part in enumerate(work.parts) if part.until > on), len(work.parts) - 1)


def is_free(work: Work, index: int) -> bool:
    """Whether the interest of a cycle is not charged, if its own statement is paid in full: the one before it was."""
    revolving = work.agreement.revolving
    if not (revolving and revolving.interest_free):
        return False
    before = work.parts[index - 1].billed if index else None
    return before is None or before.is_paid_in_full


def held_index(work: Work) -> int | None:
    """The billed part whose own principal bears interest apart, because that may still come to nothing."""
    if work.is_matured:
        return None
    billed = work.parts[work.waiting].billed
    return work.waiting if billed and billed.is_held else None


def payoff_interest(work: Work, on: date) -> list[tuple[int, int]]:
    """What interest a payment of everything is charged on a day: for which part, and how much in minor units."""
    revolving = work.agreement.revolving
    if work.is_matured or not revolving:
        return []
    is_in_time = work.parts[work.waiting].billed is not None or is_free(work, work.waiting)
    if revolving.interest_free and is_in_time:
        return []
    index = max(open_index(work, on), work.waiting)
    return [(index, work.parts[index].accrued.posted(work.agreement.rounding, work.agreement.multiple_minor)[0])]
