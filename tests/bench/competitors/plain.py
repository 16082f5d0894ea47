"""Plain autocommit inserts of the same rows: nothing is loaded, decided or checked, and nothing is in order."""

import secrets
from collections.abc import Sequence
from functools import partial
from itertools import count

import psycopg

from ledger.journal.records import RecordedEvent
from tests.bench.orders import fresh_names
from tests.bench.rounds import Work

_TABLES = """
create table if not exists event (
    position      bigint   generated always as identity primary key,
    stream        text     not null,
    streamversion bigint   not null,
    type          text     not null,
    topic         text     not null,
    key           text     not null,
    partition     smallint not null,
    partitionseq  bigint   not null,
    recorded_us   bigint   not null,
    state         bytea    not null,
    unique (stream, streamversion)
);
create table if not exists command (
    command_id     bytea  primary key,
    command_hash   bytea  not null,
    first_position bigint not null,
    last_position  bigint not null
);
"""
_INSERT = b"""
with e as (
    insert into event (stream, streamversion, type, topic, key, partition, partitionseq, recorded_us, state)
    values (%b, %b, 'ledger.payment.received.v1', 'ledger.payments', %b, 3, %b, %b, %b)
    returning position
)
insert into command (command_id, command_hash, first_position, last_position) select %b, %b, position, position from e
"""
_EVENT_COLUMNS = "stream, streamversion, type, topic, key, partition, partitionseq, recorded_us, state"
_LOANS = 20_000
_ROWS = 1_000


class PlainInserts:
    """One statement for event row and key row, prepared, one connection per caller.

    `state`: the bytes of a real event.
    """

    name = "plain inserts"

    def __init__(self, url: str, connections: int, state: bytes) -> None:
        self._state = state
        self._numbers = count()
        self._loans = fresh_names(_LOANS)
        self._connections = [psycopg.connect(url, autocommit=True) for _ in range(connections)]
        self._connections[0].execute(_TABLES)

    def prepare(self, commands: int) -> None:
        """Any loan will do."""

    def callers(self, number: int) -> Sequence[Work]:
        return [partial(self._insert, each.cursor(binary=True)) for each in self._connections[:number]]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _insert(self, cursor: "psycopg.Cursor[tuple[object, ...]]") -> None:
        number = next(self._numbers)
        loan = self._loans[number % _LOANS]
        row = (f"loan/{loan}", number // _LOANS + 1, loan, number, 1_700_000_000_000_000 + number, self._state)
        cursor.execute(_INSERT, (*row, secrets.token_bytes(32), secrets.token_bytes(32)), prepare=True)


class MultiRowInserts:
    """Event rows and key rows, a thousand to a statement, both statements in one transaction."""

    name = "multi-row inserts"

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute(_TABLES)

    def insert(self, events: Sequence[RecordedEvent]) -> None:
        """Insert the rows of events that are recorded elsewhere, each with a key of its own."""
        for first in range(0, len(events), _ROWS):
            some = events[first : first + _ROWS]
            rows = [
                (e.stream, e.version, e.type, e.topic, e.key, e.partition, e.partitionseq, e.recorded_us, e.state)
                for e in some
            ]
            keys = [(secrets.token_bytes(32), secrets.token_bytes(32), e.position, e.position) for e in some]
            with self._connection.transaction(), self._connection.cursor(binary=True) as cursor:
                cursor.execute(_many(f"insert into event ({_EVENT_COLUMNS}) values", 9, len(rows)), _flat(rows))
                cursor.execute(_many("insert into command values", 4, len(keys)), _flat(keys))

    def close(self) -> None:
        self._connection.close()


def _many(statement: str, columns: int, rows: int) -> bytes:
    row = f"({', '.join(['%b'] * columns)})"
    return f"{statement} {', '.join([row] * rows)}".encode()


def _flat(rows: Sequence[tuple[object, ...]]) -> list[object]:
    return [value for row in rows for value in row]
