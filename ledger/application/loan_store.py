"""Loans as the journal has them: from memory, or from the last snapshot and the events since.

Both only save time. A loan from memory may be behind what other processes have recorded; the journal refuses what is
decided on it, and it is loaded anew. A snapshot that other code wrote is ignored.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from threading import Lock

import msgspec
from msgspec.structs import replace

from ledger.domain import loan as loans
from ledger.domain.loan import Loan
from ledger.journal.encoding import StreamHead
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent, Snapshot
from ledger.journal.stream_loader import StoredStream, StreamLoader
from schemas.envelope import digest, skim
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import Event

FOLD = 2
"""Counts the changes of `loan.apply` that make another state of the same events."""

FORMAT = f"loan/{FOLD}/" + hashlib.sha256(msgspec.json.encode(msgspec.json.schema(Loan), order="sorted")).hexdigest()
"""Names what a snapshot holds: another fold, or another shape of the state, makes another format."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Loan).decode
_log = logging.getLogger(__name__)


class StoredLoan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A loan at the head of its stream; None: there is no such loan. `snapshot_version`: of its newest snapshot."""

    loan: Loan | None
    head: StreamHead
    snapshot_version: int = 0

    @property
    def weight(self) -> int:
        return 1 + (len(self.loan.history) if self.loan else 0)


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
        self._loader = self.loader()
        self._loading = Lock()

    def close(self) -> None:
        self._loader.close()

    def kept(self, name: str) -> StoredLoan | None:
        """A loan from memory, by stream name; others may have changed it since."""
        with self._lock:
            found = self._kept.get(name)
            if found:
                self._kept.move_to_end(name)
            return found

    def load(self, names: Sequence[str]) -> dict[str, StoredLoan]:
        """Loans by stream name, as the journal has them now. Raises `Corrupt` where one cannot be read."""
        with self._loading:
            self._loader.send(names)
            streams = self._loader.streams()
        return {name: self.fold(name, stream) for name, stream in streams.items()}

    def loader(self) -> StreamLoader:
        """Loads what `fold` takes, without waiting; for one thread."""
        return StreamLoader(self._journal, FORMAT)

    def fold(self, name: str, stream: StoredStream) -> StoredLoan:
        """The loan of a stream that was just loaded; it is kept from now on. Raises `Corrupt` if it cannot be read."""
        stored = _fold(name, stream)
        self.keep(stored)
        return stored

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
    return REGISTRY.decode(skim(event.state))


def _fold(name: str, stream: StoredStream) -> StoredLoan:
    snapshot, events = stream
    loan = _decode(snapshot.state) if snapshot else None
    version, head_hash = (snapshot.version, snapshot.head_hash) if snapshot else (0, None)
    for event in events:
        loan = loans.apply(loan, REGISTRY.decode_recorded(event.type, event.state))
    if events:
        version, head_hash = events[-1].version, digest(events[-1].state)
    return StoredLoan(
        loan=loan and loans.settled(loan),
        head=StreamHead(stream=name, version=version, hash=head_hash),
        snapshot_version=snapshot.version if snapshot else 0,
    )


def _snapshot(stored: StoredLoan) -> Snapshot:
    assert stored.loan, "only loans that exist are kept"
    assert stored.head.hash, "a stream with events has a hash"
    state = _encode(stored.loan.changed(footholds=()))
    return Snapshot(stored.head.stream, stored.head.version, stored.head.hash, FORMAT, state)
