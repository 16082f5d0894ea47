"""A quote: what a loan on these terms would be paid back with, what it truly costs, and whether a cap forbids it.

A quote touches no ledger. It is the schedule and its totals and, unless they are left out, the annual rates, the cost
table, and what testing the caps has found. Rates count the dates to which interest counts, so before any moves to an
open day unless the terms count interest to that (12 CFR 1026.17(c)(3) allows it), and of the fees those that say so
(`in_cost`).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from ledger.domain.annual_rates import AnnualRates, Irr, annual_rates, apr
from ledger.domain.cost_table import CostItem, CostTable, cost_table
from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.due_dates import Calendars
from ledger.domain.errors import InvalidTerms
from ledger.domain.flows import Flow
from ledger.domain.money import format_minor
from ledger.domain.rate_caps import CapFinding, CapPolicy, Measure, ReferenceSeries, applicable, examine, require_within
from ledger.domain.schedule import Line, Schedule, build, fee_minor
from ledger.domain.terms import Fee, FeeTiming, Method, Terms
from schemas.values import State


class Policies(State, frozen=True):
    """The dated rules that a quote is made under: calendars and caps by name, series of reference rates."""

    calendars: Calendars
    caps: Callable[[str], CapPolicy]
    references: Callable[[], Mapping[str, ReferenceSeries]]


class Totals(State, frozen=True):
    """In minor units. Principal, interest, fees and their total are those of the installments, line 0 included.

    `upfront_fee_minor` is paid on the day of the disbursement; `paid_out_minor` is the principal less
    `deducted_fee_minor`; `cost_minor` is all interest and fees, those that no rate counts too.
    """

    principal_minor: int
    interest_minor: int
    fee_minor: int
    total_minor: int
    upfront_fee_minor: int
    deducted_fee_minor: int
    paid_out_minor: int
    cost_minor: int


class Quote(State, frozen=True):
    """`unused`: installments of the term that rounding up has made needless. Rates, cost table: None if left out.

    `caps`: a finding for each cap that was tested; empty where none was, and `remarks` then say why.
    """

    installments: tuple[Line, ...]
    totals: Totals
    unused: int = 0
    apr: Decimal | None = None
    aprc: Decimal | None = None
    irr: Irr | None = None
    cost_table: CostTable | None = None
    caps: tuple[CapFinding, ...] = ()
    remarks: tuple[str, ...] = ()


def quote(terms: Terms, policies: Policies, *, with_rates: bool = True) -> Quote:
    """The quote for a loan on these terms.

    `with_rates` False leaves out rates and cost table; no cap is tested then. Raises as `build` and `annual_rates`,
    `RateAboveCap` for a loan that a cap forbids, `UnknownJurisdiction` and `UnknownLender`.
    """
    _require_both(terms)
    schedule = build(terms, policies.calendars)
    totals = _totals(terms, schedule)
    if not with_rates:
        remarks = ("annual rates were left out, so no cap was tested",)
        return Quote(installments=schedule.lines, totals=totals, unused=schedule.unused, remarks=remarks)
    advances, principal = _principal_flows(terms, schedule)
    items = _items(terms, schedule)
    rates = _rates(terms, advances, _by_date(principal, items))
    table = cost_table(
        currency=terms.currency,
        advances=advances,
        principal=principal,
        items=items,
        fees=terms.fees,
        every=terms.every,
        rate=rates.irr,
    )
    findings = _findings(terms, policies, rates, table)
    require_within(findings)
    return Quote(
        installments=schedule.lines,
        totals=totals,
        unused=schedule.unused,
        apr=rates.apr,
        aprc=rates.aprc,
        irr=rates.irr,
        cost_table=table,
        caps=findings,
        remarks=_remarks(terms, findings),
    )


def _totals(terms: Terms, schedule: Schedule) -> Totals:
    lines = schedule.lines
    interest, fees = sum(line.interest_minor for line in lines), sum(line.fee_minor for line in lines)
    return Totals(
        principal_minor=terms.principal_minor,
        interest_minor=interest,
        fee_minor=fees,
        total_minor=terms.principal_minor + interest + fees,
        upfront_fee_minor=schedule.upfront_fee_minor,
        deducted_fee_minor=schedule.deducted_fee_minor,
        paid_out_minor=terms.principal_minor - schedule.deducted_fee_minor,
        cost_minor=interest + fees + schedule.upfront_fee_minor + schedule.deducted_fee_minor,
    )


def _principal_flows(terms: Terms, schedule: Schedule) -> tuple[list[Flow], list[Flow]]:
    """What is advanced, and what of it is paid back.

    Interest that is added to what is owed is an advance on that day, with which the interest of that day is paid.
    """
    advances = [Flow(on=part.on, amount_minor=part.amount_minor) for part in terms.disbursements]
    if not advances:
        advances = [Flow(on=terms.disbursed_on, amount_minor=terms.principal_minor)]
    paid = []
    for on, line in zip(schedule.agreed_on, schedule.lines, strict=True):
        if line.principal_minor > 0:
            paid.append(Flow(on=on, amount_minor=line.principal_minor))
        elif line.principal_minor:
            advances.append(Flow(on=on, amount_minor=-line.principal_minor))
    return advances, paid


def _rates(terms: Terms, advances: list[Flow], paid: list[Flow]) -> AnnualRates:
    """All three by the agreed period; but the APR of agreed lines by that which is found in their dates."""
    rates = annual_rates(advances, paid, terms.every)
    if terms.method is not Method.EXPLICIT:
        return rates
    return AnnualRates(apr=apr(advances, paid), aprc=rates.aprc, irr=rates.irr)


def _by_date(principal: list[Flow], items: list[CostItem]) -> list[Flow]:
    """All payments that rates count, one for each date."""
    paid: dict[date, int] = {}
    for flows in (principal, *(item.flows for item in items if item.in_rate)):
        for flow in flows:
            paid[flow.on] = paid.get(flow.on, 0) + flow.amount_minor
    return [Flow(on=on, amount_minor=amount) for on, amount in paid.items()]


def _items(terms: Terms, schedule: Schedule) -> list[CostItem]:
    """Interest and every fee that is charged if all is paid as agreed, as they fall due."""
    due = list(zip(schedule.agreed_on, schedule.lines, strict=True))
    interest = tuple(Flow(on=on, amount_minor=line.interest_minor) for on, line in due if line.interest_minor)
    items = []
    if interest or terms.method is not Method.FLAT_FEE:
        items.append(_item("interest", "each", _by_rate(terms), interest))
    numbered = [(on, line) for on, line in due if line.number]
    items += [
        CostItem(
            name=fee.name,
            paid_to=fee.paid_to,
            charged=fee.timing.value,
            standard=_standard(fee, terms.currency),
            flows=tuple(_fee_flows(fee, terms, numbered)),
            in_rate=fee.in_cost,
        )
        for fee in terms.fees
        if fee.timing is not FeeTiming.DEFAULT
    ]
    if terms.method is Method.FLAT_FEE:
        items.append(_item("installment_fee", "each", _by_rate(terms), _rest_of_fees(terms, numbered)))
    elif any(line.fee_minor for line in terms.lines):
        items.append(_item("line_fee", "each", "as the lines say", _rest_of_fees(terms, numbered)))
    return items


def _item(name: str, charged: str, standard: str, flows: tuple[Flow, ...]) -> CostItem:
    return CostItem(name=name, paid_to="lender", charged=charged, standard=standard, flows=flows)


def _fee_flows(fee: Fee, terms: Terms, due: list[tuple[date, Line]]) -> Iterator[Flow]:
    if fee.timing is FeeTiming.EACH:
        yield from (Flow(on=on, amount_minor=_each(fee, terms, line)) for on, line in due)
    elif fee.timing is FeeTiming.LAST:
        yield Flow(on=due[-1][0], amount_minor=fee_minor(fee, terms))
    else:
        yield Flow(on=terms.disbursed_on, amount_minor=fee_minor(fee, terms))


def _each(fee: Fee, terms: Terms, line: Line) -> int:
    return fee_minor(fee, terms, line.balance_minor + line.principal_minor)


def _rest_of_fees(terms: Terms, due: list[tuple[date, Line]]) -> tuple[Flow, ...]:
    """What lines have of fees beside those that `fees` names."""
    each = [fee for fee in terms.fees if fee.timing is FeeTiming.EACH]
    rest = [line.fee_minor - sum(_each(fee, terms, line) for fee in each) for _, line in due]
    rest[-1] -= sum(fee_minor(fee, terms) for fee in terms.fees if fee.timing is FeeTiming.LAST)
    return tuple(Flow(on=on, amount_minor=amount) for (on, _), amount in zip(due, rest, strict=True) if amount)


def _by_rate(terms: Terms) -> str:
    steps = "".join(f", {step.annual_rate} since {step.since}" for step in terms.rate_steps)
    flat = terms.method in {Method.FLAT_FEE, Method.FLAT_INTEREST}
    return f"{terms.annual_rate} per year{steps}" + (" of what was paid out" if flat else "")


def _standard(fee: Fee, currency: str) -> str:
    if fee.rate is not None:
        return f"{fee.rate} of the {'principal' if fee.rate_of == 'principal' else 'balance owed'}"
    return f"{format_minor(fee.amount_minor or 0, minor_unit_exponent(currency))} {currency}"


def _require_both(terms: Terms) -> None:
    if (terms.jurisdiction is None) != (terms.lender is None):
        missing = "jurisdiction" if terms.jurisdiction is None else "lender"
        raise InvalidTerms(
            f"asked to test caps without a {missing}; give jurisdiction and lender, or none of them", missing
        )


def _findings(terms: Terms, policies: Policies, rates: AnnualRates, table: CostTable) -> tuple[CapFinding, ...]:
    if terms.jurisdiction is None or terms.lender is None:
        return ()
    caps = applicable(policies.caps(terms.jurisdiction), terms.lender, terms.disbursed_on)
    counted = table.total_minor - sum(line.amount_minor for line in table.lines if line.annual is None)
    measured = {
        Measure.IRR: rates.irr.nominal,
        Measure.IRR_EFFECTIVE: rates.irr.effective,
        Measure.SIMPLE: table.simple,
        Measure.APR: rates.apr,
        Measure.APRC: rates.aprc,
        Measure.TOTAL_COST: Decimal(counted) / Decimal(terms.principal_minor),
    }
    return examine(caps, measured, terms.disbursed_on, policies.references())


def _remarks(terms: Terms, findings: tuple[CapFinding, ...]) -> tuple[str, ...]:
    if terms.jurisdiction is None:
        return ("no cap was tested, because the terms name no jurisdiction and lender",)
    if not findings:
        return (f"no cap is known for {terms.lender} in {terms.jurisdiction} on {terms.disbursed_on}",)
    return ()
