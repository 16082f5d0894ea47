"""What was believed, what is known and why, as users ask it: an agreed loan with a payment that became known late."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.application.commands import LoanCommand, RecordPayment
from ledger.application.loan_commands import AgreeLoan, DisburseLoan
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.journal.database import Database
from ledger.settings import read_settings
from tests.e2e.conftest import Program, program
from tests.e2e.test_agreed_loan import TERMS

PAID_LATE, BACKDATED, TOLD = date(2026, 2, 10), date(2026, 2, 1), date(2026, 2, 20)


@pytest.fixture(scope="module")
def served(
    fresh_database: Callable[[str | None], Database],
    tmp_path_factory: pytest.TempPathFactory,
    reaped: Callable[[Path], Path],
) -> Program:
    """1,200.00 CNY agreed and paid out, overdue, paid late; then it is told that money had come before the due date."""
    made = program(fresh_database(None), tmp_path_factory.mktemp("served"))
    reaped(made.folder / "data")
    made("init", "--currency", "CNY")
    with Ledger(read_settings(made.settings)) as ledger:
        agreement: dict[str, Any] = {"terms": TERMS, "policy": "cn_consumer", "product": "installments"}
        begun = date.fromisoformat(TERMS["disbursed_on"])
        serve(ledger, AgreeLoan(loan_id="a1", cost_table_hash="0" * 64, **agreement), begun)
        serve(ledger, DisburseLoan(loan_id="a1", amount_minor=1200_00), begun)
        ledger.day_ends.run_until(date(2026, 2, 9), today=PAID_LATE)
        serve(ledger, RecordPayment(loan_id="a1", amount_minor=220_00, payment_id="p1"), PAID_LATE)
        serve(ledger, RecordPayment(loan_id="a1", amount_minor=220_00, payment_id="p2", paid_on=BACKDATED), TOLD)
    return made


def serve(ledger: Ledger, command: LoanCommand, today: date) -> None:
    """As on a day that is past."""
    key = f"key-{ledger.journal.head().position}"
    ledger.desk.execute(Order(command=command, key=key, today=today, principal="operator:ann"))


@pytest.fixture(scope="module")
def trail(served: Program) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = served("audit", "show", "a1", "--json").json
    return rows


def position_of(trail: list[dict[str, Any]], payment: str) -> int:
    found: int = next(row["position"] for row in trail if f"payment {payment}" in row["summary"])
    return found


def test_a_backdated_payment_restates_what_was_believed(served: Program, trail: list[dict[str, Any]]) -> None:
    before, told = str(position_of(trail, "p1") + 3), str(position_of(trail, "p2"))
    last = str(trail[-1]["position"])
    found = served("loan", "restatement", "a1", "--between", before, last, "--json").json
    assert (found["restated"], found["between"]) == (True, [int(before), int(last)])
    sections = {section["name"]: section["figures"] for section in found["sections"]}
    moved = next(each for each in sections["allocations"] if each["subject"] == "p1" and each["name"] != "credit_minor")
    assert moved["before"] != moved["after"]
    assert [event["type"] for event in moved["changed_by"]] == [
        "ledger.payment.received.v1",
        "ledger.payment.allocations_restated.v1",
    ]
    shown = served("loan", "restatement", "a1", "--between", before, last, "--as-of", "2026-03-01").out
    assert "principal balance" in shown
    assert f"{told} ledger.payment.received.v1" in shown


def test_between_two_instants_or_the_same_position_nothing_may_have_been_restated(
    served: Program, trail: list[dict[str, Any]]
) -> None:
    instants = trail[0]["recorded_at"], trail[-1]["recorded_at"]
    assert served("loan", "restatement", "a1", "--between", *instants, "--json").json["restated"]
    last = str(trail[-1]["position"])
    shown = served("loan", "restatement", "a1", "--between", last, last, "--all").out
    assert "nothing was restated" in shown
    assert "Charges" in shown


def test_balances_are_traced_to_what_loan_show_says(served: Program, trail: list[dict[str, Any]]) -> None:
    on = ("--as-of", "2026-02-15", "--known-at", str(position_of(trail, "p2") - 1))
    shown = served("loan", "show", "a1", *on, "--json").json
    for balance, field in (("total", "total_due_minor"), ("overdue", "overdue_minor")):
        traced = served("loan", "why", "a1", "--balance", balance, *on, "--json").json
        assert traced["amount_minor"] == shown[field] == sum(line["amount_minor"] for line in traced["lines"])
        assert {line["actor"] for line in traced["lines"]} <= {"operator:ann", "service:day-end"}
        assert all(len(line["request_id"]) == 64 for line in traced["lines"])


def test_a_trace_is_a_table_that_begins_with_the_rest(served: Program) -> None:
    shown = served("loan", "why", "a1", "--balance", "principal", "--limit", "2").out
    assert "earlier lines" in shown
    assert "cn_consumer@2021-01-01" in shown
    assert "allocation from 0 days past due on" in shown


def test_an_installment_is_traced_change_by_change(served: Program, trail: list[dict[str, Any]]) -> None:
    found = served("loan", "why", "a1", "--installment", "1", "--json").json
    state = {(each["section"], each["name"]): each["value"] for each in found["state"] if "component" not in each}
    assert state["installments", "due_on"] == "2026-02-05"
    assert ("overdue_marks", "state") in state
    assert {change["position"] for change in found["changes"]} >= {position_of(trail, "p1"), position_of(trail, "p2")}
    assert "overdue since on" in served("loan", "why", "a1", "--installment", "1").out


def test_every_component_is_shown_on_a_date(served: Program, trail: list[dict[str, Any]]) -> None:
    found = served("loan", "show", "a1", "--as-of", "2026-02-09", "--known-at", str(position_of(trail, "p1") - 1))
    assert "Of it interest 18.60, fees 0.00, penalty interest 0.00" in found.out
    fields = served("loan", "show", "a1", "--as-of", "2026-02-09", "--json").json
    parts = ("principal_minor", "interest_minor", "fee_minor", "penalty_interest_minor")
    assert sum(fields[name] for name in parts) == fields["total_due_minor"]


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["why", "nobody", "--balance", "total"], 4, "loan_not_found"),
        (["why", "a1", "--balance", "capital"], 2, "unknown_figure"),
        (["why", "a1"], 2, "one_figure"),
        (["why", "a1", "--installment", "9"], 4, "installment_not_found"),
        (["why", "a1", "--balance", "total", "--known-at", "999999"], 2, "not_recorded"),
        (["restatement", "nobody", "--between", "1", "2"], 4, "loan_not_found"),
        (["restatement", "a1", "--between", "2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z"], 2, "wrong_interval"),
        (["restatement", "a1", "--between", "1", "999999"], 2, "not_recorded"),
        (["restatement", "a1", "--between", "1", "2", "--wait-for", "999999"], 2, "not_recorded"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(served: Program, arguments: list[str], status: int, code: str) -> None:
    refused = served("loan", *arguments, status=status)
    assert (refused.out, f"error {code}: " in refused.err) == ("", True)
