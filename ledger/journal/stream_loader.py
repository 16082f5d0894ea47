"""Loading streams without waiting: the newest snapshot of each in one format, and its events beyond that."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.journal import arrays
from ledger.journal.calls import Call, Row
from ledger.journal.errors import JournalUnavailable
from ledger.journal.journal import Journal
from ledger.journal.records import Snapshot

_LOAD = """
with known as (
    select k.n, k.name, s.version, s.head_hash, s.state
      from unnest(%b::text[]) with ordinality as k (name, n)
      left join lateral (
           select t.version, t.head_hash, t.state
             from journal.snapshot t
            where t.stream = k.name and t.format = %b::text
            limit 1) s on true
)
select n, version, state, head_hash, null as type from known where version is not null
union all
select k.n, e.streamversion, e.state, null, e.type
  from known k
  join journal.event e on e.stream = k.name and e.streamversion > coalesce(k.version, 0)
 order by 1, 2
"""


class StoredEvent(NamedTuple):
    """One event of a stream: its version in the stream, its type, and its bytes."""

    version: int
    type: str
    state: bytes


class StoredStream(NamedTuple):
    """What a stream is folded from: its events beyond the snapshot; all of them where there is none."""

    snapshot: Snapshot | None
    events: list[StoredEvent]


class StreamLoader:
    """Loads streams from a journal, some at a time. Use from one thread. `format`: of the snapshots that count."""

    def __init__(self, journal: Journal, format: str) -> None:  # noqa: A002 - the column's name
        self._call = journal.call(_LOAD)
        self._format = format
        self._names: Sequence[str] = ()

    def close(self) -> None:
        self._call.close()

    @property
    def call(self) -> Call:
        """What a thread with other work looks at."""
        return self._call

    @property
    def is_busy(self) -> bool:
        """Whether streams are on their way."""
        return bool(self._names)

    def is_answered(self) -> bool:
        """Whether `streams` will not wait for the server's first answer."""
        return self._call.is_answered() or not self._call.is_under_way

    def send(self, names: Sequence[str]) -> None:
        """Ask for streams by name; what goes wrong shows in `streams`, which asks again."""
        assert not self._names, "one answer at a time"
        self._names = list(dict.fromkeys(names))
        try:
            self._send()
        except Exception:
            self._call.close()
        except BaseException:
            self._names = ()
            raise

    def streams(self) -> dict[str, StoredStream]:
        """What was asked for, by name; empty where there is no such stream. Waits for it.

        A connection that was lost is tried once more, then raises `JournalUnavailable`.
        """
        try:
            if not self._call.is_under_way:
                self._send()
            try:
                rows = self._call.rows()
            except JournalUnavailable:
                self._send()
                rows = self._call.rows()
            return self._grouped(rows)
        finally:
            self._names = ()

    def _send(self) -> None:
        self._call.send([arrays.text(self._names).data, self._format.encode()])

    def _grouped(self, rows: Sequence[Row]) -> dict[str, StoredStream]:
        names = self._names
        snapshots: dict[str, Snapshot] = {}
        events: dict[str, list[StoredEvent]] = {name: [] for name in names}
        for n, version, state, head_hash, kind in rows:
            assert n, "of a name that was asked for"
            assert version, "of a recorded version"
            assert state, "every event has bytes"
            name = names[int.from_bytes(n) - 1]
            if kind:
                events[name].append(StoredEvent(int.from_bytes(version), kind.decode(), state))
            else:
                assert head_hash, "a snapshot is of an event"
                snapshots[name] = Snapshot(name, int.from_bytes(version), head_hash, self._format, state)
        return {name: StoredStream(snapshots.get(name), events[name]) for name in names}
