"""The relay draining a journal, beside a bare transactional producer with the same topics, records and windows."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import median

from kafka import KafkaProducer

from ledger.bootstrap import Ledger
from ledger.journal.records import RecordedEvent
from ledger.relay.cluster import Cluster
from ledger.relay.topics import heads_topic, require_topics
from schemas.envelope import CONTENT_TYPE
from schemas.registry import JOURNAL_TOPIC
from tests.bench.orders import open_loans, pay_all
from tests.bench.reporting import Figure, Must
from tests.bench.servers import Servers

ROUNDS = 3
EVENTS = 10_000  # of one round
_LEAST_RATIO = 0.8
_BARE_BOOK = "bare"
_HEAD = b"a" * 2500  # as long as the head of a book that has written to most partitions


def run(servers: Servers) -> Iterator[Figure]:
    with (
        servers.book("relay", kafka=True) as ledger,
        ledger.relay() as relay,
        _bare_producer(servers, ledger.book.partitions) as producer,
    ):
        relay.drain()  # topics are made and the end is found
        _publish(producer, ledger.journal.after(0, 100), 100)
        rates = []
        for _ in range(ROUNDS):
            events = _recorded(ledger)
            ours_s = _seconds(relay.drain)
            bare_s = _seconds(partial(_publish, producer, events, ledger.settings.relay_window))
            rates.append((len(events) / ours_s, len(events) / bare_s))
        yield Figure(
            name="relay",
            value=median(ours for ours, _ in rates),
            unit="events/s",
            peer="bare transactional producer",
            ratio=median(ours / bare for ours, bare in rates),
            must=Must("ratio", ">=", _LEAST_RATIO),
        )
        yield Figure(name="relay_bare_producer", value=median(bare for _, bare in rates), unit="events/s")


def _recorded(ledger: Ledger) -> list[RecordedEvent]:
    """What is recorded now: half of it openings, half payments."""
    before = ledger.journal.head().position
    pay_all(ledger, open_loans(ledger, EVENTS // 2))
    return ledger.journal.after(before, EVENTS)


def _seconds(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


@contextmanager
def _bare_producer(servers: Servers, partitions: int) -> Iterator[KafkaProducer]:
    """A producer with the settings of the relay's own, and topics for it."""
    producer = KafkaProducer(
        bootstrap_servers=servers.kafka_bootstrap,
        transactional_id="bare",
        enable_idempotence=True,
        acks="all",
        delivery_timeout_ms=2_147_483_647,
        retry_backoff_ms=10,
        batch_size=262_144,
        linger_ms=5,
        compression_type="zstd",
        allow_auto_create_topics=False,
    )
    require_topics(Cluster(bootstrap=servers.kafka_bootstrap), _BARE_BOOK, partitions, replication=1)
    producer.init_transactions()
    try:
        yield producer
    finally:
        producer.close(timeout=10)


def _publish(producer: KafkaProducer, events: Sequence[RecordedEvent], window: int) -> None:
    """Each event to the journal's topic and to its family, and a head behind every window; nothing else."""
    for first in range(0, len(events), window):
        producer.begin_transaction()
        for event in events[first : first + window]:
            for topic in (JOURNAL_TOPIC, event.topic):
                _send(producer, topic, event)
        producer.send(heads_topic(_BARE_BOOK), value=_HEAD, key=_BARE_BOOK.encode(), partition=0)
        producer.flush()
        producer.commit_transaction()


def _send(producer: KafkaProducer, topic: str, event: RecordedEvent) -> None:
    headers = [
        ("content-type", CONTENT_TYPE.encode()),
        ("book", _BARE_BOOK.encode()),
        ("position", b"%d" % event.position),
        ("partitionseq", b"%d" % event.partitionseq),
        ("recorded_us", b"%d" % event.recorded_us),
        ("type", event.type.encode()),
        ("stream", event.stream.encode()),
        ("streamversion", b"%d" % event.version),
    ]
    producer.send(
        topic,
        value=event.state,
        key=event.key.encode(),
        headers=headers,
        partition=event.partition,
        timestamp_ms=event.recorded_us // 1000,
    )
