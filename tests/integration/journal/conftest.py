"""A journal on a fresh database."""

from collections.abc import Iterator

import pytest

from ledger.journal.database import Database
from ledger.journal.journal import Journal


@pytest.fixture
def journal(database: Database) -> Iterator[Journal]:
    with Journal(database, pool_size=4) as journal:
        yield journal
