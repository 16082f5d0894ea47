"""What the recorders of the eventsourcing library ask the journal besides what the ledger asks."""

from collections.abc import Sequence
from typing import Any

import psycopg

from ledger.journal.database import Database, translated
from ledger.journal.journal import APPEND, Journal, arguments
from ledger.journal.records import Outcome, RecordedEvent, Request, Verdict

_NO_LIMIT = 2**63 - 1


class RecordedStreams(Journal):
    """The journal with the reading that the library's contract needs."""

    _owner: str | None = None

    def heads(self, names: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """The newest version and its hash, of those streams that exist."""
        rows = self._rows(
            "select stream, version, head_hash from journal.stream where stream = any(%b) and version > 0",
            (list(names),),
        )
        return {stream: (version, head_hash) for stream, version, head_hash in rows}

    def versions(
        self, stream: str, *, after: int | None, upto: int | None, desc: bool, limit: int | None
    ) -> list[RecordedEvent]:
        """The events of a stream beyond one version up to another, in order of version or against it."""
        order = "desc" if desc else "asc"
        return self._events(
            f"stream = %b and streamversion > %b and streamversion <= %b order by streamversion {order} limit %b",
            (stream, _or(after, 0), _or(upto, _NO_LIMIT), _or(limit, _NO_LIMIT)),
        )

    def window(self, *, after: int | None, upto: int | None, types: Sequence[str], limit: int) -> list[RecordedEvent]:
        """At most `limit` events beyond one position up to another; of some types, if any are named."""
        bounds = (_or(after, 0), _or(upto, _NO_LIMIT))
        if types:
            where = "position > %b and position <= %b and type = any(%b) order by position limit %b"
            return self._events(where, (*bounds, list(types), limit))
        return self._events("position > %b and position <= %b order by position limit %b", (*bounds, limit))

    def owner(self) -> str | None:
        """The topic column of the first event ever; None while there is none."""
        if self._owner is None:
            rows = self._rows("select topic from journal.event where position = 1")
            self._owner = rows[0][0] if rows else None
        return self._owner


def append_within(cursor: psycopg.Cursor[dict[str, Any]], database: Database, request: Request) -> Outcome:
    """Record a request in the transaction of a cursor, together with whatever else that does."""
    with translated(database):
        row = cursor.execute(APPEND.encode(), arguments([request])).fetchone()
    assert row, "append answers every request"
    return Outcome(
        verdict=Verdict(row["outcome"]),
        first_position=row["first_position"],
        last_position=row["last_position"],
        detail=row["detail"],
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
