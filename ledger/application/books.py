"""Opening a book, and finding the one that a journal holds."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version

from ledger.application.loan_store import decoded
from ledger.clock import Clock, EventIds
from ledger.domain import book as books
from ledger.domain.book import Book
from ledger.domain.identifiers import book_stream
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.errors import BookMissing, BrokenChain, StreamConflict
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


class BookReader:
    """The book of a journal, as it is now: each look reads only what was recorded since the last one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._book: Book | None = None
        self.head: StreamHead | None = None

    def find(self) -> Book | None:
        """The book; None for an empty journal."""
        self.head = self.head or self._first_head()
        if self.head:
            name = self.head.stream
            for event in self._journal.streams_after({name: self.head.version})[name]:
                self._book = books.apply(self._book, decoded(event))
                self.head = StreamHead(stream=event.stream, version=event.version, hash=digest(event.state))
        return self._book

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
    """Records what happens to the book as a whole: that it is opened, that a day is closed."""

    def __init__(
        self,
        journal: Journal,
        commits: GroupCommit,
        keys: CommandKeys,
        *,
        principal: str,
        clock: Clock,
        event_ids: EventIds,
        attempts: int,
    ) -> None:
        self._commits = commits
        self._keys = keys
        self._principal = principal
        self._clock = clock
        self._event_ids = event_ids
        self._attempts = attempts
        self.reader = BookReader(journal)

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

    def close_day(self, business_date: date, *, loans_visited: int, today: date) -> bool:
        """Record `DayClosed`, unless the date is closed already, also by another process just now; whether it did."""
        for attempt in range(1, self._attempts + 1):
            book = self.reader.require()
            events = books.close_day(book, business_date, loans_visited=loans_visited, today=today)
            if not events:
                break
            assert self.reader.head, "a book that was read has a head"
            try:
                self._append(book.book_id, events, self.reader.head, book.partitions, key=f"dayend:{business_date}")
            except StreamConflict:
                if attempt == self._attempts:
                    raise
            else:
                return True
        return False

    def _append(self, book_id: str, events: Sequence[Event], head: StreamHead, partitions: int, *, key: str) -> None:
        command_id = self._keys.command_id(book_id, self._principal, key)
        provenance = Provenance(
            book_id=book_id,
            actor=self._principal,
            decided_at=self._clock(),
            correlation_id=command_id.hex(),
            command_id=command_id,
            command_hash=self._keys.command_hash({"book": book_id, "key": key}),
        )
        decision = Decision(head=head, events=events)
        [outcome] = self._commits.append(
            [encode([decision], provenance, partitions=partitions, event_ids=self._event_ids)]
        )
        if outcome.verdict is Verdict.BROKEN_CHAIN:
            raise BrokenChain(f"{outcome.detail}; the book was read differently than it is recorded. Run ledger doctor")
        if outcome.verdict is Verdict.CONFLICT:
            raise StreamConflict(f"{outcome.detail}; another process closes days just now. Try again")
