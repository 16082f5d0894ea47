"""What must never come on Kafka, and does: who stands still then, by which name, and that nothing is lost.

One worker reads one book; in each partition of it something else is wrong.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from projections.catalogue import PROJECTIONS
from projections.dead_letters import DeadLetter, DeadLetters
from projections.kafka_feed import KafkaFeed
from schemas.envelope import LARGEST_EVENT_BYTES
from schemas.payments.events import PaymentReceived
from schemas.registry import UnknownEventType
from tests.integration.projections.published import as_record, send
from tests.integration.projections.recorded_book import (
    BATCH,
    RecordedBook,
    a_life,
    a_recorded_book,
    eventually,
    running,
)

EVERYBODY = {each.name for each in PROJECTIONS}
TAKERS = {each.name for each in PROJECTIONS if each.takes is None or PaymentReceived.TYPE in each.takes}
FUTURE = PaymentReceived.TYPE.replace(".v1", ".v9")
_LOANS = 60

Records = list[dict[str, Any]]
Spoil = Callable[[str, Sequence[RecordedEvent], int], Records]
"""From a book, the events of a partition and the index of a payment to what is published."""


def twice(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    return in_order(book, [*events[: bad + 1], *events[: bad + 1], *events[bad + 1 :]])


def among_those_of_another_book(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    return [record for event in events for record in (as_record(event, "another"), as_record(event, book))]


def among_those_of_another_program(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    other = {"value": b"no event", "key": None, "partition": events[0].partition}
    return [other, *in_order(book, events[:bad]), other, *in_order(book, events[bad:])]


def reordered(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    return in_order(book, [*events[:bad], events[bad + 1], events[bad], *events[bad + 2 :]])


def missing(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    return in_order(book, [*events[:bad], *events[bad + 1 :]])


def without_its_numbers(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    records = in_order(book, events)
    records[bad] |= {"headers": [("book", book.encode())]}
    return records


def of_a_future_version(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    state = events[bad].state.replace(PaymentReceived.TYPE.encode(), FUTURE.encode())
    return in_order(book, replaced(events, bad, type=FUTURE, state=state))


def changed(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    return in_order(book, replaced(events, bad, state=events[bad].state.replace(b'"amount_minor":', b'"amount":')))


def oversized(book: str, events: Sequence[RecordedEvent], bad: int) -> Records:
    """Blanks after a JSON document are no error of its grammar."""
    return in_order(book, replaced(events, bad, state=events[bad].state + b" " * LARGEST_EVENT_BYTES))


OUTCOMES: Mapping[Spoil, tuple[str, set[str]]] = {
    twice: ("", set()),
    among_those_of_another_book: ("", set()),
    among_those_of_another_program: ("", set()),
    reordered: ("partition_gap", EVERYBODY),
    missing: ("partition_gap", EVERYBODY),
    without_its_numbers: ("unreadable_record", EVERYBODY),
    of_a_future_version: ("poisoned_event", EVERYBODY),
    changed: ("poisoned_event", TAKERS),
    oversized: ("poisoned_event", TAKERS),
}
"""The error that stops a partition, and for whom."""


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What was found once a worker had read everything that Kafka holds of a spoiled book, and then the journal."""

    partitions: Mapping[Spoil, Sequence[RecordedEvent]]
    bad: Mapping[Spoil, RecordedEvent]
    stopped: Mapping[tuple[str, int], str]
    positions: Mapping[str, Mapping[int, int]]
    heads: Mapping[int, int]
    letters: Sequence[DeadLetter]
    healed: Mapping[str, str]
    from_zero: Mapping[str, str]


@pytest.fixture(scope="module")
def aftermath(
    fresh_database: Callable[[str | None], Database], template: str, kafka_bootstrap: str, journal_topic: None
) -> Iterator[Aftermath]:
    database = fresh_database(template)
    with Journal(database, pool_size=4) as journal:
        yield _read_by_a_worker(a_recorded_book(database, journal, f"book-{uuid.uuid4().hex[:12]}"), kafka_bootstrap)


def _read_by_a_worker(recorded: RecordedBook, bootstrap: str) -> Aftermath:
    for number in range(_LOANS):
        recorded.records(f"loan/l{number}", a_life(f"l{number}").events)
    events = recorded.journal.after(0, 10_000)
    heads = recorded.journal.partition_heads()
    partitions = dict(zip(OUTCOMES, spoilable(events, heads), strict=False))
    bad = {spoil: index_of_a_payment(found) for spoil, found in partitions.items()}
    spoiled = {found[0].partition for found in partitions.values()}
    records = in_order(recorded.book.book_id, [event for event in events if event.partition not in spoiled])
    for spoil, found in partitions.items():
        records += spoil(recorded.book.book_id, found, bad[spoil])
    send(bootstrap, records)
    stops = sum(len(whom) for _, whom in OUTCOMES.values())
    with recorded.runner(KafkaFeed(bootstrap, recorded.book.book_id, batch=BATCH)) as runner:
        with running(runner):
            eventually(lambda: len(runner.stopped) == stops and all_others_are_through(recorded, heads, runner.stopped))
        stopped = {where: problem.code for where, problem in runner.stopped.items()}
    positions = {name: recorded.positions(name) for name in EVERYBODY}
    letters = DeadLetters(recorded.database, recorded.journal, recorded.book.book_id).all()
    recorded.catches_up()
    healed = recorded.digests()
    return Aftermath(
        partitions=partitions,
        bad={spoil: partitions[spoil][index] for spoil, index in bad.items()},
        stopped=stopped,
        positions=positions,
        heads=heads,
        letters=letters,
        healed=healed,
        from_zero=recorded.digests_from_the_journal(),
    )


def spoilable(events: Sequence[RecordedEvent], heads: Mapping[int, int]) -> list[list[RecordedEvent]]:
    """The events of each partition that holds whole lives only."""
    found = [[event for event in events if event.partition == partition] for partition in heads]
    return [each for each in found if all(event.stream.startswith("loan/") for event in each)]


def index_of_a_payment(events: Sequence[RecordedEvent]) -> int:
    """One in the middle: there are events before it and after it."""
    return next(n for n, event in enumerate(events) if n > 4 and event.type == PaymentReceived.TYPE)


def in_order(book: str, events: Sequence[RecordedEvent]) -> Records:
    return [as_record(event, book) for event in events]


def replaced(events: Sequence[RecordedEvent], index: int, **wrong: Any) -> list[RecordedEvent]:
    return [*events[:index], replace(events[index], **wrong), *events[index + 1 :]]


def all_others_are_through(
    recorded: RecordedBook, heads: Mapping[int, int], stopped: Mapping[tuple[str, int], object]
) -> bool:
    return all(
        recorded.positions(name).get(partition) == head
        for name in EVERYBODY
        for partition, head in heads.items()
        if (name, partition) not in stopped
    )


def test_there_are_partitions_enough_for_all_that_can_be_wrong(aftermath: Aftermath) -> None:
    assert aftermath.partitions.keys() == OUTCOMES.keys()


@pytest.mark.parametrize("spoil", OUTCOMES)
def test_it_stops_that_partition_by_its_name_for_whom_it_concerns(aftermath: Aftermath, spoil: Spoil) -> None:
    code, whom = OUTCOMES[spoil]
    partition = aftermath.bad[spoil].partition
    found = {name: code for (name, where), code in aftermath.stopped.items() if where == partition}
    assert found == dict.fromkeys(whom, code)


@pytest.mark.parametrize("spoil", OUTCOMES)
def test_whom_it_stops_has_applied_all_that_came_before(aftermath: Aftermath, spoil: Spoil) -> None:
    _, whom = OUTCOMES[spoil]
    bad, events = aftermath.bad[spoil], aftermath.partitions[spoil]
    before = max(event.position for event in events if event.position < bad.position)
    assert {aftermath.positions[name][bad.partition] for name in whom} <= {before}


@pytest.mark.parametrize("spoil", [spoil for spoil, (code, _) in OUTCOMES.items() if code == "poisoned_event"])
def test_an_event_that_cannot_be_applied_is_a_dead_letter(aftermath: Aftermath, spoil: Spoil) -> None:
    bad, (_, whom) = aftermath.bad[spoil], OUTCOMES[spoil]
    letters = [letter for letter in aftermath.letters if letter.position == bad.position]
    assert {letter.projection for letter in letters} == whom
    assert {(letter.stream, letter.partition, letter.status) for letter in letters} == {
        (bad.stream, bad.partition, "stopped")
    }


def test_only_what_cannot_be_applied_is_a_dead_letter(aftermath: Aftermath) -> None:
    poisoned = sum(len(whom) for code, whom in OUTCOMES.values() if code == "poisoned_event")
    assert len(aftermath.letters) == poisoned
    codes = {letter.code for letter in aftermath.letters}
    assert codes == {UnknownEventType.code, "unreadable_event"}


def test_read_from_the_journal_instead_nothing_is_lost(aftermath: Aftermath) -> None:
    assert aftermath.healed == aftermath.from_zero
