"""Writing a book to Kafka, with and without a relay, and reading it from there."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from kafka import KafkaProducer

from ledger.journal.lease import Lease
from ledger.journal.published import PublishedJournal
from ledger.journal.records import RecordedEvent
from ledger.relay.cluster import Cluster
from ledger.relay.relay import Relay, RelayedBook
from projections.runner import Runner
from schemas.envelope import CONTENT_TYPE
from schemas.registry import JOURNAL_TOPIC
from tests.integration.projections.recorded_book import RecordedBook

Publish = Callable[..., None]
Worker = Callable[[], AbstractContextManager[Runner]]


def send(bootstrap: str, records: Sequence[dict[str, Any]]) -> None:
    """Write to the journal's topic, in order, until the broker has them all."""
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for each in [producer.send(JOURNAL_TOPIC, **record) for record in records]:
        each.get(timeout=20)
    producer.close(timeout=10)


def as_record(event: RecordedEvent, book_id: str) -> dict[str, Any]:
    headers = {
        "content-type": CONTENT_TYPE,
        "book": book_id,
        "position": event.position,
        "partitionseq": event.partitionseq,
        "recorded_us": event.recorded_us,
        "type": event.type,
        "stream": event.stream,
        "streamversion": event.version,
    }
    return {
        "key": event.key.encode(),
        "value": event.state,
        "partition": event.partition,
        "timestamp_ms": event.recorded_us // 1000,
        "headers": [(name, str(value).encode()) for name, value in headers.items()],
    }


def after(recorded: RecordedBook, position: int) -> list[RecordedEvent]:
    return recorded.journal.after(position, 1_000_000)


def relay(recorded: RecordedBook, bootstrap: str) -> None:
    """Publish what the journal holds, with the real relay."""
    book = RelayedBook(
        book_id=recorded.book.book_id, journal_id=recorded.book.journal_id, partitions=recorded.book.partitions
    )
    with (
        PublishedJournal(recorded.database) as journal,
        Relay(journal, Lease(recorded.database), Cluster(bootstrap=bootstrap), book) as publisher,
    ):
        publisher.drain()
