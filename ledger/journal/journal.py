"""The journal as the rest of the ledger sees it: append requests, read what was recorded."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import count, repeat
from types import TracebackType
from typing import Any, Self

from msgspec.structs import replace

from ledger.journal import arrays
from ledger.journal.arrays import Array
from ledger.journal.calls import Call
from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import GateClosed, JournalUnavailable, UnsafeServer
from ledger.journal.inspection import unsafe_settings
from ledger.journal.migrations import require_current
from ledger.journal.records import (
    ALL_STREAMS,
    Head,
    Outcome,
    RecordedEvent,
    Request,
    Share,
    Snapshot,
    Verdict,
    Waiting,
)
from schemas.envelope import said_by

APPEND = """
select outcome, first_position, last_position, detail
  from journal.append(%b::bytea[], %b::bytea[], %b::int[], %b::int[], %b::text[], %b::bigint[],
                      %b::int[], %b::text[], %b::date[],
                      %b::int[], %b::int[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::smallint[],
                      %b::bytea[], %b::bytea[], %b::boolean[], %b::date[])
"""

_COLUMNS = "position, stream, streamversion, type, topic, key, partition, partitionseq, recorded_us, state"

_SAVE_SNAPSHOTS = """
insert into journal.snapshot as s (stream, version, head_hash, format, state)
select * from unnest(%b::text[], %b::bigint[], %b::bytea[], %b::text[], %b::bytea[])
    on conflict (stream) do update
   set version = excluded.version, head_hash = excluded.head_hash, format = excluded.format, state = excluded.state
 where s.version < excluded.version or s.format <> excluded.format
"""

_SAVE_BLOCKS = """
insert into journal.snapshot_block as b (stream, nth, format, bytes)
select * from unnest(%b::text[], %b::int[], %b::text[], %b::bytea[])
    on conflict (stream, nth) do update
   set format = excluded.format, bytes = excluded.bytes
 where b.format <> excluded.format
"""

# All statements here find rows by index, whatever the parameters; planning them anew each time cost more than running
# them, and a plan that was made while tables were small must not read them whole later.
_PLANS = " ".join(
    f"-c {setting}"
    for setting in ("plan_cache_mode=force_generic_plan", "enable_seqscan=off", "enable_hashjoin=off", "jit=off")
)

_AT_ONCE = 10_000

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


class Journal:
    """Access to the journal of one database in one role. Safe to use from several threads.

    Every call waits a bounded time; a server that is away raises `JournalUnavailable`, and nothing is half-done.
    `patience_s`: how long an append is tried again while the server or its gate is away.
    """

    def __init__(
        self, database: Database, *, role: str = "ledger_writer", pool_size: int = 8, patience_s: float = 10.0
    ) -> None:
        self._database = database
        self._patience_s = patience_s
        with database.connect(role) as connection, translated(database):
            require_current(connection)
            _require_durable(connection)
        self._role = role
        self._pool = database.pool(role, pool_size, options=_PLANS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.close()

    def append(self, requests: Sequence[Request]) -> list[Outcome]:
        """Record requests in one transaction; one outcome each, in order.

        No two may share a key, and none may write a stream that another one reads. A connection that is lost in
        between is tried again: what had been committed is then found by its key, and is told apart from an earlier
        request with that key by its bytes. Raises `JournalUnavailable` or `GateClosed` when patience is over.
        """
        parameters = arguments(requests)
        try:
            return [_outcome(*row) for row in self._once(APPEND, parameters)]
        except (JournalUnavailable, GateClosed):
            return self.append_again(requests)

    def append_again(self, requests: Sequence[Request]) -> list[Outcome]:
        """As `append`, of requests whose first try got no answer: they may be recorded or not."""
        outcomes = self._persistently(arguments(requests))
        return [self._settled(request, outcome) for request, outcome in zip(requests, outcomes, strict=True)]

    def _persistently(self, parameters: Sequence[object]) -> list[Outcome]:
        deadline_s = time.monotonic() + self._patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            time.sleep(pause_s)
            self._replace_broken()
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            try:
                return [_outcome(*row) for row in self._once(APPEND, parameters)]
            except (JournalUnavailable, GateClosed):
                if time.monotonic() + pause_s > deadline_s:
                    raise

    def _settled(self, request: Request, outcome: Outcome) -> Outcome:
        """Whether a request that is known had been committed by the try that was lost: event ids occur once."""
        if outcome.verdict is not Verdict.KNOWN or not request.events:
            return outcome
        first = outcome.first_position or 0
        [found] = self.between(first, first)
        return replace(outcome, verdict=Verdict.APPENDED) if found.state == request.events[0].state else outcome

    def call(self, statement: str) -> Call:
        """A statement that is sent without waiting for its answer, over a connection of its own."""
        return Call(self._database, partial(self._database.connect, self._role, options=_PLANS), statement)

    def head(self) -> Head:
        [(position, recorded_us)] = self._rows("select position, recorded_us from journal.head")
        return Head(position=position, recorded_us=recorded_us)

    def streams(self, names: Sequence[str]) -> dict[str, list[RecordedEvent]]:
        """All events of some streams, in order of version; an empty list for a stream that does not exist."""
        return self.streams_after(dict.fromkeys(names, 0))

    def streams_after(self, versions: Mapping[str, int]) -> dict[str, list[RecordedEvent]]:
        """The events of some streams beyond a version of each, in order."""
        rows = self._rows(
            f"select {_COLUMNS} from unnest(%b::text[], %b::bigint[]) as known (name, version) "
            "join journal.event on stream = name and streamversion > version order by stream, streamversion",
            (list(versions), list(versions.values())),
        )
        found: dict[str, list[RecordedEvent]] = {name: [] for name in versions}
        for event in map(_recorded, rows):
            found[event.stream].append(event)
        return found

    def snapshots(self, names: Sequence[str], format: str) -> list[Snapshot]:  # noqa: A002 - the column's name
        """The snapshots of some streams that were written in one format."""
        rows = self._rows(
            "select stream, version, head_hash, format, state from journal.snapshot "
            "where stream = any(%b) and format = %b",
            (list(names), format),
        )
        return [Snapshot(*row) for row in rows]

    def save_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep snapshots that are newer than those kept before. No two may be of one stream."""
        rows = [(each.stream, each.version, each.head_hash, each.format, each.state) for each in snapshots]
        blocks = [
            (each.stream, nth, each.format, block)
            for each in snapshots
            for nth, block in enumerate(each.blocks, each.first_block)
        ]
        with translated(self._database), self._pool.connection() as connection, connection.transaction():
            for statement, written in ((_SAVE_BLOCKS, blocks), (_SAVE_SNAPSHOTS, rows)):
                if written:
                    columns = [list(column) for column in zip(*written, strict=True)]
                    connection.cursor(binary=True).execute(statement, columns)

    def snapshot_blocks(self, name: str, format: str, count: int) -> list[bytes]:  # noqa: A002 - the column's name
        """The first `count` blocks of a stream that were written in one format; fewer where some are missing."""
        rows = self._rows(
            "select nth, bytes from journal.snapshot_block where stream = %b and format = %b and nth < %b order by nth",
            (name, format, count),
        )
        return [block for expected, (nth, block) in enumerate(rows) if nth == expected]

    def existing(self, names: Sequence[str]) -> set[str]:
        """Which of some streams exist."""
        rows = self._rows("select stream from journal.stream where stream = any(%b)", (list(names),))
        return {stream for (stream,) in rows}

    def after(self, position: int, limit: int) -> list[RecordedEvent]:
        """At most `limit` events beyond a position, in order."""
        return self._events("position > %b order by position limit %b", (position, limit))

    def delivered(self, position: int, limit: int) -> list[tuple[int, int, int, int, int, str, bytes]]:
        """At most `limit` events beyond a position, in order, as those need them who only pass them on: position,
        partition, its number there, stream version, microseconds of its recording since 1970, type, bytes."""
        return self._rows(
            "select position, partition, partitionseq, streamversion, recorded_us, type, state from journal.event "
            "where position > %b order by position limit %b",
            (position, limit),
        )

    def of_keys(self, keys: Sequence[str], position: int, limit: int) -> list[RecordedEvent]:
        """At most `limit` events with one of some keys beyond a position, in order. Reads past all others."""
        return self._events("position > %b and key = any(%b) order by position limit %b", (position, list(keys), limit))

    def some_loans(self, count: int) -> list[str]:
        """Ids of so many loans, chosen evenly; others each time that the journal has grown."""
        rows = self._rows(
            "select substr(stream, 6) from journal.stream where stream like 'loan/%%' "
            "order by md5(stream || (select position from journal.head)), stream limit %b",
            (count,),
        )
        return [loan for (loan,) in rows]

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

    def partition_heads_by(self, position: int) -> dict[int, int]:
        """The position of each partition's newest event at or below a position; partitions without one are left out."""
        return dict(
            self._rows(
                "select p.partition, e.position from journal.partition p cross join lateral ("
                "select position from journal.event e where e.partition = p.partition and e.position <= %b "
                "order by e.partitionseq desc limit 1) e",
                (position,),
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

    def due_streams(
        self, on: date, limit: int, after: Waiting | None = None, share: Share = ALL_STREAMS
    ) -> list[Waiting]:
        """Streams that day end must look at on a date or earlier, the longest waiting first; those that stand `after`
        one of them, else the first."""
        since, stream = after or (date.min, "")
        rows = self._rows(
            "select next_action_on, stream from journal.stream where next_action_on <= %b "
            "and (next_action_on, stream) > (%b, %b) and mod(hashtextextended(stream, 0) & 65535, %b) = %b "
            "order by next_action_on, stream limit %b",
            (on, since, stream, share.of, share.number, limit),
        )
        return [Waiting(*row) for row in rows]

    def count_due(self, on: date) -> int:
        """How many streams day end must look at on a date or earlier."""
        [(count,)] = self._rows("select count(*) from journal.stream where next_action_on <= %b", (on,))
        return int(count)

    def streams_written_by(self, actor: str, after: int, through: int) -> int:
        """To how many streams, of loans, somebody has written between two positions, the second one included."""
        [(count,)] = self._rows(
            "select count(distinct stream) from journal.event where position > %b and position <= %b "
            "and stream like 'loan/%%' and position(%b in state) > 0",
            (after, through, said_by(actor)),
        )
        return int(count)

    def states_of(self, types: Collection[str], after: int, through: int) -> Iterator[tuple[str, bytes]]:
        """Type and state of the events of some types between two positions, the second one included, in order."""
        while rows := self._rows(
            "select position, type, state from journal.event where position > %b and position <= %b and type = any(%b) "
            "order by position limit %b",
            (after, through, list(types), _AT_ONCE),
        ):
            yield from (row[1:] for row in rows)
            after = rows[-1][0]

    def first_action_on(self) -> date | None:
        """The earliest date on which any stream needs attention."""
        on: date | None
        [(on,)] = self._rows("select min(next_action_on) from journal.stream")
        return on

    def _events(self, where: str, parameters: Sequence[object]) -> list[RecordedEvent]:
        return [_recorded(row) for row in self._rows(f"select {_COLUMNS} from journal.event where {where}", parameters)]

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement that only reads; tried a second time where the connection had been broken."""
        try:
            return self._once(statement, parameters)
        except JournalUnavailable:
            self._replace_broken()
            return self._once(statement, parameters)

    def _once(self, statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        with translated(self._database), self._pool.connection() as connection:
            return connection.cursor(binary=True).execute(statement.encode(), parameters).fetchall()

    def _replace_broken(self) -> None:
        """A server that was restarted has broken all connections, those too that nobody uses just now."""
        with translated(self._database):
            self._pool.check()


def _outcome(verdict: str, first: int | None, last: int | None, detail: str | None) -> Outcome:
    return Outcome(verdict=Verdict(verdict), first_position=first, last_position=last, detail=detail)


def _recorded(row: Sequence[Any]) -> RecordedEvent:
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


def arguments(requests: Sequence[Request]) -> list[Array]:
    """The arrays of `journal.append`; requests, and the streams that they read, are numbered from 1."""
    reads: list[tuple[int, str, int]] = []
    visits: list[tuple[int, str, date | None]] = []
    events: list[tuple[Any, ...]] = []
    for n, request in enumerate(requests, 1):
        numbers = dict(zip(request.reads, count(len(reads) + 1), strict=False))
        reads += [(n, stream, version) for stream, version in request.reads.items()]
        last = {event.stream: event for event in request.events}
        visits += [(n, stream, on) for stream, on in request.next_actions.items() if stream not in last]
        events += [
            (
                n,
                numbers.get(event.stream),  # one that the request did not read is refused there
                event.version,
                event.type,
                event.topic,
                event.key,
                event.partition,
                event.prev_hash,
                event.state,
                event is last[event.stream],
                request.next_actions.get(event.stream),
            )
            for event in request.events
        ]
    of_requests = zip(*((each.command_id, each.command_hash, len(each.events)) for each in requests), strict=True)
    return [
        *_arrays(of_requests, _OF_REQUESTS),
        *_arrays(zip(*reads, strict=True), _OF_READS),
        *_arrays(zip(*visits, strict=True), _OF_VISITS),
        *_arrays(zip(*events, strict=True), _OF_EVENTS),
    ]


_OF_REQUESTS = (arrays.bytea, arrays.bytea, arrays.int4)
_OF_READS = (arrays.int4, arrays.text, arrays.int8)
_OF_VISITS = (arrays.int4, arrays.text, arrays.day)
_OF_EVENTS = (
    *(arrays.int4, arrays.int4, arrays.int8, arrays.text, arrays.text, arrays.text, arrays.int2),
    *(arrays.bytea, arrays.bytea, arrays.boolean, arrays.day),
)


def _arrays(columns: Iterable[tuple[Any, ...]], makers: Sequence[Callable[[Iterable[Any]], Array]]) -> list[Array]:
    """One array for each column; no columns at all make empty ones."""
    return [make(column) for make, column in zip(makers, list(columns) or repeat(()), strict=False)]


def _require_durable(connection: Connection) -> None:
    """What is acknowledged must survive a power cut, and `append` needs a fresh snapshot for each statement."""
    if wrong := unsafe_settings(connection):
        raise UnsafeServer(
            f"asked for a journal that loses nothing; the server runs with {wrong}. "
            "Set fsync, synchronous_commit and full_page_writes to on and the isolation to read committed"
        )
