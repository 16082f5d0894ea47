"""Annual rates of a loan, from what changes hands and when: Reg Z APR, European APRC, and the internal rate of return.

apr     nominal: the rate per unit-period times the unit-periods of a year; odd days at simple interest
aprc    effective: of a year, everything compound
irr     per period as agreed; nominal (times the periods of a year) and effective (compound); odd days compound
simple  all cost over the principal that is still out, for as long as it is

Which fees and charges are among the flows is the caller's to say by name; none of the measures leaves a flow out.
Dates are those that were agreed, before any of them moves to a business day (12 CFR 1026.17(c)(3) lets them be).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from math import gcd, lcm
from operator import mul

from ledger.domain.errors import NoAnnualRate
from ledger.domain.flows import Flow, Side, require_one_rate, side, without_first_payments
from ledger.domain.rate_equation import CONTEXT, Sum, growth_per_period
from ledger.domain.unit_periods import (
    YEAR,
    Elapsed,
    UnitPeriod,
    common_period,
    counted_period,
    elapsed,
    read_period,
    series_day,
    single_period,
    years,
)
from schemas.values import State

SHOWN = Context(prec=20)
ZERO = Decimal(0)


class Irr(State, frozen=True):
    """`per_period`: of the agreed period, or of a year if that is shorter. `nominal`: times the periods of a year.
    `effective`: compounded to a year.
    """

    per_period: Decimal
    nominal: Decimal
    effective: Decimal


class AnnualRates(State, frozen=True):
    """All three, per year; 0.0969 is 9.69 %."""

    apr: Decimal
    aprc: Decimal
    irr: Irr


def annual_rates(advances: Sequence[Flow], payments: Sequence[Flow], every: str | None = None) -> AnnualRates:
    """The rates of `apr`, `aprc` and `irr` together; equations that are the same are solved once."""
    loan = _Loan(advances, payments, every)
    return AnnualRates(apr=loan.apr(), irr=loan.irr(), aprc=loan.aprc())


def apr(advances: Sequence[Flow], payments: Sequence[Flow], every: str | None = None) -> Decimal:
    """Annual percentage rate, actuarial method: Reg Z, 12 CFR 1026, appendix J. 0.0969 is 9.69 %, to 20 digits.

    `advances`: the amount financed, when it is paid out. `payments`: all payments that the rate counts, the finance
    charge that is paid beforehand too. `every`: the period of the payments ("1m", "2w", "30d", "semimonth"), which is
    the unit-period; None: the one that appendix J (b)(4) finds in the dates. One advance and one payment have the
    term as unit-period. Raises `NoAnnualRate`, `SeveralAnnualRates`, `InvalidAmount`, `UnknownPeriod`.
    """
    return _Loan(advances, payments, every).apr()


def aprc(advances: Sequence[Flow], payments: Sequence[Flow], every: str | None = None) -> Decimal:
    """Annual percentage rate of charge: Directive 2008/48/EC, annex I; before, 98/7/EC. To 20 digits.

    The X of sum C (1 + X)^-t = sum D (1 + X)^-s, with t and s in years from the first advance: of 12 equal months,
    of 52 weeks where `every` is weeks, of 365 or 366 days where it is days. Raises as `apr`.
    """
    return _Loan(advances, payments, every).aprc()


def irr(advances: Sequence[Flow], payments: Sequence[Flow], every: str | None = None) -> Irr:
    """Internal rate of return per period, with its nominal and its effective year, to 20 digits. Raises as `apr`.

    Whole periods and odd days are counted as for `apr`; an odd day is discounted compound, (1 + i)^(days / 30).
    """
    return _Loan(advances, payments, every).irr()


def simple(cost_minor: int, advances: Sequence[Flow], principal: Sequence[Flow], every: str = "1m") -> Decimal:
    """Cost over the principal still out times the years it is out (PBOC Announcement [2021] No. 3: the simple way).

    `principal`: what is paid back of the principal, and when; it sums up to the advances. Raises `NoAnnualRate` if it
    does not, or if nothing is out for any time.
    """
    out_minor = sum(flow.amount_minor for flow in advances) - sum(flow.amount_minor for flow in principal)
    if out_minor:
        raise NoAnnualRate(
            f"asked for the simple rate; principal paid back and principal paid out differ by {out_minor} (minor units)"
        )
    loan = _Loan(advances, principal, every)
    amount_years = _amount_times(loan.payments, loan.paid_after) - _amount_times(loan.advances, loan.advanced_after)
    if amount_years <= 0:
        raise NoAnnualRate("asked for the simple rate of a loan whose principal is never out. Give its real dates")
    share = cost_minor * loan.period.per_year / amount_years
    return SHOWN.divide(Decimal(share.numerator), Decimal(share.denominator))


def worths(sides: Sequence[Sequence[Flow]], rate: Irr, starts_on: date, every: str) -> list[Decimal]:
    """What flows of each side are worth on `starts_on` together, in minor units, at an internal rate of return.

    Their times are counted as for `irr`; none may be before the start.
    """
    ordered = [side(flows) for flows in sides]
    if not any(each.on for each in ordered):
        return [ZERO for _ in sides]
    day = series_day(starts_on, [on for each in ordered for on in each.on])
    times = [elapsed(starts_on, each.on, day, read_period(every)) for each in ordered]
    parts = lcm(*{of for each in times for _, odd, of in each if odd})
    with localcontext(CONTEXT):
        growth = _power(1 + rate.per_period, 1, parts)
        sums = [
            Sum(ZERO, _in_parts(after, parts), flows.amounts) if flows.on else None
            for flows, after in zip(ordered, times, strict=True)
        ]
        return [each.discounted(growth, 1 / growth)[0] if each else ZERO for each in sums]


def percent(rate: Decimal, places: int = 2) -> Decimal:
    """A rate in per cent, half up to `places` (2008/48/EC, annex I, remark (d): at least one): 0.12962 -> 12.96."""
    with localcontext(CONTEXT):
        shown = 100 * rate
        if shown.adjusted() + places >= CONTEXT.prec:
            return shown  # beyond all measure, and without digits to round
        return shown.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


class _Loan:
    """Flows whose rate exists and is the only one, with their times measured once."""

    def __init__(self, advances: Iterable[Flow], payments: Iterable[Flow], every: str | None) -> None:
        advanced, paid = side(advances), side(payments)
        require_one_rate(advanced, paid)
        self.advances, self.payments = without_first_payments(advanced, paid)
        self._starts_on = self.advances.on[0]
        self._day = series_day(self._starts_on, self.payments.on)
        if every:
            self.period = read_period(every)
        else:
            self.period = common_period(self._starts_on, self.advances.on, self.payments.on)
        self._counted = counted_period(every) if every else self.period
        self.advanced_after = elapsed(self._starts_on, self.advances.on, self._day, self.period)
        self.paid_after = elapsed(self._starts_on, self.payments.on, self._day, self.period)
        self._is_whole = not any(odd for _, odd, _ in self.paid_after + self.advanced_after)
        self._solved: tuple[list[int], list[int], Decimal] | None = None

    def apr(self) -> Decimal:
        if len(self.advances.on) == 1 and self.payments.on[0] == self.payments.on[-1]:
            return self._single_apr()
        if self._is_whole:
            growth, parts = self._irr_growth()
            return _nominal(_power(growth, parts), self.period)
        advanced = _by_fraction(self.advances, self.advanced_after)
        paid = _by_fraction(self.payments, self.paid_after)
        return _nominal(growth_per_period(advanced, paid), self.period)

    def aprc(self) -> Decimal:
        advanced, parts = years(self._starts_on, self.advances.on, self._day, self._counted)
        paid, _ = years(self._starts_on, self.payments.on, self._day, self._counted)
        growth, parts = self._compound_growth(advanced, paid, parts)
        return _less_one(_power(growth, parts))

    def irr(self) -> Irr:
        growth, parts = self._irr_growth()
        per_period, per_year = _power(growth, parts), self.period.per_year
        return Irr(
            per_period=_less_one(per_period),
            nominal=_nominal(per_period, self.period),
            effective=_less_one(_power(growth, parts * per_year.numerator, per_year.denominator)),
        )

    def _single_apr(self) -> Decimal:
        starts_on, ends_on = self._starts_on, self.payments.on[0]
        if term := single_period(starts_on, ends_on):
            growth = CONTEXT.divide(Decimal(sum(self.payments.amounts)), Decimal(self.advances.amounts[0]))
            return _nominal(growth, term)
        paid = _by_fraction(self.payments, elapsed(starts_on, self.payments.on, self._day, YEAR))
        return _nominal(growth_per_period([Sum(ZERO, [0], self.advances.amounts)], paid), YEAR)

    def _irr_growth(self) -> tuple[Decimal, int]:
        """Growth in a part of the period, and how many such parts the period has."""
        if self._is_whole:
            whole = [time[0] for time in self.advanced_after], [time[0] for time in self.paid_after]
            return self._compound_growth(*whole, 1)
        parts = lcm(*{of for _, _, of in self.advanced_after + self.paid_after})
        return self._compound_growth(_in_parts(self.advanced_after, parts), _in_parts(self.paid_after, parts), parts)

    def _compound_growth(self, advanced: list[int], paid: list[int], parts: int) -> tuple[Decimal, int]:
        """Growth in the greatest common part of all times, and how many of these `parts` have."""
        common = gcd(*advanced, *paid, parts)
        if common > 1:
            advanced, paid = [time // common for time in advanced], [time // common for time in paid]
        if self._solved is None or self._solved[:2] != (advanced, paid):
            sums = [Sum(ZERO, advanced, self.advances.amounts)], [Sum(ZERO, paid, self.payments.amounts)]
            self._solved = advanced, paid, growth_per_period(*sums)
        return self._solved[2], parts // common


def _by_fraction(flows: Side, times: Sequence[Elapsed]) -> list[Sum]:
    sums: dict[tuple[int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for (whole, odd, of), amount_minor in zip(times, flows.amounts, strict=True):
        wholes, amounts = sums[odd, of]
        wholes.append(whole)
        amounts.append(amount_minor)
    return [Sum(CONTEXT.divide(Decimal(odd), Decimal(of)), *each) for (odd, of), each in sums.items()]


def _in_parts(times: Sequence[Elapsed], parts: int) -> list[int]:
    """Times in parts of a unit-period."""
    return [whole * parts + odd * parts // of for whole, odd, of in times]


def _amount_times(flows: Side, times: Sequence[Elapsed]) -> Fraction:
    parts = lcm(*{of for _, _, of in times})
    return Fraction(sum(map(mul, flows.amounts, _in_parts(times, parts))), parts)


def _power(growth: Decimal, numerator: int, denominator: int = 1) -> Decimal:
    if numerator == denominator:
        return growth
    return CONTEXT.power(growth, CONTEXT.divide(Decimal(numerator), Decimal(denominator)))


def _less_one(growth: Decimal) -> Decimal:
    return SHOWN.plus(CONTEXT.subtract(growth, Decimal(1)))


def _nominal(growth: Decimal, period: UnitPeriod) -> Decimal:
    times = CONTEXT.multiply(CONTEXT.subtract(growth, Decimal(1)), Decimal(period.per_year.numerator))
    return SHOWN.plus(CONTEXT.divide(times, Decimal(period.per_year.denominator)))
