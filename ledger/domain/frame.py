"""What the methods of repayment work on: terms with their periods, and how interest is rounded."""

from datetime import date

from ledger.domain.due_dates import Rhythm
from ledger.domain.errors import InterestNotCovered
from ledger.domain.periods import Periods
from ledger.domain.rounding import Rounder, installment_mode, rounder
from ledger.domain.terms import Method, Rounding, Terms
from schemas.values import State


class Frame(State, frozen=True):
    """What the methods work on. `owed_minor`: at the beginning, without the down payment."""

    terms: Terms
    rhythm: Rhythm
    periods: Periods
    count: int
    owed_minor: int
    charge: Rounder

    def interest(self, number: int, owed_minor: int) -> int:
        """Of one period, in minor units."""
        return self.charge(owed_minor * self.periods.weights[number] + self.periods.extras[number])

    @property
    def installment_rounding(self) -> tuple[Rounding, int]:
        """The mode and the multiple of what is agreed as equal."""
        rounding = self.terms.rounding
        return installment_mode(rounding.installment, rounding.mode), rounding.multiple_minor


def charge_of(terms: Terms, periods: Periods) -> Rounder:
    """Rounds the interest of a period, given over the denominator of the periods."""
    return rounder(terms.rounding.mode, periods.denominator, terms.rounding.interest_multiple_minor)


def require_covered(frame: Frame, number: int, amount: int, interest: int) -> None:
    """Refuse an installment that is less than its interest, unless the terms let the loan grow."""
    if not frame.terms.negative_amortisation:
        due_on: date = frame.periods.due_on[number]
        given = frame.terms.method is Method.GIVEN_INSTALLMENT
        raise InterestNotCovered(
            f"asked for an installment of {amount} minor units on {due_on}, which does not cover the interest of "
            f"{interest} due with it; agree on a larger one, or set negative_amortisation to let the loan grow",
            "installment_minor" if given else "negative_amortisation",
        )
