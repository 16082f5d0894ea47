"""The servers that tests share: one real PostgreSQL and one real Kafka, started when first asked for.

A reaper in a session of its own stops them when the test run ends, in whatever way: it waits for the end of a pipe
that only the test process holds.

Temporary files, those of servers too, lie in memory where there is plenty: hundreds of databases are made, and a disk
costs five times the time. No test switches the machine off, and a process that is killed loses nothing of either.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.embedded import place
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.migrations import migrate

ROOT = Path(__file__).parents[1]

_numbers = count(1)

MEMORY = Path("/dev/shm")
_PLENTY = 16 * 2**30
_is_plenty = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= _PLENTY
if _is_plenty:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def reaped() -> Iterator[Callable[[Path], Path]]:
    """Gives a data folder over to the reaper: its servers end with the test run, however that ends."""
    command = [sys.executable, "-m", "tests.reaper"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd=ROOT, text=True) as reaper:
        assert reaper.stdin

        def reap(folder: Path) -> Path:
            print(folder, file=reaper.stdin, flush=True)
            return folder

        yield reap
        reaper.stdin.close()
        assert reaper.wait(timeout=240) == 0


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Path:
    """Data folder of the shared servers."""
    return reaped(tmp_path_factory.mktemp("servers"))


@pytest.fixture(scope="session")
def server_url(server_folder: Path) -> str:
    """Administrator's URL of a real PostgreSQL."""
    with pytest.MonkeyPatch.context() as patched:
        if _is_plenty:
            patched.setattr(place, "PERSISTENT_TEMPORARY", MEMORY)
        return EmbeddedPostgres(server_folder).start()


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated database to copy."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database migrated")
    migrate(Database(url=make_conninfo(server_url, dbname="migrated")))
    return "migrated"


@pytest.fixture(scope="session")
def fresh_database(server_url: str) -> Callable[[str | None], Database]:
    """Makes databases: a copy of the named one, or an empty one."""

    def make(template: str | None = None) -> Database:
        name = f"test_{next(_numbers)}"
        source = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)) + source)
        return Database(url=make_conninfo(server_url, dbname=name), connect_timeout_s=5)

    return make


@pytest.fixture
def database(fresh_database: Callable[[str | None], Database], template: str, server_url: str) -> Iterator[Database]:
    """A fresh, migrated database."""
    made = fresh_database(template)
    yield made
    name = sql.Identifier(str(conninfo_to_dict(made.url)["dbname"]))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))


@pytest.fixture(scope="session")
def kafka_bootstrap(server_folder: Path) -> str:
    """Bootstrap address of a real Kafka broker that all tests share; so each test uses a book of its own."""
    return EmbeddedKafka(server_folder).start()


@pytest.fixture
def book_id() -> str:
    """An id that no other test uses."""
    return f"book-{uuid.uuid4().hex[:12]}"
