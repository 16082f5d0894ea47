"""Caps on what credit may cost: which hold, what they find, what they refuse."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from ledger.domain.errors import NoReferenceRate, RateAboveCap, UnknownJurisdiction, UnknownLender
from ledger.domain.rate_caps import (
    CapFinding,
    CapStatus,
    Confidence,
    Measure,
    applicable,
    examine,
    require_within,
)
from ledger.policies.caps import UnreadableCaps, cap_policy, read_caps
from ledger.policies.reference_rates import UnreadableSeries, read_series, reference_rates

IN_2026 = date(2026, 3, 2)
LPR = reference_rates()


def found(
    lender: str, measured: Mapping[Measure, str], on: date = IN_2026, jurisdiction: str = "cn"
) -> dict[str, CapFinding]:
    rates = {measure: Decimal(rate) for measure, rate in measured.items()}
    findings = examine(applicable(cap_policy(jurisdiction), lender, on), rates, on, LPR)
    return {finding.cap.rule: finding for finding in findings}


def test_a_private_loan_above_four_times_the_lpr_is_refused_with_rule_date_measure_and_limit() -> None:
    findings = found("private", {Measure.IRR: "0.15"})
    with pytest.raises(RateAboveCap, match=r"cn/private_lending/4_lpr: irr is 15.00 % on 2026-03-02.*12 %.*4 x lpr_1y"):
        require_within(tuple(findings.values()))


def test_a_rate_at_the_limit_is_within_it_whatever_its_cents_add() -> None:
    at_limit = found("private", {Measure.IRR: "0.12004"})["cn/private_lending/4_lpr"]
    above = found("private", {Measure.IRR: "0.12005"})["cn/private_lending/4_lpr"]
    assert (at_limit.status, above.status) == (CapStatus.WITHIN, CapStatus.ABOVE)


@pytest.mark.parametrize(
    ("on", "limit"),
    [
        (date(2021, 12, 19), "0.1540"),
        (date(2021, 12, 20), "0.1520"),
        (date(2025, 5, 19), "0.1240"),
        (date(2025, 5, 20), "0.1200"),
    ],
)
def test_the_lpr_of_the_day_of_origination_counts(on: date, limit: str) -> None:
    assert found("private", {}, on)["cn/private_lending/4_lpr"].limit == Decimal(limit)


def test_a_cap_that_is_not_confirmed_is_a_finding_that_says_so_and_refuses_nothing() -> None:
    findings = found("consumer_finance", {Measure.IRR: "0.21"})
    finding = findings["cn/consumer_finance/20"]
    assert finding.status is CapStatus.ABOVE
    assert "not confirmed, low" in finding.says
    require_within(tuple(findings.values()))


def test_a_cap_that_is_not_confirmed_refuses_if_its_file_says_so() -> None:
    [cap] = [cap for cap in cap_policy("cn").caps if cap.rule == "cn/financial_loans/24"]
    findings = examine([replace(cap, blocks=True)], {Measure.IRR: Decimal("0.2401")}, IN_2026, LPR)
    with pytest.raises(RateAboveCap, match="not confirmed, secondary"):
        require_within(findings)


def test_a_blocking_cap_whose_measure_is_missing_refuses() -> None:
    with pytest.raises(RateAboveCap, match="irr was not measured"):
        require_within(tuple(found("private", {Measure.APR: "0.05"}).values()))


def test_after_the_last_known_lpr_it_is_carried_forward_and_says_so() -> None:
    finding = found("private", {Measure.IRR: "0.15"}, date(2026, 11, 20))["cn/private_lending/4_lpr"]
    assert finding.refuses
    assert "known until 2026-09-20 and carried forward" in finding.says


@pytest.mark.parametrize(
    ("on", "rules"),
    [
        (date(2015, 8, 31), set()),
        (date(2020, 8, 19), {"cn/private_lending/36/2015", "cn/private_lending/24/2015"}),
        (date(2020, 8, 20), {"cn/private_lending/4_lpr/2020"}),
        (date(2021, 1, 1), {"cn/private_lending/4_lpr"}),
    ],
)
def test_a_cap_holds_from_its_first_to_its_last_day(on: date, rules: set[str]) -> None:
    assert {cap.rule for cap in applicable(cap_policy("cn"), "private", on)} == rules


def test_each_cap_is_tested_by_its_own_measure() -> None:
    findings = found("high_cost_short_term", {Measure.SIMPLE: "2.93", Measure.TOTAL_COST: "0.9"}, jurisdiction="gb")
    assert findings["gb/high_cost_short_term/0.8_a_day"].status is CapStatus.ABOVE
    assert findings["gb/high_cost_short_term/total"].status is CapStatus.WITHIN


def test_a_lender_that_the_policy_does_not_tell_apart_is_refused_by_field() -> None:
    with pytest.raises(UnknownLender, match=r"pirvate.*private, bank") as refused:
        found("pirvate", {})
    assert refused.value.field == "lender"


def test_a_jurisdiction_without_caps_is_refused() -> None:
    with pytest.raises(UnknownJurisdiction, match=r"'fr'; there are those of cn, gb, us"):
        cap_policy("fr")


def test_before_the_first_lpr_there_is_none() -> None:
    with pytest.raises(NoReferenceRate, match="2019-08-19"):
        LPR["lpr_1y"].on(date(2019, 8, 19))


@pytest.mark.parametrize(
    ("lender", "on", "rate", "rule"),
    [
        ("bank", IN_2026, "0.2401", "cn/financial_loans/24: irr is 24.01 % on 2026-03-02"),
        ("micro_lender", IN_2026, "0.2401", "cn/micro_lender/24: irr is 24.01 % on 2026-03-02"),
        ("private", date(2019, 3, 1), "0.3601", "cn/private_lending/36/2015: irr is 36.01 % on 2019-03-01"),
        ("private", date(2020, 9, 1), "0.1541", "cn/private_lending/4_lpr/2020: irr is 15.41 % on 2020-09-01"),
    ],
)
def test_a_rate_above_a_cap_is_refused_with_rule_and_date(lender: str, on: date, rate: str, rule: str) -> None:
    caps = applicable(cap_policy("cn"), lender, on)
    with pytest.raises(RateAboveCap) as refusal:
        require_within(examine(caps, {Measure.IRR: Decimal(rate)}, on, LPR))
    assert rule in str(refusal.value)


def test_what_makes_a_loan_void_or_is_forbidden_refuses_and_what_is_advice_does_not() -> None:
    caps = [cap for jurisdiction in ("cn", "us", "gb") for cap in cap_policy(jurisdiction).caps]
    assert {cap.rule for cap in caps if not cap.blocks} == {
        "cn/private_lending/24/2015",
        "cn/micro_lender/4_lpr",
        "cn/consumer_finance/20",
        "cn/card_overdraft/0.05_a_day",
    }
    assert all(cap.blocks for cap in caps if cap.confidence is Confidence.CONFIRMED)
    assert all(cap.reference is None or cap.reference in LPR for cap in caps)


CAP = """
[lenders]
bank = "banks"
[[cap]]
rule = "xx/1"
lenders = ["bank"]
measure = "irr"
limit = "0.24"
effective_from = 2026-01-01
source = "a law"
confidence = "confirmed"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[lenders]", "[lenders", "TOMLDecodeError"),
        ('limit = "0.24"', "limit = 0.24", "xx/1 has 0.24 where a decimal"),
        ('limit = "0.24"', 'limit = "-1"', "above 0"),
        ('source = "a law"', "", "xx/1 has no source"),
        ('["bank"]', '["bank", "pawnshop"]', "pawnshop"),
        ('"irr"', '"yield"', "yield"),
        ("2026-01-01", '"2026-01-01"', "where a date is"),
        ('"confirmed"', '"confirmed"\ncolour = "red"', "colour"),
    ],
)
def test_caps_that_cannot_be_read_say_what_is_wrong(old: str, new: str, says: str) -> None:
    assert read_caps("xx", CAP).caps[0].blocks
    with pytest.raises(UnreadableCaps, match=says):
        read_caps("xx", CAP.replace(old, new))


SERIES = """
name = "base"
known_until = 2026-02-01
[[value]]
rate = "0.03"
effective_from = 2025-01-01
effective_to = 2025-12-31
source = "s"
confidence = "confirmed"
[[value]]
rate = "0.02"
effective_from = 2026-01-01
source = "s"
confidence = "confirmed"
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("2025-12-31", "2025-12-30", "ends on 2025-12-30"),
        ("effective_from = 2026-01-01", "effective_from = 2026-01-01\neffective_to = 2026-02-01", "further notice"),
        ('rate = "0.02"', 'rate = "two"', "InvalidOperation"),
        ('name = "base"', "", "name"),
    ],
)
def test_a_series_that_cannot_be_read_says_what_is_wrong(old: str, new: str, says: str) -> None:
    assert read_series("base.toml", SERIES).on(IN_2026).rate == Decimal("0.02")
    with pytest.raises(UnreadableSeries, match=says):
        read_series("base.toml", SERIES.replace(old, new))
