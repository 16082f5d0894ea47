"""Annual rates of loans that Hypothesis makes up: each solves its own equation, and more paid is never a lower rate."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.annual_rates import annual_rates, apr, aprc, irr
from ledger.domain.flows import Flow
from ledger.domain.unit_periods import elapsed, read_period, series_day, years
from tests.flow_builders import daily, flows, monthly, once

NEAR = Decimal("1E-15")

starts = st.dates(date(2000, 1, 1), date(2040, 12, 31))
periods = st.sampled_from(["1m", "2m", "3m", "12m", "1w", "2w", "4w", "1d", "10d", "30d", "semimonth"])


def regular_dates(first: date, count: int, every: str) -> list[date]:
    period = read_period(every)
    if every.endswith("m"):
        return monthly(first, count, step=int(every[:-1]))
    return daily(first, count, step=max(1, round(365 / period.per_year)))


@st.composite
def loans(draw: st.DrawFn) -> tuple[list[Flow], list[Flow], str]:
    """One or two advances, then payments that come to at least as much; the first after any number of days."""
    start, every = draw(starts), draw(periods)
    advances = once(start, draw(st.integers(100_00, 10**11)))
    if draw(st.booleans()):
        advances += once(start + timedelta(days=draw(st.integers(0, 40))), draw(st.integers(1, 10**11)))
    count = draw(st.integers(1, 60))
    dates = regular_dates(advances[-1].on + timedelta(days=draw(st.integers(1, 90))), count, every)
    least = -(-sum(flow.amount_minor for flow in advances) // count)
    return advances, [Flow(on=on, amount_minor=least + draw(st.integers(0, least // 2))) for on in dates], every


def relative_error(advanced: Decimal, paid: Decimal) -> Decimal:
    return abs(paid - advanced) / advanced


def appendix_j(side: Sequence[Flow], start: date, day: int, every: str, rate: Decimal) -> Decimal:
    i = rate * read_period(every).per_year.denominator / read_period(every).per_year.numerator
    times = elapsed(start, [flow.on for flow in side], day, read_period(every))
    terms = zip(side, times, strict=True)
    return sum((f.amount_minor / ((1 + i * odd / of) * (1 + i) ** whole) for f, (whole, odd, of) in terms), Decimal(0))


def in_years(side: Sequence[Flow], start: date, day: int, every: str, rate: Decimal) -> Decimal:
    times, parts = years(start, [flow.on for flow in side], day, read_period(every))
    terms = zip(side, times, strict=True)
    return sum((flow.amount_minor / (1 + rate) ** (Decimal(time) / parts) for flow, time in terms), Decimal(0))


@given(loans())
def test_an_apr_solves_the_general_equation_of_appendix_j(loan: tuple[list[Flow], list[Flow], str]) -> None:
    advances, payments, every = loan
    if len(advances) == len(payments) == 1:
        advances, payments = advances * 2, payments * 2  # else the term is the unit-period
    day, start = series_day(advances[0].on, [flow.on for flow in payments]), advances[0].on
    rate = apr(advances, payments, every)
    with localcontext(prec=50):
        advanced, paid = (appendix_j(side, start, day, every, rate) for side in (advances, payments))
        assert relative_error(advanced, paid) < NEAR


@given(loans())
def test_an_aprc_solves_the_basic_equation_of_the_directive(loan: tuple[list[Flow], list[Flow], str]) -> None:
    advances, payments, every = loan
    day, start = series_day(advances[0].on, [flow.on for flow in payments]), advances[0].on
    rate = aprc(advances, payments, every)
    with localcontext(prec=50):
        advanced, paid = (in_years(side, start, day, every, rate) for side in (advances, payments))
        assert relative_error(advanced, paid) < NEAR


@given(loans())
def test_an_internal_rate_makes_paid_and_advanced_equal(loan: tuple[list[Flow], list[Flow], str]) -> None:
    advances, payments, every = loan
    day, start = series_day(advances[0].on, [flow.on for flow in payments]), advances[0].on
    growth = 1 + irr(advances, payments, every).per_period
    with localcontext(prec=50):
        worths = []
        for side in (advances, payments):
            times = elapsed(start, [flow.on for flow in side], day, read_period(every))
            exponents = [whole + Decimal(odd) / of for whole, odd, of in times]
            worths.append(sum(f.amount_minor / growth**exponent for f, exponent in zip(side, exponents, strict=True)))
        assert relative_error(Decimal(worths[0]), Decimal(worths[1])) < NEAR


@given(loans(), st.data())
def test_a_larger_payment_is_a_higher_rate(loan: tuple[list[Flow], list[Flow], str], data: st.DataObject) -> None:
    advances, payments, every = loan
    raised = data.draw(st.integers(0, len(payments) - 1))
    more = [
        Flow(on=flow.on, amount_minor=flow.amount_minor + (flow.amount_minor // 100 + 1) * (number == raised))
        for number, flow in enumerate(payments)
    ]
    before, after = annual_rates(advances, payments, every), annual_rates(advances, more, every)
    assert before.apr < after.apr
    assert before.aprc < after.aprc
    assert before.irr.per_period < after.irr.per_period


@given(
    start=starts.filter(lambda on: on.day <= 28),
    count=st.integers(2, 120),
    basis_points=st.integers(1, 9_999),
    principal_minor=st.integers(10_000_00, 10**11),
)
def test_equal_installments_at_a_rate_have_that_rate(
    start: date, count: int, basis_points: int, principal_minor: int
) -> None:
    i = Decimal(basis_points) / 120_000
    installment_minor = int(principal_minor * i / (1 - (1 + i) ** -count))
    payments = flows(monthly(monthly(start, 2)[1], count), installment_minor)
    rates = annual_rates(once(start, principal_minor), payments, "1m")
    rounded_off = Decimal(1) / installment_minor  # of each payment, at most
    assert abs(rates.apr - Decimal(basis_points) / 10_000) < rounded_off * 24
    assert rates.apr == rates.irr.nominal
