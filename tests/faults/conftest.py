"""Servers that faults may hit: they are not those that other tests share."""

import gc
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from tests.faults.site import Site
from tests.integration.relay.relayed import RelayedLedger

_numbers = count(1)


@pytest.fixture(scope="session")
def faulty_folder(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Path:
    """Data folder of the servers of this folder's tests."""
    return reaped(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def broker(faulty_folder: Path) -> EmbeddedKafka:
    """One real broker of the tests in this folder."""
    return EmbeddedKafka(faulty_folder)


@pytest.fixture(scope="session")
def postgres(faulty_folder: Path) -> EmbeddedPostgres:
    """One real PostgreSQL of the tests in this folder."""
    return EmbeddedPostgres(faulty_folder)


@pytest.fixture(scope="session")
def bootstrap(broker: EmbeddedKafka) -> str:
    return broker.start()


@pytest.fixture(autouse=True)
def _clients_that_gave_up() -> Iterator[None]:
    """A client of the library that gives up on its brokers leaves sockets open; they are no fault of the next test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def ledger(database: Database, bootstrap: str, book_id: str) -> RelayedLedger:
    return RelayedLedger(database, bootstrap, book_id)


@pytest.fixture
def site(tmp_path: Path, postgres: EmbeddedPostgres, broker: EmbeddedKafka, book_id: str) -> Callable[..., Site]:
    """Makes a site with a database of its own, on the servers of this folder unless told otherwise."""

    def make(*, postgres: EmbeddedPostgres = postgres, kafka: EmbeddedKafka = broker, replication: int = 1) -> Site:
        name = f"site_{next(_numbers)}"
        url = postgres.start()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        database = Database(url=make_conninfo(url, dbname=name), connect_timeout_s=5)
        return Site(tmp_path, database, postgres, kafka, book_id, replication)

    return make
