"""What book to make."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from schemas.errors import BadInput

DAYS = 360
"""A book is so many days long; as many loans are opened on each."""

_EARLIEST = date(2000, 1, 1)

MOST_LOANS = 100_000_000
MOST_PAYMENTS = 1000


class InvalidPlan(BadInput):
    code = "invalid_plan"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The same plan with the same key file makes the same book, byte for byte.

    `payments_per_loan`: in how many parts a bullet is paid back. `late_share`: the part of all loans, 0 to 1, that miss
    a due date. `due_share`: the part of all loans, 0 to 1, of which something falls due on the last day and is not paid
    by then, beside those on which it falls by chance: the next day end has to see to them. `installments_share`: the
    part of all loans, 0 to 1, that are agreed loans of equal installments with interest; the others are bullets without
    any. `until`: the last day of the book. `long_loan_payments`: one loan more, which takes so many payments over the
    whole time; 0: there is none.
    """

    loans: int
    until: date
    payments_per_loan: int = 4
    late_share: float = 0.1
    due_share: float = 0.0
    installments_share: float = 0.0
    seed: int = 1
    long_loan_payments: int = 0

    def __post_init__(self) -> None:
        for what, found, least, most in (
            ("loans", self.loans, 1, MOST_LOANS),
            ("payments per loan", self.payments_per_loan, 1, MOST_PAYMENTS),
            ("a late share", self.late_share, 0, 1),
            ("a due share", self.due_share, 0, 1),
            ("a share of installments", self.installments_share, 0, 1),
            ("a long loan with payments", self.long_loan_payments, 0, MOST_LOANS),
        ):
            if not least <= found <= most:
                raise InvalidPlan(f"asked for a book with {what}: {found}; give {least} to {most}")
        if self.until < _EARLIEST:
            raise InvalidPlan(f"asked for a book until {self.until}; give {_EARLIEST} or a later day")

    def require_past(self, now: datetime) -> None:
        """Raise `InvalidPlan` where the last day is not over yet, in UTC."""
        today = now.astimezone(UTC).date()
        if self.until >= today:
            raise InvalidPlan(f"asked for a book until {self.until}; in UTC it is {today}. Give a day that is over")

    @property
    def first_day(self) -> date:
        return self.until - timedelta(days=DAYS - 1)

    def day(self, number: int) -> date:
        """The day with this number, counted from 0; it may lie beyond the end."""
        return self.first_day + timedelta(days=number)
