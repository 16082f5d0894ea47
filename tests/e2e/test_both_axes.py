"""Questions about another date, or about what was known at another time, as users type them."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Program


def position_of(program: Program, loan: str, kind: str) -> int:
    """Where the first event of a kind became known."""
    rows = program("audit", "show", loan, "--json").json
    found: int = next(row["position"] for row in rows if row["type"] == kind)
    return found


def recorded_at(program: Program, loan: str, position: int) -> str:
    rows = program("audit", "show", loan, "--json").json
    found: str = next(row["recorded_at"] for row in rows if row["position"] == position)
    return found


def test_balances_of_a_date_that_is_past(looked_at: Program) -> None:
    found = looked_at("balances", "--as-of", "2016-09-20", "--json").json
    assert [(row["loan"], row["status"], row["total_due_minor"]) for row in found["loans"]] == [
        ("a1", "paid_off", 0),
        ("b2", "active", 30050),
        ("c3", "overdue", 80000),
    ]
    assert "Balances of book main on 2016-09-20" in looked_at("balances", "--as-of", "2016-09-20").out


def test_a_loan_as_it_was_known_at_a_position_and_at_its_instant(looked_at: Program) -> None:
    marked = position_of(looked_at, "b2", "ledger.loan.delinquency_changed.v1")
    for known_at in (str(marked), recorded_at(looked_at, "b2", marked)):
        shown = looked_at("loan", "show", "b2", "--as-of", "2016-12-01", "--known-at", known_at, "--json").json
        assert (shown["status"], shown["total_due_minor"], shown["bucket"]) == ("overdue", 30050, "M3")
        assert shown["known_at"] == marked
    now = looked_at("loan", "show", "b2", "--as-of", "2016-12-01", "--json").json
    assert (now["status"], now["total_due_minor"], now["known_at"]) == ("paid_off", 0, None)


def test_a_difference_between_two_positions_is_a_table_of_what_became_known(looked_at: Program) -> None:
    marked = position_of(looked_at, "b2", "ledger.loan.delinquency_changed.v1")
    paid = position_of(looked_at, "b2", "ledger.payment.received.v1")
    found = looked_at("loan", "diff", "b2", "--between", str(marked), str(paid), "--json").json
    assert {row["account"]: (row["before_minor"], row["after_minor"]) for row in found["balances"]} == {
        "cash": (0, 30050),
        "receivable": (30050, 0),
    }
    assert "received 300.50 USD" in looked_at("loan", "diff", "b2", "--between", str(marked), str(paid)).out


def test_payments_and_schedule_of_a_loan(looked_at: Program) -> None:
    [payment] = looked_at("loan", "payments", "b2", "--json").json
    assert (payment["amount_minor"], payment["value_date"], payment["reversed_on"]) == (30050, "2016-10-24", None)
    assert "b2-payoff" in looked_at("loan", "payments", "b2").out
    [version] = looked_at("loan", "schedule", "b2", "--json").json
    [line] = version["lines"]
    assert (line["number"], line["due_on"], line["principal_minor"]) == (1, "2016-09-22", 30050)
    assert (line["interest_minor"], line["fee_minor"]) == (0, 0)
    assert "2016-09-22" in looked_at("loan", "schedule", "b2").out


def test_a_trial_balance_has_two_sides_that_are_equal(looked_at: Program) -> None:
    found = looked_at("trial-balance", "--as-of", "2016-10-01", "--json").json
    assert found["sums_minor"] == {"USD": 210050}
    assert sum(line["debit_minor"] for line in found["lines"]) == sum(line["credit_minor"] for line in found["lines"])
    last_line = looked_at("trial-balance", "--as-of", "2016-10-01").out.strip().splitlines()[-1]
    assert last_line.split() == ["2,100.50", "2,100.50", "USD"]


def test_a_portfolio_is_a_table_and_a_drawing(looked_at: Program) -> None:
    drawing = Path(looked_at.folder / "portfolio.svg")
    done = looked_at("portfolio", "--until", "2016-12-08", "--svg", str(drawing))
    assert re.search(r"2016-12\s+bullet\s+M3\s+1\s+800\.00\s+USD", done.out)
    assert drawing.read_text("utf-8").lstrip().startswith("<?xml")
    stocks = looked_at("portfolio", "--until", "2016-12-08", "--json").json["stocks"]
    assert [(row["bucket"], row["loans"]) for row in stocks if row["month"] == "2016-09-01"] == [("M1", 2)]


def test_a_question_that_waits_sees_what_was_just_recorded(imported: Program) -> None:
    paid = imported("pay", "c3", "10.00", "--json").json
    shown = imported("loan", "show", "c3", "--wait-for", str(paid["last_position"]), "--json").json
    assert (shown["total_due_minor"], shown["position"]) == (790_00, paid["last_position"])


@pytest.mark.parametrize(
    "question",
    [
        ["balances"],
        ["delinquency"],
        ["trial-balance"],
        ["portfolio"],
        ["loan", "show", "c3"],
        ["loan", "history", "c3"],
        ["loan", "schedule", "c3"],
        ["loan", "payments", "c3"],
        ["loan", "diff", "c3", "--between", "1", "2"],
        ["audit", "show", "c3"],
    ],
    ids=" ".join,
)
def test_every_question_can_wait_for_a_position_and_refuses_one_that_is_not_there(
    looked_at: Program, question: list[str]
) -> None:
    refused = looked_at(*question, "--wait-for", "999999", status=2)
    assert "error not_recorded: " in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "code", "words"),
    [
        (["balances", "--known-at", "yesterday"], 2, "invalid_date", "give a position, or an instant"),
        (["balances", "--known-at", "2016-12-08T10:00:00"], 2, "invalid_date", "may be any of many instants"),
        (["balances", "--known-at", "2999-01-01T00:00:00Z"], 2, "invalid_date", "Leave it out for all so far"),
        (["balances", "--known-at", "9" * 30], 2, "not_recorded", "the journal ends at"),
        (["loan", "show", "c3", "--known-at", "99999999"], 2, "not_recorded", "the journal ends at"),
        (["loan", "diff", "c3", "--between", "1", "9" * 30], 2, "not_recorded", "the journal ends at"),
        (["balances", "--as-of", "8.12.2016"], 2, "invalid_date", "YYYY-MM-DD"),
        (["loan", "show", "c3", "--as-of", "2016-09-01"], 4, "loan_not_found", "it was opened on 2016-09-09"),
        (["loan", "show", "c3", "--known-at", "1"], 4, "loan_not_found", "as known at position 1"),
        (["loan", "diff", "c3", "--between", "5", "5"], 2, "wrong_interval", "an earlier position"),
        (["loan", "payments", "nobody"], 4, "loan_not_found", "nobody"),
        (["loan", "schedule", "c3", "--known-at", "1"], 4, "loan_not_found", "as known at position 1"),
        (["loan", "payments", "c3", "--known-at", "1"], 4, "loan_not_found", "as known at position 1"),
        (["portfolio", "--svg", "/nonexistent/p.svg"], 2, "drawing_failed", "unlike /nonexistent"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    looked_at: Program, arguments: list[str], status: int, code: str, words: str
) -> None:
    refused = looked_at(*arguments, status=status)
    assert (refused.out, f"error {code}: " in refused.err) == ("", True)
    assert words in " ".join(refused.err.split())
