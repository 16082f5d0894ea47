"""Schedules that others have published, reached by documented options alone.

Apache Fineract: EMICalculation-Part1.feature, Loan.feature, LoanRepayment.feature, LoanMonthEndDueDateStrategy.feature,
LoanInterestRateChange.feature, LoanBulletBalloon.feature, ProgressiveEMICalculatorTest.java. Frappe Lending:
test_loan.py.
"""

from datetime import date
from typing import Any

import pytest

from ledger.domain.schedule import Schedule
from ledger.domain.terms import DayCount, Disbursement, Method, MonthEnd, RateStep
from tests.terms_builders import EVENED, HALF_EVEN, TO_WHOLE, UP_TO_WHOLE, column, rows, schedule

THIRTIES = [DayCount.THIRTY_360_US, DayCount.THIRTY_E_360, DayCount.THIRTY_U_360, DayCount.PERIOD]


def test_days_by_actual_actual_split_at_31_december_and_the_last_takes_the_residue() -> None:
    built = schedule(
        principal_minor=10_000_00,
        annual_rate="0.12",
        term=6,
        disbursed_on=date(2023, 12, 12),
        day_count=DayCount.ACTUAL_ACTUAL,
        rounding=HALF_EVEN,
    )
    assert rows(built) == [
        ("2024-01-12", 1623_75, 101_81, 1725_56, 8376_25),
        ("2024-02-12", 1640_42, 85_14, 1725_56, 6735_83),
        ("2024-03-12", 1661_51, 64_05, 1725_56, 5074_32),
        ("2024-04-12", 1673_98, 51_58, 1725_56, 3400_34),
        ("2024-05-12", 1692_11, 33_45, 1725_56, 1708_23),
        ("2024-06-12", 1708_23, 17_36, 1725_59, 0),
    ]


@pytest.mark.parametrize("day_count", THIRTIES)
def test_every_month_is_a_twelfth_by_30_360_at_12_percent(day_count: DayCount) -> None:
    built = schedule(
        principal_minor=100_00, annual_rate="0.12", term=6, disbursed_on=date(2024, 1, 1), day_count=day_count
    )
    assert column(built, "total") == [17_25] * 5 + [17_28]
    assert column(built, "interest") == [1_00, 84, 67, 51, 34, 17]
    assert column(built, "balance") == [83_75, 67_34, 50_76, 34_02, 17_11, 0]


@pytest.mark.parametrize("day_count", THIRTIES)
def test_every_month_is_a_twelfth_by_30_360_at_7_percent(day_count: DayCount) -> None:
    built = schedule(
        principal_minor=100_00, annual_rate="0.07", term=6, disbursed_on=date(2024, 1, 1), day_count=day_count
    )
    assert column(built, "total") == [17_01] * 5 + [17_00]
    assert column(built, "interest") == [58, 49, 39, 29, 20, 10]
    assert column(built, "balance") == [83_57, 67_05, 50_43, 33_71, 16_90, 0]


def test_a_flat_installment_is_rounded_up_to_whole_units() -> None:
    built = schedule(
        principal_minor=5000_00,
        annual_rate="0.12",
        term=18,
        disbursed_on=date(2022, 11, 1),
        method=Method.FLAT_INTEREST,
        rounding=UP_TO_WHOLE,
    )
    assert column(built, "principal") == [278_00] * 17 + [274_00]
    assert column(built, "interest") == [50_00] * 18
    assert sum(column(built, "total")) == 5900_00


def test_an_installment_is_a_multiple_of_one_unit() -> None:
    built = schedule(
        principal_minor=5000_00, annual_rate="0.12", term=18, disbursed_on=date(2022, 11, 1), rounding=TO_WHOLE
    )
    assert column(built, "total") == [305_00] * 17 + [303_22]
    assert column(built, "interest") == [
        *(50_00, 47_45, 44_87, 42_27, 39_65, 36_99, 34_31, 31_61, 28_87),
        *(26_11, 23_32, 20_50, 17_66, 14_79, 11_88, 8_95, 5_99, 3_00),
    ]
    assert sum(column(built, "total")) == 5488_22


def of_31_january(month_end: MonthEnd, day_count: DayCount, **fields: object) -> Schedule:
    return schedule(
        principal_minor=10_000_00,
        annual_rate="0.12",
        term=3,
        disbursed_on=date(2025, 1, 31),
        month_end=month_end,
        day_count=day_count,
        rounding=HALF_EVEN,
        **fields,
    )


def test_month_ends_are_clamped_and_days_counted() -> None:
    assert [row[:4] for row in rows(of_31_january(MonthEnd.CLAMP, DayCount.ACTUAL_ACTUAL))] == [
        ("2025-02-28", 3305_77, 92_05, 3397_82),
        ("2025-03-31", 3329_59, 68_23, 3397_82),
        ("2025-04-30", 3364_64, 33_19, 3397_83),
    ]


def test_month_ends_go_to_the_first_of_the_next_month_and_days_are_counted() -> None:
    assert [row[:4] for row in rows(of_31_january(MonthEnd.FIRST_OF_NEXT, DayCount.ACTUAL_ACTUAL))] == [
        ("2025-03-01", 3303_22, 95_34, 3398_56),
        ("2025-03-31", 3332_51, 66_05, 3398_56),
        ("2025-05-01", 3364_27, 34_29, 3398_56),
    ]


@pytest.mark.parametrize(
    ("month_end", "dates"),
    [
        (MonthEnd.CLAMP, ["2025-02-28", "2025-03-31", "2025-04-30"]),
        (MonthEnd.FIRST_OF_NEXT, ["2025-03-01", "2025-03-31", "2025-05-01"]),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {"day_count": DayCount.PERIOD},
        {"day_count": DayCount.THIRTY_360_US, "interest_from_due_dates": "nominal"},
        {"day_count": DayCount.THIRTY_E_360, "interest_from_due_dates": "nominal"},
    ],
)
def test_month_ends_do_not_change_interest_of_whole_months(
    month_end: MonthEnd, dates: list[str], options: dict[str, object]
) -> None:
    built = of_31_january(month_end, **options)  # type: ignore[arg-type] # one of the options is the day count
    assert [str(due_on) for due_on in column(built, "due_on")] == dates
    assert column(built, "interest") == [100_00, 67_00, 33_67]
    assert column(built, "total") == [3400_22, 3400_22, 3400_23]


def test_an_installment_by_months_and_interest_by_days() -> None:
    built = schedule(
        principal_minor=280_000_00,
        currency="INR",
        annual_rate="0.084",
        term=20,
        disbursed_on=date(2025, 1, 27),
        day_count=DayCount.ACTUAL_365F,
        installment_period="period",
        rounding=UP_TO_WHOLE,
    )
    assert column(built, "total")[:-1] == [15_052_00] * 19
    shown = [tuple(round(minor / 100) for minor in row[1:]) for row in rows(built)]
    assert shown[3] == (13392, 1660, 15052, 226979)
    assert shown[17] == (14745, 307, 15052, 29715)
    assert shown[19] == (14875, 106, 14982, 0)
    assert [round(sum(column(built, name)) / 100) for name in ("interest", "total")] == [20970, 300970]


def test_the_term_follows_from_a_given_installment() -> None:
    built = schedule(
        principal_minor=280_000_00,
        currency="INR",
        annual_rate="0.084",
        term=None,
        method=Method.GIVEN_INSTALLMENT,
        installment_minor=14_000_00,
        disbursed_on=date(2020, 10, 1),
        day_count=DayCount.ACTUAL_365F,
    )
    assert len(built.lines) == 22
    assert [round(sum(column(built, name)) / 100) for name in ("interest", "total")] == [22708, 302708]


@pytest.mark.parametrize("rounding", [{}, {"rounding": HALF_EVEN}])
def test_equal_installments_of_a_year(rounding: dict[str, object]) -> None:
    found = rows(schedule(**rounding))
    assert found[0] == ("2026-02-01", 920_16, 180_00, 1100_16, 11079_84)
    assert found[1] == ("2026-03-01", 933_96, 166_20, 1100_16, 10145_88)
    assert found[11] == ("2027-01-01", 1083_93, 16_26, 1100_19, 0)
    assert sum(row[2] for row in found) == 1201_95


def test_equal_principal_of_a_year() -> None:
    found = rows(schedule(principal_minor=10_000_00, annual_rate="0.144", method=Method.EQUAL_PRINCIPAL))
    assert found[0][1:4] == (833_33, 120_00, 953_33)
    assert found[11][1:4] == (833_37, 10_00, 843_37)
    assert sum(row[2] for row in found) == 780_00


def test_a_flat_fee_is_no_interest() -> None:
    built = schedule(annual_rate="0.072", method=Method.FLAT_FEE)
    assert column(built, "total") == [1072_00] * 12
    assert column(built, "fee") == [72_00] * 12
    assert column(built, "interest") == [0] * 12


FROM_JANUARY: dict[str, Any] = {"principal_minor": 100_00, "term": 6, "disbursed_on": date(2024, 1, 1)}
FROM_DECEMBER: dict[str, Any] = {"disbursed_on": date(2023, 12, 12), "day_count": DayCount.ACTUAL_ACTUAL}


@pytest.mark.parametrize(
    ("fields", "interests", "total", "last"),
    [
        (  # C3153
            {**FROM_DECEMBER, "principal_minor": 10_000_00, "annual_rate": "0.094822", "term": 6},
            [80_45, 67_20, 50_50, 40_63, 26_32, 13_65], 1713_12, 1713_15,
        ),
        (  # C3164: moved, because the last would differ by more
            {**FROM_DECEMBER, "principal_minor": 331_77, "annual_rate": "0.1065", "term": 5},
            [3_00, 2_41, 1_70, 1_21, 59], 68_14, 68_12,
        ),
        ({**FROM_JANUARY, "annual_rate": "0.094822"}, [79, 66, 53, 40, 27, 13], 17_13, 17_13),  # C3155
        (  # C3165
            {**FROM_JANUARY, "principal_minor": 75_00, "annual_rate": "0.123", "term": 5},
            [77, 62, 47, 31, 16], 15_47, 15_45,
        ),
        ({**FROM_JANUARY, "annual_rate": "0.12", "term": 3, "every": "2m"}, [2_00, 1_35, 68], 34_68, 34_67),  # C3157
        (  # C3158: two weeks are 14 days of 360
            {**FROM_JANUARY, "annual_rate": "0.094822", "every": "2w", "day_count": DayCount.ACTUAL_360},
            [37, 31, 25, 19, 12, 6], 16_88, 16_90,
        ),
        (  # C3159
            {**FROM_JANUARY, "annual_rate": "0.12", "day_count": DayCount.ACTUAL_365F},
            [1_02, 80, 69, 50, 35, 17], 17_25, 17_28,
        ),
        (  # C3160
            {**FROM_JANUARY, "annual_rate": "0.094822", "day_count": DayCount.ACTUAL_365F},
            [81, 63, 54, 39, 27, 13], 17_13, 17_12,
        ),
        (  # C3166
            {**FROM_JANUARY, "annual_rate": "0.094822", "every": "15d", "day_count": DayCount.ACTUAL_365F},
            [39, 33, 26, 20, 13, 7], 16_90, 16_88,
        ),
        (  # C3167: moving it would not make the last differ less
            {**FROM_JANUARY, "annual_rate": "0.15678", "day_count": DayCount.ACTUAL_365F},
            [1_33, 1_05, 90, 66, 46, 22], 17_43, 17_47,
        ),
    ],
)  # fmt: skip
def test_installments_of_fineract(fields: dict[str, Any], interests: list[int], total: int, last: int) -> None:
    built = schedule(**fields, rounding=EVENED)
    assert column(built, "interest") == interests
    assert column(built, "total") == [total] * (len(interests) - 1) + [last]


def test_a_down_payment_of_fineract() -> None:
    built = schedule(**{**FROM_JANUARY, "annual_rate": "0.05", "term": 5, "down_payment_minor": 25_00}, rounding=EVENED)
    assert column(built, "total") == [25_00, 15_19, 15_19, 15_19, 15_19, 15_18]
    assert column(built, "balance") == [75_00, 60_12, 45_18, 30_18, 15_12, 0]


@pytest.mark.parametrize(
    ("on", "amount_minor", "interests", "totals"),
    [
        (date(2024, 1, 8), 200_00, [2_01, 1_98, 1_59, 1_20, 80, 40], [51_33] * 6),  # C3194
        (date(2024, 3, 1), 100_00, [79, 66, 1_32, 99, 67, 33], [17_13] * 2 + [42_63] * 3 + [42_61]),
    ],
)
def test_a_second_disbursement_of_fineract(
    on: date, amount_minor: int, interests: list[int], totals: list[int]
) -> None:
    parts = (
        Disbursement(on=date(2024, 1, 1), amount_minor=100_00),
        Disbursement(on=on, amount_minor=amount_minor),
    )
    fields = {**FROM_JANUARY, "principal_minor": 100_00 + amount_minor, "annual_rate": "0.094822"}
    built = schedule(**fields, disbursements=parts, rounding=EVENED)
    assert column(built, "interest") == interests
    assert column(built, "total") == totals


@pytest.mark.parametrize(
    ("since", "interests", "totals"),
    [
        (date(2024, 2, 1), [58, 28, 22, 17, 11, 6], [17_01, 16_88, 16_88, 16_88, 16_88, 16_89]),  # C3217
        (date(2024, 2, 15), [58, 38, 22, 17, 11, 6], [17_01, 16_90, 16_90, 16_90, 16_90, 16_91]),  # C3916
    ],
)
def test_a_rate_change_of_fineract(since: date, interests: list[int], totals: list[int]) -> None:
    step = (RateStep(since=since, annual_rate="0.04"),)
    built = schedule(**FROM_JANUARY, annual_rate="0.07", rate_steps=step, rounding=EVENED)
    assert column(built, "interest") == interests
    assert column(built, "total") == totals


def test_a_balloon_by_grace_of_fineract() -> None:
    built = schedule(**{**FROM_JANUARY, "annual_rate": "0.30", "term": 8, "principal_grace": 7})
    assert column(built, "total") == [2_50] * 7 + [102_50]


def test_odd_days_after_whole_months_of_fineract() -> None:
    late = {**FROM_JANUARY, "annual_rate": "0.094822", "first_due_on": date(2024, 2, 18), "odd_day_place": "last"}
    assert column(schedule(**late), "interest")[0] == 1_25  # C3156: a month, and 17 of 29 days
