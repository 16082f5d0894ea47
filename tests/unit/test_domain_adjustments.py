"""Fees, payoffs and designated payments of agreed loans."""

from collections import Counter
from datetime import date, timedelta

import pytest

from ledger.domain import adjustments
from ledger.domain.errors import InstallmentNotFound, ReasonMissing, UnknownComponent
from ledger.domain.fold import fold
from ledger.domain.payments import Designation
from ledger.domain.terms import DayCount
from schemas.errors import LedgerError
from schemas.payments.events import AllocationsRestated, PaymentDesignated, PaymentReceived
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


def test_a_payer_says_what_is_paid_first_as_far_as_it_is_due() -> None:
    """Fees are paid before principal by the policy; the payer wants the second installment's principal paid."""
    life = AgreedLife(some_terms(60_00, annual_rate="0", term=3))
    on = date(2024, 3, 5)
    life.records(adjustments.charge_fee(life.loan, life.wish("fee-1", 5_00, date(2024, 1, 2)), name="certificate"))
    life.pays(21_00, on, designation=Designation("principal", 2, "agreement"))
    [received] = [event for event in life.requests[-1] if isinstance(event, PaymentReceived)]
    assert isinstance(life.requests[-1][0], PaymentDesignated)
    assert [(each.component, each.installment, each.amount_minor) for each in received.allocations] == [
        ("principal", 2, 20_00),
        ("fee", 1, 1_00),
    ]


def test_what_a_payer_says_of_installments_that_are_not_due_changes_nothing() -> None:
    life = AgreedLife(some_terms(60_00, annual_rate="0", term=3))
    life.pays(20_00, date(2024, 2, 5), designation=Designation("", 3, "agreement"))
    assert life.owed == [0, 20_00, 20_00]


@pytest.mark.parametrize(
    ("designation", "refusal"),
    [
        (Designation("capital", 0, "agreement"), UnknownComponent),
        (Designation("fee", 9, "agreement"), InstallmentNotFound),
        (Designation("fee", 0, ""), ReasonMissing),
    ],
)
def test_a_designation_that_means_nothing_is_refused(designation: Designation, refusal: type[LedgerError]) -> None:
    life = AgreedLife(some_terms(60_00, term=3))
    with pytest.raises(refusal):
        life.pays(1_00, date(2024, 2, 5), designation=designation)


def test_a_restatement_of_many_facts_comes_in_parts_that_add_up() -> None:
    """A fee that becomes known after 600 payments of a cent takes the first 550 of them."""
    life = AgreedLife(some_terms(60_00, annual_rate="0", term=1))
    days = [date(2024, 1, 2) + timedelta(number) for number in range(600)]
    for day in days:
        life.pays(1, day)
    fee = life.wish("fee-1", 5_50, date(2024, 1, 1), days[-1])
    events = life.records(adjustments.charge_fee(life.loan, fee, name="certificate"))
    restated = [event for event in events if isinstance(event, AllocationsRestated)]
    assert [(each.part, each.parts, len(each.transactions)) for each in restated] == [(1, 2, 500), (2, 2, 50)]
    folded: Counter[object] = Counter()
    for _, line, amount_minor in fold(life.loan.agreement, life.loan.counted, life.loan.reached).entries:
        folded[line.value_date, line.account, line.component, line.installment] += amount_minor
    assert balances(life.events) == {cell: amount for cell, amount in folded.items() if amount}
