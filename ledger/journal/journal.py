"""The journal as the rest of the ledger sees it: append requests, read what was recorded."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Self

from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import JournalUnavailable, UnsafeServer
from ledger.journal.inspection import unsafe_settings
from ledger.journal.migrations import require_current
from ledger.journal.records import Head, NewEvent, Outcome, RecordedEvent, Request, Verdict

_APPEND = """
select outcome, first_position, last_position, detail
  from journal.append(%b::bytea[], %b::bytea[], %b::int[], %b::text[], %b::bigint[], %b::int[], %b::text[],
                      %b::date[], %b::int[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[],
                      %b::smallint[], %b::bytea[], %b::bytea[])
"""

_COLUMNS = "position, stream, streamversion, type, topic, key, partition, partitionseq, recorded_us, state"


class Journal:
    """Access to the journal of one database in one role. Safe to use from several threads.

    Every call waits a bounded time; a server that is away raises `JournalUnavailable`, and nothing is half-done.
    """

    def __init__(
        self, database: Database, *, role: str = "ledger_writer", pool_size: int = 8, attempts: int = 3
    ) -> None:
        self._database = database
        self._attempts = attempts
        with database.connect(role) as connection, translated(database):
            require_current(connection)
            _require_durable(connection)
        self._pool = database.pool(role, pool_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.close()

    def append(self, requests: Sequence[Request]) -> list[Outcome]:
        """Record requests in one transaction; one outcome each, in order. No two may share a stream or a key.

        A connection that is lost in between is tried again: what had been committed is then found by its key.
        """
        arguments = _arguments(requests)
        for attempt in range(1, self._attempts + 1):
            try:
                rows = self._rows(_APPEND, arguments)
                break
            except JournalUnavailable:
                if attempt == self._attempts:
                    raise
        return [
            Outcome(verdict=Verdict(outcome), first_position=first, last_position=last, detail=detail)
            for outcome, first, last, detail in rows
        ]

    def head(self) -> Head:
        [(position, recorded_us)] = self._rows("select position, recorded_us from journal.head")
        return Head(position=position, recorded_us=recorded_us)

    def streams(self, names: Sequence[str]) -> dict[str, list[RecordedEvent]]:
        """All events of some streams, in order of version; an empty list for a stream that does not exist."""
        rows = self._rows(
            f"select {_COLUMNS} from journal.event where stream = any(%b) order by stream, streamversion",
            (list(names),),
        )
        found: dict[str, list[RecordedEvent]] = {name: [] for name in names}
        for event in map(_recorded, rows):
            found[event.stream].append(event)
        return found

    def stream_after(self, name: str, version: int) -> list[RecordedEvent]:
        """The events of one stream beyond a version, in order."""
        return self._events("stream = %b and streamversion > %b order by streamversion", (name, version))

    def existing(self, names: Sequence[str]) -> set[str]:
        """Which of some streams exist."""
        rows = self._rows("select stream from journal.stream where stream = any(%b)", (list(names),))
        return {stream for (stream,) in rows}

    def after(self, position: int, limit: int) -> list[RecordedEvent]:
        """At most `limit` events beyond a position, in order."""
        return self._events("position > %b order by position limit %b", (position, limit))

    def between(self, first: int, last: int) -> list[RecordedEvent]:
        """The events at positions from `first` to `last`, both included."""
        return self._events("position between %b and %b order by position", (first, last))

    def partition_heads(self) -> dict[int, int]:
        """The position of the newest event of each partition that has one."""
        return dict(
            self._rows(
                "select p.partition, e.position from journal.partition p "
                "join journal.event e on e.partition = p.partition and e.partitionseq = p.seq"
            )
        )

    def find_commands(self, command_ids: Sequence[bytes]) -> dict[bytes, tuple[bytes, int, int]]:
        """By idempotency key: what was asked (its hash), and the first and last position of the answer."""
        rows = self._rows(
            "select command_id, command_hash, first_position, last_position "
            "from journal.command where command_id = any(%b)",
            (list(command_ids),),
        )
        return {command_id: (command_hash, first, last) for command_id, command_hash, first, last in rows}

    def due_streams(self, on: date, limit: int) -> list[str]:
        """Streams that day end must look at on a date or earlier, the longest waiting first."""
        rows = self._rows(
            "select stream from journal.stream where next_action_on <= %b order by next_action_on, stream limit %b",
            (on, limit),
        )
        return [stream for (stream,) in rows]

    def first_action_on(self) -> date | None:
        """The earliest date on which any stream needs attention."""
        on: date | None
        [(on,)] = self._rows("select min(next_action_on) from journal.stream")
        return on

    def _events(self, where: str, parameters: Sequence[object]) -> list[RecordedEvent]:
        return [_recorded(row) for row in self._rows(f"select {_COLUMNS} from journal.event where {where}", parameters)]

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with translated(self._database), self._pool.connection() as connection:
            return connection.cursor(binary=True).execute(statement.encode(), parameters).fetchall()


def _recorded(row: tuple[Any, ...]) -> RecordedEvent:
    position, stream, version, kind, topic, key, partition, partitionseq, recorded_us, state = row
    return RecordedEvent(
        position=position,
        stream=stream,
        version=version,
        type=kind,
        topic=topic,
        key=key,
        partition=partition,
        partitionseq=partitionseq,
        recorded_us=recorded_us,
        state=state,
    )


def _arguments(requests: Sequence[Request]) -> list[list[Any]]:
    """The arrays of `journal.append`, requests numbered from 1."""
    numbered = list(enumerate(requests, 1))
    reads = [(n, stream, version) for n, request in numbered for stream, version in request.reads.items()]
    actions = [(n, stream, on) for n, request in numbered for stream, on in request.next_actions.items()]
    events: list[tuple[int, NewEvent]] = list(
        chain.from_iterable(zip(repeat(n), request.events) for n, request in numbered)
    )
    return [
        [request.command_id for request in requests],
        [request.command_hash for request in requests],
        *_columns(reads, 3),
        *_columns(actions, 3),
        [n for n, _ in events],
        [event.stream for _, event in events],
        [event.version for _, event in events],
        [event.type for _, event in events],
        [event.topic for _, event in events],
        [event.key for _, event in events],
        [event.partition for _, event in events],
        [event.prev_hash for _, event in events],
        [event.state for _, event in events],
    ]


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    rows = list(rows)
    return [[row[column] for row in rows] for column in range(width)]


def _require_durable(connection: Connection) -> None:
    """What is acknowledged must survive a power cut, and `append` needs a fresh snapshot for each statement."""
    if wrong := unsafe_settings(connection):
        raise UnsafeServer(
            f"asked for a journal that loses nothing; the server runs with {wrong}. "
            "Set fsync, synchronous_commit and full_page_writes to on and the isolation to read committed"
        )
