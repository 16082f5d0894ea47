"""How late an installment is: days past due and the industry's buckets."""

from datetime import date

_BUCKET_DAYS = 30
_LAST_BUCKET = 7
LAST_BUCKET_FROM_DAYS = _BUCKET_DAYS * (_LAST_BUCKET - 1) + 1
"""From so many days past due on, the bucket stays the same."""


def days_past_due(due_on: date, as_of: date) -> int:
    """Calendar days from the due date to `as_of`; 0 on the due date and before."""
    return max(0, (as_of - due_on).days)


def bucket(days: int) -> str:
    """The delinquency stage of so many days past due: M0 current, M1 1-30 days, M2 31-60, ... M7 more than 180.

    Industry usage without legal force; the boundaries are those of the repayment status codes of the PBOC personal
    credit report.

    >>> [bucket(days) for days in (0, 1, 30, 31, 180, 181, 4000)]
    ['M0', 'M1', 'M1', 'M2', 'M6', 'M7', 'M7']
    """
    return f"M{min(_LAST_BUCKET, -(-days // _BUCKET_DAYS))}"
