"""A journal of its own for each test, and the shared Kafka."""

from collections.abc import Callable

import pytest

from ledger.journal.database import Database
from tests.integration.relay.relayed import RelayedLedger


@pytest.fixture
def ledger(database: Database, kafka_bootstrap: str, book_id: str) -> RelayedLedger:
    return RelayedLedger(database, kafka_bootstrap, book_id)


@pytest.fixture
def other_ledger(
    fresh_database: Callable[[str | None], Database], template: str, kafka_bootstrap: str, book_id: str
) -> RelayedLedger:
    """Another book in the same Kafka."""
    return RelayedLedger(fresh_database(template), kafka_bootstrap, f"{book_id}-other")
