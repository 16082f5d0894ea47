"""Partitions that lost records get them again from the journal; what somebody changed is refused."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaAhead, LogsDisagree, PartitionTruncated, RecordOutOfPlace
from ledger.relay.relay import Limits
from ledger.relay.repair import Repair
from ledger.relay.topics import heads_topic
from schemas.registry import JOURNAL_TOPIC
from tests.integration.relay.relayed import RelayedLedger, fullest, lose, positions
from tests.integration.relay.test_resuming import the_head, write

PAYMENTS = "ledger.payments"


@pytest.fixture
def published(ledger: RelayedLedger) -> RelayedLedger:
    """A book of which all is published."""
    ledger.records(6)
    ledger.drains()
    return ledger


def repairs(ledger: RelayedLedger) -> Repair:
    with ledger.relay(Limits(window=5)) as relay:
        return relay.repair()


def assert_whole(ledger: RelayedLedger) -> None:
    """Both topics hold every event once, each partition in order; and a relay that repairs nothing agrees."""
    wanted = [event.position for event in ledger.journal()]
    assert ledger.drains() == wanted[-1]
    for records in (ledger.published(), ledger.family_records()):
        assert positions(records) == wanted
        places = [(record.topic, record.partition, record.offset) for record in records]
        for place in {each[:2] for each in places}:
            offsets = [each[2] for each in places if each[:2] == place]
            assert offsets == sorted(offsets)


@pytest.mark.parametrize("topic", [JOURNAL_TOPIC, PAYMENTS])
@pytest.mark.parametrize("kept", [0, 1, -1], ids=["nothing", "its first record", "all but its last record"])
def test_a_partition_that_still_has(published: RelayedLedger, topic: str, kept: int) -> None:
    """is refused by a start, which names the command that repairs it; and that command does."""
    partition, held = fullest(published.published(topic))
    lose(published, topic, partition, keep=held[:kept])
    with pytest.raises(PartitionTruncated, match="ledger relay --repair"):
        published.drains()
    [loss] = repairs(published).losses
    assert (loss.partition.topic, loss.partition.partition) == (topic, partition)
    assert loss.missing == len(held) - len(held[:kept])
    assert_whole(published)


def test_partitions_that_lost_unevenly_are_all_repaired_and_new_events_follow(published: RelayedLedger) -> None:
    lost = 0
    for topic, kept in ((JOURNAL_TOPIC, 2), (PAYMENTS, 0), ("ledger.overdue", 1)):
        partition, held = fullest(published.published(topic))
        lose(published, topic, partition, keep=held[:kept])
        lost += len(held) - kept
    published.records(2)
    assert sum(loss.missing for loss in repairs(published).losses) == lost
    assert_whole(published)


def test_a_repair_that_was_broken_off_does_not_look_complete(published: RelayedLedger) -> None:
    partition, held = fullest(published.published())
    lose(published, JOURNAL_TOPIC, partition)
    assert len(held) > 5

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with published.relay(Limits(window=5)) as relay, pytest.raises(InterruptedError):
        relay.repair(stop)
    with pytest.raises(PartitionTruncated):
        published.drains()
    assert [loss.missing for loss in repairs(published).losses] == [len(held) - 5]
    assert_whole(published)


def test_what_is_whole_is_left_as_it_is(published: RelayedLedger) -> None:
    repaired = repairs(published)
    assert (repaired.losses, repaired.head_rebuilt) == ([], False)
    assert_whole(published)


def test_a_heads_topic_that_is_gone_is_made_anew(published: RelayedLedger) -> None:
    head = the_head(published)
    with closing(Cluster(bootstrap=published.bootstrap).admin()) as admin:
        delete: Any = admin
        delete.delete_topics([heads_topic(published.book_id)])
    assert repairs(published).head_rebuilt
    assert (the_head(published).position, the_head(published).hash) == (head.position, head.hash)
    assert_whole(published)


def test_a_heads_topic_that_lost_its_newest_records_is_made_anew(published: RelayedLedger) -> None:
    older = the_head(published)
    published.records(2)
    published.drains()
    write(published, heads_topic(published.book_id), older.encode())
    with pytest.raises(RecordOutOfPlace, match="ledger relay --repair"):
        published.drains()
    assert repairs(published).head_rebuilt
    assert_whole(published)


def a_changed_record(held: list[Any]) -> list[Any]:
    changed = held[1]._replace(value=held[1].value.replace(b"USD", b"EUR").replace(b"overdue", b"overdrawn"))
    return [held[0], changed]


def another_time(held: list[Any]) -> list[Any]:
    headers = [(name, b"7" if name == "recorded_us" else value) for name, value in held[0].headers]
    return [held[0]._replace(headers=headers)]


def a_hole(held: list[Any]) -> list[Any]:
    return [held[0], *held[2:]]


def a_record_twice(held: list[Any]) -> list[Any]:
    return [held[0], held[0]]


def beyond_the_end(held: list[Any]) -> list[Any]:
    headers = [(name, b"9999" if name == "position" else value) for name, value in held[-1].headers]
    return [*held, held[-1]._replace(headers=headers)]


@pytest.mark.parametrize(
    ("keep", "error"),
    [
        (a_changed_record, LogsDisagree),
        (another_time, LogsDisagree),
        (a_hole, PartitionTruncated),
        (a_record_twice, RecordOutOfPlace),
        (beyond_the_end, KafkaAhead),
    ],
)
def test_what_is_not_an_unchanged_beginning_is_refused(
    published: RelayedLedger, keep: Callable[[list[Any]], list[Any]], error: type[Exception]
) -> None:
    partition, held = fullest(published.published())
    lose(published, JOURNAL_TOPIC, partition, keep=keep(held))
    with pytest.raises(error, match=f"{JOURNAL_TOPIC}/{partition}"):
        repairs(published)


def test_a_record_in_this_books_name_that_the_relay_did_not_write_is_refused(published: RelayedLedger) -> None:
    write(published, JOURNAL_TOPIC, b"forged", {"book": published.book_id, "position": "2"})
    with pytest.raises((RecordOutOfPlace, LogsDisagree), match="position 2"):
        repairs(published)
