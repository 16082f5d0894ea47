"""Events that are put back: the journal is then as it was, and nothing goes in that does not continue it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from ledger.journal.database import Database
from ledger.journal.errors import GateClosed, JournalOutdated, KeyFileProblem, SecondBook
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys
from ledger.journal.records import RecordedEvent
from ledger.journal.restore import JournalRestore, LostEvent, RestoreRefused
from schemas.envelope import digest
from tests.integration.relay.relayed import KEYS, RelayedLedger

BATCH = 7

Change = Callable[[list[LostEvent]], list[LostEvent]]


@pytest.fixture
def ledger(database: Database, book_id: str) -> RelayedLedger:
    """A journal that was lost: a book, a closed day, and the lives of three loans."""
    ledger = RelayedLedger(database, "127.0.0.1:1", book_id)
    ledger.records_days()
    ledger.records(3)
    return ledger


@pytest.fixture
def empty(ledger: RelayedLedger, fresh_database: Callable[[str | None], Database], template: str) -> RelayedLedger:
    """A journal without any events, to restore into."""
    return replace(ledger, database=fresh_database(template))


@pytest.fixture
def restore(empty: RelayedLedger) -> Iterator[JournalRestore]:
    with JournalRestore(empty.database, KEYS, batch=BATCH) as restore:
        yield restore


def lost(events: Sequence[RecordedEvent]) -> list[LostEvent]:
    return [
        LostEvent(
            position=event.position,
            partition=event.partition,
            partitionseq=event.partitionseq,
            recorded_us=event.recorded_us,
            state=event.state,
        )
        for event in events
    ]


def put_back(restore: JournalRestore, events: Sequence[LostEvent]) -> None:
    for event in events:
        restore.add(event)
    restore.finish()


def test_a_restored_journal_is_equal_to_the_one_that_was_lost(
    ledger: RelayedLedger, empty: RelayedLedger, restore: JournalRestore
) -> None:
    events = ledger.journal()
    put_back(restore, lost(events))
    assert empty.tables() == ledger.tables()
    restore.verify(events[-1].position, digest(events[-1].state).hex())


def test_a_restore_that_was_broken_off_goes_on_behind_its_last_batch(
    ledger: RelayedLedger, empty: RelayedLedger, restore: JournalRestore
) -> None:
    events = lost(ledger.journal())
    for event in events[:20]:
        restore.add(event)
    with JournalRestore(empty.database, KEYS) as another:
        done = another.end().position
        assert 0 < done <= 20
        put_back(another, events[done:])
    assert empty.tables() == ledger.tables()


def test_the_gate_is_closed_while_and_after_events_come_back(
    ledger: RelayedLedger, empty: RelayedLedger, restore: JournalRestore
) -> None:
    put_back(restore, lost(ledger.journal()))
    assert empty.gate() == "closed"
    with Journal(empty.database, patience_s=0) as journal, pytest.raises(GateClosed):
        journal.append([empty.request("loan/new", [])])


def without_the_second(events: list[LostEvent]) -> list[LostEvent]:
    return [events[0], *events[2:]]


def with_a_changed_event(events: list[LostEvent]) -> list[LostEvent]:
    changed = replace(events[4], state=events[4].state.replace(b"operator:test", b"operator:else"))
    return [*events[:4], changed, *events[5:]]


def that_cannot_be_read(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:3], replace(events[3], state=b"{}"), *events[4:]]


def of_two_swapped_requests(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:2], *events[14:26], *events[2:14], *events[26:]]


def cut_in_a_request(events: list[LostEvent]) -> list[LostEvent]:
    return events[:-1]


def on_another_partition(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:2], replace(events[2], partition=(events[2].partition + 1) % 12), *events[3:]]


def with_a_number_left_out(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:4], replace(events[4], partitionseq=events[4].partitionseq + 1), *events[5:]]


def that_goes_back_in_time(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:5], replace(events[5], recorded_us=events[5].recorded_us - 1), *events[6:]]


def of_another_book(events: list[LostEvent]) -> list[LostEvent]:
    return [*events[:2], *(replace(each, state=each.state.replace(b"/books/", b"/books/x")) for each in events[2:])]


def without_its_first(events: list[LostEvent]) -> list[LostEvent]:
    return events[1:]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_the_second, "position 3: position 2 should come"),
        (with_a_changed_event, "position 6, stream loan/loan-0 version 2.*another event than the one before"),
        (that_cannot_be_read, "position 4: asked to read an event of 2 bytes"),
        (of_two_swapped_requests, "position 15: position 3 should come"),
        (cut_in_a_request, "event 11 of 12 that were recorded together"),
        (on_another_partition, "does not belong on partition"),
        (with_a_number_left_out, "position 5, .* does not continue the journal: number [0-9]+ should follow"),
        (that_goes_back_in_time, "position 6, .*it is older than the one before"),
        (of_another_book, "position 3: it belongs to book x"),
        (without_its_first, "its first event is ledger.book.day_closed.v1, which opens no book"),
    ],
)
def test_a_copy_is_refused(ledger: RelayedLedger, empty: RelayedLedger, change: Change, words: str) -> None:
    """with the first difference named; nothing of its batch goes in."""
    with (
        JournalRestore(empty.database, KEYS, batch=1000) as restore,
        pytest.raises(RestoreRefused, match=words),
    ):
        put_back(restore, change(lost(ledger.journal())))
    assert [name for name, rows in empty.tables().items() if rows] == ["head"]


def test_a_journal_that_somebody_wrote_to_meanwhile_takes_no_restored_event(
    ledger: RelayedLedger, empty: RelayedLedger, restore: JournalRestore
) -> None:
    empty.records(1)
    with pytest.raises(RestoreRefused, match="position 1 does not follow the journal, which ends at 12"):
        put_back(restore, lost(ledger.journal()))


def test_the_wrong_key_file_is_refused_before_anything_is_written(ledger: RelayedLedger, empty: RelayedLedger) -> None:
    with JournalRestore(empty.database, CommandKeys(b"x" * 32)) as restore, pytest.raises(KeyFileProblem, match="key"):
        put_back(restore, lost(ledger.journal()))
    with pytest.raises(KeyFileProblem):
        JournalRestore(ledger.database, CommandKeys(b"x" * 32))


def test_another_journal_than_the_one_that_was_asked_for_is_refused(
    ledger: RelayedLedger, empty: RelayedLedger, restore: JournalRestore
) -> None:
    restore.expect(ledger.book_id, "another")
    with pytest.raises(SecondBook, match="of journal another"):
        put_back(restore, lost(ledger.journal()))


def test_a_journal_that_does_not_end_as_it_should_is_not_called_restored(
    ledger: RelayedLedger, restore: JournalRestore
) -> None:
    events = ledger.journal()
    put_back(restore, lost(events))
    for position, state in ((events[-1].position, b"another"), (events[-2].position, events[-2].state)):
        with pytest.raises(RestoreRefused, match="restore into an empty database"):
            restore.verify(position, digest(state).hex())


@pytest.mark.parametrize("role", ["ledger_writer", "ledger_relay", "ledger_projector", "ledger_reader"])
def test_no_part_of_the_ledger_may_put_events_back(database: Database, role: str) -> None:
    call = f"select journal.restore(1, {', '.join(['null'] * 15)})"
    with database.connect(role) as connection, pytest.raises(Exception, match="permission denied for function restore"):
        connection.execute(call.encode())


def test_a_database_without_a_journal_is_told_so(fresh_database: Callable[[str | None], Database]) -> None:
    with pytest.raises(JournalOutdated):
        JournalRestore(fresh_database(None), KEYS)
