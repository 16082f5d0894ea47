"""The program as users type it: what it prints, what it refuses, and with which exit status."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import HEADER, LATE, ON_TIME, OPEN, Program


def test_delinquency_lists_who_is_past_due_on_that_date(looked_at: Program) -> None:
    rows = looked_at("delinquency", "--as-of", "2016-12-08", "--json").json
    wanted = {"loan": "c3", "days_past_due": 84, "bucket": "M3", "overdue_minor": 80000, "currency": "USD"}
    assert [{name: row[name] for name in wanted} for row in rows] == [wanted]


def test_delinquency_answers_for_a_date_that_is_past(looked_at: Program) -> None:
    rows = looked_at("delinquency", "--as-of", "2016-10-01", "--json").json
    assert [(row["loan"], row["days_past_due"], row["overdue_minor"]) for row in rows] == [
        ("c3", 16, 80000),
        ("b2", 9, 30050),
    ]


def test_balances_say_what_each_loan_owes(looked_at: Program) -> None:
    rows = looked_at("balances", "--json").json
    names = ("loan", "currency", "principal_minor", "total_due_minor", "status")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("a1", "USD", 0, 0, "paid_off"),
        ("b2", "USD", 0, 0, "paid_off"),
        ("c3", "USD", 80000, 80000, "overdue"),
    ]


def test_a_projection_is_rebuilt_verified_listed_and_its_old_build_dropped(imported: Program) -> None:
    imported("balances")
    rebuilt = imported("projections", "rebuild", "loan_now", "--json").json
    assert rebuilt["digest"] == rebuilt["replaced_digest"]
    assert imported("projections", "verify", "loan_now", "--json").json["difference"] is None
    assert imported("projections", "verify", "loan_now", "--sample", "2", "--json").json["loans"] == 2
    assert places(imported) == ["live", "old"]
    dropped = imported("projections", "drop-old", "loan_now", "--json").json
    assert dropped == {"projection": "loan_now", "dropped": "old"}
    assert places(imported) == ["live"]
    assert "error projection_not_found" in imported("projections", "drop-old", "loan_now", status=4).err
    assert "error reason_missing" in imported("projections", "rebuild", "loan_now", "--accept", " ", status=2).err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["verify", "nope"], "projection_not_found"),
        (["rebuild", "nope"], "projection_not_found"),
        (["drop-next", "loan_now"], "projection_not_found"),
        (["verify", "loan_now", "--loan", "nope"], "loan_not_found"),
    ],
)
def test_what_there_is_not_is_named_before_any_work_shows(looked_at: Program, arguments: list[str], code: str) -> None:
    refused = looked_at("projections", *arguments, status=4)
    assert refused.err.startswith(f"error {code}")
    assert "0:00:0" not in refused.err


def places(program: Program) -> list[str]:
    """Where builds of `loan_now` stand."""
    [found] = [each for each in program("projections", "list", "--json").json if each["projection"] == "loan_now"]
    return [build["place"] for build in found["builds"]]


def test_day_end_goes_on_where_the_import_ended(book: Program) -> None:
    book("import", book.write("loans.csv", HEADER + OPEN), "--until", "2016-09-12")
    assert book("delinquency", "--as-of", "2016-09-12", "--json").json == []
    book("day-end", "--until", "2016-09-20")
    [row] = book("delinquency", "--as-of", "2016-09-20", "--json").json
    assert (row["loan"], row["days_past_due"]) == ("c3", 5)


def test_a_loan_can_be_opened_paid_and_put_back_as_it_was(book: Program) -> None:
    book("loan", "open", "l1", "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
    book("pay", "l1", "100.00", "--on", "2026-01-15", "--payment", "p1")
    assert book("loan", "show", "l1", "--json").json["status"] == "paid_off"
    book("reverse", "l1", "p1", "--cause", "bank_return")
    shown = book("loan", "show", "l1", "--json").json
    assert (shown["status"], shown["total_due_minor"]) == ("overdue", 10000)


def test_the_same_key_gives_the_same_answer_once(imported: Program) -> None:
    first = imported("pay", "c3", "10.00", "--key", "k", "--json").json
    again = imported("pay", "c3", "10.00", "--key", "k", "--json").json
    assert (first["again"], again["again"]) == (False, True)
    assert {**again, "again": False} == first
    refused = imported("pay", "c3", "11.00", "--key", "k", status=5)
    assert "error key_reused" in refused.err


def test_the_audit_trail_is_a_chain(looked_at: Program) -> None:
    rows = looked_at("audit", "show", "b2", "--json").json
    assert [row["type"].split(".")[1] for row in rows] == ["loan", "loan", "loan", "payment", "loan", "loan"]
    assert [row["prevhash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


@pytest.mark.parametrize(
    ("arguments", "status", "code", "words"),
    [
        (["pay", "nobody", "1.00"], 4, "loan_not_found", "nobody"),
        (["loan", "show", "nobody"], 4, "loan_not_found", "nobody"),
        (["pay", "c3", "0"], 2, "invalid_amount", "more than zero"),
        (["pay", "c3", "-5"], 2, "invalid_amount", "-5.00 USD"),
        (["pay", "c3", "1.005"], 2, "invalid_amount", "2 decimals"),
        (["pay", "c3", "ten"], 2, "invalid_amount", "'ten'"),
        (["pay", "c3", "90071992547409.92"], 2, "invalid_amount", "2^53 - 1"),
        (["pay", "c3", "1", "--currency", "CNY"], 3, "wrong_currency", "is in USD"),
        (["pay", "c3", "1", "--currency", "EUR"], 2, "unknown_currency", "EUR"),
        (["pay", "c3", "1", "--on", "2016-09-08"], 2, "invalid_date", "2016-09-09"),
        (["pay", "c3", "1", "--on", "9999-01-01"], 2, "invalid_date", "today is"),
        (["pay", "c3", "1", "--on", "yesterday"], 2, "invalid_date", "YYYY-MM-DD"),
        (["loan", "open", "c3", "5", "--due", "2026-01-01"], 3, "loan_exists", "c3"),
        (["reverse", "a1", "nothing"], 4, "payment_not_found", "nothing"),
        (["reverse", "a1", "a1-payoff", "--cause", "mood"], 2, "unknown_cause", "lender_error"),
        (["pay", "c3", "1", "--key", ""], 2, "invalid_identifier", "idempotency key ''"),
        (["pay", "c3", "1", "--payment", ""], 2, "invalid_identifier", "a payment ''"),
        (["loan", "open", "l9", "5", "--due", "9999-12-31"], 2, "invalid_date", "2999"),
        (["delinquency", "--as-of", "20161208"], 2, "invalid_date", "YYYY-MM-DD"),
        (["relay", "status"], 6, "nobody_works", "no Kafka runs here"),
        (["demo"], 3, "not_the_demo", "book main"),
        (["delinquency", "--as-of", "08/12/2016"], 2, "invalid_date", "YYYY-MM-DD"),
        (["day-end", "--until", "9999-01-01"], 2, "invalid_date", "today is"),
        (["init", "--book", "other"], 3, "book_exists", "book main"),
        (["import", "missing.csv"], 2, "unreadable_file", "missing.csv"),
    ],
)
def test_a_refusal_has_a_code_and_says_what_was_found(
    looked_at: Program, arguments: list[str], status: int, code: str, words: str
) -> None:
    before = looked_at("balances", "--json").out
    refused = looked_at(*arguments, status=status)
    assert f"error {code}: " in refused.err
    assert words in " ".join(refused.err.split())
    assert looked_at("balances", "--json").out == before


def test_a_reversed_payment_cannot_be_reversed_again(imported: Program) -> None:
    imported("reverse", "a1", "a1-payoff")
    assert "error already_reversed" in imported("reverse", "a1", "a1-payoff", status=3).err


def test_a_bad_line_is_named_and_nothing_is_imported(book: Program) -> None:
    path = book.write("loans.csv", HEADER + ON_TIME + OPEN.replace("9/15/2016", "15.9.2016"))
    refused = book("import", path, status=2)
    assert "line 3, column due_date: found '15.9.2016', expected a date as month/day/year" in refused.err
    assert book("balances", "--json").json == []


def test_the_good_lines_are_imported_when_asked_for(book: Program) -> None:
    path = book.write("loans.csv", HEADER + ON_TIME + OPEN.replace("9/15/2016", "15.9.2016") + LATE)
    done = book("import", path, "--skip-invalid")
    assert "rejected line 3, column due_date" in done.err
    assert [row["loan"] for row in book("balances", "--json").json] == ["a1", "b2"]


def test_nothing_personal_leaves_the_file(looked_at: Program) -> None:
    everything = looked_at("audit", "show", "c3", "--json").out + looked_at("balances", "--json").out
    assert "Bachelor" not in everything
    assert "education" not in everything


@pytest.mark.parametrize("arguments", [["balances"], ["pay", "l1", "5"], ["project", "--once"], ["day-end"]])
def test_a_journal_without_a_book_says_what_to_do(ledger: Program, arguments: list[str]) -> None:
    refused = ledger(*arguments, status=7)
    assert "Run ledger init" in refused.err


def test_every_command_that_knows_json_prints_json(looked_at: Program) -> None:
    for command in ("config", "doctor", "balances", "delinquency", "embedded status", "project status"):
        assert looked_at(*command.split(), "--json").json
    for command in ("loan show", "loan history", "audit show"):
        assert looked_at(*command.split(), "c3", "--json").json


def test_a_demo_that_is_refused_starts_no_broker(imported: Program) -> None:
    imported("demo", status=3)
    states = {server["name"]: server["running"] for server in imported("embedded", "status", "--json").json}
    assert states == {"postgres": False, "kafka": False}


def test_output_that_nobody_takes_is_named(looked_at: Program) -> None:
    script = f"{looked_at.command} balances > /dev/full"
    done = subprocess.run(["/bin/sh", "-c", script], env=looked_at.environment, capture_output=True, check=False)
    assert done.returncode == 6
    assert b"error output_failed" in done.stderr


def test_settings_are_all_checked_at_once(ledger: Program) -> None:
    wrong = {"POOL_SIZE": "many", "PRINCIPAL": "ann", "CONNECT_TIMEOUT_S": "99999999999", "DATA": "~nobody-at-all/x"}
    ledger.settings.update({f"LEDGER_{name}": value for name, value in wrong.items()})
    refused = ledger("config", status=7)
    for name, value in wrong.items():
        assert f"LEDGER_{name} is {value!r}" in refused.err


def test_settings_are_printed_without_secrets(ledger: Program) -> None:
    shown = {row["variable"]: row["value"] for row in ledger("config", "--json").json}
    assert shown["LEDGER_DATABASE_URL"] == "***"


def test_a_server_that_is_away_is_named_within_its_limit(book: Program) -> None:
    book.settings.update(LEDGER_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", LEDGER_CONNECT_TIMEOUT_S="2")
    refused = book("balances", status=6)
    assert "error journal_unavailable: asked PostgreSQL at 127.0.0.1:1/none" in refused.err
    assert "nobody@" not in refused.err


def test_the_key_file_of_another_book_is_refused(imported: Program) -> None:
    key = Path(imported.settings["LEDGER_DATA"]) / "book.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.write_bytes(os.urandom(32))
    assert "error key_file_problem" in imported("pay", "c3", "1", status=7).err


def test_the_doctor_finds_nothing_wrong_with_a_new_book(book: Program) -> None:
    checks = book("doctor", "--json").json
    assert all(check["ok"] for check in checks)
    assert {"server", "durability", "schema", "rights", "positions", "key file"} <= {check["check"] for check in checks}
