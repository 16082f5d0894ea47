"""Loans as the journal has them: from memory, or from the last snapshot and the events since.

Of a long life the earlier facts stay in the journal until somebody looks at them. All of this only saves time. A loan
from memory may be behind what other processes have recorded; the journal refuses what is decided on it, and it is
loaded anew. A snapshot that other code wrote is ignored.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import TypeVar

import msgspec

from ledger.domain import loan as loans
from ledger.domain.loan import Loan
from ledger.journal.encoding import StreamHead
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent, Snapshot
from ledger.journal.stream_loader import StoredEvent, StoredStream, StreamLoader
from schemas.envelope import digest, skim
from schemas.errors import LedgerError
from schemas.packed import KeptElsewhere
from schemas.registry import REGISTRY
from schemas.values import Event

FOLD = 3
"""Counts the changes of `loan.apply` that make another state of the same events."""

FORMAT = f"loan/{FOLD}/" + hashlib.sha256(msgspec.json.encode(msgspec.json.schema(Loan), order="sorted")).hexdigest()
"""Names what a snapshot holds: another fold, or another shape of the state, makes another format."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Loan).decode
_log = logging.getLogger(__name__)

Made = TypeVar("Made")

_AT_ONCE = 32  # snapshots in one statement

# As measured, without transactions.
_LOAN_BYTES = 2_500
_INSTALLMENT_BYTES = 900


class StoredLoan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A loan at the head of its stream; None: there is no such loan. `snapshot_version`: of its newest snapshot;
    `snapshot_blocks`: how many blocks of its history are kept with that."""

    loan: Loan | None
    head: StreamHead
    snapshot_version: int = 0
    snapshot_blocks: int = 0

    @property
    def memory_bytes(self) -> int:
        """How much memory it takes, about."""
        if self.loan is None:
            return _LOAN_BYTES
        installments = len(self.loan.agreement.installments)
        return _LOAN_BYTES + _INSTALLMENT_BYTES * installments + self.loan.history.memory_bytes

    def followed_by(self, loan: Loan | None, head: StreamHead) -> "StoredLoan":
        """After more events; its snapshot stays what it is."""
        return StoredLoan(
            loan=loan, head=head, snapshot_version=self.snapshot_version, snapshot_blocks=self.snapshot_blocks
        )

    def with_snapshot(self, version: int, blocks: int) -> "StoredLoan":
        """With a newer snapshot; the blocks beside it are not needed in memory any more."""
        loan = self.loan and self.loan.changed(history=self.loan.history.without_earlier(blocks))
        return StoredLoan(loan=loan, head=self.head, snapshot_version=version, snapshot_blocks=blocks)


class LoanStore:
    """Loads loans and keeps those used last. Safe to use from several threads.

    `capacity_bytes`: what loans in memory take at most, about. `snapshot_every`: versions of a stream from one snapshot
    to the next.
    """

    def __init__(self, journal: Journal, *, capacity_bytes: int, snapshot_every: int) -> None:
        self._journal = journal
        self._capacity_bytes = capacity_bytes
        self._snapshot_every = snapshot_every
        self._kept: OrderedDict[str, StoredLoan] = OrderedDict()
        self._memory_bytes = 0
        self._unsaved: dict[str, StoredLoan] = {}
        self._is_time = False
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
        """Loans by stream name, as the journal has them now; earlier facts of a long life are left there, so use them
        by `using`. Raises `Corrupt` where one cannot be read."""
        with self._loading:
            self._loader.send(names)
            streams = self._loader.streams()
        return {name: self.fold(name, stream) for name, stream in streams.items()}

    def load_whole(self, names: Sequence[str]) -> dict[str, StoredLoan]:
        """As `load`, with all facts: for whoever looks at them sooner or later."""
        return {name: self._whole(stored) for name, stored in self.load(names).items()}

    def using(self, stored: StoredLoan, use: Callable[[StoredLoan], Made]) -> Made:
        """What `use` makes of a loan; called again with all facts where it looks at some that were left."""
        try:
            return use(stored)
        except KeptElsewhere:
            return use(self._whole(stored))

    def loader(self) -> StreamLoader:
        """Loads what `fold` takes, without waiting; for one thread."""
        return StreamLoader(self._journal, FORMAT)

    def fold(self, name: str, stream: StoredStream) -> StoredLoan:
        """The loan of a stream that was just loaded; it is kept from now on. Raises `Corrupt` if it cannot be read."""
        stored = _at(name, stream.snapshot)
        try:
            stored = _after(stored, stream.events)
        except KeptElsewhere:  # an event since the snapshot is about a fact long before it
            stored = self._whole(stored)
            stored = _after(stored, [event for event in stream.events if event.version > stored.head.version])
        self.keep(stored)
        return stored

    def _whole(self, stored: StoredLoan) -> StoredLoan:
        """With the facts that were left in the journal; from all events where other code has written over them."""
        loan, name = stored.loan, stored.head.stream
        if loan is None or not (elsewhere := loan.history.earlier.elsewhere):
            return stored
        blocks = self._journal.snapshot_blocks(name, FORMAT, elsewhere)
        if len(blocks) == elsewhere:
            return stored.followed_by(loan.changed(history=loan.history.with_earlier(blocks)), stored.head)
        events = self._journal.streams([name])[name]
        return _after(_at(name, None), [StoredEvent(each.version, each.type, each.state) for each in events])

    def keep(self, stored: StoredLoan) -> None:
        """Remember a loan as it is recorded, unless a newer version is remembered already."""
        name = stored.head.stream
        with self._lock:
            before = self._kept.get(name)
            if stored.loan is None or (before and before.head.version > stored.head.version):
                return
            self._kept[name] = stored
            self._kept.move_to_end(name)
            self._memory_bytes += stored.memory_bytes - (before.memory_bytes if before else 0)
            behind = stored.head.version - stored.snapshot_version
            if behind >= self._snapshot_every:
                self._unsaved[name] = stored
                self._is_time |= behind >= 2 * self._snapshot_every or len(self._unsaved) >= _AT_ONCE
            while self._memory_bytes > self._capacity_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._memory_bytes -= oldest.memory_bytes

    def forget(self, names: Iterable[str]) -> None:
        """Others have changed these."""
        with self._lock:
            for name in names:
                if kept := self._kept.pop(name, None):
                    self._memory_bytes -= kept.memory_bytes

    def save_snapshots(self, *, rest: bool = False) -> None:
        """Write the snapshots that are due, once they are some, or one has waited for long; `rest`: all that are left.

        One that cannot be written is left out: nothing depends on it.
        """
        if not (self._is_time or rest):
            return
        with self._lock:
            due, self._unsaved, self._is_time = self._unsaved, {}, False
        if not due:
            return
        try:
            self._journal.save_snapshots([_snapshot(stored) for stored in due.values()])
        except LedgerError as error:
            _log.warning("%d snapshots were not written: %s", len(due), error)
            return
        with self._lock:
            for name, saved in due.items():
                kept = self._kept.get(name)
                # A loan that was read anew meanwhile may rest on a newer snapshot, of another process.
                if kept and saved.loan and kept.snapshot_version < saved.head.version:
                    self._kept[name] = lean = kept.with_snapshot(
                        saved.head.version, saved.loan.history.earlier.block_count
                    )
                    self._memory_bytes += lean.memory_bytes - kept.memory_bytes


def decoded(event: RecordedEvent) -> Event:
    """The fact in a recorded event, as the newest version of its type."""
    return REGISTRY.decode(skim(event.state))


def _at(name: str, snapshot: Snapshot | None) -> StoredLoan:
    """A loan as its snapshot has it, or before its first event."""
    if snapshot is None:
        return StoredLoan(loan=None, head=StreamHead(stream=name))
    loan = _decode(snapshot.state)
    return StoredLoan(
        loan=loan,
        head=StreamHead(stream=name, version=snapshot.version, hash=snapshot.head_hash),
        snapshot_version=snapshot.version,
        snapshot_blocks=loan.history.earlier.elsewhere,
    )


def _after(stored: StoredLoan, events: Sequence[StoredEvent]) -> StoredLoan:
    """After some more events. Raises `KeptElsewhere`."""
    loan, head = stored.loan, stored.head
    for event in events:
        loan = loans.apply(loan, REGISTRY.decode_recorded(event.type, event.state))
    if events:
        head = StreamHead(stream=head.stream, version=events[-1].version, hash=digest(events[-1].state))
    return stored.followed_by(loan and loans.settled(loan), head)


def _snapshot(stored: StoredLoan) -> Snapshot:
    loan, head = stored.loan, stored.head
    assert loan, "only loans that exist are kept"
    assert head.hash, "a stream with events has a hash"
    earlier, blocks = loan.history.earlier, loan.history.earlier.block_count
    return Snapshot(
        head.stream,
        head.version,
        head.hash,
        FORMAT,
        _encode(loan.changed(footholds=(), history=loan.history.without_earlier(blocks))),
        first_block=stored.snapshot_blocks,
        blocks=[bytes(block) for block in earlier.blocks[stored.snapshot_blocks - earlier.elsewhere :]],
    )
