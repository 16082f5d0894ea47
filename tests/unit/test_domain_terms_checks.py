from datetime import date, timedelta
from typing import Any

import pytest

from ledger.domain.errors import CalendarMissing, InterestNotCovered, InvalidTerms
from ledger.domain.schedule import build
from ledger.domain.terms import (
    BusinessDay,
    DayCount,
    Disbursement,
    ExplicitLine,
    Fee,
    FeeTiming,
    InstallmentRounding,
    Method,
    RateStep,
    Residue,
    RoundingTerms,
)
from schemas.values import LARGEST_MINOR
from tests.terms_builders import schedule, terms

DAY = date(2026, 1, 1)
MULTIPLE = RoundingTerms(installment=InstallmentRounding.UP, multiple_minor=100)
EXPLICIT: dict[str, Any] = {"method": Method.EXPLICIT, "term": None, "principal_minor": 100_00}
GIVEN: dict[str, Any] = {"method": Method.GIVEN_INSTALLMENT, "term": None}


def line(day: int, principal_minor: int, **fields: Any) -> ExplicitLine:
    return ExplicitLine(due_on=DAY + timedelta(day), principal_minor=principal_minor, **fields)


def part(day: int, amount_minor: int) -> Disbursement:
    return Disbursement(on=DAY + timedelta(day), amount_minor=amount_minor)


def fee(**fields: Any) -> tuple[Fee, ...]:
    return (Fee(name="service", timing=FeeTiming.EACH, **fields),)


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("principal_minor", {"principal_minor": 0}),
        ("principal_minor", {"principal_minor": -5}),
        ("principal_minor", {"principal_minor": LARGEST_MINOR + 1}),
        ("principal_minor", {"principal_minor": LARGEST_MINOR}),
        ("principal_minor", {"annual_rate": "999999", "principal_minor": 10**12}),
        ("currency", {"currency": "cny"}),
        ("term", {"term": 0}),
        ("term", {"term": -1}),
        ("term", {"term": 1201}),
        ("term", {"term": None}),
        ("term", {"term": 1200, "every": "9999m"}),
        ("term", {"term": 1200, "every": "9999d"}),
        ("term", {"disbursed_on": date(9999, 12, 31)}),
        ("disbursed_on", {"disbursed_on": date(1899, 12, 31)}),
        ("every", {"every": "0m"}),
        ("every", {"every": "monthly"}),
        ("annual_rate", {"annual_rate": "-0.1"}),
        ("annual_rate", {"annual_rate": "12%"}),
        ("first_due_on", {"first_due_on": DAY - timedelta(1)}),
        ("first_due_on", {"first_due_on": date(2127, 1, 1)}),
        ("due_day", {"due_day": 32}),
        ("due_day", {"due_day": 0}),
        ("due_day", {"due_day": 5, "every": "2w"}),
        ("due_day", {"due_day": 5, "first_due_on": date(2026, 2, 6)}),
        ("fees", {"fees": (Fee(name="service", timing=FeeTiming.DEDUCTED, rate="1"),)}),
        ("fees", {"fees": (Fee(name="service", timing=FeeTiming.DEDUCTED, amount_minor=12_000_01),)}),
        ("principal_grace", {"principal_grace": 12}),
        ("principal_grace", {"principal_grace": -1}),
        ("principal_grace", {"principal_grace": 1, "method": Method.BULLET}),
        ("interest_grace", {"interest_grace": 12}),
        ("interest_grace", {"interest_grace": 1, "negative_amortisation": True}),
        ("interest_free", {"interest_free": 13}),
        ("down_payment_minor", {"down_payment_minor": 12_000_00}),
        ("balloon_minor", {"balloon_minor": 12_000_00}),
        ("balloon_minor", {"balloon_minor": 11_000_00, "down_payment_minor": 1_000_00}),
        ("balloon_minor", {"balloon_minor": 1, "method": Method.INTEREST_ONLY}),
        ("installment_minor", {"installment_minor": 1}),
        ("installment_minor", GIVEN),
        ("installment_minor", GIVEN | {"installment_minor": 0}),
        ("installment_minor", GIVEN | {"installment_minor": 1, "annual_rate": "0"}),
        ("term", GIVEN | {"installment_minor": 100, "negative_amortisation": True}),
        ("lines", {"lines": (line(31, 12_000_00),)}),
        ("lines", EXPLICIT),
        ("lines", EXPLICIT | {"lines": (line(31, 50_00), line(59, 49_99))}),
        ("lines[1].due_on", EXPLICIT | {"lines": (line(31, 50_00), line(31, 50_00))}),
        ("lines[0].due_on", EXPLICIT | {"lines": (line(-1, 100_00),)}),
        ("term", EXPLICIT | {"lines": (line(31, 100_00),), "term": 2}),
        ("lines[0]", EXPLICIT | {"lines": (line(31, 100_00, fee_minor=-1),)}),
        ("lines[0].principal_minor", EXPLICIT | {
            "lines": (line(31, 60_00), line(59, 40_00)), "disbursements": (part(0, 50_00), part(40, 50_00)),
        }),
        ("first_due_on", EXPLICIT | {"lines": (line(31, 100_00),), "first_due_on": DAY}),
        ("business_day", EXPLICIT | {
            "lines": (line(31, 100_00),), "business_day": BusinessDay.FOLLOWING, "calendar": "cn",
        }),
        ("rounding.multiple_minor", {"rounding": RoundingTerms(multiple_minor=100)}),
        ("rounding.multiple_minor", {"rounding": RoundingTerms(installment=InstallmentRounding.UP, multiple_minor=0)}),
        ("rounding.interest_multiple_minor", {"rounding": RoundingTerms(interest_multiple_minor=0)}),
        ("rounding.installment", {"rounding": MULTIPLE, "method": Method.BULLET}),
        ("rounding.residue", {"rounding": RoundingTerms(residue=Residue.FIRST), "method": Method.INTEREST_ONLY}),
        ("disbursements", {"disbursements": (part(0, 6_000_00), part(9, 5_000_00))}),
        ("disbursements[0].on", {"disbursements": (part(1, 12_000_00),)}),
        ("disbursements[2].on", {"disbursements": (part(0, 6_000_00), part(9, 3_000_00), part(8, 3_000_00))}),
        ("disbursements[1].on", {"disbursements": (part(0, 6_000_00), part(365, 6_000_00))}),
        ("rounding.installment", {
            "disbursements": (part(0, 6_000_00), part(9, 6_000_00)), "rounding": MULTIPLE, "method": Method.FLAT_FEE,
        }),
        ("rate_steps[0].annual_rate", {"rate_steps": (RateStep(since=DAY, annual_rate="x"),)}),
        ("rate_steps[1].since", {
            "rate_steps": (RateStep(since=DAY, annual_rate="0.1"), RateStep(since=DAY, annual_rate="0.2")),
        }),
        ("fees[0].amount_minor", {"fees": fee()}),
        ("fees[0].amount_minor", {"fees": fee(amount_minor=1, rate="0.1")}),
        ("fees[0].amount_minor", {"fees": fee(amount_minor=-1)}),
        ("fees[0].rate", {"fees": fee(rate="1/3")}),
        ("fees[0].rate_of", {"fees": fee(rate="0.1", rate_of="moon")}),
        ("fees[0].rate_of", {"fees": fee(amount_minor=1, rate_of="balance")}),
        ("installment_period", {"installment_period": "week"}),
        ("installment_changes", {"installment_changes": "never"}),
        ("negative_amortisation", {"negative_amortisation": True, "method": Method.FLAT_INTEREST}),
        ("odd_days", {"odd_days": "forgotten"}),
        ("odd_days", {"odd_days": "added", "method": Method.EQUAL_PRINCIPAL}),
        ("rounding.residue", {"rounding": RoundingTerms(residue=Residue.EVENED), "method": Method.EQUAL_PRINCIPAL}),
        ("odd_day_place", {"odd_day_place": "last", "day_count": DayCount.ACTUAL_360}),
        ("odd_day_place", {"odd_day_place": "middle"}),
        ("odd_day_count", {"odd_day_count": DayCount.ACTUAL_360, "day_count": DayCount.ACTUAL_360}),
        ("interest_from_due_dates", {"interest_from_due_dates": "sometimes"}),
        ("interest_from_due_dates", {"interest_from_due_dates": "adjusted"}),
        ("interest_from_due_dates", {"interest_from_due_dates": "nominal", "day_count": DayCount.ACTUAL_360}),
        ("calendar", {"business_day": BusinessDay.FOLLOWING}),
    ],
)  # fmt: skip
def test_terms_that_do_not_fit_are_refused_by_field(field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidTerms, match=r"^asked ") as refusal:
        schedule(**fields)
    assert refusal.value.field == field


def test_an_installment_that_does_not_cover_interest_says_so() -> None:
    with pytest.raises(
        InterestNotCovered, match=r"installment of 17999 .* on 2026-02-01.* interest of 18000"
    ) as refusal:
        schedule(**GIVEN, installment_minor=179_99)
    assert (refusal.value.code, refusal.value.field) == ("interest_not_covered", "installment_minor")


def test_an_equal_installment_may_not_cover_a_long_first_period_either() -> None:
    with pytest.raises(InterestNotCovered, match="set negative_amortisation") as refusal:
        schedule(term=360, first_due_on=date(2026, 5, 1))
    assert refusal.value.field == "negative_amortisation"


def test_a_flat_installment_may_not_cover_its_interest_for_its_rounding() -> None:
    late: dict[str, Any] = {"first_due_on": date(2027, 1, 1), "method": Method.FLAT_INTEREST}
    with pytest.raises(InterestNotCovered, match=r"leave out rounding\.installment") as refusal:
        schedule(**late, rounding=MULTIPLE)
    assert refusal.value.field == "rounding.installment"
    assert schedule(**late).lines[0].interest_minor == 2160_00


def test_interest_that_is_not_covered_is_added_by_explicit_agreement() -> None:
    built = schedule(method=Method.GIVEN_INSTALLMENT, installment_minor=100_00, negative_amortisation=True)
    assert [each.principal_minor for each in built.lines[:2]] == [-80_00, -81_20]
    assert built.lines[-1].balance_minor == 0
    assert sum(each.principal_minor for each in built.lines) == 12_000_00


def test_a_calendar_that_nobody_gave_is_missed_by_name() -> None:
    with pytest.raises(CalendarMissing, match="calendar 'atlantis', where none is known"):
        build(terms(business_day=BusinessDay.FOLLOWING, calendar="atlantis"))


def test_the_largest_amounts_are_still_exact() -> None:
    built = schedule(principal_minor=LARGEST_MINOR, annual_rate="0", term=1200, every="1w")
    assert sum(each.principal_minor for each in built.lines) == LARGEST_MINOR
