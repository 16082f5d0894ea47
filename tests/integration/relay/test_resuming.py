"""Where a relay goes on, and what it refuses to take for the truth."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.journal.database import Database
from ledger.relay.cluster import Cluster
from ledger.relay.errors import (
    HeadUnreadable,
    KafkaAhead,
    LogsDisagree,
    PartitionHeldBack,
    PartitionTruncated,
    RecordOutOfPlace,
    WrongJournal,
)
from ledger.relay.heads import Mark, PublishedHead, last_head
from ledger.relay.reading import LogReader
from ledger.relay.topics import heads_topic
from schemas.errors import LedgerError
from schemas.registry import JOURNAL_TOPIC
from tests.integration.relay.relayed import RelayedLedger, another_producer, positions


def the_head(ledger: RelayedLedger) -> PublishedHead:
    with LogReader(Cluster(bootstrap=ledger.bootstrap)) as reader:
        head = last_head(reader, ledger.book_id)
    assert head
    return head


def write(ledger: RelayedLedger, topic: str, value: bytes, headers: dict[str, str] | None = None) -> None:
    """Somebody else writes a record."""
    pairs = [(name, text.encode()) for name, text in (headers or {}).items()]
    with another_producer(ledger.bootstrap) as producer:
        producer.send(topic, value=value, headers=pairs, partition=0).get(timeout=10)


def moved_on(head: PublishedHead) -> PublishedHead:
    return msgspec.structs.replace(head, position=head.position + 1)


def another_hash(head: PublishedHead) -> PublishedHead:
    return msgspec.structs.replace(head, hash="0" * 64)


def another_journal(head: PublishedHead) -> PublishedHead:
    return msgspec.structs.replace(head, journal="another")


def further_offsets(head: PublishedHead) -> PublishedHead:
    marks = {name: Mark(mark.offset + 1_000_000, mark.position) for name, mark in head.partitions.items()}
    return msgspec.structs.replace(head, partitions=marks)


def offsets_of_markers(head: PublishedHead) -> PublishedHead:
    marks = {name: Mark(mark.offset + 1, mark.position) for name, mark in head.partitions.items()}
    return msgspec.structs.replace(head, partitions=marks)


def forgotten_partitions(head: PublishedHead) -> PublishedHead:
    return msgspec.structs.replace(head, partitions={})


def test_the_head_names_journal_position_hash_and_the_end_of_each_partition(ledger: RelayedLedger) -> None:
    position = ledger.records(3)
    ledger.drains()
    head = the_head(ledger)
    assert (head.journal, head.position, head.incarnation) == (ledger.book.journal_id, position, 1)
    last = {f"{each.topic}/{each.partition}": each for each in [*ledger.published(), *ledger.family_records()]}
    marks = {name: mark for name, mark in head.partitions.items() if mark.position}
    assert marks.keys() == last.keys()
    assert all(mark.offset == last[name].offset for name, mark in marks.items())


def test_a_start_that_publishes_counts_and_no_start_publishes_again(ledger: RelayedLedger) -> None:
    for start in range(1, 3):
        head = ledger.records(2)
        assert ledger.drains() == ledger.drains() == head
        assert the_head(ledger).incarnation == start
    assert positions(ledger.published()) == list(range(1, head + 1))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (moved_on, KafkaAhead),
        (another_hash, LogsDisagree),
        (another_journal, WrongJournal),
        (further_offsets, PartitionTruncated),
        (offsets_of_markers, PartitionTruncated),
        (forgotten_partitions, RecordOutOfPlace),
    ],
)
def test_a_head_that_does_not_fit_is_an_error_by_name(
    ledger: RelayedLedger, change: Callable[[PublishedHead], PublishedHead], error: type[LedgerError]
) -> None:
    ledger.records(2)
    ledger.drains()
    write(ledger, heads_topic(ledger.book_id), change(the_head(ledger)).encode())
    with pytest.raises(error, match=ledger.book_id):
        ledger.drains()


@pytest.fixture
def restored(ledger: RelayedLedger, fresh_database: Callable[[str | None], Database]) -> RelayedLedger:
    """The journal as it was in a backup: after it was made, `ledger` published more."""
    ledger.records(1)
    ledger.drains()
    backup = fresh_database(conninfo_to_dict(ledger.database.url)["dbname"])  # type: ignore[arg-type] # since a test database has a name
    restored = replace(ledger, database=backup)
    ledger.records(1)
    ledger.drains()
    return restored


def test_a_journal_restored_from_a_backup_is_refused(restored: RelayedLedger) -> None:
    with pytest.raises(KafkaAhead, match=r"the journal ends at 12.*restored from an older copy"):
        restored.drains()


def test_a_restored_journal_that_went_its_own_way_is_refused(restored: RelayedLedger) -> None:
    with restored.database.connect() as connection:
        connection.execute("delete from journal.gate")  # as in a backup from before the first relay
    restored.records(2)
    with pytest.raises(LogsDisagree, match="from position 24"):
        restored.drains()


def test_a_stranger_in_the_heads_topic_is_an_error(ledger: RelayedLedger) -> None:
    ledger.drains()
    write(ledger, heads_topic(ledger.book_id), b"hello")
    with pytest.raises(HeadUnreadable, match="offset 0"):
        ledger.drains()


def test_records_of_this_book_without_any_head_are_no_first_start(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    with closing(Cluster(bootstrap=ledger.bootstrap).admin()) as admin:
        delete: Any = admin
        delete.delete_topics([heads_topic(ledger.book_id)])
    with pytest.raises(RecordOutOfPlace, match="is empty"):
        ledger.drains()


def test_a_record_in_this_books_name_that_the_relay_did_not_write_is_found(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    write(ledger, JOURNAL_TOPIC, b"forged", {"book": ledger.book_id, "position": "2"})
    with pytest.raises(RecordOutOfPlace, match="Something other than this relay wrote it"):
        ledger.drains()


def test_records_of_strangers_and_other_books_are_passed_over(ledger: RelayedLedger) -> None:
    head = ledger.records(1)
    ledger.drains()
    write(ledger, JOURNAL_TOPIC, b"no event at all")
    write(ledger, JOURNAL_TOPIC, b"{}", {"book": f"{ledger.book_id}-2", "position": "1"})
    assert ledger.drains() == head


def test_a_journal_of_the_same_book_name_is_refused(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    book = replace(ledger.book, journal_id="a-copy")
    with ledger.relay(book=book) as relay, pytest.raises(WrongJournal, match="another id"):
        relay.drain()


def test_another_producers_open_transaction_is_waited_for_not_taken_for_the_end(ledger: RelayedLedger) -> None:
    head = ledger.records(1)
    ledger.drains()
    with another_producer(ledger.bootstrap, transactional_id=f"stranger-{ledger.book_id}") as stranger:
        stranger.init_transactions()
        stranger.begin_transaction()
        stranger.send(JOURNAL_TOPIC, value=b"open", partition=0).get(timeout=10)
        with ledger.relay(timeout_s=1.5) as relay, pytest.raises(PartitionHeldBack, match="journal/0"):
            relay.drain()
        stranger.abort_transaction()
    assert ledger.drains() == head


def test_the_last_committed_head_is_found_behind_many_aborted_records(ledger: RelayedLedger) -> None:
    head = ledger.records(1)
    ledger.drains()
    with another_producer(ledger.bootstrap, transactional_id=f"stranger-{ledger.book_id}") as stranger:
        stranger.init_transactions()
        stranger.begin_transaction()
        for _ in range(700):
            stranger.send(heads_topic(ledger.book_id), value=b"aborted", partition=0)
        stranger.flush(timeout=10)
        stranger.abort_transaction()
    assert ledger.drains() == head
    assert positions(ledger.published()) == list(range(1, head + 1))
