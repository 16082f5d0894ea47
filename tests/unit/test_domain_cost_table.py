"""The table that tells a borrower what a loan costs."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.domain.annual_rates import irr
from ledger.domain.cost_table import CostItem, CostTable, cost_table
from ledger.domain.errors import NoAnnualRate
from ledger.domain.flows import Flow
from ledger.domain.terms import Fee, FeeTiming
from tests.flow_builders import flows, monthly, once

START = date(2026, 1, 10)
DUE = monthly(date(2026, 2, 10), 12)
ADVANCES = once(START, 12_000_00)
PRINCIPAL = flows(DUE, 1_000_00)
INTEREST = CostItem(
    name="interest",
    paid_to="lender",
    charged="each",
    standard="0.12 per year",
    flows=tuple(Flow(on=on, amount_minor=(12 - number) * 10_00) for number, on in enumerate(DUE)),
)
GUARANTEE = CostItem(
    name="guarantee_fee", paid_to="guarantor", charged="each", standard="20.00 each", flows=tuple(flows(DUE, 20_00))
)
STAMP = CostItem(
    name="stamp_duty",
    paid_to="tax_office",
    charged="upfront",
    standard="0.005 %",
    flows=tuple(once(START, 60)),
    in_rate=False,
)
LATE = [
    Fee(name="penalty_interest", timing=FeeTiming.DEFAULT, rate="0.18"),
    Fee(name="dunning", timing=FeeTiming.DEFAULT, amount_minor=15_00, paid_to="platform"),
    Fee(name="guarantee_fee", timing=FeeTiming.EACH, amount_minor=20_00),
]


def a_table(*items: CostItem) -> CostTable:
    return cost_table(currency="CNY", advances=ADVANCES, principal=PRINCIPAL, items=items, fees=LATE)


def test_interest_alone_is_the_whole_annual_cost() -> None:
    table = a_table(INTEREST)
    assert [line.annual for line in table.lines] == [table.annual] == [Decimal("0.12")]
    assert table.simple == Decimal("0.12")


def test_interest_on_what_is_owed_shows_its_own_rate_and_fees_what_they_add() -> None:
    table = a_table(INTEREST, GUARANTEE)
    interest, guarantee = table.lines
    assert interest.annual == Decimal("0.12")
    assert guarantee.annual == table.annual - Decimal("0.12")
    assert table.annual == irr(ADVANCES, [*PRINCIPAL, *INTEREST.flows, *GUARANTEE.flows], "1m").nominal.quantize(
        Decimal("1E-10")
    )


def test_the_parts_sum_up_to_the_annual_cost_and_the_amounts_to_the_total() -> None:
    table = a_table(INTEREST, GUARANTEE, STAMP)
    assert sum(line.annual for line in table.lines if line.annual is not None) == table.annual
    assert sum(line.amount_minor for line in table.lines) == table.total_minor == 780_00 + 240_00 + 60


def test_an_item_left_out_of_the_rate_is_in_the_table_and_named() -> None:
    table = a_table(INTEREST, STAMP)
    assert table.lines[1].annual is None
    assert table.left_out == ("stamp_duty",)
    assert table.annual == Decimal("0.12")


def test_every_item_says_who_gets_it() -> None:
    assert [line.paid_to for line in a_table(INTEREST, GUARANTEE, STAMP).lines] == ["lender", "guarantor", "tax_office"]


def test_what_default_costs_is_listed_with_its_standard_and_who_gets_it() -> None:
    lines = [(line.name, line.paid_to, line.standard) for line in a_table(INTEREST).in_default]
    assert lines == [
        ("penalty_interest", "lender", "0.18 per year of what is overdue"),
        ("dunning", "platform", "1500 CNY (minor units) each time"),
    ]


def test_a_fee_kept_back_counts_from_the_first_day() -> None:
    kept_back = CostItem(
        name="service_fee", paid_to="lender", charged="deducted", standard="0.02", flows=tuple(once(START, 240_00))
    )
    table = a_table(INTEREST, kept_back)
    net = irr(once(START, 11_760_00), [*PRINCIPAL, *INTEREST.flows], "1m")
    assert table.annual == net.nominal.quantize(Decimal("1E-10"))
    assert table.lines[0].annual == Decimal("0.12")


def test_the_simple_rate_is_the_cost_over_principal_and_time() -> None:
    amount_years = sum(Fraction(1_000_00 * number, 12) for number in range(1, 13))
    simple_rate = Fraction(780_00 + 240_00) / amount_years
    found = a_table(INTEREST, GUARANTEE).simple
    assert abs(found - Decimal(simple_rate.numerator) / simple_rate.denominator) < Decimal("1E-10")


def test_a_loan_without_cost_has_a_table_of_nothing() -> None:
    table = a_table()
    assert (table.lines, table.total_minor, table.annual) == ((), 0, Decimal(0))


def test_principal_that_does_not_come_back_is_refused() -> None:
    with pytest.raises(NoAnnualRate, match="differ by 100000"):
        cost_table(currency="CNY", advances=ADVANCES, principal=PRINCIPAL[1:], items=[INTEREST, GUARANTEE])
