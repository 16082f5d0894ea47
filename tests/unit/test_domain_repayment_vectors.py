"""Figures that other projects publish for payments, allocation, late interest and replay, by documented policies.

Sources: LoanRepayment.feature, Loan.feature (Apache Fineract); test_loan_repayment.py (Frappe Lending).
"""

from datetime import date

import pytest

from ledger.domain.terms import DayCount, InstallmentRounding, Method, RoundingTerms
from schemas.loans.servicing import PenaltyInterest
from tests.agreement_builders import AgreedLife, a_policy, some_terms
from tests.unit.balances import balances


def a_recalculated_loan(prepayment: str) -> AgreedLife:
    """5,000.00 at 12 %, six months from 2022-11-01, interest by the day, amounts rounded to whole units."""
    terms = some_terms(
        5000_00,
        annual_rate="0.12",
        disbursed_on=date(2022, 11, 1),
        day_count=DayCount.ACTUAL_365F,
        installment_period="thirty_days",
        rounding=RoundingTerms(installment=InstallmentRounding.HALF_UP, multiple_minor=100),
    )
    return AgreedLife(terms, a_policy(accrual="daily", accrual_rounding="stretch", prepayment=prepayment))


def interests(life: AgreedLife, as_of: date) -> list[int]:
    return [line.interest_minor for line in life.expected(as_of)]


def test_an_early_payment_lowers_interest_of_its_period_and_later_installments() -> None:
    life = a_recalculated_loan("next")
    life.pays(863_00, date(2022, 11, 27))
    first, *later = life.expected(date(2022, 11, 27))
    assert (first.principal_minor, first.interest_minor, first.owed_minor) == (863_00, 48_18, 48_18)
    assert sum(interests(life, date(2022, 11, 27))) == 172_81
    assert first.owed_minor + sum(line.owed_minor for line in later) == 4309_81


def test_a_late_payment_costs_interest_of_the_days_until_it_comes() -> None:
    life = a_recalculated_loan("next")
    life.pays(862_00, date(2022, 12, 5))
    expected = life.expected(date(2022, 12, 5))
    assert [line.interest_minor for line in expected] == [49_32, 43_75, 34_34, 23_39, 17_35, 8_46]
    assert expected[-1].owed_minor == 866_61
    assert sum(line.owed_minor for line in expected) == 4314_61


def test_a_part_payment_on_the_due_date_leaves_the_rest_of_the_installment() -> None:
    life = a_recalculated_loan("next")
    life.pays(200_00, date(2022, 12, 1))
    expected = life.expected(date(2022, 12, 1))
    assert (sum(line.interest_minor for line in expected), expected[0].owed_minor) == (175_50, 662_00)
    assert sum(line.owed_minor for line in expected) == 4975_50


def test_what_is_too_much_for_a_late_installment_pays_a_part_of_the_next_one() -> None:
    life = a_recalculated_loan("next")
    life.pays(1500_00, date(2022, 12, 5))
    expected = life.expected(date(2022, 12, 5))
    assert [line.interest_minor for line in expected] == [49_32, 38_09, 34_28, 23_34, 17_30, 8_41]
    assert (expected[0].owed_minor, expected[1].owed_minor) == (0, 224_00)
    assert sum(line.owed_minor for line in expected) == 3670_74


@pytest.mark.parametrize(
    ("prepayment", "rows", "last", "interest"), [("shorten", 5, 403_48, 127_48), ("lower", 6, 534_38, 142_38)]
)
def test_prepayment_shortens_the_loan_or_lowers_its_installments(
    prepayment: str, rows: int, last: int, interest: int
) -> None:
    life = a_recalculated_loan(prepayment)
    life.pays(1000_00, date(2022, 12, 1))
    life.pays(2000_00, date(2023, 1, 1))
    expected = life.expected(date(2023, 1, 1))
    assert (len(expected), expected[-1].owed_minor) == (rows, last)
    assert sum(line.interest_minor for line in expected) == interest
    assert prepayment == "shorten" or [line.owed_minor for line in expected[2:5]] == [536_00] * 3


@pytest.mark.parametrize(
    ("paid", "as_of", "interest", "last"),
    [
        (0, date(2024, 7, 15), [58, 58, 58, 58, 58, 58], 18_43),
        (0, date(2024, 3, 10), [58, 58, 45, 30, 20, 10], 17_16),
        (17_01, date(2024, 3, 10), [58, 49, 42, 29, 20, 10], 17_03),
    ],
)
def test_interest_goes_on_on_what_is_not_paid(paid: int, as_of: date, interest: list[int], last: int) -> None:
    life = AgreedLife()
    if paid:
        life.pays(paid, date(2024, 2, 1))
    expected = life.expected(as_of)
    assert [line.interest_minor for line in expected] == interest
    assert expected[-1].principal_minor + expected[-1].interest_minor == last


@pytest.mark.parametrize(("until", "total"), [("to_due_date", 84_06), ("to_date", 83_80)])
def test_a_payoff_owes_interest_to_the_end_of_the_period_or_to_its_day(until: str, total: int) -> None:
    life = AgreedLife(policy=a_policy(accrual="daily", payoff_interest=until))
    life.pays(17_01, date(2024, 2, 1))
    assert life.payoff(date(2024, 2, 15)).total_minor == total
    life.pays(total, date(2024, 2, 15))
    assert life.loan.paid_off_on == date(2024, 2, 15)


def a_plan_with_down_payment() -> AgreedLife:
    """500.00 without interest: 125.00 on the first day, and three times 125.00 every 15 days."""
    terms = some_terms(
        500_00,
        annual_rate="0",
        disbursed_on=date(2023, 1, 1),
        term=3,
        every="15d",
        method=Method.EQUAL_PRINCIPAL,
        down_payment_minor=125_00,
    )
    return AgreedLife(terms, a_policy())


def test_what_exceeds_an_installment_pays_the_next_one() -> None:
    life = a_plan_with_down_payment()
    life.pays(125_00, date(2023, 1, 1))
    life.pays(150_00, date(2023, 1, 16))
    assert life.owed == [0, 0, 100_00, 125_00]
    life.pays(125_00, date(2023, 1, 31))
    assert life.owed == [0, 0, 0, 100_00]
    life.pays(100_00, date(2023, 2, 15))
    assert life.loan.paid_off_on == date(2023, 2, 15)


def test_a_reversed_refund_is_replayed_through_all_that_came_after_it() -> None:
    life = a_plan_with_down_payment()
    life.pays(125_00, date(2023, 1, 1), name="down")
    life.reverses("down", date(2023, 1, 1))
    life.merchant_refunds(400_00, date(2023, 1, 2), "refund")
    assert life.owed == [0, 33_33, 33_33, 33_34]
    life.pays(50_00, date(2023, 1, 4))
    life.pays(125_00, date(2023, 1, 16))
    life.refunds_credit(75_00, date(2023, 1, 18), "credit")
    life.undoes("refund", date(2023, 1, 20))
    assert life.owed == [0, 75_00, 200_00, 125_00]
    life.pays(275_00, date(2023, 1, 31))
    assert life.owed == [0, 0, 0, 125_00]
    life.pays(125_00, date(2023, 2, 15))
    assert sum(life.owed) == 0


def a_large_loan() -> AgreedLife:
    """1,000,000.00 at 23 %, six months, disbursed on 2024-04-18 and first due on 2024-05-05; late money costs more."""
    terms = some_terms(
        1_000_000_00,
        annual_rate="0.23",
        disbursed_on=date(2024, 4, 18),
        first_due_on=date(2024, 5, 5),
        day_count=DayCount.ACTUAL_365F,
    )
    penalty = PenaltyInterest(day_count="actual/365F", uplift="1")
    return AgreedLife(terms, a_policy(accrual="daily", penalty_interest=penalty))


def test_a_payment_entered_last_counts_as_if_it_had_been_entered_in_order() -> None:
    in_order, june_last = a_large_loan(), a_large_loan()
    for month in (5, 6, 7, 8, 9):
        in_order.pays(178_025_00, date(2024, month, 5), name=f"m{month}")
    for month in (5, 7, 8, 9, 6):
        june_last.pays(178_025_00, date(2024, month, 5), name=f"m{month}", today=date(2024, 9, 5))
    assert balances(in_order.events) == balances(june_last.events)
    assert in_order.owed == june_last.owed


def test_a_cancelled_payment_costs_what_it_would_have_cost_never_to_have_paid() -> None:
    cancelled, never = a_large_loan(), a_large_loan()
    for month in (5, 6, 7, 8, 9):
        cancelled.pays(178_025_00, date(2024, month, 5), name=f"m{month}")
    cancelled.reverses("m6", date(2024, 9, 6))
    for month in (5, 7, 8, 9):
        never.pays(178_025_00, date(2024, month, 5), name=f"m{month}")
    never.day_end(date(2024, 9, 6))
    assert balances(cancelled.events) == balances(never.events)


def test_an_on_time_payment_that_becomes_known_late_erases_penalty_interest() -> None:
    life = a_large_loan()
    life.pays(178_025_00, date(2024, 5, 5))
    life.pays(1_000_00, date(2024, 6, 25))
    assert any(account == "penalty_income" for _, account, _, _ in balances(life.events))
    life.pays(178_025_00, date(2024, 6, 5), today=date(2024, 6, 26))
    assert not any(account == "penalty_income" for _, account, _, _ in balances(life.events))
