from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ledger.domain.annual_rates import percent
from ledger.domain.errors import InvalidTerms, NoAnnualRate, RateAboveCap, UnknownJurisdiction, UnknownLender
from ledger.domain.quote import Quote, quote
from ledger.domain.terms import (
    BusinessDay,
    DayCount,
    Disbursement,
    ExplicitLine,
    Fee,
    FeeTiming,
    Method,
    RateStep,
)
from ledger.policies.quoting import POLICIES
from tests.flow_builders import monthly
from tests.terms_builders import terms

PRIVATE: dict[str, Any] = {"jurisdiction": "cn", "lender": "private"}


def quoted(**fields: Any) -> Quote:
    return quote(terms(**fields), POLICIES)


def rate(found: Quote) -> Decimal:
    assert found.irr
    return percent(found.irr.nominal, 4)


def fee(name: str, timing: FeeTiming, **fields: Any) -> Fee:
    return Fee(name=name, timing=timing, **fields)


def test_a_flat_fee_truly_costs_almost_twice_its_rate() -> None:
    found = quoted(annual_rate="0.072", method=Method.FLAT_FEE)
    assert found.irr
    assert percent(found.irr.per_period, 7) == Decimal("1.0861854")
    assert percent(found.irr.nominal, 4) == Decimal("13.0342")
    assert percent(found.irr.effective, 4) == Decimal("13.8418")
    assert found.cost_table
    assert [(line.name, line.amount_minor) for line in found.cost_table.lines] == [("installment_fee", 864_00)]


def test_agreed_lines_have_the_unit_period_of_their_own_dates() -> None:  # Reg Z, appendix J (c)(1)(iii) and (iv)
    halves = sorted(monthly(date(1978, 3, 1), 12) + monthly(date(1978, 3, 16), 12))
    quarters = monthly(date(1978, 10, 1), 40, step=3)
    assert apr_of_lines(date(1978, 2, 23), 5_000_00, halves, 219_17) == Decimal("10.34")
    assert apr_of_lines(date(1978, 5, 23), 10_000_00, quarters, 385_00) == Decimal("8.97")


def apr_of_lines(disbursed_on: date, principal_minor: int, days: list[date], each_minor: int) -> Decimal:
    """The APR of equal payments, of which the first ones are all principal."""
    left, lines = principal_minor, []
    for on in days:
        part = min(each_minor, left)
        lines.append(ExplicitLine(due_on=on, principal_minor=part, interest_minor=each_minor - part))
        left -= part
    agreed = quoted(
        method=Method.EXPLICIT,
        term=None,
        lines=tuple(lines),
        disbursed_on=disbursed_on,
        principal_minor=principal_minor,
    )
    assert agreed.apr
    return percent(agreed.apr)


def test_interest_alone_costs_its_own_rate() -> None:
    found = quoted(method=Method.INTEREST_ONLY)
    assert rate(found) == 18
    assert (found.apr, found.totals.cost_minor) == (Decimal("0.18"), 12 * 180_00)


def test_fees_are_in_the_cost_of_those_that_they_are_paid_to() -> None:
    fees = (
        fee("guarantee", FeeTiming.DEDUCTED, rate="0.02", paid_to="guarantor"),
        fee("account", FeeTiming.EACH, amount_minor=2_00),
        fee("stamp_duty", FeeTiming.UPFRONT, amount_minor=6_00, paid_to="tax_office", in_cost=False),
        fee("reminder", FeeTiming.DEFAULT, amount_minor=5_00),
    )
    found = quoted(fees=fees)
    assert found.cost_table
    shown = [(line.name, line.paid_to, line.amount_minor, line.annual is None) for line in found.cost_table.lines]
    assert shown == [
        ("interest", "lender", 1201_95, False),
        ("guarantee", "guarantor", 240_00, False),
        ("account", "lender", 24_00, False),
        ("stamp_duty", "tax_office", 6_00, True),
    ]
    assert [line.name for line in found.cost_table.in_default] == ["reminder"]


def test_a_fee_by_the_balance_costs_its_rate_beside_the_interest() -> None:
    guarantee = fee("guarantee", FeeTiming.EACH, rate="0.005", rate_of="balance", paid_to="guarantor")
    found = quoted(fees=(guarantee,), method=Method.EQUAL_PRINCIPAL)
    assert [line.fee_minor for line in found.installments[:3]] == [60_00, 55_00, 50_00]
    assert rate(found) == 24
    assert found.cost_table
    assert [percent(line.annual or Decimal(0)) for line in found.cost_table.lines] == [18, 6]


def test_totals_say_what_is_paid_out_and_what_it_costs() -> None:
    fees = (fee("guarantee", FeeTiming.DEDUCTED, rate="0.02"), fee("opening", FeeTiming.UPFRONT, amount_minor=10_00))
    totals = quoted(fees=fees, down_payment_minor=1_000_00).totals
    assert (totals.paid_out_minor, totals.upfront_fee_minor) == (11_760_00, 10_00)
    assert totals.cost_minor == totals.interest_minor + 250_00
    assert totals.total_minor == 12_000_00 + totals.interest_minor


def test_a_deducted_fee_costs_as_much_as_one_beside_the_loan() -> None:
    deducted, upfront = (
        quoted(fees=(fee("service", timing, amount_minor=300_00),))
        for timing in (FeeTiming.DEDUCTED, FeeTiming.UPFRONT)
    )
    assert deducted.irr == upfront.irr
    assert rate(deducted) > 22


def test_a_down_payment_does_not_change_the_rate() -> None:
    assert abs(rate(quoted(down_payment_minor=3_000_00)) - rate(quoted())) < Decimal("0.001")


def test_moving_to_open_days_does_not_change_the_rates() -> None:
    moved = quoted(business_day=BusinessDay.FOLLOWING, calendar="weekends")
    assert str(moved.installments[0].due_on) == "2026-02-02"
    assert (moved.apr, moved.aprc, moved.irr) == (quoted().apr, quoted().aprc, quoted().irr)


@pytest.mark.parametrize(
    "fields",
    [
        {"rate_steps": (RateStep(since=date(2026, 4, 1), annual_rate="0.18"),)},
        {
            "disbursements": (
                Disbursement(on=date(2026, 1, 1), amount_minor=6_000_00),
                Disbursement(on=date(2026, 5, 1), amount_minor=6_000_00),
            )
        },
        {"principal_grace": 5},
        {"balloon_minor": 4_000_00},
        {"method": Method.EQUAL_PRINCIPAL},
        {"method": Method.GIVEN_INSTALLMENT, "installment_minor": 150_00, "negative_amortisation": True},
    ],
)
def test_the_rate_of_interest_on_what_is_owed_is_the_agreed_one(fields: dict[str, Any]) -> None:
    assert abs(rate(quoted(**fields)) - 18) < Decimal("0.01")


def test_fees_of_explicit_lines_are_items_too() -> None:
    lines = tuple(
        ExplicitLine(due_on=date(2026, month, 1), principal_minor=6_000_00, fee_minor=5_00) for month in (2, 3)
    )
    found = quoted(method=Method.EXPLICIT, term=None, lines=lines)
    assert found.cost_table
    assert [(line.name, line.amount_minor) for line in found.cost_table.lines] == [
        ("interest", 270_00),
        ("line_fee", 10_00),
    ]


def test_rates_may_be_left_out() -> None:
    found = quote(terms(**PRIVATE), POLICIES, with_rates=False)
    assert (found.apr, found.irr, found.cost_table, found.caps) == (None, None, None, ())
    assert found.remarks == ("annual rates were left out, so no cap was tested",)
    assert len(found.installments) == 12


def test_a_rate_above_a_cap_is_refused_with_the_rule_and_the_date() -> None:
    with pytest.raises(RateAboveCap, match=r"cn/private_lending/4_lpr: irr is 18\.\d\d % on 2026-01-01") as refusal:
        quoted(**PRIVATE)
    assert refusal.value.field == "annual_rate"


def test_a_rate_within_a_cap_has_a_finding() -> None:
    found = quoted(**PRIVATE, annual_rate="0.11")
    assert [(finding.cap.rule, finding.status.value) for finding in found.caps] == [
        ("cn/private_lending/4_lpr", "within")
    ]
    assert found.remarks == ()


def test_without_a_jurisdiction_no_cap_is_tested_and_the_quote_says_so() -> None:
    assert quoted().remarks == ("no cap was tested, because the terms name no jurisdiction and lender",)


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"jurisdiction": "cn"}, InvalidTerms, "lender"),
        ({"lender": "bank"}, InvalidTerms, "jurisdiction"),
        ({"jurisdiction": "atlantis", "lender": "bank"}, UnknownJurisdiction, "jurisdiction"),
        ({"jurisdiction": "cn", "lender": "uncle"}, UnknownLender, "lender"),
    ],
)
def test_whom_caps_are_for_is_named_whole_or_refused(
    fields: dict[str, Any], error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as refusal:
        quoted(**fields)
    assert getattr(refusal.value, "field", None) == field


def test_a_loan_of_which_nothing_is_paid_out_has_no_rate() -> None:
    with pytest.raises(NoAnnualRate):
        quoted(fees=(fee("service", FeeTiming.UPFRONT, rate="1"),))


def test_days_counted_by_360_cost_more_than_the_rate_says() -> None:
    found = quoted(day_count=DayCount.ACTUAL_360, method=Method.INTEREST_ONLY)
    assert rate(found) > 18


def test_a_rate_beyond_all_measure_is_still_quoted() -> None:
    found = quoted(annual_rate="4559.7688", method=Method.FLAT_INTEREST, every="1d")
    assert found.cost_table
    assert found.cost_table.effective > 10**30
