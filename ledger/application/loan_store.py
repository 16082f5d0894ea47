"""Loans as the journal has them: from memory, or from the last snapshot and the events since.

Both only save time. A loan from memory may be behind what other processes have recorded; the journal refuses what is
decided on it, and it is loaded anew. A snapshot that other code wrote is ignored.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import msgspec

from ledger.domain import loan as loans
from ledger.domain.loan import Loan
from ledger.journal.encoding import StreamHead
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent, Snapshot
from schemas.envelope import digest, read
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import Event

FOLD = 1
"""Counts the changes of `loan.apply` that make another state of the same events."""

FORMAT = f"loan/{FOLD}/" + hashlib.sha256(msgspec.json.encode(msgspec.json.schema(Loan), order="sorted")).hexdigest()
"""Names what a snapshot holds: another fold, or another shape of the state, makes another format."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Loan).decode
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLoan:
    """A loan at the head of its stream; None: there is no such loan. `snapshot_version`: of its newest snapshot."""

    loan: Loan | None
    head: StreamHead
    snapshot_version: int = 0
    is_fresh: bool = True

    @property
    def weight(self) -> int:
        return 1 + (len(self.loan.payments) if self.loan else 0)


class LoanStore:
    """Loads loans and keeps those used last. Safe to use from several threads.

    `capacity`: loans and payments in memory at most. `snapshot_every`: versions of a stream from one snapshot to the
    next.
    """

    def __init__(self, journal: Journal, *, capacity: int, snapshot_every: int) -> None:
        self._journal = journal
        self._capacity = capacity
        self._snapshot_every = snapshot_every
        self._kept: OrderedDict[str, StoredLoan] = OrderedDict()
        self._weight = 0
        self._unsaved: dict[str, StoredLoan] = {}
        self._lock = Lock()

    def find(self, names: Collection[str]) -> dict[str, StoredLoan]:
        """Loans by stream name, from memory where they are there; `is_fresh` tells which were loaded now."""
        with self._lock:
            found = {name: replace(kept, is_fresh=False) for name in names if (kept := self._kept.get(name))}
            for name in found:
                self._kept.move_to_end(name)
        missing = [name for name in names if name not in found]
        return found | self.load(missing) if missing else found

    def load(self, names: Sequence[str]) -> dict[str, StoredLoan]:
        """Loans by stream name, as the journal has them now."""
        events, snapshots = self._journal.streams_and_snapshots(names, FORMAT)
        starts = {
            snapshot.stream: StoredLoan(
                loan=_decode(snapshot.state),
                head=StreamHead(stream=snapshot.stream, version=snapshot.version, hash=snapshot.head_hash),
                snapshot_version=snapshot.version,
            )
            for snapshot in snapshots
        }
        loaded = {
            name: _fold(starts.get(name) or StoredLoan(loan=None, head=StreamHead(stream=name)), events[name])
            for name in names
        }
        for stored in loaded.values():
            self.keep(stored)
        return loaded

    def keep(self, stored: StoredLoan) -> None:
        """Remember a loan as it is recorded, unless a newer version is remembered already."""
        name = stored.head.stream
        with self._lock:
            before = self._kept.get(name)
            if stored.loan is None or (before and before.head.version > stored.head.version):
                return
            self._kept[name] = stored
            self._kept.move_to_end(name)
            self._weight += stored.weight - (before.weight if before else 0)
            if stored.head.version - stored.snapshot_version >= self._snapshot_every:
                self._unsaved[name] = stored
            while self._weight > self._capacity:
                _, oldest = self._kept.popitem(last=False)
                self._weight -= oldest.weight

    def forget(self, names: Iterable[str]) -> None:
        """Others have changed these."""
        with self._lock:
            for name in names:
                if kept := self._kept.pop(name, None):
                    self._weight -= kept.weight

    def save_snapshots(self) -> None:
        """Write the snapshots that are due. One that cannot be written is left out: nothing depends on it."""
        with self._lock:
            due, self._unsaved = self._unsaved, {}
        if not due:
            return
        try:
            self._journal.save_snapshots([_snapshot(stored) for stored in due.values()])
        except LedgerError as error:
            _log.warning("%d snapshots were not written: %s", len(due), error)
            return
        with self._lock:
            for name, stored in due.items():
                if kept := self._kept.get(name):
                    self._kept[name] = replace(kept, snapshot_version=stored.head.version)


def decoded(event: RecordedEvent) -> Event:
    """The fact in a recorded event, as the newest version of its type."""
    return REGISTRY.decode(read(event.state))


def _fold(start: StoredLoan, events: Sequence[RecordedEvent]) -> StoredLoan:
    events = [event for event in events if event.version > start.head.version]
    if not events:
        return start
    loan = start.loan
    for event in events:
        loan = loans.apply(loan, decoded(event))
    last = events[-1]
    head = StreamHead(stream=last.stream, version=last.version, hash=digest(last.state))
    return replace(start, loan=loan, head=head)


def _snapshot(stored: StoredLoan) -> Snapshot:
    assert stored.loan, "only loans that exist are kept"
    assert stored.head.hash, "a stream with events has a hash"
    return Snapshot(stored.head.stream, stored.head.version, stored.head.hash, FORMAT, _encode(stored.loan))
