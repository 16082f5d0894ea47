"""A book of its own for each test, in the journal and on Kafka."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from ledger.relay.cluster import Cluster
from ledger.relay.topics import require_topics
from projections.kafka_feed import KafkaFeed
from projections.queries import Queries
from projections.runner import Runner
from tests.integration.projections.published import Publish, Worker, as_record, send
from tests.integration.projections.recorded_book import BATCH, PARTITIONS, RecordedBook, a_recorded_book, running


@pytest.fixture
def recorded(database: Database, book_id: str) -> Iterator[RecordedBook]:
    """A book that was just opened, and nothing else."""
    with Journal(database, pool_size=4) as journal:
        yield a_recorded_book(database, journal, book_id)


@pytest.fixture
def queries(recorded: RecordedBook) -> Iterator[Queries]:
    with Queries(recorded.database, recorded.book.book_id) as queries:
        yield queries


@pytest.fixture(scope="session")
def journal_topic(kafka_bootstrap: str) -> None:
    """The topics as the relay makes them."""
    require_topics(Cluster(bootstrap=kafka_bootstrap), "projections-test", PARTITIONS, replication=1)


@pytest.fixture
def publish(recorded: RecordedBook, kafka_bootstrap: str, journal_topic: None) -> Publish:
    """Writes events as the relay does; under another book's name if told."""

    def publish(events: Sequence[RecordedEvent], book_id: str = recorded.book.book_id) -> None:
        send(kafka_bootstrap, [as_record(event, book_id) for event in events])

    return publish


@pytest.fixture
def worker(recorded: RecordedBook, kafka_bootstrap: str) -> Worker:
    @contextmanager
    def make() -> Iterator[Runner]:
        feed = KafkaFeed(kafka_bootstrap, recorded.book.book_id, batch=BATCH)
        with recorded.runner(feed) as runner, running(runner):
            yield runner

    return make
