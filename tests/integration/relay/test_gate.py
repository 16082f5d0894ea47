"""The gate: after a start, a restore or a fail-over of PostgreSQL nothing is recorded until a relay has confirmed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.errors import GateClosed
from ledger.journal.journal import Journal
from ledger.journal.migrations import migrate
from ledger.journal.published import Confirmation, PublishedJournal
from ledger.journal.records import Outcome, Request, Verdict
from ledger.relay.errors import RelayFenced
from tests.integration.relay.relayed import RelayedLedger, a_life, eventually, positions


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> EmbeddedPostgres:
    """A PostgreSQL that tests may stop."""
    return EmbeddedPostgres(reaped(tmp_path_factory.mktemp("gate")))


@pytest.fixture
def ledger(server: EmbeddedPostgres, kafka_bootstrap: str, book_id: str) -> RelayedLedger:
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(book_id)))
    database = Database(url=make_conninfo(url, dbname=book_id), connect_timeout_s=5)
    migrate(database)
    return RelayedLedger(database, kafka_bootstrap, book_id)


def restart(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()


def a_request(ledger: RelayedLedger, loan: str = "loan-x") -> Request:
    return ledger.request(f"loan/{loan}", a_life(loan))


def append(ledger: RelayedLedger, request: Request) -> Outcome:
    with Journal(ledger.database, patience_s=0) as journal:
        return journal.append([request])[0]


@contextmanager
def a_running_relay(ledger: RelayedLedger) -> Iterator[threading.Thread]:
    stop = threading.Event()
    with ledger.relay() as relay:
        thread = threading.Thread(target=relay.run, args=(stop,))
        thread.start()
        try:
            yield thread
        finally:
            stop.set()
            thread.join(timeout=30)
    assert not thread.is_alive()


def test_after_a_restart_nothing_is_recorded_until_a_relay_has_confirmed(
    ledger: RelayedLedger, server: EmbeddedPostgres
) -> None:
    ledger.records(1)
    ledger.drains()
    assert ledger.gate() == "open"
    restart(server)
    request = a_request(ledger)
    with pytest.raises(GateClosed, match="ledger relay"):
        append(ledger, request)
    assert ledger.gate() == "closed"
    head = ledger.drains()
    assert append(ledger, request).first_position == head + 1


def test_a_running_relay_notices_a_restart_and_opens_the_gate_again(
    ledger: RelayedLedger, server: EmbeddedPostgres
) -> None:
    ledger.records(1)
    with a_running_relay(ledger):
        eventually(lambda: ledger.gate() == "open")
        restart(server)
        eventually(lambda: ledger.gate() == "open")
        head = ledger.records(1)
        eventually(lambda: positions(ledger.published())[-1:] == [head])


def test_a_journal_that_no_relay_has_confirmed_has_no_gate(ledger: RelayedLedger, server: EmbeddedPostgres) -> None:
    restart(server)
    assert append(ledger, a_request(ledger)).verdict is Verdict.APPENDED
    assert ledger.gate() == "none"


def test_the_gate_stays_open_when_the_relay_and_kafka_are_away(ledger: RelayedLedger) -> None:
    assert ledger.drains() == 0
    assert append(replace(ledger, bootstrap="127.0.0.1:1"), a_request(ledger)).verdict is Verdict.APPENDED
    assert ledger.gate() == "open"


def test_a_copy_of_the_database_in_the_same_server_is_another_journal(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    name = str(conninfo_to_dict(ledger.database.url)["dbname"])
    with psycopg.connect(ledger.database.url.replace(name, "postgres"), autocommit=True) as connection:
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(sql.Identifier(f"{name}-copy"), sql.Identifier(name)))
    url = make_conninfo(ledger.database.url, dbname=f"{name}-copy")
    copied = replace(ledger, database=replace(ledger.database, url=url))
    assert (ledger.gate(), copied.gate()) == ("open", "closed")


def test_a_relay_that_was_replaced_cannot_open_the_gate(ledger: RelayedLedger, server: EmbeddedPostgres) -> None:
    ledger.records(1)
    with ledger.relay(stale_s=0.2, renew_s=600) as zombie:
        zombie.drain()
        with ledger.relay(stale_s=0.2, renew_s=0.1) as successor:
            successor.drain()
        restart(server)
        with pytest.raises(RelayFenced):
            zombie.drain()
    assert ledger.gate() == "closed"


def test_the_database_itself_compares_what_kafka_holds(ledger: RelayedLedger, server: EmbeddedPostgres) -> None:
    head = ledger.records(1)
    with PublishedJournal(ledger.database) as journal:
        here = journal.gate_state().server
        assert journal.confirm_gate(head + 1, "0" * 64, here) is Confirmation.AHEAD
        assert journal.confirm_gate(head, "0" * 64, here) is Confirmation.DISAGREE
        assert journal.gate_state().gate == "none"
        restart(server)
        assert journal.confirm_gate(0, "", here) is Confirmation.MOVED
        assert journal.confirm_gate(0, "", journal.gate_state().server) is Confirmation.CONFIRMED
        assert journal.gate_state().gate == "open"
