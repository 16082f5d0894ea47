"""Puts events back into a journal that lost them: the same bytes, positions, times, keys and heads as before.

Every event is checked before it goes in: its envelope, its book, its partition, its place in its request and, in the
database, its place in its stream, its partition and the journal. Whole requests go in, many at a time, each batch in
one transaction; what is in stays in, so that a restore that was broken off can go on. From the first batch on the gate
is closed until a relay has confirmed the journal.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import psycopg

from ledger.journal.database import Database, translated
from ledger.journal.errors import BookMissing, KeyFileProblem, SecondBook
from ledger.journal.keys import CommandKeys
from ledger.journal.migrations import require_current
from ledger.journal.partitioning import partition_of
from schemas.books.events import BookOpened
from schemas.envelope import Envelope, digest, read
from schemas.errors import Corrupt, LedgerError, Misconfigured
from schemas.registry import REGISTRY
from schemas.values import ABSENT

_RESTORE = """
select journal.restore(%b, %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::smallint[], %b::bigint[],
                       %b::bigint[], %b::bytea[], %b::date[], %b::bytea[],
                       %b::bytea[], %b::bytea[], %b::bigint[], %b::bigint[])
"""
_REFUSED = "LG002"  # raised by journal.restore


class RestoreRefused(Corrupt):
    code = "restore_refused"


class JournalNotEmpty(Misconfigured):
    code = "journal_not_empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class LostEvent:
    """An event as it was published, on its way back."""

    position: int
    partition: int
    partitionseq: int
    recorded_us: int
    state: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalEnd:
    """The last event of a journal, or what holds before the first one."""

    position: int = 0
    state: bytes = b""


class JournalRestore:
    """The way back into one journal; a context manager. Works as the owner of the journal, whom nobody else may be.

    `keys`: what the key file holds; the journal that comes back must have been opened with it. `batch`: events in one
    transaction at least, if there are so many.
    """

    def __init__(self, database: Database, keys: CommandKeys, *, batch: int = 5000) -> None:
        self._database = database
        self._keys = keys
        self._batch = batch
        self._events: list[tuple[LostEvent, Envelope]] = []
        self._expected: tuple[str, str] | None = None
        self._connection = database.connect("ledger_owner")
        try:
            with translated(database):
                require_current(self._connection)
            first = self._event_at(1)
            self._book = self._checked_book(first) if first else None
            self._last = self.end().position
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def book(self) -> BookOpened | None:
        """What the first event says, once there is one."""
        return self._book

    def require(self, *, empty: bool) -> None:
        """Raise `JournalNotEmpty` or `BookMissing` unless the journal is as it was asked for."""
        if empty and self._book:
            raise JournalNotEmpty(
                f"asked to restore a whole journal; the one at {self._database.address} holds {self.end().position} "
                f"events of book {self._book.book_id}. Use an empty database; or, if it only lacks the newest events, "
                "run ledger restore --tail"
            )
        if not empty and not self._book:
            raise BookMissing(
                f"asked to restore the newest events of a journal; the one at {self._database.address} is empty. "
                "Run ledger restore --from kafka"
            )

    def expect(self, book_id: str, journal_id: str) -> None:
        """Say what is to come. Raises `SecondBook`, now or at the first event, where the journal is another one."""
        self._expected = (book_id, journal_id)
        if self._book:
            self._require_expected(self._book)

    def end(self) -> JournalEnd:
        """How far the journal has come; what was added and has not been written yet does not count."""
        [(position,)] = self._rows("select position from journal.head")
        return JournalEnd(position=position, state=self._event_at(position) or b"")

    def event_hash(self, position: int) -> str:
        """SHA-256 of the event at a position, lowercase hex; empty where there is none."""
        state = self._event_at(position)
        return digest(state).hex() if state is not None else ""

    def add(self, event: LostEvent) -> None:
        """Take the event that follows. Raises `RestoreRefused`, or what is wrong with its bytes or the key file."""
        try:
            envelope = read(event.state)
            if self._book is None:
                self._book = self._checked_book(event.state)
            self._check(event, envelope, self._book)
        except (KeyFileProblem, SecondBook):
            raise
        except LedgerError as error:
            raise self._refused(event.position, str(error)) from error
        self._events.append((event, envelope))
        self._last = event.position
        if len(self._events) >= self._batch and envelope.requestindex == envelope.requestsize:
            self._write()

    def finish(self) -> None:
        """Write what is left. A request whose end has not come is refused, as a whole."""
        if self._events:
            event, envelope = self._events[-1]
            if envelope.requestindex != envelope.requestsize:
                raise self._refused(
                    event.position,
                    f"it is event {envelope.requestindex} of {envelope.requestsize} that were recorded together, and "
                    "the rest is missing",
                )
            self._write()

    def verify(self, position: int, hash_hex: str) -> None:
        """Raise `RestoreRefused` unless the journal is dense up to `position` and ends there with that hash."""
        [(count, last)] = self._rows("select count(*), coalesce(max(position), 0) from journal.event")
        found = (count, last, self.event_hash(position))
        if found != (position, position, hash_hex):
            raise RestoreRefused(
                f"asked for a journal of {position} events that ends with hash {hash_hex}, found {count} events, the "
                f"last at {last}, and hash {found[2] or 'none'}; do not use it, restore into an empty database"
            )

    def _checked_book(self, state: bytes) -> BookOpened:
        """The book that the first event opens, if the key file is its own."""
        opened = REGISTRY.decode(read(state))
        if not isinstance(opened, BookOpened):
            raise RestoreRefused(f"asked to restore a journal; its first event is {opened.TYPE}, which opens no book")
        if opened.key_id != self._keys.key_id:
            raise KeyFileProblem(
                f"asked to restore book {opened.book_id}, opened with key {opened.key_id[:12]}; the key file holds "
                f"{self._keys.key_id[:12]}. Bring the right one back: without it no idempotency key is known again"
            )
        self._require_expected(opened)
        return opened

    def _require_expected(self, found: BookOpened) -> None:
        if self._expected and self._expected != (found.book_id, found.journal_id):
            book_id, journal_id = self._expected
            raise SecondBook(
                f"asked to restore book {book_id} of journal {journal_id}, found book {found.book_id} of journal "
                f"{found.journal_id}; use the database of that book, or an empty one"
            )

    def _check(self, event: LostEvent, envelope: Envelope, book: BookOpened) -> None:
        if event.position != self._last + 1:
            raise RestoreRefused(f"position {self._last + 1} should come")
        if envelope.book_id != book.book_id:
            raise RestoreRefused(f"it belongs to book {envelope.book_id}, not to {book.book_id}")
        if event.partition != partition_of(envelope.subject, book.partitions):
            raise RestoreRefused(f"key {envelope.subject} does not belong on partition {event.partition}")
        REGISTRY.decode(envelope)
        before = self._events[-1][1] if self._events else None
        wanted = before.requestindex + 1 if before and before.requestindex < before.requestsize else 1
        if envelope.requestindex != wanted:
            raise RestoreRefused(f"it is event {envelope.requestindex} of its request, event {wanted} should come")
        if before and wanted > 1 and _request_of(envelope) != _request_of(before):
            raise RestoreRefused("it belongs to another request than the event before, which was not its last")

    def _write(self) -> None:
        events, self._events = self._events, []
        commands = [
            (*_request_of(envelope)[:2], event.position, event.position + envelope.requestsize - 1)
            for event, envelope in events
            if envelope.requestindex == 1 and envelope.commandid is not ABSENT
        ]
        arrays = [*_columns([_row(*each) for each in events], 11), *_columns(commands, 4)]
        try:
            self._rows(_RESTORE, (events[0][0].position, *arrays))
        except psycopg.Error as error:
            if error.sqlstate != _REFUSED:
                raise
            raise RestoreRefused(
                f"asked to restore positions {events[0][0].position} to {events[-1][0].position}: "
                f"{error.diag.message_primary}. None of them was written; find out which of the copies was changed"
            ) from error

    def _event_at(self, position: int) -> bytes | None:
        rows = self._rows("select state from journal.event where position = %b", (position,))
        return rows[0][0] if rows else None

    def _rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with translated(self._database):
            return self._connection.cursor(binary=True).execute(statement.encode(), parameters).fetchall()

    def _refused(self, position: int, why: str) -> RestoreRefused:
        return RestoreRefused(
            f"asked to restore position {position}: {why}. Neither it nor what follows was written; "
            "find out who changed the copy"
        )


def _request_of(envelope: Envelope) -> tuple[bytes | None, bytes | None, int]:
    """Idempotency key, hash of the command, number of events."""
    if envelope.commandid is ABSENT or envelope.commandhash is ABSENT:
        return None, None, envelope.requestsize
    return bytes.fromhex(envelope.commandid), bytes.fromhex(envelope.commandhash), envelope.requestsize


def _row(event: LostEvent, envelope: Envelope) -> tuple[Any, ...]:
    return (
        envelope.stream,
        envelope.streamversion,
        envelope.type,
        REGISTRY.types[envelope.type].FAMILY,
        envelope.subject,
        event.partition,
        event.partitionseq,
        event.recorded_us,
        None if envelope.prevhash is ABSENT else bytes.fromhex(envelope.prevhash),
        None if envelope.nextactionon is ABSENT else envelope.nextactionon,
        event.state,
    )


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
