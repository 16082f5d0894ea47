"""What those do who run a book, as they type it: import payments, move one, debit what is due, close a month."""

import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests.debit_scheme import serving
from tests.e2e.conftest import Program

TODAY = datetime.now(UTC).date()


@pytest.fixture
def lent(ledger: Program) -> Program:
    ledger("init", "--currency", "USD")
    for loan in ("l1", "l2"):
        ledger("loan", "open", loan, "100", "--due", str(TODAY), "--on", str(TODAY), "--key", loan)
    return ledger


def line(reference: str, loan: str, amount_minor: int) -> str:
    fields = {"bank_reference": reference, "loan_id": loan, "amount_minor": amount_minor}
    return orjson.dumps(fields | {"currency": "USD", "paid_on": str(TODAY)}).decode() + "\n"


def test_payments_come_from_a_file_or_a_pipe_each_once(lent: Program) -> None:
    lent.write("bank.ndjson", line("r1", "l1", 10_00) + line("r2", "l2", 20_00))
    first = lent("import-payments", "bank.ndjson", "--json").json
    assert (first["recorded"], first["amounts_minor"]) == (2, {"USD": 30_00})
    more = line("r2", "l2", 20_00) + line("r3", "no", 1_00) + line("r4", "l2", 5_00)
    again = lent("import-payments", "-", "--rejected", "rejected.ndjson", stdin=more, status=1)
    assert "1 recorded (5.00 USD), 1 recorded before, 1 refused" in again.out.replace("\n", " ")
    assert "line 2: loan_not_found" in again.err
    [refused] = (lent.folder / "rejected.ndjson").read_text().splitlines()
    assert orjson.loads(refused)["code"] == "loan_not_found"
    assert lent("import-payments", "nowhere.ndjson", status=None).status not in {0, 1}


def test_a_payment_is_moved_to_the_loan_that_it_was_meant_for(lent: Program) -> None:
    lent("pay", "l1", "30", "--payment", "p1", "--method", "card")
    moved = lent("loan", "move-payment", "l1", "p1", "--to", "l2", "--key", "k", "--json").json
    assert [event["type"] for event in moved["events"]][:2] == [
        "ledger.payment.reversed.v1",
        "ledger.payment.received.v1",
    ]
    assert lent("loan", "show", "l2", "--json").json["principal_minor"] == 70_00
    assert lent("loan", "move-payment", "l1", "p1", "--to", "l2", "--key", "k", "--json").json["again"]
    assert "same_loan" in lent("loan", "move-payment", "l1", "p1", "--to", "l1", status=None).err


def test_what_is_due_is_debited(lent: Program) -> None:
    allowed = ("--at-most", "60", "--party", "b-1", "--account-token", "tok-1", "--policy", "as_agreed")
    lent("autopay", "authorise", "l1", "m", *allowed, "--rail", "wallet")
    with serving() as scheme:
        ran = lent("autopay", "run", "--gateway", scheme.url, "--json").json
        assert (ran["announced"], ran["presented"]) == (1, 1)
        scheme.settles("l1/m-1/1", str(TODAY))
        assert "Booked 1 settled" in lent("autopay", "run", "--gateway", scheme.url).out
        scheme.settles("l1/m-9/1", str(TODAY))
        assert "no such debit" in lent("autopay", "run", "--gateway", scheme.url, status=1).err
    [first, *_] = lent("autopay", "show", "l1", "--json").json["debits"]
    assert (first["status"], first["amount_minor"]) == ("settled", 60_00)
    lent("autopay", "revoke", "l1", "m", "--reason", "asked by phone")
    assert "wallet" in lent("autopay", "show", "l1").out
    assert "mandate_ended" in lent("autopay", "change", "l1", "m", "--at-most", "70", status=None).err


def test_a_month_is_closed_once_it_is_over_and_day_end_is_through(lent: Program) -> None:
    last = TODAY.replace(day=1) - timedelta(days=1)
    assert "period_not_over" in lent("period", "close", "--through", str(last), status=None).err
    lent("day-end", "--until", str(TODAY))
    assert f"closed through {last}" in lent("period", "close", "--through", str(last)).out
    assert "nothing changed" in lent("period", "close", "--through", str(last)).out
    assert lent("period", "show", "--json").json["closed_through"] == str(last)
    closed = lent("trial-balance", "--booked-through", str(last), "--json").json
    assert closed["lines"] == []


def test_a_line_is_opened_drawn_frozen_and_shown(lent: Program) -> None:
    terms = {"principal_minor": 300_00, "currency": "USD", "disbursed_on": str(TODAY), "annual_rate": "0.12", "term": 3}
    lent.write("terms.json", orjson.dumps(terms | {"jurisdiction": "us", "lender": "other"}).decode())
    lent("line", "open", "cl", "500", "--borrower", "b-1")
    asked = ("line", "draw", "cl", "--loan", "d1", "--terms", "terms.json", "--policy", "as_scheduled")
    shown = lent(*asked, status=3)
    [confirmed] = re.findall(r"--confirm ([0-9a-f]{64})", shown.err.replace("\n", ""))
    lent(*asked, "--confirm", confirmed)
    found = lent("line", "show", "cl", "--json").json
    assert (found["used_minor"], found["available_minor"], found["loans"]) == (300_00, 200_00, ["d1"])
    over = ("line", "draw", "cl", "--loan", "d2", "--terms", "terms.json", "--policy", "as_scheduled")
    assert "limit_exceeded" in lent(*over, "--confirm", confirmed, status=None).err
    lent("line", "freeze", "cl", "--reason", "dispute")
    assert "frozen: limit 500.00, used 300.00, left 0.00 USD" in lent("line", "show", "cl").out


def test_a_balance_that_revolves_is_agreed_and_drawn_from_its_line(lent: Program) -> None:
    terms = {
        "principal_minor": 400_00,
        "currency": "USD",
        "disbursed_on": str(TODAY),
        "annual_rate": "0.18",
        "term": 12,
        "method": "revolving",
        "day_count": "actual/365F",
        "revolving": {"days_to_pay": 15, "minimum_share": "0.1", "minimum_minor": 20_00, "interest_free": True},
        "jurisdiction": "us",
        "lender": "other",
    }
    lent.write("terms.json", orjson.dumps(terms).decode())
    lent("line", "open", "cl", "500", "--borrower", "b-1")
    asked = ("loan", "agree", "r1", "--terms", "terms.json", "--policy", "cn_card", "--party", "borrower:b-1")
    shown = lent(*asked, status=3)
    [confirmed] = re.findall(r"--confirm ([0-9a-f]{64})", shown.err.replace("\n", ""))
    lent(*asked, "--confirm", confirmed)
    lent("line", "draw", "cl", "--loan", "r1", "--amount", "120.00")
    assert "limit 500.00, used 120.00, left 380.00 USD" in lent("line", "show", "cl").out
    lent("pay", "r1", "20.00")
    assert lent("line", "show", "cl", "--json").json["used_minor"] == 100_00
    for options in ((), ("--amount", "1", "--terms", "terms.json", "--policy", "cn_card")):
        assert "what_to_draw" in lent("line", "draw", "cl", "--loan", "r1", *options, status=2).err
    assert "drawn_from_line" in lent("loan", "disburse", "r1", "1.00", status=None).err
