"""Fees and payoffs of agreed loans, where the order of what becomes known must not matter."""

from datetime import date

import pytest

from ledger.domain import adjustments
from ledger.domain.errors import InstallmentNotFound
from ledger.domain.terms import DayCount
from tests.agreement_builders import AgreedLife, a_policy, some_terms
from tests.unit.balances import balances


@pytest.mark.parametrize("early_money", ["hold", "principal", "interest_first"])
def test_a_payoff_rounds_interest_where_the_payment_will(early_money: str) -> None:
    """One day is 3.75, the rest of the period 112.51: rounded apart 117, together 116."""
    policy = a_policy(
        accrual="daily", accrual_rounding="stretch", early_money=early_money, payoff_interest="to_due_date"
    )
    life = AgreedLife(some_terms(195_54, annual_rate="0.07", term=1, day_count=DayCount.ACTUAL_365F), policy)
    on = date(2024, 1, 2)
    assert life.payoff(on).total_minor == 196_71
    life.pays(196_71, on)
    assert (life.owed, life.loan.paid_off_on) == ([0], on)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_fee_goes_with_the_next_installment_whether_or_not_it_is_known_to_be_paid(is_known: bool) -> None:
    on, after = date(2024, 1, 1), date(2024, 1, 2)
    life = AgreedLife(some_terms(50_00, annual_rate="0", term=2))
    if is_known:
        life.pays(50_00, on, today=after)
    life.records(adjustments.charge_fee(life.loan, life.wish("fee-1", 1, after), name="certificate"))
    if not is_known:
        life.pays(50_00, on, today=after)
    assert balances(life.events) == {
        (on, "funding", "", 0): -50_00,
        (on, "cash", "", 0): 50_00,
        (after, "fee_income", "", 0): -1,
        (after, "receivable", "fee", 1): 1,
    }


def test_a_fee_with_an_installment_that_is_not_there_is_refused() -> None:
    life = AgreedLife(some_terms(50_00, term=2))
    with pytest.raises(InstallmentNotFound, match="installment 3; loan loan-1 has installments 1 to 2"):
        adjustments.charge_fee(life.loan, life.wish("fee-1", 1, date(2024, 1, 2)), name="certificate", installment=3)
