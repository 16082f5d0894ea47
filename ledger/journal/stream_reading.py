"""Recorded events read on a connection that the caller holds: in its snapshot, and never more than a part at once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.journal.database import Connection

AT_ONCE = 500
"""Events that are read together."""


class StoredState(NamedTuple):
    """An event's place in the journal, its type and its bytes."""

    position: int
    type: str
    state: bytes


def states_of(connection: Connection, stream: str, *, until: int) -> Iterator[StoredState]:
    """The events of a stream up to a position, in order; none for a stream that does not exist."""
    version = 0
    while True:
        rows = connection.execute(
            b"select position, type, state from journal.event "
            b"where stream = %s and streamversion > %s and position <= %s order by streamversion limit %s",
            (stream, version, until, AT_ONCE),
        ).fetchall()
        yield from (StoredState(*row) for row in rows)
        if len(rows) < AT_ONCE:
            return
        version += AT_ONCE


def first_state(connection: Connection, stream: str) -> StoredState | None:
    """The event that a stream begins with."""
    rows = connection.execute(
        b"select position, type, state from journal.event where stream = %s and streamversion = 1", (stream,)
    ).fetchall()
    return StoredState(*rows[0]) if rows else None


def states_at(connection: Connection, positions: Sequence[int]) -> Iterator[StoredState]:
    """The events at some positions, in order of position."""
    wanted = sorted(set(positions))
    for start in range(0, len(wanted), AT_ONCE):
        rows = connection.execute(
            b"select position, type, state from journal.event where position = any(%s) order by position",
            (wanted[start : start + AT_ONCE],),
        ).fetchall()
        yield from (StoredState(*row) for row in rows)


def head_position(connection: Connection) -> int:
    """The position of the newest event; 0 where there is none."""
    [(position,)] = connection.execute(b"select position from journal.head").fetchall()
    return int(position)
