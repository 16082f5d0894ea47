"""A broker that faults may hit: it is not the one that other tests share."""

import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.embedded.kafka import EmbeddedKafka
from ledger.journal.database import Database
from tests.integration.relay.relayed import RelayedLedger


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> EmbeddedKafka:
    """One real broker of the tests in this folder."""
    return EmbeddedKafka(reaped(tmp_path_factory.mktemp("faults")))


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
