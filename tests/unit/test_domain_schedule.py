from datetime import date
from typing import Any

import pytest

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
    Rounding,
    RoundingTerms,
)
from tests.terms_builders import column, rows, schedule, terms

UP_TO_TEN = RoundingTerms(installment=InstallmentRounding.UP, multiple_minor=10_00)


def residue(where: Residue, **fields: Any) -> RoundingTerms:
    return RoundingTerms(residue=where, **fields)


@pytest.mark.parametrize(
    ("where", "principals"),
    [
        (Residue.LAST, [66_67, 66_67, 66_66]),
        (Residue.FIRST, [66_66, 66_67, 66_67]),
        (Residue.SPREAD, [66_67, 66_67, 66_66]),
    ],
)
def test_the_residue_of_equal_principal_goes_where_it_is_agreed(where: Residue, principals: list[int]) -> None:
    built = schedule(principal_minor=200_00, term=3, method=Method.EQUAL_PRINCIPAL, rounding=residue(where))
    assert column(built, "principal") == principals


@pytest.mark.parametrize(
    ("where", "totals"),
    [
        (Residue.LAST, [1100_16] * 11 + [1100_19]),
        (Residue.FIRST, [1100_16] * 11 + [1100_19]),
        (Residue.SPREAD, [1100_16] * 11 + [1100_19]),
    ],
)
def test_the_residue_of_equal_installments_is_taken_at_its_value(where: Residue, totals: list[int]) -> None:
    built = schedule(rounding=residue(where))
    assert sum(column(built, "principal")) == 12_000_00
    assert sorted(column(built, "total")) == sorted(totals)


def test_a_first_installment_takes_the_residue_of_whole_units() -> None:
    up = residue(Residue.FIRST, installment=InstallmentRounding.UP, multiple_minor=100)
    totals = column(schedule(rounding=up), "total")
    assert totals[1:-1] == [1101_00] * 10
    assert totals[0] < 1101_00
    assert abs(totals[-1] - 1101_00) < 10


def test_a_residue_of_whole_units_is_spread_from_the_first_installment_on() -> None:
    whole = residue(Residue.SPREAD, installment=InstallmentRounding.UP, multiple_minor=100)
    totals = column(schedule(rounding=whole), "total")
    assert totals[:-1] == [1101_00] + [1100_00] * 10
    assert abs(totals[-1] - 1100_00) < 100


@pytest.mark.parametrize(
    ("where", "principals"),
    [
        (Residue.LAST, [84_00] * 11 + [76_00]),
        (Residue.FIRST, [76_00] + [84_00] * 11),
        (Residue.SPREAD, [84_00] * 4 + [83_00] * 8),
    ],
)
def test_the_residue_of_a_flat_loan_goes_where_it_is_agreed(where: Residue, principals: list[int]) -> None:
    whole = residue(where, installment=InstallmentRounding.UP, multiple_minor=100)
    built = schedule(principal_minor=1000_00, annual_rate="0.12", method=Method.FLAT_INTEREST, rounding=whole)
    assert column(built, "principal") == principals


def test_a_loan_ends_early_where_rounding_up_has_repaid_it_and_says_so() -> None:
    built = schedule(principal_minor=100_00, annual_rate="0", rounding=UP_TO_TEN)
    assert column(built, "total") == [10_00] * 10
    assert (len(built.lines), built.unused) == (10, 2)


def test_interest_comes_first_and_all_principal_last() -> None:
    built = schedule(method=Method.INTEREST_ONLY, term=3)
    assert column(built, "total") == [180_00, 180_00, 12_180_00]


@pytest.mark.parametrize(
    ("fields", "due_on", "interest"),
    [
        ({"term": None}, "2026-02-01", 180_00),
        ({"term": 12}, "2027-01-01", 2160_00),
        ({"term": 1, "first_due_on": date(2027, 1, 1)}, "2027-01-01", 2160_00),
        ({"term": 1, "every": "30d", "day_count": DayCount.ACTUAL_360}, "2026-01-31", 180_00),
    ],
)
def test_a_bullet_is_one_installment_with_simple_interest(fields: dict[str, Any], due_on: str, interest: int) -> None:
    [found] = rows(schedule(method=Method.BULLET, **fields))
    assert found == (due_on, 12_000_00, interest, 12_000_00 + interest, 0)


def test_explicit_lines_are_charged_by_the_rate_where_they_leave_interest_open() -> None:
    lines = (
        ExplicitLine(due_on=date(2026, 2, 1), principal_minor=2_000_00),
        ExplicitLine(due_on=date(2026, 4, 1), principal_minor=0, interest_minor=7_00, fee_minor=3_00),
        ExplicitLine(due_on=date(2026, 5, 1), principal_minor=10_000_00),
    )
    built = schedule(method=Method.EXPLICIT, term=None, lines=lines)
    assert column(built, "interest") == [180_00, 7_00, 150_00]
    assert column(built, "fee") == [0, 3_00, 0]
    assert column(built, "balance") == [10_000_00, 10_000_00, 0]


def test_periods_of_explicit_lines_are_counted_in_the_rhythm() -> None:
    line = ExplicitLine(due_on=date(2026, 3, 1), principal_minor=12_000_00)
    assert column(schedule(method=Method.EXPLICIT, term=None, lines=(line,)), "interest") == [360_00]


def test_the_last_days_of_months_are_whole_months_apart_in_explicit_lines() -> None:
    ends = (date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30))
    lines = tuple(ExplicitLine(due_on=on, principal_minor=4_000_00) for on in ends)
    built = schedule(method=Method.EXPLICIT, term=None, lines=lines, disbursed_on=date(2026, 1, 31))
    assert column(built, "interest") == [180_00, 120_00, 60_00]


def test_principal_grace_has_interest_alone_and_keeps_the_term() -> None:
    built = schedule(principal_grace=3)
    assert column(built, "total")[:3] == [180_00] * 3
    assert column(built, "total")[3:] == column(schedule(term=9), "total")


def test_interest_grace_defers_interest_without_interest_on_it() -> None:
    built, plain = schedule(interest_grace=2), schedule()
    assert column(built, "principal") == column(plain, "principal")
    assert column(built, "interest")[:3] == [0, 0, 180_00 + 166_20 + 152_19]
    assert sum(column(built, "interest")) == sum(column(plain, "interest"))


def test_a_holiday_of_principal_and_interest_has_nothing_due() -> None:
    built = schedule(principal_grace=2, interest_grace=2)
    assert column(built, "total")[:2] == [0, 0]
    assert column(built, "interest")[2] == 3 * 180_00


def test_no_interest_accrues_in_free_periods() -> None:
    built = schedule(interest_free=12)
    assert column(built, "total") == [1000_00] * 12
    assert column(schedule(interest_free=1), "interest")[0] == 0


def test_a_down_payment_is_line_0_and_no_part_of_the_loan() -> None:
    built = schedule(principal_minor=500_00, annual_rate="0", term=3, down_payment_minor=125_00)
    assert rows(built)[0] == ("2026-01-01", 125_00, 0, 125_00, 375_00)
    assert column(built, "total")[1:] == [125_00] * 3
    assert built.down_payment_minor == 125_00


@pytest.mark.parametrize("method", [Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL, Method.FLAT_INTEREST])
def test_a_balloon_is_due_with_the_last_installment(method: Method) -> None:
    built = schedule(method=method, balloon_minor=6_000_00)
    principals = column(built, "principal")
    assert principals[-1] == pytest.approx(6_000_00 + principals[-2], abs=20_00)
    assert column(built, "balance")[-1] == 0
    assert sum(principals) == 12_000_00


def test_interest_of_a_part_counts_from_the_day_it_is_paid_out() -> None:
    parts = (
        Disbursement(on=date(2026, 1, 1), amount_minor=6_000_00),
        Disbursement(on=date(2026, 1, 16), amount_minor=6_000_00),
    )
    built = schedule(method=Method.INTEREST_ONLY, term=2, disbursements=parts, day_count=DayCount.ACTUAL_360)
    assert column(built, "interest") == [3_00 * 31 + 3_00 * 16, 6_00 * 28]
    assert column(built, "balance") == [12_000_00, 0]


PARTS = (
    Disbursement(on=date(2026, 1, 1), amount_minor=6_000_00),
    Disbursement(on=date(2026, 4, 1), amount_minor=6_000_00),
)


def test_a_later_part_changes_the_installments_after_it() -> None:
    totals = column(schedule(disbursements=PARTS), "total")
    assert totals[:3] == [550_08] * 3
    assert len(set(totals[3:-1])) == 1
    assert totals[3] > 1200_00


def test_a_level_installment_knows_of_later_parts() -> None:
    totals = column(schedule(disbursements=PARTS, installment_changes="level"), "total")
    assert len(set(totals[:-1])) == 1
    assert abs(totals[-1] - totals[0]) < 10


def test_equal_principal_spreads_a_later_part_over_the_rest() -> None:
    principals = column(schedule(disbursements=PARTS, method=Method.EQUAL_PRINCIPAL), "principal")
    assert principals == [500_00] * 3 + [1166_67] * 8 + [1166_64]


STEP = (RateStep(since=date(2026, 4, 1), annual_rate="0.06"),)


def test_a_rate_step_changes_the_installments_after_it() -> None:
    built, plain = schedule(rate_steps=STEP), schedule()
    assert rows(built)[:3] == rows(plain)[:3]
    rest = schedule(principal_minor=column(built, "balance")[2], term=9, annual_rate="0.06")
    assert column(built, "total")[3:] == column(rest, "total")


def test_a_level_installment_knows_of_later_rates() -> None:
    totals = column(schedule(rate_steps=STEP, installment_changes="level"), "total")
    assert totals[:-1] == [1061_22] * 11
    assert abs(totals[-1] - 1061_22) < 10


def test_a_step_within_a_period_splits_its_interest_by_days() -> None:
    step = (RateStep(since=date(2026, 1, 11), annual_rate="0.09"),)
    built = schedule(rate_steps=step, method=Method.INTEREST_ONLY, term=1, day_count=DayCount.ACTUAL_360)
    assert column(built, "interest") == [10 * 6_00 + 21 * 3_00]
    by_period = schedule(rate_steps=step, method=Method.INTEREST_ONLY, term=1)
    assert column(by_period, "interest") == [round(180_00 * 10 / 31 + 90_00 * 21 / 31)]


@pytest.mark.parametrize(
    ("first_due_on", "interest"), [(date(2026, 1, 17), 16 * 18000 / 31), (date(2026, 2, 15), 18000 + 14 * 18000 / 31)]
)
def test_a_short_or_long_first_period_has_interest_of_its_days(first_due_on: date, interest: float) -> None:
    built = schedule(first_due_on=first_due_on, method=Method.EQUAL_PRINCIPAL)
    assert column(built, "interest")[0] == round(interest)


def test_an_agreed_day_of_the_month_makes_the_first_period_short() -> None:
    built = schedule(disbursed_on=date(2026, 1, 20), due_day=5, method=Method.EQUAL_PRINCIPAL)
    assert column(built, "due_on")[:2] == [date(2026, 2, 5), date(2026, 3, 5)]
    assert column(built, "interest")[0] == round(180_00 * 16 / 31)


def test_given_installments_may_be_centuries_apart() -> None:
    built = schedule(
        method=Method.GIVEN_INSTALLMENT, term=None, installment_minor=6_000_00, annual_rate="0", every="9999m"
    )
    assert [due_on.year for due_on in column(built, "due_on")] == [2859, 3692]


def test_interest_alone_is_due_until_more_than_the_balloon_is_paid_out() -> None:
    parts = (
        Disbursement(on=date(2026, 1, 1), amount_minor=2_000_00),
        Disbursement(on=date(2026, 4, 1), amount_minor=10_000_00),
    )
    built = schedule(disbursements=parts, balloon_minor=5_000_00)
    assert column(built, "total")[:3] == [30_00] * 3
    assert column(built, "balance")[2] == 2_000_00
    assert column(built, "principal")[-1] == pytest.approx(5_000_00 + column(built, "principal")[-2], abs=20_00)


def test_odd_days_are_spread_or_added_to_the_first_installment() -> None:
    late: dict[str, Any] = {"first_due_on": date(2026, 2, 15)}
    spread, added = schedule(**late), schedule(**late, odd_days="added")
    assert len(set(column(spread, "total")[:-1])) == 1
    assert column(added, "total")[1:] == column(schedule(), "total")[1:]
    assert column(added, "total")[0] == 1100_16 + 81_29


@pytest.mark.parametrize(
    ("disbursed_on", "interest"), [(date(2026, 1, 17), 180_00 + 15 * 6_00), (date(2026, 2, 17), 12 * 6_00)]
)
def test_odd_days_beside_whole_months_may_have_the_daily_rate(disbursed_on: date, interest: int) -> None:
    agreed = {"disbursed_on": disbursed_on, "first_due_on": date(2026, 3, 1), "odd_day_count": DayCount.ACTUAL_360}
    assert column(schedule(**agreed), "interest")[0] == interest


def test_odd_days_of_explicit_lines_may_have_the_daily_rate() -> None:
    line = ExplicitLine(due_on=date(2026, 3, 16), principal_minor=12_000_00)
    built = schedule(method=Method.EXPLICIT, term=None, lines=(line,), odd_day_count=DayCount.ACTUAL_360)
    assert column(built, "interest") == [360_00 + 15 * 6_00]


def weekends(day: date) -> bool:
    return day.weekday() < 5


@pytest.mark.parametrize(("counted", "days"), [("unadjusted", 31), ("adjusted", 32)])
def test_interest_counts_to_the_agreed_or_the_moved_date(counted: str, days: int) -> None:
    moved = terms(
        term=2,
        method=Method.INTEREST_ONLY,
        day_count=DayCount.ACTUAL_360,
        business_day=BusinessDay.FOLLOWING,
        calendar="weekends",
        interest_from_due_dates=counted,
    )
    built = build(moved, lambda _: weekends)
    assert [str(due_on) for due_on in column(built, "due_on")] == ["2026-02-02", "2026-03-02"]
    assert column(built, "interest")[0] == days * 6_00


def test_fees_are_on_the_lines_that_they_are_due_with() -> None:
    fees = (
        Fee(name="opening", timing=FeeTiming.UPFRONT, amount_minor=10_00),
        Fee(name="guarantee", timing=FeeTiming.DEDUCTED, rate="0.015"),
        Fee(name="account", timing=FeeTiming.EACH, amount_minor=2_00),
        Fee(name="closing", timing=FeeTiming.LAST, rate="0.00012345"),
    )
    built = schedule(fees=fees)
    assert column(built, "fee") == [2_00] * 11 + [2_00 + 1_48]
    assert (built.upfront_fee_minor, built.deducted_fee_minor) == (10_00, 180_00)
    assert column(built, "total")[0] == 1102_16


@pytest.mark.parametrize(
    ("currency", "principal_minor", "first"), [("JPY", 12_000, 1100), ("KWD", 12_000_000, 1_100_160)]
)
def test_money_is_in_the_minor_units_of_its_currency(currency: str, principal_minor: int, first: int) -> None:
    assert column(schedule(currency=currency, principal_minor=principal_minor), "total")[0] == first


def test_interest_may_be_charged_in_whole_units() -> None:
    whole = RoundingTerms(interest_multiple_minor=100, mode=Rounding.UP)
    assert all(minor % 100 == 0 for minor in column(schedule(rounding=whole), "interest"))


def test_a_given_installment_with_a_term_leaves_the_rest_to_the_last() -> None:
    built = schedule(method=Method.GIVEN_INSTALLMENT, installment_minor=500_00, term=4)
    assert column(built, "total")[:3] == [500_00] * 3
    assert column(built, "balance")[-1] == 0
