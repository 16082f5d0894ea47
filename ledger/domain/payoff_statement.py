"""What has to be paid on a date so that a loan is settled."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoffStatement:
    """Amounts by component, in minor units, for money that counts on `payoff_on`.

    `valid_until`: the last day on which money of this amount still settles the loan.
    `credit_minor`: the part of the borrower's credit that is used for it. `total_minor`: the components less that
    credit. `known_at`: the position up to which everything that was recorded is in it.
    """

    loan: str
    currency: str
    payoff_on: date
    valid_until: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_interest_minor: int
    credit_minor: int
    total_minor: int
    known_at: int

    def __post_init__(self) -> None:
        owed_minor = self.principal_minor + self.interest_minor + self.fee_minor + self.penalty_interest_minor
        assert self.total_minor == owed_minor - self.credit_minor >= 0, "the parts make the total"
        assert self.payoff_on <= self.valid_until, "it holds on its own day"
