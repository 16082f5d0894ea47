"""`ledger quote` as users type it: no server, no data folder, one loan or a stream of them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.e2e.conftest import Program
from tests.terms_builders import request_line

CN = ("--currency", "CNY", "--rate", "18%", "--term", "12", "--disbursed-on", "2026-01-01")
MIXED = b"\n".join([request_line(id=1), b"{", b"", request_line(id="b", term=0), request_line(id="c", anual_rate="0")])
README = Path(__file__).parents[2] / "README.md"
GROWTH_MOST_MIB = 8  # of memory, from few lines to many


@pytest.fixture
def quoting(tmp_path: Path) -> Program:
    """The program with settings that lead to nothing."""
    return Program({"LEDGER_DATABASE_URL": "postgresql://127.0.0.1:1/none", "LEDGER_DATA": "/nowhere"}, tmp_path)


def lines(out: str) -> list[Any]:
    return [orjson.loads(line) for line in out.splitlines()]


def test_a_person_sees_installments_totals_rates_and_who_gets_what(quoting: Program) -> None:
    shown = quoting(
        "quote", "12000.00", *CN, "--fee", "guarantee:each:15.00:guarantor", "--jurisdiction", "cn", "--lender", "bank"
    ).out
    rows = [line.split() for line in shown.splitlines()]
    assert ["1", "2026-02-01", "920.16", "180.00", "15.00", "1,115.16", "11,079.84"] in rows
    assert ["all", "12,000.00", "1,201.95", "180.00", "13,381.95"] in rows
    assert "IRR 20.62 % nominal" in shown
    assert ["guarantee", "each", "15.00", "CNY", "guarantor", "180.00", "2.62", "%"] in rows
    assert "Cap within  cn/financial_loans/24" in shown
    assert not Path("/nowhere").exists()


def test_the_readme_shows_what_it_prints(quoting: Program) -> None:
    [block] = re.findall(r"\$ ledger (quote [0-9].*?)```", README.read_text(), re.DOTALL)
    command, *printed = block.splitlines()
    assert [line.rstrip() for line in quoting(*command.split()).out.splitlines()] == printed


def test_options_and_a_file_of_terms_make_the_same_quote(quoting: Program) -> None:
    by_options = quoting("quote", "12,000.00", *CN, "--json").json
    by_file = quoting("quote", "--terms", quoting.write("terms.json", request_line().decode()), "--json").json
    assert by_options == by_file == quoting("quote", "--terms", "-", "--json", stdin=request_line().decode()).json


def test_the_json_of_one_is_the_line_of_a_batch(quoting: Program) -> None:
    text = request_line(id="a").decode()
    [line] = lines(quoting("quote", "--batch", stdin=text).out)
    assert line == quoting("quote", "--terms", "-", "--json", stdin=text).json


def test_a_batch_answers_in_order_and_goes_on_after_bad_lines(quoting: Program) -> None:
    done = quoting("quote", "--batch", stdin=MIXED.decode())
    assert [each["id"] for each in lines(done.out)] == [1, None, "b", "c"]
    errors = [(each["line"], each["error"]["code"]) for each in lines(done.out) if "error" in each]
    assert errors == [(2, "malformed_json"), (4, "invalid_terms"), (5, "unknown_field")]
    assert done.err == ""
    assert quoting("quote", "--batch", "--terms", quoting.write("in.ndjson", MIXED.decode())).out == done.out


def test_a_line_that_is_too_long_is_named(quoting: Program) -> None:
    long, short = lines(quoting("quote", "--batch", "--line-bytes", "200", stdin='{"id":"a",' + " " * 300 + "\n{}").out)
    assert (long["id"], long["error"]["code"]) == ("a", "line_too_long")
    assert short["error"]["code"] == "missing_field"


def test_rows_alone_can_be_asked_for_all_lines(quoting: Program) -> None:
    [found] = lines(quoting("quote", "--batch", "--rows-only", stdin=request_line().decode()).out)
    assert list(found) == ["id", "installments", "totals"]


def test_answers_come_while_the_input_pauses(quoting: Program) -> None:
    with subprocess.Popen(
        [quoting.command, "quote", "--batch"], env=quoting.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin
        assert program.stdout
        for number in range(3):
            program.stdin.write(request_line(id=number) + b"\n")
            program.stdin.flush()
            assert orjson.loads(program.stdout.readline())["id"] == number
        program.stdin.close()
        assert program.wait(timeout=30) == 0


def test_memory_stays_the_same_however_many_lines_there_are(quoting: Program) -> None:
    few, many = (peak_mib(quoting, count) for count in (1_000, 20_000))
    assert many < few + GROWTH_MOST_MIB


def peak_mib(quoting: Program, count: int) -> float:
    """The most memory that the program took for so many lines, which all must have answers in order."""
    source, target = quoting.folder / "in.ndjson", quoting.folder / "out.ndjson"
    with source.open("wb") as file:
        file.writelines(request_line(id=number, rows_only=True, term=6) + b"\n" for number in range(count))
    with source.open("rb") as stdin, target.open("wb") as stdout:
        process = subprocess.Popen(
            [quoting.command, "quote", "--batch"], env=quoting.environment, stdin=stdin, stdout=stdout
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    with target.open("rb") as file:
        assert [orjson.loads(line)["id"] for line in file] == list(range(count))
    return usage.ru_maxrss / 1024


def test_a_reader_that_leaves_ends_the_batch_quietly(quoting: Program) -> None:
    source = quoting.write("in.ndjson", (request_line() + b"\n").decode() * 500)
    script = f"{quoting.command} quote --batch --terms {source} | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", script], env=quoting.environment, capture_output=True, check=False)
    assert orjson.loads(done.stdout)["installments"]
    assert done.stderr == b""


def test_progress_is_shown_where_a_person_looks_and_nowhere_else(quoting: Program) -> None:
    shows, terminal = os.openpty()
    source, target = quoting.write("in.ndjson", MIXED.decode()), quoting.folder / "out.ndjson"
    with target.open("wb") as stdout:
        command = [quoting.command, "quote", "--batch", "--terms", source]
        subprocess.run(command, env=quoting.environment, stdout=stdout, stderr=terminal, check=True)
    assert b"4/4 lines" in os.read(shows, 1 << 16)
    assert len(lines(target.read_text())) == 4
    os.close(shows)
    os.close(terminal)


def test_output_that_cannot_be_written_is_named(quoting: Program) -> None:
    script = f"{quoting.command} quote 100 --term 2 --json > /dev/full"
    done = subprocess.run(["/bin/sh", "-c", script], env=quoting.environment, capture_output=True, check=False)
    assert (done.returncode, b"error output_failed" in done.stderr) == (6, True)


@pytest.mark.parametrize(
    ("rest", "status", "says"),
    [
        ("--batch <&-", 2, b"error unreadable_file: asked to read terms from standard input, which is closed"),
        ("--terms - <&-", 2, b"error unreadable_file: asked to read terms from standard input, which is closed"),
        ("--batch </dev/null >&-", 6, b"error output_failed"),
        ("100 --term 2 >&-", 6, b"error output_failed"),
    ],
)
def test_streams_that_are_closed_from_the_start_are_named(
    quoting: Program, rest: str, status: int, says: bytes
) -> None:
    script = f"{quoting.command} quote {rest}"
    done = subprocess.run(["/bin/sh", "-c", script], env=quoting.environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.startswith(says)


def test_every_option_is_explained(quoting: Program) -> None:
    options = {each["name"]: each for each in quoting("quote", "--explain-defaults", "--json").json}
    assert (options["every"]["default"], options["annual_rate"]["default"]) == ("1m", "0")
    assert options["rounding.residue"]["words"][0] == {"word": "last", "meaning": "the last installment"}
    table = quoting("quote", "--explain-defaults").out
    assert all(any(line.split()[:1] == [name] for line in table.splitlines()) for name in options)


@pytest.mark.parametrize(
    ("arguments", "status", "code", "words"),
    [
        (["quote"], 2, "missing_field", "without a principal"),
        (["quote", "100", "--term", "0"], 2, "invalid_terms", "asked for term 0"),
        (["quote", "1.001", "--term", "2"], 2, "invalid_amount", "2 decimals"),
        (["quote", "100", "--term", "2", "--currency", "usd"], 2, "unknown_currency", "'usd'"),
        (["quote", "100", "--term", "2", "--rate", "ten"], 2, "invalid_value", 'annual_rate "ten"'),
        (["quote", "100", "--term", "2", "--method", "annuity"], 2, "invalid_value", "one of equal_installment"),
        (["quote", "100", "--term", "2", "--disbursed-on", "1/2/26"], 2, "invalid_value", "YYYY-MM-DD"),
        (["quote", "100", "--term", "2", "--fee", "service"], 2, "invalid_value", "NAME:TIMING:AMOUNT"),
        (["quote", "100", "--terms", "-"], 2, "conflicting_options", "amount beside --terms"),
        (["quote", "--batch", "--explain-defaults", "--term", "2"], 2, "conflicting_options", "term beside"),
        (["quote", "--terms", "missing.json"], 2, "unreadable_file", "missing.json"),
        (["quote", "--terms", "-"], 2, "malformed_json", "not JSON"),
        (["quote", "100", *CN[2:], "--jurisdiction", "cn", "--lender", "private"], 3, "rate_above_cap", "4_lpr"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_code_and_says_what_was_found(
    quoting: Program, arguments: list[str], status: int, code: str, words: str
) -> None:
    refused = quoting(*arguments, status=status)
    assert refused.err.startswith(f"error {code}: ")
    assert words in " ".join(refused.err.split())
    assert refused.out == ""


def test_it_starts_without_what_speaks_to_servers(quoting: Program) -> None:
    script = (
        "import sys; sys.argv[1:] = ['quote', '--explain-defaults']; from ledger.entrypoints.cli.main import main\n"
        "try: main()\nfinally: print({'psycopg', 'kafka', 'eventsourcing'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=quoting.environment, capture_output=True, check=False)
    assert done.stderr == b"set()\n"
