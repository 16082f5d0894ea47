"""The relay of a book: reads its journal in order and publishes every event to Kafka, once.

waiting     another relay holds the lease
starting    older relays are fenced off, the end in Kafka is found and proved
publishing  one window after the other, each in a transaction
failed      the window is in Kafka as a whole or not at all; the next start finds out

It decodes nothing: the bytes of the journal are the value of the record.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Self

import msgspec

from ledger.journal.journal import Journal
from ledger.journal.lease import Lease
from ledger.journal.records import RecordedEvent
from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaUnavailable
from ledger.relay.heads import PublishedHead, Resumption, visible_head
from ledger.relay.publisher import Publisher
from ledger.relay.reading import LogReader
from ledger.relay.topics import data_partitions, require_topics, was_relayed
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


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayStatus:
    """`published`: the last position in Kafka. `head`: the last one in the journal. `holder`: who relays now."""

    published: int
    head: int
    holder: str | None

    @property
    def lag(self) -> int:
        return max(0, self.head - self.published)


class Relay:
    """Publishes one book. What it opens at its first work it keeps until `close`, or until something fails.

    `journal` in the role ledger_relay. Use from one thread.
    """

    def __init__(
        self, journal: Journal, lease: Lease, cluster: Cluster, book: RelayedBook, limits: Limits | None = None
    ) -> None:
        self._journal = journal
        self._lease = lease
        self._cluster = cluster
        self._book = book
        self._limits = limits or Limits()
        self._publisher: Publisher | None = None

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
        self._lease.release()

    def drain(self, progress: Progress | None = None) -> int:
        """Publish all that the journal holds at this moment; the position reached.

        Raises `LeaseHeld` when another relay keeps working, `RelayFailed` or `RelayFenced` when a window fails,
        `KafkaUnavailable` when Kafka is away, and what the start may find wrong (`errors`).
        """
        target = self._journal.head().position
        with self._session(Event(), self._limits.lease_wait_s) as publisher:
            assert publisher, "a lease is taken or refused, never given up waiting for"
            while publisher.head.position < target:
                publisher.publish(self._waiting(publisher))
                if progress:
                    progress(publisher.head.position, target)
            return publisher.head.position

    def run(self, stop: Event) -> None:
        """Follow the journal until `stop` is set. Waits for the lease as long as it takes; raises as `drain` does."""
        with Watchdog(self._limits.stall_s) as watchdog, self._session(stop, None) as publisher:
            while publisher and not stop.is_set():
                watchdog.busy(f"the window behind position {publisher.head.position} of book {self._book.book_id}")
                self._lease.check()
                events = self._waiting(publisher)
                if events:
                    publisher.publish(events)
                else:
                    watchdog.idle()
                    stop.wait(self._limits.poll_interval_s)
        self.close()

    def status(self) -> RelayStatus:
        """How far Kafka is behind for those who read it, whoever relays. Disturbs nobody, and waits for nobody."""
        published = self._publisher.head if self._publisher else self._last_head()
        return RelayStatus(
            published=published.position if published else 0,
            head=self._journal.head().position,
            holder=self._lease.current(),
        )

    def _last_head(self) -> PublishedHead | None:
        if not was_relayed(self._cluster, self._book.book_id):
            return None
        with LogReader(self._cluster) as reader:
            return visible_head(reader, self._book.book_id)

    def _waiting(self, publisher: Publisher) -> list[RecordedEvent]:
        return self._journal.after(publisher.head.position, self._limits.window)

    @contextmanager
    def _session(self, stop: Event, lease_wait_s: float | None) -> Iterator[Publisher | None]:
        """The publisher of this relay, started if need be; after a failure it is let go. None: `stop` came first."""
        try:
            if self._lease.take(stop, lease_wait_s):
                self._lease.check()
                self._publisher = self._publisher or self._start()
            yield self._publisher
        except BaseException:
            self.close()
            raise

    def _start(self) -> Publisher:
        """Fence older relays off, find the end, and prove it."""
        require_topics(self._cluster, self._book.book_id, self._book.partitions, self._limits.replication)
        producer = self._cluster.producer(self._book.journal_id)
        try:
            with self._cluster.translated("to end what an older relay left open"):
                producer.init_transactions()
            with LogReader(self._cluster) as reader:
                resumption = Resumption(reader, self._journal, self._book.book_id, self._book.journal_id)
                head = resumption.find(data_partitions(self._book.partitions))
        except BaseException:
            with suppress(KafkaUnavailable):  # why the start failed is what counts
                self._cluster.within("to let a producer go", lambda: producer.close(1.0))
            raise
        head = msgspec.structs.replace(head, incarnation=head.incarnation + 1)
        return Publisher(self._cluster, producer, self._book.book_id, head)
