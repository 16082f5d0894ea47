"""A journal that is older than what Kafka has, and the ways back: copies put back, servers and restores killed."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.errors import GateClosed
from ledger.journal.journal import Journal
from ledger.journal.migrations import migrate
from ledger.journal.records import Request, Verdict
from ledger.journal.restore import JournalRestore
from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaAhead
from ledger.relay.restoring import Restoration, Restored
from tests.e2e.conftest import Program
from tests.integration.relay.relayed import KEYS, RelayedLedger, a_life, eventually, positions


@dataclass
class Lossy:
    """A PostgreSQL of its own, whose files a test may put back as they were."""

    server: EmbeddedPostgres
    copy: Path

    @property
    def _files(self) -> Path:
        return self.server.status().folder / "cluster"

    def back_up(self) -> None:
        self.server.stop()
        subprocess.run(["cp", "-a", str(self._files), str(self.copy)], check=True)
        self.server.start()

    def put_back(self) -> None:
        self.server.stop()
        subprocess.run(["rm", "-rf", str(self._files)], check=True)
        subprocess.run(["cp", "-a", str(self.copy), str(self._files)], check=True)
        self.server.start()


@pytest.fixture
def lossy(tmp_path: Path, reaped: Callable[[Path], Path]) -> Iterator[Lossy]:
    server = EmbeddedPostgres(reaped(tmp_path / "server"))
    server.start()
    yield Lossy(server, tmp_path / "copy")
    server.erase()


@pytest.fixture
def ledger(lossy: Lossy, bootstrap: str, book_id: str) -> RelayedLedger:
    """A book on that server, published."""
    database = Database(url=lossy.server.start(), connect_timeout_s=5)
    migrate(database)
    ledger = RelayedLedger(database, bootstrap, book_id)
    ledger.records_days()
    ledger.records(20)
    ledger.drains()
    return ledger


def restores(ledger: RelayedLedger) -> Restored:
    with JournalRestore(ledger.database, KEYS, batch=100) as restore:
        return Restoration(Cluster(bootstrap=ledger.bootstrap), restore, ledger.book_id).run()


def verdict(ledger: RelayedLedger, request: Request, patience_s: float = 0) -> Verdict:
    with Journal(ledger.database, patience_s=patience_s) as journal:
        return journal.append([request])[0].verdict


def program(ledger: RelayedLedger, folder: Path, **settings: str) -> Program:
    """`ledger` on that book, with its key file."""
    data = folder / "data"
    data.mkdir()
    (data / "book.key").touch(mode=0o600)
    (data / "book.key").write_bytes(KEYS.secret)
    known = {
        "LEDGER_DATABASE_URL": ledger.database.url,
        "LEDGER_KAFKA_BOOTSTRAP": ledger.bootstrap,
        "LEDGER_DATA": str(data),
    }
    return Program(known | settings, folder)


def test_files_put_back_from_an_older_copy_take_nothing_until_the_tail_is_back(
    ledger: RelayedLedger, lossy: Lossy
) -> None:
    lossy.back_up()
    ledger.drains()
    head = ledger.records(10)
    ledger.drains()
    lost, request = ledger.tables(), ledger.request("loan/new", a_life("new"))
    lossy.put_back()
    with pytest.raises(GateClosed):
        verdict(ledger, request)
    with pytest.raises(KafkaAhead):
        ledger.drains()
    assert restores(ledger).last == head
    assert ledger.tables() == lost
    assert ledger.drains() == head
    assert verdict(ledger, request) is Verdict.APPENDED
    assert positions(ledger.published()) == list(range(1, head + 1))


def test_a_restore_that_is_killed_is_finished_by_the_next_one(
    ledger: RelayedLedger, lossy: Lossy, tmp_path: Path
) -> None:
    ledger.records(300)
    head = ledger.drains()
    url = lossy.server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier("rebuilt")))
    rebuilt = replace(ledger, database=Database(url=make_conninfo(url, dbname="rebuilt")))
    migrate(rebuilt.database)
    restoring = program(rebuilt, tmp_path, LEDGER_RESTORE_BATCH="12")
    process = restoring.start("restore", "--from", "kafka", "--book", ledger.book_id)
    eventually(lambda: len(rebuilt.journal()) > 0, 90)
    process.kill()
    process.wait()
    assert 0 < len(rebuilt.journal()) < head
    assert f"Verified: {head:,} events" in restoring("restore", "--tail").out
    assert rebuilt.tables() == ledger.tables()


def test_postgresql_killed_under_a_running_relay_takes_new_events_once_that_has_confirmed_it(
    ledger: RelayedLedger, lossy: Lossy, tmp_path: Path
) -> None:
    serving = program(ledger, tmp_path)
    process = serving.start("serve", "--kafka")
    try:
        eventually(lambda: serving("relay", "status", "--check", status=None).status == 0, 60)
        for loan in range(3):
            lossy.server.kill()
            lossy.server.start()
            request = ledger.request(f"loan/new-{loan}", a_life(f"new-{loan}"))
            assert verdict(ledger, request, patience_s=60) is Verdict.APPENDED
        head = len(ledger.journal())
        eventually(lambda: positions(ledger.published()) == list(range(1, head + 1)), 60)
    finally:
        process.terminate()
        process.wait(timeout=60)
