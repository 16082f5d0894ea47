"""The table that tells a borrower what a loan costs: every item, who gets it, and its part of the annual cost.

After 《个人贷款业务明示综合融资成本规定》 (National Financial Regulatory Administration and People's Bank of China, in
force since 2026-08-01): principal; each item of interest and fees with how and by what standard it is charged and who
charges it; the annual cost if all is paid as agreed, and each item's part of it; what default would cost, by what
standard and for whom. What is not in the table may not be charged.

The annual cost is the nominal internal rate of return of all items that count. An item's part is that rate times the
worth of the item over the worth of all of them, at the rate itself: at a rate `i` per period the cost is worth `i`
times what is owed, so interest on what is owed shows its own rate, and the rest is what the fees add.
"""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from ledger.domain.annual_rates import Irr, irr, simple, worths
from ledger.domain.flows import Flow
from ledger.domain.terms import Fee, FeeTiming
from schemas.values import State

STEP = Decimal("1E-10")  # of rates in the table: a millionth of a basis point


class CostItem(State, frozen=True):
    """Interest, or one fee, as it falls due. `standard`: by what it is charged ("0.18 per year", "2.00 each").

    `in_rate`: whether the annual cost counts it; what is left out is in the table too, and says so.
    """

    name: str
    paid_to: str
    charged: str
    standard: str
    flows: tuple[Flow, ...]
    in_rate: bool = True


class CostLine(State, frozen=True):
    """An item in the table. `annual`: its part of the annual cost, 0.0106 is 1.06 %; None if it is left out."""

    name: str
    paid_to: str
    charged: str
    standard: str
    amount_minor: int
    annual: Decimal | None


class DefaultLine(State, frozen=True):
    """What the borrower pays only in default, by which standard, and to whom."""

    name: str
    paid_to: str
    standard: str


class CostTable(State, frozen=True):
    """`annual`: the sum of the lines' parts, exactly. `effective`: the same compounded to a year. `simple`: all cost
    that counts over the principal still out. `total_minor`: all items, those left out of the rate too.
    """

    principal_minor: int
    currency: str
    lines: tuple[CostLine, ...]
    in_default: tuple[DefaultLine, ...]
    total_minor: int
    annual: Decimal
    effective: Decimal
    simple: Decimal
    method: str = "irr"
    left_out: tuple[str, ...] = ()


def cost_table(
    *,
    currency: str,
    advances: Sequence[Flow],
    principal: Sequence[Flow],
    items: Sequence[CostItem],
    fees: Sequence[Fee] = (),
    every: str = "1m",
    rate: Irr | None = None,
) -> CostTable:
    """The cost table of a loan.

    `advances`: the whole principal when it is paid out; what is kept back of it is an item on that day. `principal`:
    what is paid back of it. `fees`: those for default are listed, others are not read, as their flows are in `items`.
    `rate`: the `irr` of these flows, if it is known already. Raises as `irr` and `simple`.
    """
    counted = [item for item in items if item.in_rate]
    cost = [flow for item in counted for flow in item.flows]
    rate = rate or irr(advances, [*principal, *cost], every)
    starts_on = min(flow.on for flow in advances)
    annual = _shown(rate.nominal)
    parts = iter(_parts(annual, counted, rate, starts_on, every))
    return CostTable(
        principal_minor=sum(flow.amount_minor for flow in advances),
        currency=currency,
        lines=tuple(_line(item, next(parts) if item.in_rate else None) for item in items),
        in_default=tuple(_in_default(fee, currency) for fee in fees if fee.timing is FeeTiming.DEFAULT),
        total_minor=sum(flow.amount_minor for item in items for flow in item.flows),
        annual=annual,
        effective=_shown(rate.effective),
        simple=_shown(simple(sum(flow.amount_minor for flow in cost), advances, principal, every)),
        left_out=tuple(item.name for item in items if not item.in_rate),
    )


def _parts(annual: Decimal, counted: Sequence[CostItem], rate: Irr, starts_on: date, every: str) -> list[Decimal]:
    """Parts of the annual cost in the order of the items; what rounding leaves over goes to the largest."""
    if len(counted) <= 1:
        return [annual for _ in counted]
    worth = worths([item.flows for item in counted], rate, starts_on, every)
    whole = sum(worth) or Decimal(1)
    parts = [_shown(annual * each / whole) for each in worth]
    largest = parts.index(max(parts))
    parts[largest] += annual - sum(parts)
    return parts


def _shown(rate: Decimal) -> Decimal:
    """A rate as the table has it; one beyond all measure keeps the digits that it has."""
    return rate.quantize(STEP, ROUND_HALF_EVEN) if rate.adjusted() < 15 else rate


def _line(item: CostItem, annual: Decimal | None) -> CostLine:
    return CostLine(
        name=item.name,
        paid_to=item.paid_to,
        charged=item.charged,
        standard=item.standard,
        amount_minor=sum(flow.amount_minor for flow in item.flows),
        annual=annual,
    )


def _in_default(fee: Fee, currency: str) -> DefaultLine:
    if fee.rate is not None:
        standard = f"{fee.rate} per year of what is overdue"
    else:
        standard = f"{fee.amount_minor or 0} {currency} (minor units) each time"
    return DefaultLine(name=fee.name, paid_to=fee.paid_to, standard=standard)
