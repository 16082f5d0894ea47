"""A book with a journal, a relay, and the shared Kafka."""

import pytest

from ledger.journal.database import Database
from tests.integration.relay.relayed import RelayedLedger


@pytest.fixture
def ledger(database: Database, kafka_bootstrap: str, book_id: str) -> RelayedLedger:
    return RelayedLedger(database, kafka_bootstrap, book_id)
