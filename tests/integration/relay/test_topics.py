"""Topics that keep every event for ever, and the refusal of all others."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from ledger.relay.cluster import Cluster
from ledger.relay.errors import TopicUnfit
from ledger.relay.topics import heads_topic, require_topics
from tests.integration.relay.relayed import PARTITIONS, RelayedLedger

FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


def make_heads_topic(ledger: RelayedLedger, *, partitions: int = 1, settings: Mapping[str, str] = FOR_EVER) -> None:
    configs = {**FOR_EVER, **settings}
    order = {"num_partitions": partitions, "replication_factor": 1, "configs": configs}
    with closing(Cluster(bootstrap=ledger.bootstrap).admin()) as admin:
        admin.create_topics({heads_topic(ledger.book_id): order}, timeout_ms=10_000, raise_errors=True)
        admin.wait_for_topics([heads_topic(ledger.book_id)], timeout_ms=10_000)


def test_racing_relays_make_the_topics_once(ledger: RelayedLedger) -> None:
    cluster = Cluster(bootstrap=ledger.bootstrap)
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(require_topics, cluster, ledger.book_id, PARTITIONS, 1) for _ in range(4)]
        assert [each.result(timeout=30) for each in made] == [None] * 4


def test_another_number_of_partitions_than_the_books_is_refused(ledger: RelayedLedger) -> None:
    book = replace(ledger.book, partitions=7)
    with ledger.relay(book=book) as relay, pytest.raises(TopicUnfit) as refused:
        relay.drain()
    assert "ledger.journal has 12 partitions, the book 7" in str(refused.value)
    assert "ledger.loans has 12 partitions" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"cleanup.policy": "compact"}, "cleanup.policy=compact"),
        ({"cleanup.policy": "compact,delete"}, "cleanup.policy=compact,delete"),
        ({"retention.ms": "604800000"}, "retention.ms=604800000"),
        ({"retention.bytes": "1000000"}, "retention.bytes=1000000"),
    ],
)
def test_a_topic_that_would_forget_events_is_refused(
    ledger: RelayedLedger, settings: dict[str, str], found: str
) -> None:
    make_heads_topic(ledger, settings=settings)
    with pytest.raises(TopicUnfit, match=f"{found}, which loses events; set it to"):
        ledger.drains()


def test_a_heads_topic_of_several_partitions_is_refused(ledger: RelayedLedger) -> None:
    make_heads_topic(ledger, partitions=3)
    with pytest.raises(TopicUnfit, match="has 3 partitions, the book 1"):
        ledger.drains()


def test_more_replicas_than_brokers_are_refused_with_the_setting_to_change(ledger: RelayedLedger) -> None:
    with pytest.raises(TopicUnfit, match="LEDGER_KAFKA_REPLICATION"):
        require_topics(Cluster(bootstrap=ledger.bootstrap), ledger.book_id, PARTITIONS, 3)
