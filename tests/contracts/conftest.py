"""A journal of its own for each test of the library's suites, chosen by environment variables only."""

import os
from collections.abc import Callable, Iterator

import pytest
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.utils import Environment

from ledger.journal.database import Database
from ledger.journal.persistence import Factory


@pytest.fixture(autouse=True)
def stock_environment(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """What a user of the library sets, and nothing else."""
    monkeypatch.setenv("PERSISTENCE_MODULE", "ledger.journal.persistence")
    monkeypatch.setenv("LEDGER_DATABASE_URL", database.url)


@pytest.fixture
def factory(stock_environment: None) -> Iterator[Factory]:
    factory = InfrastructureFactory[PostgresTrackingRecorder].construct(Environment(env=os.environ))
    assert isinstance(factory, Factory)
    yield factory
    factory.close()


@pytest.fixture
def other_database(fresh_database: Callable[[str | None], Database]) -> Database:
    """A database that nobody has made ready yet."""
    return fresh_database(None)
