"""Which rule is named for a line: that of the servicing policy, or the cap that cut a charge."""

from datetime import date

import pytest

from projections.deciding_rules import PostedLine, rule_of
from schemas.loans.events import Charge, ChargesPosted
from schemas.values import ABSENT, Absent, Posting
from tests.loan_builders import BASIS, DUE
from tests.statement_builders import STANDING, a_charged_life, line


def charged(component: str, rule: str | Absent = ABSENT, *postings: Posting) -> ChargesPosted:
    charge = Charge(charged_on=DUE, component=component, installment=1, amount_minor=5, asked_minor=9, rule=rule)
    return ChargesPosted(
        loan_id="l", currency="USD", standing=STANDING, basis=BASIS, booking_date=DUE, postings=postings,
        charged_until=DUE, charges=(charge,),
    )  # fmt: skip


def on_due(component: str, amount_minor: int = 5, on: date = DUE) -> PostedLine:
    return PostedLine(on, component, 1, amount_minor)


@pytest.mark.parametrize(
    ("component", "rule"),
    [("interest", "accrual"), ("penalty_interest", "penalty_interest"), ("fee", "late_fee_or_agreed_fee")],
)
def test_a_charge_is_decided_by_the_field_of_its_component(component: str, rule: str) -> None:
    assert rule_of(charged(component), on_due(component)) == rule


def test_a_charge_that_was_cut_is_decided_by_the_cap() -> None:
    assert rule_of(charged("interest", "24 % a year"), on_due("interest")) == "cost_caps 24 % a year"


def test_what_falls_due_moves_principal_by_the_terms_or_takes_credit() -> None:
    assert rule_of(charged("interest"), on_due("principal", 7)) == "terms"
    takes_credit = charged("interest", ABSENT, line("credit", 7, DUE), line("receivable", -7, DUE, "principal"))
    assert rule_of(takes_credit, on_due("principal", -7)) == "allocation"


def test_each_event_of_a_life_names_the_rule_that_it_followed() -> None:
    found = [
        rule_of(event, PostedLine(posting.value_date, posting.component or None, 1, posting.amount_minor))
        for event in a_charged_life("l")
        for posting in event.postings[:1]
    ]
    assert found == [
        "terms",
        "accrual",
        "allocation",
        "credit_refund",
        "allocation",
        "restatement late_fee_or_agreed_fee",
        "reversal",
    ]


def test_principal_that_a_payment_moves_to_other_installments_is_a_matter_of_prepayment() -> None:
    payment = a_charged_life("l")[2]
    assert rule_of(payment, on_due("principal", 3)) == "prepayment"
    assert rule_of(payment, on_due("principal", -3)) == "allocation"
