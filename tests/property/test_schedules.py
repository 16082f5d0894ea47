"""Loans that Hypothesis makes up, of every method with the options that it has."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.domain.due_dates import rhythm_of
from ledger.domain.errors import InterestNotCovered, NoAnnualRate
from ledger.domain.interest import NOTHING_ACCRUED, Accrued, accrued, rates_of
from ledger.domain.quote import quote
from ledger.domain.schedule import Schedule, build
from ledger.domain.terms import (
    BusinessDay,
    DayCount,
    Disbursement,
    ExplicitLine,
    Fee,
    FeeTiming,
    InstallmentRounding,
    Method,
    MonthEnd,
    RateStep,
    Residue,
    Rounding,
    RoundingTerms,
    Terms,
)
from ledger.policies.quoting import POLICIES
from schemas.errors import LedgerError

STARTS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
RATES = st.integers(0, 36_0000).map(lambda millionths: f"{millionths / 10**6:.6f}")
WITH_PARTS = [Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL, Method.FLAT_INTEREST, Method.FLAT_FEE]
WITH_TERM = [*WITH_PARTS, Method.INTEREST_ONLY]
DATED = [each for each in DayCount if each is not DayCount.PERIOD]


@st.composite
def roundings(draw: st.DrawFn, method: Method) -> RoundingTerms:
    where = list(Residue) if method is Method.EQUAL_INSTALLMENT else [Residue.LAST, Residue.FIRST, Residue.SPREAD]
    installment = draw(st.sampled_from(InstallmentRounding))
    return RoundingTerms(
        mode=draw(st.sampled_from(Rounding)),
        installment=installment,
        multiple_minor=1 if installment is InstallmentRounding.NONE else draw(st.sampled_from([1, 5, 100, 1000])),
        interest_multiple_minor=draw(st.sampled_from([1, 1, 10])),
        residue=draw(st.sampled_from(where)),
    )


@st.composite
def agreements(draw: st.DrawFn) -> Terms:
    """Terms of a method that has a term, with any options that the method has."""
    method, term, start = draw(st.sampled_from(WITH_TERM)), draw(st.integers(1, 60)), draw(STARTS)
    principal = draw(st.integers(1, 10**9))
    parts = method in WITH_PARTS
    options: dict[str, Any] = {}
    if parts:
        options = {"rounding": draw(roundings(method)), "principal_grace": draw(st.integers(0, term - 1))}
        options["balloon_minor"] = draw(st.integers(0, principal - 1))
    if method is Method.EQUAL_INSTALLMENT:
        options["installment_period"] = draw(st.sampled_from(["day_count", "period"]))
        options["installment_changes"] = draw(st.sampled_from(["recalculated", "level"]))
        options["odd_days"] = draw(st.sampled_from(["spread", "added"]))
    return Terms(
        principal_minor=principal,
        currency="CNY",
        annual_rate=draw(RATES),
        disbursed_on=start,
        term=term,
        every=draw(st.sampled_from(["1m", "3m", "1w", "2w", "30d"])),
        method=method,
        day_count=draw(st.sampled_from(DayCount)),
        first_due_on=draw(st.none() | st.integers(0, 70).map(lambda days: start + timedelta(days))),
        month_end=draw(st.sampled_from(MonthEnd)),
        interest_grace=draw(st.integers(0, term - 1)),
        interest_free=draw(st.integers(0, term)),
        rate_steps=draw(steps(start)),
        **options,
    )


@st.composite
def steps(draw: st.DrawFn, start: date) -> tuple[RateStep, ...]:
    days = draw(st.sets(st.integers(-30, 900), max_size=3))
    return tuple(RateStep(since=start + timedelta(day), annual_rate=draw(RATES)) for day in sorted(days))


def built(terms: Terms) -> Schedule:
    """A schedule; examples in which an installment does not cover its interest are left out."""
    try:
        return build(terms, lambda _: lambda day: day.weekday() < 5)
    except InterestNotCovered:
        assume(False)
        raise


def require_whole(schedule: Schedule, principal_minor: int) -> None:
    lines = schedule.lines
    assert sum(line.principal_minor for line in lines) == principal_minor
    assert lines[-1].balance_minor == 0
    assert all(line.total_minor == line.principal_minor + line.interest_minor + line.fee_minor for line in lines)
    assert all(line.principal_minor >= 0 and line.interest_minor >= 0 and line.balance_minor >= 0 for line in lines)
    assert all(before.due_on <= after.due_on for before, after in pairwise(lines))


@given(agreements())
def test_all_that_was_paid_out_is_repaid_and_nothing_is_left(terms: Terms) -> None:
    schedule = built(terms)
    require_whole(schedule, terms.principal_minor)
    balances = list(accumulate((-line.principal_minor for line in schedule.lines), initial=terms.principal_minor))
    assert [line.balance_minor for line in schedule.lines] == balances[1:]


@given(agreements())
def test_the_number_of_installments_is_the_term_less_those_that_are_not_needed(terms: Terms) -> None:
    schedule = built(terms)
    assert [line.number for line in schedule.lines] == list(range(1, len(schedule.lines) + 1))
    assert len(schedule.lines) + schedule.unused == terms.term
    assert schedule.unused == 0 or schedule.lines[-1].total_minor > 0


@given(terms=agreements(), data=st.data())
def test_a_down_payment_and_fees_change_nothing_of_the_rest(terms: Terms, data: st.DataObject) -> None:
    down = data.draw(st.integers(0, terms.principal_minor - terms.balloon_minor - 1))
    fee = Fee(name="account", timing=FeeTiming.EACH, amount_minor=data.draw(st.integers(0, 1000)))
    smaller = _changed(terms, principal_minor=terms.principal_minor - down)
    with_both, without = built(_changed(terms, down_payment_minor=down, fees=(fee,))), built(smaller)
    require_whole(with_both, terms.principal_minor)
    installments = [line for line in with_both.lines if line.number]
    assert [line.total_minor - (fee.amount_minor or 0) for line in installments] == [
        line.total_minor for line in without.lines
    ]


@given(terms=agreements(), data=st.data())
def test_parts_paid_out_later_are_repaid_too(terms: Terms, data: st.DataObject) -> None:
    assume(terms.principal_minor > 3 and terms.method not in {Method.FLAT_FEE, Method.FLAT_INTEREST})
    last_due = rhythm_of(terms).due(terms.term or 1)
    days = sorted(data.draw(st.lists(st.integers(0, max((last_due - terms.disbursed_on).days - 1, 0)), max_size=2)))
    assume(last_due > terms.disbursed_on)
    each = terms.principal_minor // (len(days) + 1)
    first = Disbursement(on=terms.disbursed_on, amount_minor=terms.principal_minor - each * len(days))
    later = [Disbursement(on=terms.disbursed_on + timedelta(day), amount_minor=each) for day in days]
    schedule = built(_changed(terms, disbursements=(first, *later), balloon_minor=0))
    require_whole(schedule, terms.principal_minor)


@given(agreements(), st.sampled_from(BusinessDay), st.sampled_from(["adjusted", "unadjusted"]))
def test_installments_on_closed_days_move_and_are_still_all_of_the_loan(
    terms: Terms, business_day: BusinessDay, counted: str
) -> None:
    assume(counted == "unadjusted" or terms.day_count is not DayCount.PERIOD)
    schedule = built(_changed(terms, business_day=business_day, calendar="weekends", interest_from_due_dates=counted))
    assert business_day is BusinessDay.NONE or all(line.due_on.weekday() < 5 for line in schedule.lines)
    assert sum(line.principal_minor for line in schedule.lines) == terms.principal_minor


@dataclass(frozen=True)
class Oracle:
    """Equal installments by another way: the balance after the last one is linear in the amount."""

    shares: list[Fraction]
    rate: Fraction

    def left(self, owed: Fraction, amount: Fraction) -> Fraction:
        for share in self.shares:
            owed += owed * self.rate * share - amount
        return owed

    def amount(self, principal: int) -> Fraction:
        zero, one = self.left(Fraction(principal), Fraction(0)), self.left(Fraction(principal), Fraction(1))
        return zero / (zero - one)


@given(
    principal=st.integers(1_000_00, 10**10),
    rate=RATES,
    term=st.integers(2, 48),
    start=STARTS,
    day_count=st.sampled_from([DayCount.ACTUAL_365F, DayCount.ACTUAL_360]),
)
def test_an_equal_installment_is_the_amount_that_leaves_nothing(
    principal: int, rate: str, term: int, start: date, day_count: DayCount
) -> None:
    terms = Terms(
        principal_minor=principal, currency="CNY", annual_rate=rate, term=term, disbursed_on=start, day_count=day_count
    )
    days = [start, *rhythm_of(terms).dues(1, term + 1)]
    year = 365 if day_count is DayCount.ACTUAL_365F else 360
    oracle = Oracle([Fraction((b - a).days, year) for a, b in pairwise(days)], Fraction(rate))
    assert build(terms).lines[0].total_minor == int(oracle.amount(principal) + Fraction(1, 2))


def left_by_days(terms: Terms, amount: Fraction) -> Fraction:
    """What is owed after the last installment if each is `amount`, counted day by day."""
    rates = rates_of(terms.annual_rate, terms.rate_steps)
    paid_out, owed, day = {part.on: part.amount_minor for part in terms.disbursements}, Fraction(0), terms.disbursed_on
    for due_on in rhythm_of(terms).dues(1, (terms.term or 1) + 1):
        interest = Fraction(0)
        while day < due_on:
            owed += paid_out.get(day, 0)
            interest += owed * rates.on(day)
            day += timedelta(1)
        owed += interest / (rates.denominator * 365) - amount
    return owed


@given(terms=agreements(), apart=st.integers(1, 60), first=st.integers(1, 9))
def test_a_level_installment_knows_every_day_of_steps_and_disbursements(terms: Terms, apart: int, first: int) -> None:
    assume((terms.term or 0) * 28 > apart and terms.principal_minor >= 10_000)
    parts = (
        Disbursement(on=terms.disbursed_on, amount_minor=terms.principal_minor * first // 10),
        Disbursement(
            on=terms.disbursed_on + timedelta(apart),
            amount_minor=terms.principal_minor - terms.principal_minor * first // 10,
        ),
    )
    level = Terms(
        principal_minor=terms.principal_minor,
        currency="CNY",
        annual_rate=terms.annual_rate,
        disbursed_on=terms.disbursed_on,
        term=min(terms.term or 1, 24),
        day_count=DayCount.ACTUAL_365F,
        rate_steps=terms.rate_steps,
        disbursements=parts,
        installment_changes="level",
    )
    assume(rhythm_of(level).due(level.term or 1) > parts[1].on)
    nothing, one = left_by_days(level, Fraction(0)), left_by_days(level, Fraction(1))
    exact = nothing / (nothing - one)
    assume(exact < parts[0].amount_minor)
    assume((level.term or 1) > 1)
    assert built(level).lines[0].total_minor == int(exact + Fraction(1, 2))


@given(
    principal=st.integers(1, 10**10),
    day_count=st.sampled_from(DATED),
    start=STARTS,
    cuts=st.lists(st.integers(0, 800), min_size=2, max_size=6),
    data=st.data(),
)
def test_interest_of_split_periods_is_interest_of_the_whole(
    principal: int, day_count: DayCount, start: date, cuts: list[int], data: st.DataObject
) -> None:
    rates = rates_of(data.draw(RATES), data.draw(steps(start)))
    days = [start + timedelta(day) for day in sorted(cuts)]
    whole = accrued(principal, rates, day_count, days[0], days[-1], since=start)
    parts = [accrued(principal, rates, day_count, a, b, since=start) for a, b in pairwise(days)]
    assert sum(parts, NOTHING_ACCRUED) == whole
    posted = sum(part.posted(Rounding.HALF_EVEN)[0] for part in parts)
    assert abs(posted - whole.posted(Rounding.HALF_EVEN)[0]) <= Fraction(len(parts) + 1, 2)


@given(agreements())
def test_interest_of_a_line_is_what_its_days_accrue(terms: Terms) -> None:
    plain = _changed(terms, method=Method.EQUAL_PRINCIPAL, interest_free=0, interest_grace=0)
    assume(plain.rounding.residue is not Residue.EVENED and plain.day_count in DATED)
    assume(plain.rounding.interest_multiple_minor == 1)
    rates, owed, start = rates_of(plain.annual_rate, plain.rate_steps), plain.principal_minor, plain.disbursed_on
    for line in build(plain).lines:
        found: Accrued = accrued(owed, rates, plain.day_count, start, line.due_on)
        assert line.interest_minor == found.posted(plain.rounding.mode)[0]
        owed, start = line.balance_minor, line.due_on


@given(terms=agreements(), more=st.integers(1, 500))
def test_a_higher_rate_never_costs_less(terms: Terms, more: int) -> None:
    higher = _changed(terms, rate_steps=(), annual_rate=_higher(terms.annual_rate, more))
    low, high = built(_changed(terms, rate_steps=())), built(higher)
    slack = 0 if terms.method is not Method.EQUAL_INSTALLMENT else (terms.term or 1) * terms.rounding.multiple_minor
    slack += (terms.term or 1) * terms.rounding.interest_multiple_minor if slack else 0
    assert sum(line.total_minor for line in high.lines) >= sum(line.total_minor for line in low.lines) - slack


@given(principal=st.integers(1, 10**8), share=st.integers(2, 300), rate=RATES, start=STARTS)
def test_a_given_installment_repays_all_with_a_smaller_last_one(
    principal: int, share: int, rate: str, start: date
) -> None:
    amount = max(principal * 4 // 100 + 1, principal // share + 1)
    terms = Terms(
        principal_minor=principal,
        currency="CNY",
        annual_rate=rate,
        disbursed_on=start,
        method=Method.GIVEN_INSTALLMENT,
        installment_minor=amount,
    )
    schedule = built(terms)
    require_whole(schedule, principal)
    assert all(line.total_minor == amount for line in schedule.lines[:-1])
    assert 0 < schedule.lines[-1].total_minor <= amount


@given(agreements())
def test_explicit_lines_of_a_schedule_are_the_same_schedule(terms: Terms) -> None:
    schedule = built(terms)
    lines = tuple(
        ExplicitLine(
            due_on=line.due_on,
            principal_minor=line.principal_minor,
            interest_minor=line.interest_minor,
            fee_minor=line.fee_minor,
        )
        for line in schedule.lines
    )
    explicit = Terms(
        principal_minor=terms.principal_minor,
        currency="CNY",
        disbursed_on=terms.disbursed_on,
        method=Method.EXPLICIT,
        lines=lines,
    )
    assert build(explicit).lines == schedule.lines


@given(terms=agreements(), share=st.integers(0, 30), timing=st.sampled_from(FeeTiming), counts=st.booleans())
def test_any_loan_is_quoted_or_refused_by_name(terms: Terms, share: int, timing: FeeTiming, *, counts: bool) -> None:
    fee = Fee(name="service", timing=timing, rate=f"0.{share:02}", in_cost=counts)
    with suppress(LedgerError):
        found = quote(_changed(terms, fees=(fee,), jurisdiction="cn", lender="bank"), POLICIES)
        assert found.cost_table
        assert found.cost_table.total_minor == found.totals.cost_minor
        assert all(finding.status.value == "within" or not finding.cap.blocks for finding in found.caps)


@given(terms=agreements(), timing=st.sampled_from([FeeTiming.EACH, FeeTiming.LAST, FeeTiming.UPFRONT]))
def test_a_fee_never_makes_a_loan_cheaper(terms: Terms, timing: FeeTiming) -> None:
    assume(terms.method is not Method.FLAT_FEE and (terms.term or 0) > 1)
    fee = Fee(name="service", timing=timing, amount_minor=max(terms.principal_minor // 1000, 1))
    with suppress(NoAnnualRate, InterestNotCovered):
        without, with_fee = quote(terms, POLICIES), quote(_changed(terms, fees=(fee,)), POLICIES)
        assert without.irr
        assert with_fee.irr
        assert with_fee.irr.per_period > without.irr.per_period


def _changed(terms: Terms, **fields: Any) -> Terms:
    """The same terms with other values; options that another method does not have are left out."""
    kept = {name: getattr(terms, name) for name in terms.__struct_fields__} | fields
    if kept["method"] is not Method.EQUAL_INSTALLMENT:
        for name in ("installment_period", "installment_changes", "odd_days"):
            kept.pop(name)
    return Terms(**kept)


def _higher(rate: str, thousandths: int) -> str:
    micro = round(Fraction(rate) * 10**6) + thousandths * 1000
    return f"{micro // 10**6}.{micro % 10**6:06}"
