"""`loan_now` built from nothing out of Kafka, beside the stock ProjectionRunner and beside a bare consumer that only
counts the same records."""

import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

from kafka import KafkaConsumer, TopicPartition

from ledger.bootstrap import Ledger
from projections import loan_now
from schemas.registry import JOURNAL_TOPIC
from tests.bench.competitors.stock_projection import StockProjection
from tests.bench.dev_books import SMALL
from tests.bench.rebuilds import beside, rebuild
from tests.bench.reporting import Figure
from tests.bench.servers import Servers

ROUNDS = 3
STOCK_EVENTS = 1500
_LIMIT_S = 60


def run(servers: Servers) -> Iterator[Figure]:
    with Ledger(servers.dev_book("published", SMALL, kafka=True)) as ledger:
        with ledger.relay() as relay:
            relay.drain()
        stock_rates, rounds, bare_rates = [], [], []
        for number in range(ROUNDS):
            stock = StockProjection(servers.database(f"stock_kafka_{number}"), ledger.journal.after(0, STOCK_EVENTS))
            stock_rates.append(stock.rate())
            rounds.append(rebuild(ledger, loan_now.PROJECTION, kafka=True))
            bare_rates.append(_bare_rate(servers, ledger))
        yield beside("rebuild_kafka_loan_now", rounds, StockProjection.name, stock_rates, least=10)
        yield beside("rebuild_kafka_loan_now", rounds, "bare consumer", bare_rates, least=0.4)
        yield Figure(name="rebuild_kafka_bare_consumer", value=median(bare_rates), unit="events/s")


def _bare_rate(servers: Servers, ledger: Ledger) -> float:
    """Records per second of a consumer with the settings of the feed's own, which counts those of the book."""
    events, book = ledger.journal.head().position, ledger.book.book_id.encode()
    started_s = time.perf_counter()
    with closing(_bare_consumer(servers, ledger.settings.rebuild_batch)) as consumer:
        partitions = [TopicPartition(JOURNAL_TOPIC, number) for number in range(ledger.book.partitions)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        seen = 0
        while seen < events:
            assert time.perf_counter() < started_s + _LIMIT_S, f"saw {seen} of {events} events in {_LIMIT_S} s"
            for records in consumer.poll(timeout_ms=50).values():
                seen += sum(dict(record.headers)["book"] == book for record in records)
    return events / (time.perf_counter() - started_s)


def _bare_consumer(servers: Servers, batch: int) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=servers.kafka_bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        max_poll_records=batch,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=100,
    )
