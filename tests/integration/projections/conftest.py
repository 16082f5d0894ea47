"""A book of its own for each test."""

from collections.abc import Iterator

import pytest

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from projections.queries import Queries
from tests.integration.projections.recorded_book import RecordedBook, a_recorded_book


@pytest.fixture
def recorded(database: Database, book_id: str) -> Iterator[RecordedBook]:
    """A book that was just opened, and nothing else."""
    with Journal(database, pool_size=4) as journal:
        yield a_recorded_book(database, journal, book_id)


@pytest.fixture
def queries(recorded: RecordedBook) -> Iterator[Queries]:
    with Queries(recorded.database, recorded.book.book_id) as queries:
        yield queries
