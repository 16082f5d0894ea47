"""The life of a loan with interest, as users type it: agreed, paid out, paid late, restated, paid off."""

import re
from typing import Any

import orjson
import pytest

from tests.e2e.conftest import Program

TERMS: dict[str, Any] = {
    "principal_minor": 1200_00,
    "currency": "CNY",
    "disbursed_on": "2026-01-05",
    "annual_rate": "0.18",
    "term": 6,
    "day_count": "actual/360",
    "jurisdiction": "cn",
    "lender": "bank",
}


@pytest.fixture
def book(ledger: Program) -> Program:
    ledger("init", "--currency", "CNY")
    ledger.write("terms.json", orjson.dumps(TERMS).decode())
    return ledger


def agreed(book: Program, loan: str = "a1") -> str:
    """Show the cost table, and sign with its hash; the hash."""
    shown = book("loan", "agree", loan, "--terms", "terms.json", "--policy", "cn_consumer", status=3)
    [confirmed] = re.findall(r"--confirm ([0-9a-f]{64})", shown.err.replace("\n", ""))
    arguments = ("--terms", "terms.json", "--policy", "cn_consumer", "--party", "borrower:b-1", "--confirm", confirmed)
    book("loan", "agree", loan, *arguments, "--key", f"agree-{loan}")
    return str(confirmed)


def test_a_loan_is_signed_only_with_the_cost_table_that_was_shown(book: Program) -> None:
    confirmed = agreed(book)
    other = ("--terms", "terms.json", "--policy", "cn_consumer", "--confirm", "0" * 64)
    wrong = book("loan", "agree", "a2", *other, status=3)
    assert "cost_table_not_confirmed" in wrong.err
    [event, *_] = book("audit", "show", "a1", "--json").json
    assert event["type"] == "ledger.loan.agreed.v1"
    assert book("loan", "show", "a1", "--json").json["status"] == "agreed"
    assert len(confirmed) == 64


def test_a_loan_is_paid_out_charged_paid_and_restated(book: Program) -> None:
    agreed(book)
    book("loan", "disburse", "a1", "--key", "out")
    again = book("loan", "disburse", "a1", "--key", "out", "--json").json
    assert again["again"]
    total = book("loan", "payoff", "a1", "--json").json["total_minor"]
    assert total == 1200_00
    lines = book("loan", "expected", "a1", "--json").json
    assert (len(lines), sum(line["principal_minor"] for line in lines)) == (6, 1200_00)
    book("pay", "a1", "300", "--payment", "p1")
    assert book("loan", "show", "a1", "--json").json["principal_minor"] == 900_00
    book("reverse", "a1", "p1")
    shown = book("loan", "show", "a1", "--json").json
    assert (shown["principal_minor"], shown["status"]) == (1200_00, "active")
    schedules = book("loan", "schedule", "a1", "--json").json
    assert [version["version"] for version in schedules] == [1, 2, 3, 4]
    assert schedules[1]["lines"] == schedules[3]["lines"]
    assert book("projections", "verify", "schedule").status == 0
    trial = book("trial-balance", "--json").json
    assert trial["sums_minor"] == {"CNY": 1200_00}


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["pay", "a1", "5", "--currency", "USD"], 2, "unknown_currency"),
        (["pay", "a1", "5"], 3, "not_disbursed"),
        (["loan", "fee", "a1", "5", "--name", "certificate"], 3, "not_disbursed"),
        (["loan", "disburse", "a1", "1200.01"], 2, "invalid_amount"),
        (["loan", "undo", "a1", "nothing"], 4, "transaction_not_found"),
        (["loan", "payment-failed", "a1", "p9", "--reason", "r"], 4, "payment_not_found"),
        (["loan", "add-party", "a1", "friend:f-1"], 2, "unknown_role"),
        (["loan", "end-party", "a1", "guarantor:g-1", "--reason", "r"], 4, "party_not_found"),
        (["loan", "close", "a9", "--reason", "r"], 4, "loan_not_found"),
    ],
)
def test_what_cannot_be_is_refused_by_name(book: Program, arguments: list[str], status: int, code: str) -> None:
    agreed(book)
    assert f"error {code}" in book(*arguments, status=status).err


def test_a_payoff_is_a_page_in_chinese(book: Program) -> None:
    agreed(book)
    book("loan", "disburse", "a1")
    page = book("loan", "payoff", "a1", "--lang", "zh-CN", "--html", "-").out
    assert "1,200.00" in page
    assert 'lang="zh' in page
