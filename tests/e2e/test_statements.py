"""Account statements as users ask for them."""

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.e2e.conftest import Program

COMMAND = Path(sys.executable).parent / "ledger"


def test_a_statement_on_the_terminal_leads_from_one_balance_to_the_other(looked_at: Program) -> None:
    out = looked_at("loan", "statement", "b2", "--until", "2016-12-08").out
    assert re.search(r"Opening balance +2016-09-08 .* 0\.00 *\n", out)
    assert re.search(r"Loan paid out: lent 300\.50 USD.* 2016-09-08 .* 300\.50 +-300\.50 +300\.50", out)
    assert re.search(r"Payment: received 300\.50 USD.* 2016-10-24 .* -300\.50 +300\.50 +0\.00", out)
    assert re.search(r"Closing balance +2016-12-08 .* 0\.00", out)


def test_a_statement_of_a_period_in_chinese(looked_at: Program) -> None:
    out = looked_at("loan", "statement", "c3", "--from", "2016-10-01", "--until", "2016-10-31", "--lang", "zh-CN").out
    assert "账单期间: 2016-10-01 至 2016-10-31" in out
    assert re.search(r"期初余额 +2016-10-01 +800\.00 +800\.00", out)
    assert re.search(r"期末余额 +2016-10-31 +800\.00 +800\.00", out)


def test_a_statement_as_json_has_hashes_that_the_trail_has(looked_at: Program) -> None:
    trail = {row["position"]: row["hash"] for row in looked_at("audit", "show", "b2", "--json").json}
    found = looked_at("loan", "statement", "b2", "--until", "2016-12-08", "--json").json
    assert [line["change"]["total_due_minor"] for line in found["lines"]] == [300_50, -300_50]
    assert all(trail[line["position"]] == line["hash"] for line in found["lines"])
    assert (found["since"], found["closing"]["total_due_minor"]) == ("2016-09-08", 0)


def test_a_statement_known_at_a_position_has_nothing_of_later(imported: Program) -> None:
    paid = imported("pay", "c3", "10.00", "--json").json["first_position"]
    now = imported("loan", "statement", "c3", "--wait-for", str(paid), "--json").json
    before = imported("loan", "statement", "c3", "--known-at", str(paid - 1), "--json").json
    assert now["known_at"] >= paid
    assert now["closing"]["total_due_minor"] == 790_00
    assert (before["known_at"], before["closing"]["total_due_minor"]) == (paid - 1, 800_00)


def test_a_reversed_payment_stands_there_as_a_correction(imported: Program) -> None:
    paid = imported("pay", "c3", "10.00", "--json").json
    [payment] = imported("loan", "payments", "c3", "--json").json
    imported("reverse", "c3", payment["payment"], "--cause", "bank_return")
    out = imported("loan", "statement", "c3").out
    assert paid["last_position"]
    assert re.search(r"Payment reversed \(correction\): reversed payment .* 10\.00 USD \(bank_return\)", out)


def test_a_statement_goes_to_files_and_to_standard_output_alike(looked_at: Program) -> None:
    asked = ["loan", "statement", "b2", "--until", "2016-12-08", "--lang", "zh-CN"]
    for form in ("html", "pdf"):
        file = Path(looked_at.folder / f"b2.{form}")
        done = looked_at(*asked, f"--{form}", str(file))
        assert (done.out, f"written to {file}" in " ".join(done.err.split())) == ("", True)
        assert piped(looked_at, *asked, f"--{form}", "-") == file.read_bytes()
    assert "期末余额" in (looked_at.folder / "b2.html").read_text("utf-8")
    [page] = PdfReader(BytesIO((looked_at.folder / "b2.pdf").read_bytes())).pages
    assert {"贷款对账单", "放款", "还款", "300.50"} <= set(page.extract_text().split())


def piped(program: Program, *arguments: str) -> bytes:
    """What a command writes to standard output, byte by byte."""
    done = subprocess.run(
        [COMMAND, *arguments], env=program.environment, cwd=program.folder, capture_output=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "code", "words"),
    [
        (["nobody"], 4, "loan_not_found", "nobody"),
        (["c3", "--from", "2016-10-02", "--until", "2016-10-01"], 2, "wrong_interval", "from 2016-10-02"),
        (["c3", "--known-at", "1"], 4, "loan_not_found", "as known at position 1"),
        (["c3", "--known-at", "99999999"], 2, "not_recorded", "the journal ends at"),
        (["c3", "--wait-for", "99999999"], 2, "not_recorded", "the journal ends at"),
        (["c3", "--from", "1.10.2016"], 2, "invalid_date", "YYYY-MM-DD"),
        (["c3", "--json", "--html", "x"], 2, "several_forms", "one form at a time"),
        (["c3", "--html", "/nonexistent/x.html"], 2, "file_not_written", "unlike /nonexistent"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(
    looked_at: Program, arguments: list[str], status: int, code: str, words: str
) -> None:
    refused = looked_at("loan", "statement", *arguments, status=status)
    assert (refused.out, f"error {code}: " in refused.err) == ("", True)
    assert words in " ".join(refused.err.split())
