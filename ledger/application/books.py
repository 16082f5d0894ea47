"""Opening a book, and finding the one that a journal holds."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from functools import reduce
from importlib.metadata import version

from ledger.application.desk import decoded
from ledger.clock import Clock, EventIds
from ledger.domain import book as books
from ledger.domain.book import Book
from ledger.domain.identifiers import book_stream
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.errors import BookMissing, BrokenChain, StreamConflict
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys
from ledger.journal.records import RecordedEvent, Verdict
from schemas.books.events import BookOpened
from schemas.envelope import digest
from schemas.values import Basis, Event

ENGINE = "ledger-loan/1"
POLICY = "bullet-without-interest/1"


def current_basis() -> Basis:
    """What decisions of this version rest on."""
    return Basis(engine=ENGINE, policy=POLICY, tzdata=version("tzdata"))


class BookDesk:
    """Records what happens to the book as a whole: that it is opened, that a day is closed."""

    def __init__(
        self, journal: Journal, keys: CommandKeys, *, principal: str, clock: Clock, event_ids: EventIds
    ) -> None:
        self._journal = journal
        self._keys = keys
        self._principal = principal
        self._clock = clock
        self._event_ids = event_ids

    def open(
        self, book_id: str, *, time_zone: str, cut_off: str, currencies: Mapping[str, int], partitions: int
    ) -> Book:
        """Record `BookOpened` as the first event of an empty journal. A journal with a book raises `BookExists`."""
        events = books.open_book(
            find_book(self._journal),
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
        return require_book(self._journal)

    def close_day(self, book_id: str, business_date: date, *, loans_visited: int, today: date) -> Book:
        """Record `DayClosed`, unless the date is closed already."""
        book, head = load_book(self._journal, book_id)
        if book is None:
            raise BookMissing(f"asked to close {business_date} of book {book_id}, which this journal does not hold")
        events = books.close_day(book, business_date, loans_visited=loans_visited, today=today)
        if events:
            self._append(book_id, events, head, book.partitions, key=f"dayend:{business_date}")
        return reduce(lambda state, event: books.apply(state, event) or state, events, book)

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
        [outcome] = self._journal.append(
            [encode([decision], provenance, partitions=partitions, event_ids=self._event_ids)]
        )
        if outcome.verdict is Verdict.BROKEN_CHAIN:
            raise BrokenChain(f"{outcome.detail}; the book was read differently than it is recorded. Run ledger doctor")
        if outcome.verdict is Verdict.CONFLICT:
            raise StreamConflict(f"{outcome.detail}; another process closes days just now. Try again")


def find_book(journal: Journal) -> Book | None:
    """The book of a journal; None for an empty journal."""
    first = journal.after(0, 1)
    if not first:
        return None
    opened = decoded(first[0])
    if not isinstance(opened, BookOpened):
        raise BrokenChain(f"the first event of the journal is {first[0].type}, not BookOpened; this is not a ledger")
    return load_book(journal, opened.book_id)[0]


def require_book(journal: Journal) -> Book:
    book = find_book(journal)
    if book is None:
        raise BookMissing("asked for the book; this journal is empty. Run ledger init")
    return book


def load_book(journal: Journal, book_id: str) -> tuple[Book | None, StreamHead]:
    """A book and the head of its stream."""
    name = book_stream(book_id)
    events: list[RecordedEvent] = journal.streams([name])[name]
    book = reduce(books.apply, map(decoded, events), None)
    if not events:
        return book, StreamHead(stream=name)
    return book, StreamHead(stream=name, version=events[-1].version, hash=digest(events[-1].state))
