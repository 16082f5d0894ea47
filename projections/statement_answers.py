"""What an account statement says. Amounts are in minor units."""

from dataclasses import dataclass
from datetime import date

COMPONENTS = ("principal", "interest", "fee", "penalty_interest")
"""What a borrower can owe, in the order in which statements show it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """A balance, or a change of it: what is owed by component and in all, and credit, which the lender owes."""

    principal_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0
    penalty_interest_minor: int = 0
    total_due_minor: int = 0
    credit_minor: int = 0

    def __post_init__(self) -> None:
        parts_minor = self.principal_minor + self.interest_minor + self.fee_minor + self.penalty_interest_minor
        assert self.total_due_minor == parts_minor, "nothing is owed but the four components"

    def plus(self, change: "Amounts") -> "Amounts":
        return Amounts(**{name: getattr(self, name) + getattr(change, name) for name in self.__slots__})


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementLine:
    """What one event changed on one value date. `position` and `hash` name the event in the journal.

    `compensates`: it corrects lines of earlier events, which stay as they are. `cash_minor`: money that came in, less
    what was paid out. `balance`: after this line.
    """

    position: int
    hash: str
    type: str
    summary: str
    value_date: date
    booking_date: date
    compensates: bool
    change: Amounts
    cash_minor: int
    balance: Amounts


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountStatement:
    """A loan from one value date to another, both included, as known at a position: the same for ever.

    `opening` is the balance before `since`; `lines`, in order of value dates and then positions, lead to `closing`.
    """

    loan: str
    currency: str
    since: date
    until: date
    known_at: int
    opening: Amounts
    lines: tuple[StatementLine, ...]
    closing: Amounts

    def __post_init__(self) -> None:
        reached = self.lines[-1].balance if self.lines else self.opening
        assert reached == self.closing, "the lines lead from the opening to the closing balance"
