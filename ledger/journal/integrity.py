"""Reads a whole journal and names the first thing that is not as it was recorded: a gap, a broken chain, lines
of double entry that do not balance.

Two passes over one snapshot of the database, a batch of rows at a time: in order of positions, then stream by stream.
What a hash chain cannot show is a stream whose end was cut off or written anew together with its row in the table of
streams; signed heads show that.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec
import psycopg

from ledger.journal.bookings import unbookable
from ledger.journal.database import Connection, Database, translated
from schemas.envelope import UNREADABLE, digest
from schemas.registry import REGISTRY

Progress = Callable[[int, int], None]
"""Hears of each batch: events read so far in both passes, and how many there are to read."""

_BATCH = 1000

_BY_POSITION = "select position, partition, partitionseq, recorded_us from journal.event order by position"
_BY_STREAM = """
select e.stream, e.streamversion, e.type, e.key, e.state, s.version, s.head_hash
  from journal.event e
  left join journal.stream s on s.stream = e.stream
 order by e.stream, e.streamversion
"""
# Rows come off indexes in order, so that nothing has to be sorted or kept as a whole.
_IN_ORDER = "set local enable_sort = off; set local enable_hashjoin = off; set local enable_seqscan = off"
_EMPTY_STREAM = """
select s.stream, s.version from journal.stream s
 where not exists (select from journal.event e where e.stream = s.stream) limit 1
"""


class Findings(NamedTuple):
    """The first gap, the first broken link, and the first event whose lines cannot stand in the books, as text; empty
    where there is none."""

    gap: str
    broken_link: str
    unbookable: str


class _Link(msgspec.Struct, frozen=True, kw_only=True):
    """What an envelope says about its place."""

    type: str
    subject: str
    stream: str
    streamversion: int
    prevhash: str | None = None


class _Row(NamedTuple):
    stream: str
    version: int
    type: str
    key: str
    state: bytes
    head_version: int | None
    head_hash: bytes | None


_read_link = msgspec.json.Decoder(_Link).decode


def read_through(database: Database, progress: Progress | None = None) -> Findings:
    """Read every event twice; memory does not grow with the journal."""
    with _one_snapshot(database) as connection:
        [(head,)] = connection.execute("select position from journal.head").fetchall()
        report = progress or (lambda done, total: None)
        gap = _gap_in_order(connection, head, lambda done: report(done, 2 * head))
        streams = _StreamWalk()
        for done, row in enumerate(_rows(connection, _BY_STREAM)):
            if done % _BATCH == 0:
                report(head + done, 2 * head)
            streams.take(_Row(*row))
        streams.end()
        report(2 * head, 2 * head)
        return Findings(
            gap or streams.gap or _empty_stream(connection, streams.count), streams.broken_link, streams.unbookable
        )


@contextmanager
def _one_snapshot(database: Database) -> Iterator[Connection]:
    with database.connect(autocommit=False) as connection, translated(database):
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(_IN_ORDER)
        yield connection


def _rows(connection: Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="read_through", binary=True) as cursor:
        cursor.itersize = _BATCH
        yield from cursor.execute(statement.encode())


def _gap_in_order(connection: Connection, head: int, report: Callable[[int], None]) -> str:
    """Whether positions, and the numbers within each partition, leave nothing out; times never go back."""
    last, last_us = 0, 0
    numbers: Counter[int] = Counter()
    for position, partition, number, recorded_us in _rows(connection, _BY_POSITION):
        if position != last + 1:
            return f"position {last + 1} is missing"
        numbers[partition] += 1
        if number != numbers[partition]:
            return f"position {position} is number {number} of partition {partition}, {numbers[partition]} was due"
        if recorded_us < last_us:
            return f"position {position} was recorded before position {last}"
        last, last_us = position, recorded_us
        if position % _BATCH == 0:
            report(position)
    if last != head:
        return f"the head is at position {head}, the last event at {last}"
    return _wrong_count(connection, numbers)


def _wrong_count(connection: Connection, numbers: Counter[int]) -> str:
    rows = connection.execute("select partition, seq from journal.partition order by partition").fetchall()
    wrong = [(partition, seq) for partition, seq in rows if seq != numbers[partition]]
    wrong += [(partition, 0) for partition in sorted(numbers.keys() - {partition for partition, _ in rows})]
    return next((f"partition {each} counts {seq} events, it has {numbers[each]}" for each, seq in wrong), "")


def _empty_stream(connection: Connection, seen: int) -> str:
    """A stream that has a row and no event."""
    [(known,)] = connection.execute("select count(*) from journal.stream").fetchall()
    row = connection.execute(_EMPTY_STREAM).fetchone() if known != seen else None
    return f"stream {row[0]} should have {row[1]} events, it has none" if row else ""


class _StreamWalk:
    """Follows each stream from its first event to its head; keeps the first gap and the first broken link."""

    def __init__(self) -> None:
        self.gap = ""
        self.broken_link = ""
        self.unbookable = ""
        self.count = 0
        self._last: _Row | None = None
        self._hash: bytes | None = None

    def take(self, row: _Row) -> None:
        """The next event, in order of streams and versions."""
        if self._last is None or row.stream != self._last.stream:
            self.end()
            self._last, self._hash = None, None
            self.count += 1
        due = self._last.version + 1 if self._last else 1
        if row.version != due:
            self.gap = self.gap or f"version {due} of stream {row.stream} is missing"
        self.broken_link = self.broken_link or _broken_link(row, self._hash, is_next=row.version == due)
        self.unbookable = self.unbookable or _unbookable(row)
        self._last, self._hash = row, digest(row.state)

    def end(self) -> None:
        """No more events of the stream: it must end where its row says."""
        row = self._last
        if row is None:
            return
        if row.head_version != row.version:
            self.gap = self.gap or f"stream {row.stream} ends at version {row.version}, not at {row.head_version or 0}"
        elif row.head_hash != self._hash:
            self.broken_link = self.broken_link or (
                f"version {row.version} of stream {row.stream} is not what was recorded: its hash is not the stream's"
            )


def _unbookable(row: _Row) -> str:
    wrong = unbookable(row.type, row.state)
    return f"version {row.version} of stream {row.stream}: {wrong}" if wrong else ""


def _broken_link(row: _Row, hash_before: bytes | None, *, is_next: bool) -> str:
    """What an event says about itself that is not so. What is not one of our events says nothing.

    `is_next`: the event before it is there to be compared.
    """
    event = f"version {row.version} of stream {row.stream}"
    try:
        link = _read_link(row.state)
    except UNREADABLE:
        return f"{event} cannot be read" if row.type in REGISTRY.types else ""
    if (link.type, link.subject, link.stream, link.streamversion) != (row.type, row.key, row.stream, row.version):
        return f"{event} says that it is another event"
    if is_next and link.prevhash != (hash_before.hex() if hash_before else None):
        return f"{event} does not name the hash of version {row.version - 1}"
    return ""
