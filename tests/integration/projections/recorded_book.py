"""A book with a journal full of loans' lives, and what the read models make of them."""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Event as Flag
from threading import Thread
from typing import Any

from ledger.clock import random_event_ids
from ledger.domain.book import Book, apply, open_book
from ledger.domain.loan import apply as apply_to_loan
from ledger.journal.database import Database
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent, Verdict
from projections.builds import drop
from projections.catalogue import PROJECTIONS
from projections.checkpoint import behind, standings
from projections.digest import digest
from projections.feed import Batch, Feed, FeedEvent, Owner
from projections.journal_feed import JournalFeed
from projections.place import Place
from projections.runner import Runner
from schemas.books.events import DayClosed, DayTotals, EventSkipped, PeriodClosed
from schemas.registry import REGISTRY
from schemas.values import ABSENT, Event
from tests.golden.lives import whole_lives
from tests.loan_builders import Life, a_loan_opened, days

PARTITIONS = 12
BATCH = 200


@dataclass(kw_only=True)
class RecordedBook:
    """A book in a database of its own."""

    database: Database
    journal: Journal
    book: Book
    loans: int = field(default=0)

    def records(self, stream: str, events: Sequence[Event]) -> int:
        """Append what was decided for a stream; the last position."""
        known = self.journal.streams([stream])[stream]
        head = StreamHead(
            stream=stream, version=len(known), hash=hashlib.sha256(known[-1].state).digest() if known else None
        )
        request = encode(
            [Decision(head=head, events=events)],
            a_provenance(self.book.book_id),
            partitions=PARTITIONS,
            event_ids=random_event_ids,
        )
        [outcome] = self.journal.append([request])
        assert outcome.verdict is Verdict.APPENDED
        assert outcome.last_position
        return outcome.last_position

    def lives(self, count: int) -> int:
        """Record the lives of so many new loans; the last position."""
        for _ in range(count):
            self.loans += 1
            last = self.records(f"loan/loan-{self.loans}", a_life(f"loan-{self.loans}").events)
        return last

    def catches_up(self) -> None:
        with self.worker() as runner:
            runner.catch_up()

    def every_kind(self) -> int:
        """Record events of every type that there is; the last position."""
        self.lives(4)
        self.records("loan/late-entry", a_withdrawn_mark("late-entry").events)
        for stream, _, events, _ in whole_lives():
            self.records(stream, events)
        day = DayClosed(book_id=self.book.book_id, business_date=days(5), loans_visited=1)
        totals = DayTotals(
            book_id=self.book.book_id, business_date=days(5), after_position=0, through_position=9, loans_visited=1
        )
        period = PeriodClosed(book_id=self.book.book_id, through=days(-5), closed_on=days(5))
        last = self.records(f"book/{self.book.book_id}", [day, totals, period, a_skip(self.book.book_id, 1)])
        assert {event.type for event in self.journal.after(0, 1_000)} == set(REGISTRY.types)
        return last

    @contextmanager
    def runner(self, feed: Feed, **other: Any) -> Iterator[Runner]:
        with Runner(self.database, self.journal, self.book, feed, **other) as runner:
            yield runner

    @contextmanager
    def worker(self, *, pause_s: float = 0.01, retry_s: float = 5.0, beat_s: float = 1.0) -> Iterator[Runner]:
        """A worker that follows the journal."""
        feed = JournalFeed(self.journal, batch=BATCH, pause_s=pause_s, retry_s=retry_s)
        with self.runner(feed, beat_s=beat_s) as runner:
            yield runner

    @contextmanager
    def fed_with(self, *batches: Batch, at_once: Callable[[], int] = lambda: 1) -> Iterator[Runner]:
        """A worker that gets what a test says, batch by batch, or up to so many at once."""
        with self.runner(ScriptedFeed(list(batches), at_once), beat_s=3600) as runner:  # sees nothing but the script
            yield runner

    def batches(self) -> dict[int, Batch]:
        """All events of the journal, one batch per partition."""
        found: dict[int, list[FeedEvent]] = {}
        for event in self.journal.after(0, 1_000_000):
            found.setdefault(event.partition, []).append(as_fed(event))
        return {partition: Batch(partition, tuple(events)) for partition, events in found.items()}

    def digests(self) -> dict[str, str]:
        return {each.name: digest(self.database, self.book.book_id, each) for each in PROJECTIONS}

    def positions(self, projection: str = "audit_trail") -> dict[int, int]:
        """The checkpoint of a projection on each partition."""
        with self.database.connect("ledger_reader") as connection:
            rows = standings(connection, self.book.book_id, PROJECTIONS)
        return {row.partition: row.position for row in rows if row.projection == projection}

    def is_current(self) -> bool:
        """Whether every projection has reached the newest event of every partition."""
        heads = self.journal.partition_heads()
        with self.database.connect("ledger_reader") as connection:
            return not behind(connection, self.book.book_id, PROJECTIONS, heads)

    def digests_from_the_journal(self) -> dict[str, str]:
        """Digests of read models that are built anew, from the journal alone."""
        self.forgets_everything()
        self.catches_up()
        return self.digests()

    def forgets_everything(self) -> None:
        """Drop all read models, as if they had never been built."""
        with self.database.connect("ledger_projector") as connection:
            for each in PROJECTIONS:
                drop(connection, each.name, Place.LIVE)


@dataclass
class ScriptedFeed:
    """Delivers one batch per poll, or up to so many of different partitions, after claiming those."""

    waiting: list[Batch]
    at_once: Callable[[], int] = lambda: 1
    claimed: set[int] = field(default_factory=set)

    @property
    def name(self) -> str:
        return "script"

    def poll(self, owner: Owner) -> list[Batch]:
        found: list[Batch] = []
        limit = self.at_once()
        while self.waiting and len(found) < limit:
            if self.waiting[0].partition in {batch.partition for batch in found}:
                break
            found.append(self.waiting.pop(0))
        self.claim({batch.partition for batch in found} - self.claimed, owner)
        return found

    def claim(self, partitions: Collection[int], owner: Owner) -> None:
        if partitions:
            owner.claim(partitions)
            self.claimed |= set(partitions)

    def retry(self, partition: int) -> None:
        self.claimed.discard(partition)

    def close(self) -> None:
        pass


def a_recorded_book(database: Database, journal: Journal, book_id: str) -> RecordedBook:
    """A book that keeps USD, just opened."""
    events = open_book(
        None,
        book_id,
        journal_id=f"journal-of-{book_id}",
        opened_on=date(2026, 1, 1),
        time_zone="UTC",
        cut_off="00:00",
        currencies={"CNY": 2, "USD": 2},
        partitions=PARTITIONS,
        key_id="0" * 64,
    )
    book = apply(None, events[0])
    assert book
    recorded = RecordedBook(database=database, journal=journal, book=book)
    recorded.records(f"book/{book_id}", events)
    return recorded


def a_life(loan_id: str) -> Life:
    """100.00 USD: paid in part, overdue, cured and paid off; the last payment is returned, so it owes 60.00 again."""
    life = opened(loan_id)
    life.pays(40_00, days(-3))
    life.day_end(days(1))
    life.pays(60_00, days(10))
    life.reverses("p2", days(20))
    return life


def a_withdrawn_mark(loan_id: str) -> Life:
    """100.00 USD, marked overdue; then it becomes known that all had been paid on the due date."""
    life = opened(loan_id)
    life.day_end(days(1))
    life.pays(100_00, days(0), today=days(5))
    return life


def a_skip(book_id: str, position: int, projection: str | None = "delinquency", partition: int = 0) -> EventSkipped:
    """That a projection (None: all) passes over the event at a position."""
    return EventSkipped(
        book_id=book_id,
        position=position,
        partition=partition,
        reason="tried with another version",
        skipped_on=days(6),
        projection=projection or ABSENT,
    )


def opened(loan_id: str) -> Life:
    """100.00 USD, just lent."""
    event = a_loan_opened(100_00, loan_id=loan_id)
    loan = apply_to_loan(None, event)
    assert loan
    return Life(loan=loan, requests=[[event]])


def as_fed(event: RecordedEvent) -> FeedEvent:
    return FeedEvent(
        position=event.position,
        partitionseq=event.partitionseq,
        streamversion=event.version,
        recorded_us=event.recorded_us,
        type=event.type,
        state=event.state,
    )


def a_provenance(book_id: str) -> Provenance:
    return Provenance(
        book_id=book_id,
        actor="operator:test",
        decided_at=datetime.now(UTC),
        correlation_id="test",
        command_id=secrets.token_bytes(32),
        command_hash=secrets.token_bytes(32),
    )


@contextmanager
def running(*runners: Runner) -> Iterator[None]:
    """Workers at work, each in a thread of its own, until the block ends."""
    stop = Flag()
    threads = [Thread(target=runner.run, args=(stop,)) for runner in runners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert not [thread for thread in threads if thread.is_alive()]


def eventually(condition: Callable[[], bool], limit_s: float = 30) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain"
        time.sleep(0.02)
