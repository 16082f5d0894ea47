"""What a loan was agreed on, as far as serving it needs: its installments, its rates, and its servicing policy."""

from datetime import date
from fractions import Fraction
from functools import lru_cache

from ledger.domain.delinquency import AS_DUE, Overdue
from ledger.domain.interest import Rates, rates_of, read_rate
from ledger.domain.terms import DayCount, Method, Revolving, Rounding, Terms
from schemas.loans.servicing import AllocationRule, Servicing
from schemas.values import Absent, State

COMPONENTS = ("principal", "interest", "fee", "penalty_interest")
PRINCIPAL, INTEREST, FEE, PENALTY = COMPONENTS

DAILY, SCHEDULED = "daily", "scheduled"

FREE = Servicing(
    policy="bullet-without-interest/1",
    allocation=(AllocationRule(from_days_past_due=0, order=(FEE, PENALTY, INTEREST, PRINCIPAL)),),
)
"""How loans are served that were opened without a policy: principal, by due date."""


class Installment(State, frozen=True, array_like=True):
    """What one installment asks for. Interest counts from `since` to the day before `until`; `share`: the agreed part
    of a year that this is, None where its days say it."""

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    since: date
    until: date
    share: tuple[int, int] | None = None


class Agreement(State, frozen=True):
    """`terms`: None for a loan that was opened without any. `overdue`: when money for an installment is late."""

    installments: tuple[Installment, ...]
    servicing: Servicing
    terms: Terms | None = None
    overdue: Overdue = AS_DUE

    @property
    def is_daily(self) -> bool:
        """Whether interest accrues on what is really owed."""
        return self.servicing.accrual == DAILY

    @property
    def holds_amount(self) -> bool:
        """Whether an installment keeps its amount when its interest changes, or its principal."""
        return self.terms is not None and self.terms.method in {Method.EQUAL_INSTALLMENT, Method.GIVEN_INSTALLMENT}

    @property
    def revolving(self) -> Revolving | None:
        """How a balance is asked for that is drawn at will; None: each installment is agreed."""
        return self.terms.revolving if self.terms else None

    @property
    def rounding(self) -> Rounding:
        return self.terms.rounding.mode if self.terms else Rounding.HALF_UP

    @property
    def multiple_minor(self) -> int:
        """Of what the interest of a period is a multiple."""
        return self.terms.rounding.interest_multiple_minor if self.terms else 1

    @property
    def day_count(self) -> DayCount:
        return self.terms.day_count if self.terms else DayCount.ACTUAL_365F

    @property
    def rates(self) -> Rates:
        return rates_of(self.terms.annual_rate, self.terms.rate_steps) if self.terms else NO_RATES

    @property
    def bears_interest(self) -> bool:
        return self.is_daily and any(self.rates.numerators)

    def next_number(self, on: date) -> int:
        """The number of the first installment that falls due after a day (of what revolves: that the next statement
        asks for), else of the last one. By the agreed dates alone: whether it was paid by then is something that may
        become known later."""
        later = (each for each in self.installments if (each.until if self.revolving else each.due_on) > on)
        return next(later, self.installments[-1]).number

    def penalty_rates(self, *, is_matured: bool) -> Rates:
        """What overdue principal costs on top: while interest of the contract runs, and once it is over."""
        penalty = self.servicing.penalty_interest
        if not penalty:
            return NO_RATES
        return _penalty_rates(self.rates, penalty.uplift, penalty.annual_rate or "", is_matured)

    def allocation_rule(self, days_past_due: int) -> AllocationRule:
        """The rule of the highest number of days that has been reached."""
        rules = self.servicing.allocation
        if len(rules) == 1:
            return rules[0]
        reached = [each for each in rules if each.from_days_past_due <= days_past_due]
        return max(reached, key=lambda each: each.from_days_past_due)


NO_RATES = Rates(since=(date.min,), numerators=(0,), denominator=1)


def share_of(text: str | Absent) -> tuple[int, int] | None:
    """The agreed part of a year that an event tells, such as `1/12`."""
    if not isinstance(text, str):
        return None
    top, _, bottom = text.partition("/")
    return int(top), int(bottom)


@lru_cache(maxsize=256)
def _penalty_rates(rates: Rates, uplift: str, annual_rate: str, is_matured: bool) -> Rates:
    if annual_rate:
        return rates_of(annual_rate)
    top, bottom = read_rate(uplift)
    factor = Fraction(top, bottom) + (1 if is_matured else 0)
    return Rates(
        since=rates.since,
        numerators=tuple(numerator * factor.numerator for numerator in rates.numerators),
        denominator=rates.denominator * factor.denominator,
    )
