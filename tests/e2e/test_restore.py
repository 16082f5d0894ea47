"""Disasters as an operator meets them: what the program says, what it refuses, and the commands that get out of it."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.journal.database import Database
from tests.e2e.conftest import Program, import_three
from tests.e2e.test_serve import wait_for
from tests.integration.relay.relayed import RelayedLedger, fullest, lose

Copy = Callable[[str | None], Database]


@pytest.fixture
def relayed(relayed_book: Program) -> Program:
    """A book with three loans, all published."""
    relayed_book.settings["LEDGER_APPEND_PATIENCE_S"] = "1"
    import_three(relayed_book)
    relayed_book("relay", "--once")
    return relayed_book


def on(program: Program, database: Database) -> Program:
    """The same program on another database; key file and Kafka are the same."""
    return replace(program, settings=program.settings | {"LEDGER_DATABASE_URL": database.url}, started=[])


def what_is_in(program: Program, book_id: str) -> RelayedLedger:
    database = Database(url=program.settings["LEDGER_DATABASE_URL"])
    return RelayedLedger(database, program.settings["LEDGER_KAFKA_BOOTSTRAP"], book_id)


def pay(program: Program, amount: str, key: str, status: int | None = 0) -> str:
    return program("pay", "c3", amount, "--on", "2016-12-08", "--key", key, status=status).err


def test_a_restored_backup_is_refused_until_its_tail_is_back(
    relayed: Program, fresh_database: Copy, book_id: str
) -> None:
    name = str(conninfo_to_dict(relayed.settings["LEDGER_DATABASE_URL"])["dbname"])
    backup = on(relayed, fresh_database(name))
    pay(relayed, "10.00", "lost")
    relayed("relay", "--once")
    assert "error gate_closed" in pay(backup, "20.00", "new", status=6)
    assert "ledger restore --tail" in backup("relay", "--once", status=8).err
    assert "Restored 2 events" in backup("restore", "--tail").out
    assert what_is_in(backup, book_id).tables() == what_is_in(relayed, book_id).tables()
    backup("relay", "--once")
    assert backup("pay", "c3", "10.00", "--on", "2016-12-08", "--key", "lost", "--json").json["again"]
    pay(backup, "20.00", "new")


def test_a_journal_is_rebuilt_from_kafka_with_all_answers(relayed: Program, fresh_database: Copy, book_id: str) -> None:
    rebuilt = on(relayed, fresh_database(None))
    restored = rebuilt("restore", "--from", "kafka", "--book", book_id, "--json").json
    assert (restored["book_id"], restored["first"]) == (book_id, 1)
    assert what_is_in(rebuilt, book_id).tables() == what_is_in(relayed, book_id).tables()
    assert rebuilt("balances", "--json").json == relayed("balances", "--json").json
    assert "journal_not_empty" in rebuilt("restore", "--from", "kafka", "--book", book_id, status=7).err
    assert "Nothing is missing" in rebuilt("restore", "--tail").out


def test_without_the_books_key_nothing_is_restored(
    relayed: Program, fresh_database: Copy, book_id: str, tmp_path: Path
) -> None:
    other = on(relayed, fresh_database(None))
    other.settings["LEDGER_KEY_FILE"] = str(tmp_path / "another.key")
    assert "error key_file_problem" in other("restore", "--from", "kafka", "--book", book_id, status=7).err
    (tmp_path / "another.key").touch(mode=0o600)
    (tmp_path / "another.key").write_bytes(b"x" * 32)
    assert "error key_file_problem" in other("restore", "--from", "kafka", "--book", book_id, status=7).err


@pytest.mark.parametrize("arguments", [[], ["--tail", "--from", "kafka"]])
def test_what_to_restore_is_said_by_one_option(ledger: Program, arguments: list[str]) -> None:
    assert "error what_to_restore" in ledger("restore", *arguments, status=2).err


def test_a_partition_that_lost_records_is_repaired_on_request(relayed: Program, book_id: str) -> None:
    kafka = what_is_in(relayed, book_id)
    partition, held = fullest(kafka.published())
    lose(kafka, "ledger.journal", partition, keep=held[:1])
    assert "ledger relay --repair" in relayed("relay", "--once", status=8).err
    repaired = relayed("relay", "--once", "--repair").out
    assert f"Sent {len(held) - 1} events to ledger.journal/{partition} again" in repaired
    assert len(kafka.published()) == len(kafka.journal())
    assert "Nothing to repair" in relayed("relay", "--once", "--repair").out


def test_the_relays_status_says_what_waits_and_whether_the_gate_is_open(relayed: Program) -> None:
    wait_for(lambda: relayed("relay", "status", "--json").json["lag"] == 0, "readers to see the last window")
    pay(relayed, "10.00", "k")
    status = relayed("relay", "status", "--json").json
    assert (status["lag"], status["gate"], status["holder"]) == (2, "open", None)
    assert status["oldest_waiting_s"] > 0
    assert "Gate       open" in relayed("relay", "status").out


def test_a_relay_that_is_asked_to_stop_finishes_and_lets_go(relayed: Program) -> None:
    process = relayed.start("relay")
    wait_for(lambda: relayed("relay", "status", "--check", status=None).status == 0, "the relay")
    pay(relayed, "10.00", "k")
    wait_for(lambda: relayed("relay", "status", "--json").json["lag"] == 0, "the event to be published")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert relayed("relay", "status", "--json").json["holder"] is None
    assert (relayed.folder / "0.err").read_text() == ""


def test_a_book_that_no_relay_published_cannot_be_restored(relayed: Program, fresh_database: Copy) -> None:
    empty = on(relayed, fresh_database(None))
    assert "error not_published" in empty("restore", "--from", "kafka", "--book", "nobody", status=7).err
    assert "error book_missing" in empty("restore", "--tail", status=7).err
