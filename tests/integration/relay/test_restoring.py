"""From Kafka back to a journal that lost events: afterwards it is equal to one that never lost any."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger.journal.database import Database
from ledger.journal.errors import GateClosed, SecondBook
from ledger.journal.journal import Journal
from ledger.journal.restore import JournalRestore, RestoreRefused
from ledger.relay.cluster import Cluster
from ledger.relay.errors import (
    KafkaAhead,
    LogsDisagree,
    NotPublished,
    PartitionTruncated,
    RecordOutOfPlace,
    RelayFenced,
    WhichBook,
)
from ledger.relay.restoring import Progress, Restoration, Restored, choose_book, published_books
from schemas.registry import JOURNAL_TOPIC
from tests.integration.relay.relayed import KEYS, RelayedLedger, a_life, fullest, lose, positions
from tests.integration.relay.test_resuming import write

Copy = Callable[[str | None], Database]


def restores(
    ledger: RelayedLedger, *, book_id: str = "", copies: bool = True, batch: int = 20, progress: Progress | None = None
) -> Restored:
    cluster = Cluster(bootstrap=ledger.bootstrap, timeout_s=15)
    with JournalRestore(ledger.database, KEYS, batch=batch) as restore:
        return Restoration(cluster, restore, book_id or ledger.book_id, copies=copies).run(progress)


def a_backup(ledger: RelayedLedger, fresh_database: Copy) -> RelayedLedger:
    """The journal as it is now, in a database of its own."""
    return replace(ledger, database=fresh_database(str(conninfo_to_dict(ledger.database.url)["dbname"])))


@pytest.fixture
def ledger(ledger: RelayedLedger) -> RelayedLedger:
    """A book with the lives of four loans, all published."""
    ledger.records_days()
    ledger.records(4)
    ledger.drains()
    return ledger


@pytest.fixture
def backup(ledger: RelayedLedger, fresh_database: Copy) -> RelayedLedger:
    """An older copy of the journal; `ledger` went on and published more."""
    copied = a_backup(ledger, fresh_database)
    for _ in range(3):
        ledger.records(2)
        ledger.drains()
    return copied


@pytest.fixture
def empty(ledger: RelayedLedger, fresh_database: Copy, template: str) -> RelayedLedger:
    """A journal of the same book without any events."""
    return replace(ledger, database=fresh_database(template))


def test_what_a_relay_of_another_book_left_open_holds_nobody_up_for_long(
    ledger: RelayedLedger, empty: RelayedLedger
) -> None:
    """It died in a transaction, and nobody starts it again. Readers have their usual patience."""
    usual = Cluster(bootstrap=ledger.bootstrap)
    died = usual.producer("of-another-book")
    died.init_transactions()
    died.begin_transaction()
    for partition in {record.partition for record in ledger.published(JOURNAL_TOPIC)}:
        died.send(JOURNAL_TOPIC, value=b"{}", key=b"x", headers=[], partition=partition).get(30)
    head = len(ledger.journal())
    with JournalRestore(empty.database, KEYS, batch=20) as restore:
        assert Restoration(usual, restore, ledger.book_id).run().last == head


def test_a_restored_backup_takes_nothing_until_the_tail_is_back_and_confirmed(
    ledger: RelayedLedger, backup: RelayedLedger
) -> None:
    request = backup.request("loan/new", a_life("new"))
    with pytest.raises(KafkaAhead, match="ledger restore --tail"):
        backup.drains()
    with Journal(backup.database, patience_s=0) as journal:
        for _ in range(2):
            with pytest.raises(GateClosed):
                journal.append([request])
            restored = restores(backup)
        head = backup.drains()
        assert (restored.last, head) == (restored.first - 1, len(ledger.journal()))
        assert journal.append([request])[0].first_position == head + 1


def test_after_the_tail_is_restored_the_journal_is_equal_to_the_lost_one(
    ledger: RelayedLedger, backup: RelayedLedger
) -> None:
    lacking, end = len(backup.journal()), len(ledger.journal())
    heard: list[tuple[int, int]] = []
    restored = restores(backup, progress=lambda done, total: heard.append((done, total)))
    assert (restored.first, restored.last, restored.count) == (lacking + 1, end, end - lacking)
    assert heard[-1] == (end - lacking, end - lacking)
    assert backup.tables() == ledger.tables()
    assert backup.drains() == end
    assert positions(ledger.published()) == list(range(1, end + 1))


def test_a_whole_journal_is_rebuilt_in_an_empty_database(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    restored = restores(empty)
    assert (restored.first, restored.last) == (1, len(ledger.journal()))
    assert empty.tables() == ledger.tables()
    assert empty.gate() == "closed"
    empty.drains()
    assert empty.gate() == "open"


def test_where_nothing_is_missing_nothing_is_written(ledger: RelayedLedger) -> None:
    ledger.records(1)
    assert restores(ledger).count == 0
    assert ledger.gate() == "open"


def test_a_restore_that_was_broken_off_is_finished_by_the_next_one(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    partition, held = fullest(ledger.published())
    lose(ledger, JOURNAL_TOPIC, partition, keep=held[:-1])
    with pytest.raises(PartitionTruncated):
        restores(empty, batch=1)
    done = len(empty.journal())
    assert done > 0
    with ledger.relay() as relay:
        relay.repair()
    assert restores(empty).first == done + 1
    assert empty.tables() == ledger.tables()


def test_a_tail_is_found_though_partitions_were_made_anew_since_the_backup(
    ledger: RelayedLedger, backup: RelayedLedger
) -> None:
    for topic in (JOURNAL_TOPIC, "ledger.payments"):
        partition, _ = fullest(ledger.published(topic))
        lose(ledger, topic, partition)
    with ledger.relay() as relay:
        relay.repair()
    restores(backup)
    assert backup.tables() == ledger.tables()


def test_a_position_that_is_nowhere_is_named(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    partition, held = fullest(ledger.published())
    lose(ledger, JOURNAL_TOPIC, partition)
    first = positions(held)[0]
    with pytest.raises(PartitionTruncated, match=f"position {first} is not in ledger.journal"):
        restores(empty)


def test_family_topics_that_are_broken_can_be_left_out(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    partition, held = fullest(ledger.published("ledger.payments"))
    lose(ledger, "ledger.payments", partition)
    with pytest.raises(PartitionTruncated, match=rf"position {positions(held)[0]} is not in the topic of its family"):
        restores(empty, batch=1000)
    restores(empty, copies=False)
    assert empty.tables() == ledger.tables()


def test_a_copy_that_was_changed_is_found_also_at_the_end_of_a_stream(
    ledger: RelayedLedger, empty: RelayedLedger
) -> None:
    last = ledger.published()[-13]
    held = [record for record in ledger.published() if record.partition == last.partition]
    changed = last._replace(value=last.value.replace(b"operator:test", b"operator:else"))
    keep = [changed if record.offset == last.offset else record for record in held]
    lose(ledger, JOURNAL_TOPIC, last.partition, keep=keep)
    with pytest.raises((LogsDisagree, RestoreRefused), match=f"position {positions([last])[0]}"):
        restores(empty)


def test_a_backup_that_went_its_own_way_is_refused(ledger: RelayedLedger, backup: RelayedLedger) -> None:
    with backup.database.connect() as connection:
        connection.execute("delete from journal.gate")
    backup.records(1)
    with pytest.raises(LogsDisagree, match="went another way"):
        restores(backup)
    backup.records(9)
    with pytest.raises(LogsDisagree, match="went another way"):
        restores(backup)


def test_a_record_in_this_books_name_that_the_relay_did_not_write_is_refused(
    ledger: RelayedLedger, empty: RelayedLedger
) -> None:
    write(ledger, JOURNAL_TOPIC, b"forged", {"book": ledger.book_id, "position": "3"})
    with pytest.raises((RecordOutOfPlace, LogsDisagree), match="position 3"):
        restores(empty)
    assert empty.journal() == []


def test_other_books_are_passed_over_and_another_ones_database_is_refused(
    ledger: RelayedLedger, empty: RelayedLedger, other_ledger: RelayedLedger
) -> None:
    other_ledger.records_days()
    other_ledger.drains()
    with pytest.raises(SecondBook):
        restores(other_ledger, book_id=ledger.book_id)
    restores(empty)
    assert empty.tables() == ledger.tables()


def test_a_relay_of_the_lost_journal_publishes_no_more(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    with ledger.relay() as relay:
        relay.drain()
        restores(empty)
        ledger.records(1)
        with pytest.raises(RelayFenced):
            relay.drain()


def test_a_book_that_was_never_published_is_not_found(empty: RelayedLedger) -> None:
    with pytest.raises(NotPublished, match=f"{empty.book_id}-2 .*; no relay has published it there"):
        restores(empty, book_id=f"{empty.book_id}-2")


def test_the_book_is_chosen_by_name_where_kafka_has_several(ledger: RelayedLedger, other_ledger: RelayedLedger) -> None:
    other_ledger.drains()
    cluster = Cluster(bootstrap=ledger.bootstrap)
    assert {ledger.book_id, other_ledger.book_id} <= set(published_books(cluster))
    with pytest.raises(WhichBook, match="--book"):
        choose_book(cluster, None, None)
    assert choose_book(cluster, None, "known") == "known"
    assert choose_book(cluster, "asked", None) == "asked"
