"""What the methods of repayment work on: terms with their periods, and how interest is rounded."""

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
    if frame.terms.negative_amortisation:
        return
    instead, field = _WAYS_OUT.get(frame.terms.method, _WAYS_OUT[Method.FLAT_INTEREST])
    raise InterestNotCovered(
        f"asked for an installment of {amount} minor units on {frame.periods.due_on[number]}, which does not cover the "
        f"interest of {interest} due with it; {instead}",
        field,
    )


_WAYS_OUT = {
    Method.GIVEN_INSTALLMENT: (
        "agree on a larger one, or set negative_amortisation to let the loan grow",
        "installment_minor",
    ),
    Method.EQUAL_INSTALLMENT: (
        "agree on an earlier first due date, add odd_days to it, or set negative_amortisation to let the loan grow",
        "negative_amortisation",
    ),
    Method.FLAT_INTEREST: (
        "leave out rounding.installment, so that principal is in equal parts beside any interest",
        "rounding.installment",
    ),
}
