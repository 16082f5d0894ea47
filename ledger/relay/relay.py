"""The relay of a book: reads its journal in order and publishes every event to Kafka, once.

waiting     another relay holds the lease
starting    older relays are fenced off, the end in Kafka is found and proved
publishing  one window after the other, each in a transaction
failed      the window is in Kafka as a whole or not at all; the next start finds out

The bytes of the journal are the value of the record. The journal's gate opens when the relay confirms that Kafka is not
ahead of it: at the start, and again when another server answers than the one that it confirmed.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Self

import msgspec

from ledger.clock import Clock, system_clock
from ledger.journal.errors import JournalUnavailable
from ledger.journal.lease import Lease
from ledger.journal.published import Confirmation, PublishedJournal
from ledger.journal.records import RecordedEvent
from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaUnavailable
from ledger.relay.heads import PublishedHead, Resumption, require_in_journal
from ledger.relay.publisher import Publisher
from ledger.relay.reading import LogReader
from ledger.relay.repair import Repair, Survey, resend
from ledger.relay.status import RelayStatus, look
from ledger.relay.topics import data_partitions, require_topics
from ledger.relay.watchdog import Watchdog

Progress = Callable[[int, int], None]
"""Hears of each window: the position published so far, and the position to be reached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayedBook:
    """Which book is published; what its `BookOpened` says."""

    book_id: str
    journal_id: str
    partitions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """`window`: events in one transaction at most. `stall_s`: a window without progress for so long ends `run`."""

    window: int = 5000
    poll_interval_s: float = 0.05
    lease_wait_s: float = 30.0
    stall_s: float = 60.0
    replication: int = 1


class _Request(msgspec.Struct):
    """What the last event of a window says about the request that it belongs to."""

    requestindex: int
    requestsize: int


class Relay:
    """Publishes one book. What it opens at its first work it keeps until `close`, or until something fails.

    Use from one thread.
    """

    def __init__(
        self,
        journal: PublishedJournal,
        lease: Lease,
        cluster: Cluster,
        book: RelayedBook,
        limits: Limits | None = None,
        *,
        clock: Clock = system_clock,
    ) -> None:
        self._journal = journal
        self._lease = lease
        self._cluster = cluster
        self._book = book
        self._limits = limits or Limits()
        self._clock = clock
        self._publisher: Publisher | None = None
        self._confirmed = ""  # the server whose gate this relay has opened
        self._ahead = _Ahead(journal, self._limits.window)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the producer and the lease go."""
        if publisher := self._publisher:
            self._publisher = None
            publisher.close()
        self._ahead.close()
        self._lease.release()

    def drain(self, progress: Progress | None = None) -> int:
        """Publish all that the journal holds at this moment; the position reached.

        Raises `LeaseHeld` when another relay keeps working, `RelayFailed` or `RelayFenced` when a window fails,
        `KafkaUnavailable` when Kafka is away, and what the start may find wrong (`errors`).
        """
        target = self._journal.head().position
        with self._session(Event(), self._limits.lease_wait_s) as publisher:
            assert publisher, "a lease is taken or refused, never given up waiting for"
            at, busy = publisher.head.position, True
            while busy and (at < target or not self._is_confirmed()):
                busy = self._round(publisher)
                if progress and publisher.head.position > at:
                    progress(publisher.head.position, target)
                at = publisher.head.position
            return at

    def run(self, stop: Event) -> None:
        """Follow the journal until `stop` is set. Waits for the lease as long as it takes; raises as `drain` does."""
        with Watchdog(self._limits.stall_s) as watchdog, self._session(stop, None) as publisher:
            while publisher and not stop.is_set():
                watchdog.busy(f"the window behind position {publisher.head.position} of book {self._book.book_id}")
                self._lease.check()
                if not self._patient_round(publisher):
                    watchdog.idle()
                    stop.wait(self._limits.poll_interval_s)
        self.close()

    def repair(self, progress: Progress | None = None) -> Repair:
        """Compare all that Kafka holds of the book with the journal, and send again what it lost.

        Raises as `drain` does, and for what cannot be repaired (`Survey.take`). Afterwards this relay works as ever.
        """
        self.close()  # a start of its own: the end is found in another way
        survey: list[Survey] = []

        def find(reader: LogReader) -> PublishedHead:
            survey.append(Survey(reader, self._journal, self._book.book_id, self._book.journal_id, progress))
            return survey[0].take(data_partitions(self._book.partitions))

        with self._session(Event(), self._limits.lease_wait_s, find) as publisher:
            assert publisher, "a lease is taken or refused, never given up waiting for"
            [found] = survey
            resend(publisher, self._journal, found.losses, self._limits.window, progress)
            self._round(publisher)
            return Repair(position=publisher.head.position, losses=found.losses, head_rebuilt=found.head_rebuilt)

    def status(self) -> RelayStatus:
        """How far Kafka is behind for those who read it, whoever relays. Disturbs nobody, and waits for nobody."""
        known = self._publisher.head.position if self._publisher else None
        return look(self._journal, self._lease, self._cluster, self._book.book_id, clock=self._clock, published=known)

    def _patient_round(self, publisher: Publisher) -> bool:
        try:
            return self._round(publisher)
        except JournalUnavailable:
            return False  # for as long as the lease lasts, which that server keeps: after that `check` ends the run

    def _round(self, publisher: Publisher) -> bool:
        """Publish one window, or have the gate opened again; whether there was anything to do."""
        events = self._ahead.take(publisher.head.position)
        # After the reading: what a server answered that nobody has confirmed is not published.
        if not self._is_confirmed():
            server = self._journal.gate_state().server
            publisher.prove()
            self._confirm(publisher, server)
            return True
        if len(events) >= self._limits.window:
            self._ahead.read(events[-1].position)
        if events:
            publisher.publish(events)
        return bool(events)

    def _is_confirmed(self) -> bool:
        state = self._journal.gate_state()
        return state.gate == "open" and state.server == self._confirmed

    def _confirm(self, publisher: Publisher, server: str) -> None:
        """Open the gate, if Kafka is not ahead; else raise why. If the server changed just now the next round does it.

        `server` answered before it was proved that no other relay publishes; what that one had published is then there.
        """
        head = publisher.head
        if self._journal.confirm_gate(head.position, head.hash, server) is Confirmation.CONFIRMED:
            self._confirmed = server
        else:
            require_in_journal(self._journal, self._book.book_id, self._book.journal_id, head)

    @contextmanager
    def _session(
        self, stop: Event, lease_wait_s: float | None, find: Callable[[LogReader], PublishedHead] | None = None
    ) -> Iterator[Publisher | None]:
        """The publisher of this relay, started if need be; after a failure it is let go. None: `stop` came first."""
        try:
            if self._lease.take(stop, lease_wait_s):
                self._lease.check()
                self._publisher = self._publisher or self._start(find or self._find)
            yield self._publisher
        except BaseException:
            self.close()
            raise

    def _find(self, reader: LogReader) -> PublishedHead:
        resumption = Resumption(reader, self._journal, self._book.book_id, self._book.journal_id)
        return resumption.find(data_partitions(self._book.partitions))

    def _start(self, find: Callable[[LogReader], PublishedHead]) -> Publisher:
        """Fence older relays off, find the end, and prove it."""
        require_topics(self._cluster, self._book.book_id, self._book.partitions, self._limits.replication)
        server = self._journal.gate_state().server
        producer = self._cluster.producer(self._book.journal_id)
        try:
            with self._cluster.translated("to end what an older relay left open"):
                producer.init_transactions()
            with LogReader(self._cluster) as reader:
                head = find(reader)
            head = msgspec.structs.replace(head, incarnation=head.incarnation + 1)
            publisher = Publisher(self._cluster, producer, self._book.book_id, head)
            self._confirm(publisher, server)
        except BaseException:
            with suppress(KafkaUnavailable):  # why the start failed is what counts
                self._cluster.within("to let a producer go", lambda: producer.close(1.0))
            raise
        return publisher


class _Ahead:
    """Reads the next window while Kafka takes the one before. `window`: events at most."""

    def __init__(self, journal: PublishedJournal, window: int) -> None:
        self._journal = journal
        self._window = window
        self._reader: ThreadPoolExecutor | None = None
        self._begun: tuple[int, Future[list[RecordedEvent]]] | None = None

    def read(self, position: int) -> None:
        """Begin to read what is behind a position."""
        self._reader = self._reader or ThreadPoolExecutor(1, thread_name_prefix="relay-reader")
        self._begun = position, self._reader.submit(self._behind, position)

    def take(self, position: int) -> list[RecordedEvent]:
        """What is behind a position: read already, or now. A window that was not full may have become longer."""
        begun, self._begun = self._begun, None
        if begun and begun[0] == position and len(events := begun[1].result()) >= self._window:
            return events
        return self._behind(position)

    def close(self) -> None:
        """What was read is forgotten."""
        self._begun = None
        if reader := self._reader:
            self._reader = None
            reader.shutdown()

    def _behind(self, position: int) -> list[RecordedEvent]:
        """What is to be published next: at most a window, and the rest of the request that it would cut in two."""
        events = self._journal.after(position, self._window)
        if len(events) == self._window and (rest := _left_of_request(events[-1].state)):
            events += self._journal.after(events[-1].position, rest)
        return events


def _left_of_request(state: bytes) -> int:
    """How many events of its request follow this one; 0 where it does not say."""
    try:
        request = msgspec.json.decode(state, type=_Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    return max(0, request.requestsize - request.requestindex)
