"""Writes a whole journal at once, by COPY, as the owner: for books that are made up, never for what happened.

Nothing is checked but that the journal is empty; whoever calls this answers for chains, versions and times. Positions
and the numbers within partitions are given here. One transaction: the book is there as a whole, or not at all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Any, Self, TypeAlias

from ledger.journal.database import Database, translated
from ledger.journal.migrations import require_current
from ledger.journal.records import Request
from ledger.journal.restore import JournalNotEmpty

EventRow: TypeAlias = tuple[str, int, str, str, str, int, int, bytes]
"""Stream, version, type, topic, key, partition, recorded_us, state. Plain tuples: they go from process to process."""

CommandRow: TypeAlias = tuple[bytes, bytes, int, int]
"""Idempotency key, hash of the command, and where its events are in the chunk: the first one from 0, and how many."""

StreamRow: TypeAlias = tuple[str, int, bytes, date | None]
"""Stream, last version, its hash, the date on which day end must look again."""

_EVENTS = (
    "journal.event (position, partitionseq, stream, streamversion, type, topic, key, partition, recorded_us, state)",
    ("int8", "int8", "text", "int8", "text", "text", "text", "int2", "int8", "bytea"),
)
_COMMANDS = (
    "journal.command (command_id, command_hash, first_position, last_position)",
    ("bytea", "bytea", "int8", "int8"),
)
_STREAMS = ("journal.stream (stream, version, head_hash, next_action_on)", ("text", "int8", "bytea", "date"))
_AT_ONCE = 10_000  # events
_PARTITIONS = ("journal.partition (partition, seq)", ("int2", "int8"))


@dataclass(slots=True)
class Chunk:
    """What follows in the journal. Of each stream the row comes once, in whichever chunk."""

    events: list[EventRow] = field(default_factory=list)
    commands: list[CommandRow] = field(default_factory=list)
    streams: list[StreamRow] = field(default_factory=list)

    def add(self, request: Request, recorded_us: int) -> None:
        """The events of a request, and its key."""
        if request.command_id and request.command_hash:
            self.commands.append((request.command_id, request.command_hash, len(self.events), len(request.events)))
        self.events += [
            (each.stream, each.version, each.type, each.topic, each.key, each.partition, recorded_us, each.state)
            for each in request.events
        ]


class JournalLoad:
    """A context manager; what was added is recorded when it ends without an error. Raises `JournalNotEmpty`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open = ExitStack()
        self._events: list[tuple[Any, ...]] = []
        self._commands: list[tuple[Any, ...]] = []
        self._streams: list[tuple[Any, ...]] = []
        self._numbers: Counter[int] = Counter()
        self._recorded_us = 0
        self.position = 0
        """Of the last event that was added."""

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._connection = opened.enter_context(self._database.connect("ledger_owner"))
            opened.enter_context(translated(self._database))
            require_current(self._connection)
            opened.enter_context(self._connection.transaction())
            [(found,)] = self._rows("select position from journal.head for update")
            if found:
                raise JournalNotEmpty(
                    f"asked to write a made-up book; the journal at {self._database.address} holds {found} events. "
                    "Use an empty database: LEDGER_DATABASE_URL, or another LEDGER_DATA"
                )
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finish()
        self._open.__exit__(kind, error, trace)

    def add(self, chunk: Chunk) -> None:
        """Take what follows; its events must not be older than those before."""
        first_position = self.position + 1
        for event in chunk.events:
            self._number(event)
        self._commands += [
            (command_id, command_hash, first_position + first, first_position + first + count - 1)
            for command_id, command_hash, first, count in chunk.commands
        ]
        self._streams += chunk.streams
        if len(self._events) >= _AT_ONCE:
            self._write()

    def _number(self, event: EventRow) -> None:
        partition, recorded_us = event[5:7]
        assert recorded_us >= self._recorded_us, "time never goes back"
        self._recorded_us = recorded_us
        self.position += 1
        self._numbers[partition] += 1
        self._events.append((self.position, self._numbers[partition], *event))

    def _write(self) -> None:
        for target, rows in ((_EVENTS, self._events), (_COMMANDS, self._commands), (_STREAMS, self._streams)):
            self._copy(target, rows)
            rows.clear()

    def _copy(self, target: tuple[str, Sequence[str]], rows: Iterable[tuple[Any, ...]]) -> None:
        table, types = target
        statement = f"copy {table} from stdin (format binary)"
        with self._connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _finish(self) -> None:
        with translated(self._database):
            self._write()
            self._copy(_PARTITIONS, self._numbers.items())
            self._connection.execute(
                "update journal.head set position = %s, recorded_us = %s", (self.position, self._recorded_us)
            )
            self._connection.execute("analyze journal.event, journal.stream, journal.command")
            self._connection.execute("select pg_notify('journal', %s)", (str(self.position),))

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement.encode()).fetchall()
