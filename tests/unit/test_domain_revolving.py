"""Balances that revolve: what their terms must be, what is asked for, and what interest waits for."""

from datetime import date

import pytest

from ledger.domain import adjustments, opening
from ledger.domain.errors import AlreadyDisbursed, DrawnFromLine, InvalidAmount, InvalidTerms, LoanEnded
from ledger.domain.loan import next_action_on, settled
from ledger.domain.schedule import build
from ledger.domain.terms import DayCount, Disbursement, Fee, FeeTiming, Method, Revolving
from ledger.policies.open_days import open_days
from schemas.loans.events import StatementIssued
from schemas.values import MoneyEvent, Posting
from tests.agreement_builders import DAY, AgreedLife, a_policy, revolving_terms
from tests.unit.balances import balances

REVOLVING = Revolving(days_to_pay=20, minimum_share="0.1", minimum_minor=20_00)


def a_life(*, is_free: bool = False, first_minor: int = 600_00) -> AgreedLife:
    return AgreedLife(revolving_terms(1000_00, DAY, is_free=is_free), first_minor=first_minor)


def statements(life: AgreedLife) -> list[StatementIssued]:
    return [event for event in life.events if isinstance(event, StatementIssued)]


def days_pass(life: AgreedLife, until: date) -> None:
    """Every day end that has anything to do."""
    while (on := next_action_on(life.loan)) and on <= until:
        life.day_end(on)


def test_a_quote_is_as_if_all_were_drawn_and_the_minimum_paid_each_time() -> None:
    lines = build(revolving_terms(1000_00, DAY, annual_rate="0.365")).lines
    assert [(line.principal_minor, line.interest_minor) for line in lines[:2]] == [(100_00, 50_00), (90_00, 26_10)]
    assert sum(line.principal_minor for line in lines) == 1000_00


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"revolving": None}, "revolving"),
        ({"day_count": DayCount.PERIOD}, "day_count"),
        ({"method": Method.EQUAL_PRINCIPAL}, "revolving"),
        ({"revolving": REVOLVING.changed(days_to_pay=0)}, "revolving.days_to_pay"),
        ({"revolving": REVOLVING.changed(minimum_share="1.1")}, "revolving.minimum_share"),
        ({"revolving": REVOLVING.changed(minimum_minor=-1)}, "revolving.minimum_minor"),
        ({"disbursements": (Disbursement(on=DAY, amount_minor=1000_00),)}, "disbursements"),
        ({"down_payment_minor": 1}, "down_payment_minor"),
        ({"fees": (Fee(name="service", timing=FeeTiming.DEDUCTED, amount_minor=1),)}, "fees[0].timing"),
    ],
)
def test_terms_that_do_not_fit_are_refused_by_field(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        build(revolving_terms(1000_00, DAY).changed(**changed))
    assert refusal.value.field == field


@pytest.mark.parametrize(("days", "is_refused"), [(28, False), (29, True)])
def test_a_statement_comes_after_the_due_date_of_the_one_before_it(days: int, is_refused: bool) -> None:
    terms = revolving_terms(1000_00, DAY).changed(revolving=REVOLVING.changed(days_to_pay=days))
    signed = opening.Signed(terms, a_policy(accrual="daily"), "line", "0" * 64, ())

    def agree() -> None:
        opening.agree(None, "loan-1", signed, open_days, today=DAY, basis=a_life().loan.basis)

    if is_refused:
        with pytest.raises(InvalidTerms, match="give fewer days"):
            agree()
    else:
        agree()


def test_interest_that_is_agreed_cannot_revolve() -> None:
    with pytest.raises(InvalidTerms, match="serve it with accrual daily"):
        AgreedLife(revolving_terms(1000_00, DAY), a_policy(), first_minor=1)


def test_a_statement_asks_for_a_share_of_principal_and_for_all_interest() -> None:
    life = a_life()
    days_pass(life, date(2024, 1, 31))
    [statement] = statements(life)
    assert (statement.issued_on, statement.due_on) == (date(2024, 1, 31), date(2024, 2, 20))
    # 600.00 x 18 % x 30 / 365 = 8.88
    assert (statement.balance_minor, statement.interest_minor, statement.principal_minor) == (608_88, 8_88, 60_00)
    assert statement.minimum_minor == 68_88


@pytest.mark.parametrize(("balance_minor", "asked_minor"), [(600_00, 60_00), (150_00, 20_00), (12_00, 12_00)])
def test_no_less_than_the_least_amount_is_asked_for_unless_less_is_owed(balance_minor: int, asked_minor: int) -> None:
    life = a_life(is_free=True, first_minor=balance_minor)
    days_pass(life, date(2024, 1, 31))
    assert statements(life)[0].minimum_minor == asked_minor


def test_a_cycle_without_a_balance_has_no_statement() -> None:
    life = a_life(is_free=True)
    life.pays(600_00, date(2024, 1, 30))
    days_pass(life, date(2024, 6, 1))
    assert statements(life) == []
    assert life.loan.paid_off_on is None


def test_money_of_the_due_date_is_in_time_and_of_the_next_day_is_not() -> None:
    for day, overdue in ((20, False), (21, True)):
        life = a_life()
        days_pass(life, date(2024, 2, day - 1))
        life.pays(68_88, date(2024, 2, day))
        days_pass(life, date(2024, 2, 22))
        assert any(event.TYPE == "ledger.loan.delinquency_changed.v1" for event in life.events) == overdue


@pytest.mark.parametrize(("missing_minor", "interest_minor"), [(0, 0), (1, 13_12)])
def test_who_pays_a_statement_in_full_pays_no_interest_else_from_the_draw_on(
    missing_minor: int, interest_minor: int
) -> None:
    life = a_life(is_free=True)
    life.draws(100_00, date(2024, 1, 15))
    days_pass(life, date(2024, 2, 9))
    life.pays(700_00 - missing_minor, date(2024, 2, 10))
    days_pass(life, date(2024, 2, 29))
    # (600.00 for 14 days and 700.00 for 26, until they are paid) x 18 % / 365 = 13.118
    assert -sum(line.amount_minor for line in postings(life) if line.account == "interest_income") == interest_minor


def test_what_pays_everything_is_told_to_the_day_and_leaves_no_interest_behind() -> None:
    life = a_life()
    days_pass(life, date(2024, 2, 9))
    on = date(2024, 2, 10)
    payoff = life.payoff(on)
    # 8.88 of the statement, and 10 days since: 600.00 x 18 % x 10 / 365 = 2.96
    assert (payoff.principal_minor, payoff.interest_minor) == (600_00, 11_84)
    life.pays(payoff.total_minor, on)
    days_pass(life, date(2024, 12, 1))
    assert settled(life.loan).known.owed_minor == 0
    assert len(statements(life)) == 1


def test_the_last_statement_asks_for_everything_and_ends_the_loan() -> None:
    life = a_life(is_free=True)
    days_pass(life, date(2024, 12, 31))
    last = statements(life)[-1]
    assert (last.statement, last.issued_on, last.due_on) == (12, date(2024, 12, 31), date(2025, 1, 20))
    assert last.minimum_minor + last.past_due_minor == last.balance_minor
    life.pays(last.balance_minor, date(2025, 1, 20))
    days_pass(life, date(2025, 3, 1))
    assert life.loan.paid_off_on == date(2025, 1, 20)
    assert next_action_on(life.loan) is None


def test_draws_end_with_the_last_statement_and_never_pass_the_limit() -> None:
    life = a_life()
    with pytest.raises(InvalidAmount, match="40000 are left"):
        life.draws(400_01, date(2024, 1, 2))
    life.pays(600_00, date(2024, 1, 2))
    life.draws(999_99, date(2024, 1, 3))
    with pytest.raises(AlreadyDisbursed, match="not before the last statement"):
        life.draws(1, date(2024, 12, 31))


def test_it_is_drawn_from_a_line_only() -> None:
    life = a_life()
    with pytest.raises(DrawnFromLine, match="loan-1 revolves"):
        opening.disburse(
            life.loan, "out-9", 1_00, "USD", open_days, paid_out_on=DAY, today=DAY, method="wallet"
        )  # fmt: skip


def test_one_that_owes_nothing_is_closed_and_has_no_statements_any_more() -> None:
    life = a_life()
    with pytest.raises(LoanEnded):
        adjustments.close(life.loan, reason="asked", today=DAY)
    life.pays(life.payoff(DAY).total_minor, DAY)
    life.records(adjustments.close(life.loan, reason="asked", today=DAY))
    assert next_action_on(life.loan) is None


def test_a_first_draw_after_some_cycles_begins_in_its_own() -> None:
    terms = revolving_terms(1000_00, DAY, is_free=True)
    life = AgreedLife(terms, first_minor=1_00)
    life.pays(1_00, DAY)
    life.draws(500_00, date(2024, 2, 10))  # after the first statement, before it falls due
    days_pass(life, date(2024, 2, 28))
    assert statements(life) == []
    days_pass(life, date(2024, 2, 29))
    assert statements(life)[0].statement == 2


def test_a_payment_taken_back_goes_on_in_the_open_cycle() -> None:
    life = a_life()
    days_pass(life, date(2024, 2, 9))
    life.pays(600_00, date(2024, 2, 10), name="wrong")
    days_pass(life, date(2024, 2, 25))
    life.reverses("wrong", date(2024, 2, 26), "lender_error")
    number = next(line.installment for line in postings(life)[::-1] if line.component == "principal")
    assert number == 2


def postings(life: AgreedLife) -> list[Posting]:
    return [posting for event in life.events if isinstance(event, MoneyEvent) for posting in event.postings]


def test_a_draw_that_failed_costs_nothing_whatever_came_after_it() -> None:
    """What is known of it late is as if it had never been."""
    lives = [a_life(), a_life()]
    for life, drawn in zip(lives, (True, False), strict=True):
        if drawn:
            life.draws(100_00, date(2024, 1, 15), name="never-arrived")
        days_pass(life, date(2024, 2, 1))
        life.pays(50_00, date(2024, 2, 2))
        if drawn:
            life.records(
                opening.fail_disbursement(life.loan, "never-arrived", reason="account closed", today=date(2024, 2, 3))
            )
    assert balances(lives[0].events) == balances(lives[1].events)
    assert statements(lives[0])[-1].balance_minor == statements(lives[1])[-1].balance_minor == 608_88
