"""Opening a book, finding the one that a journal holds, and what happens to it as a whole."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from threading import Lock

from ledger.application.loan_store import decoded
from ledger.clock import Clock, EventIds
from ledger.domain import book as books
from ledger.domain.book import Book
from ledger.domain.day_totals import Counted
from ledger.domain.identifiers import book_stream, require_key
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.errors import BookMissing, BrokenChain, EventNotFound, KeyReused, StreamConflict
from ledger.journal.group_commit import GroupCommit
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys
from ledger.journal.records import Verdict
from schemas.books.events import BookOpened
from schemas.envelope import digest
from schemas.values import Basis, Event

ENGINE = "ledger-loan/1"
POLICY = "bullet-without-interest/1"


def current_basis() -> Basis:
    """What decisions of this version rest on."""
    return Basis(engine=ENGINE, policy=POLICY, tzdata=version("tzdata"))


@dataclass(frozen=True, kw_only=True, slots=True)
class SkipEvent:
    """A wish that a projection (None: all) passes over the event at a position. `reason`: 1 to 500 characters."""

    position: int
    projection: str | None
    reason: str

    def body(self) -> dict[str, object]:
        return {
            "command": "SkipEvent",
            "position": self.position,
            "projection": self.projection,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class KnownBook:
    """A book, and where its stream ended when it was read."""

    book: Book
    head: StreamHead


class BookReader:
    """The book of a journal, as it is now: each look reads only what was recorded since the last one. Safe to use from
    several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: KnownBook | None = None
        self._reading = Lock()

    @property
    def known(self) -> KnownBook:
        """The book as of the last look, or of a first one."""
        return self._known or self.look()

    def look(self) -> KnownBook:
        """The book as it is now, else `BookMissing`."""
        self.require()
        assert self._known, "a book that is there is known"
        return self._known

    def find(self) -> Book | None:
        """The book; None for an empty journal."""
        with self._reading:
            known = self._known
            head = known.head if known else self._first_head()
            if head is None:
                return None
            book = known.book if known else None
            for event in self._journal.streams_after({head.stream: head.version})[head.stream]:
                book = books.apply(book, decoded(event))
                head = StreamHead(stream=event.stream, version=event.version, hash=digest(event.state))
            if book:
                self._known = KnownBook(book, head)
            return book

    def require(self) -> Book:
        """The book, else `BookMissing`."""
        book = self.find()
        if book is None:
            raise BookMissing("asked for the book; this journal is empty. Run ledger init")
        return book

    def _first_head(self) -> StreamHead | None:
        first = self._journal.after(0, 1)
        if first and first[0].type != BookOpened.TYPE:
            raise BrokenChain(f"the first event of the journal is {first[0].type}, not that a book was opened")
        return StreamHead(stream=first[0].stream) if first else None


class BookDesk:
    """Records what happens to the book as a whole: that it is opened, a day is closed, an event is skipped."""

    def __init__(
        self,
        journal: Journal,
        commits: GroupCommit,
        keys: CommandKeys,
        *,
        reader: BookReader,
        principal: str,
        clock: Clock,
        event_ids: EventIds,
        attempts: int,
    ) -> None:
        self._journal = journal
        self._commits = commits
        self._keys = keys
        self._principal = principal
        self._clock = clock
        self._event_ids = event_ids
        self._attempts = attempts
        self.reader = reader

    def open(
        self, book_id: str, *, time_zone: str, cut_off: str, currencies: Mapping[str, int], partitions: int
    ) -> Book:
        """Record `BookOpened` as the first event of an empty journal. A journal with a book raises `BookExists`."""
        events = books.open_book(
            self.reader.find(),
            book_id,
            journal_id=secrets.token_hex(8),
            opened_on=self._clock().date(),
            time_zone=time_zone,
            cut_off=cut_off,
            currencies=currencies,
            partitions=partitions,
            key_id=self._keys.key_id,
        )
        self._append(book_id, events, StreamHead(stream=book_stream(book_id)), partitions, key="open")
        return self.reader.require()

    def close_day(self, business_date: date, *, counted: Counted, today: date) -> bool:
        """Record `DayClosed` and `DayTotals`, unless the date is closed already, also by another process just now;
        whether it did."""

        def decide(book: Book) -> Sequence[Event]:
            return books.close_day(book, business_date, counted=counted, today=today)

        return self._record(decide, key=f"dayend:{business_date}") is not None

    def close_period(self, through: date, *, today: date) -> bool:
        """Record `PeriodClosed`, unless the period is closed already; whether it did."""

        def decide(book: Book) -> Sequence[Event]:
            return books.close_period(book, through, today=today)

        return self._record(decide, key=f"period:{through}") is not None

    def skip_event(
        self, wish: SkipEvent, *, key: str, today: date, held: Callable[[], AbstractContextManager[object]]
    ) -> int:
        """Record that projections pass over an event; the position of what was recorded, for one key always the same.

        `held` is entered around each try: it raises where the event stands in nobody's way, and keeps it from being
        applied meanwhile. Raises `EventNotFound`, `ReasonMissing`, `AlreadySkipped` and `KeyReused`.
        """
        command_id = self._command_id(self.reader.require().book_id, require_key(key))
        for command_hash, first, _ in self._journal.find_commands([command_id]).values():
            if command_hash != self._keys.command_hash(wish.body()):
                raise _key_reused(key)
            return first
        found = self._journal.between(wish.position, wish.position)
        if not found:
            raise EventNotFound(
                f"asked to skip the event at position {wish.position}; the journal holds none there. If Kafka does, "
                "somebody else wrote it: repair the topic from the journal"
            )

        def decide(book: Book) -> Sequence[Event]:
            return books.skip_event(
                book,
                wish.position,
                partition=found[0].partition,
                projection=wish.projection,
                reason=wish.reason,
                today=today,
            )

        recorded = self._record(decide, key=key, body=wish.body(), held=held)
        assert recorded, "a skip that is not refused is an event"
        return recorded

    def _record(
        self,
        decide: Callable[[Book], Sequence[Event]],
        *,
        key: str,
        body: dict[str, object] | None = None,
        held: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> int | None:
        """The position of the first event; None where nothing was left to record. Others may be faster a few times."""
        for attempt in range(1, self._attempts + 1):
            known = self.reader.look()
            book = known.book
            events = decide(book)
            if not events:
                break
            try:
                with held():
                    return self._append(book.book_id, events, known.head, book.partitions, key=key, body=body)
            except StreamConflict:
                if attempt == self._attempts:
                    raise
        return None

    def _append(
        self,
        book_id: str,
        events: Sequence[Event],
        head: StreamHead,
        partitions: int,
        *,
        key: str,
        body: dict[str, object] | None = None,
    ) -> int | None:
        """The position of the first event, also where an earlier request with this key and body recorded it."""
        command_id = self._command_id(book_id, key)
        provenance = Provenance(
            book_id=book_id,
            actor=self._principal,
            decided_at=self._clock(),
            correlation_id=command_id.hex(),
            command_id=command_id,
            command_hash=self._keys.command_hash(body or {"book": book_id, "key": key}),
        )
        decision = Decision(head=head, events=events)
        [outcome] = self._commits.append(
            [encode([decision], provenance, partitions=partitions, event_ids=self._event_ids)]
        )
        match outcome.verdict:
            case Verdict.BROKEN_CHAIN:
                raise BrokenChain(
                    f"{outcome.detail}; the book was read differently than it is recorded. Run ledger doctor"
                )
            case Verdict.CONFLICT:
                raise StreamConflict(f"{outcome.detail}; another process writes to the book just now. Try again")
            case Verdict.KEY_REUSED:
                raise _key_reused(key)
        self.reader.look()  # whoever decides by this reader need not find out by a conflict
        return outcome.first_position

    def _command_id(self, book_id: str, key: str) -> bytes:
        return self._keys.command_id(book_id, self._principal, key)


def _key_reused(key: str) -> KeyReused:
    return KeyReused(
        f"asked to record something about the book with key {key!r}, which stands for another request already; use a "
        "new key, or repeat the first request as it was"
    )
