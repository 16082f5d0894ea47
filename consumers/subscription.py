"""Events from Kafka, decoded: the public client for services that live downstream of the ledger.

It reads committed records from the earliest on, in order within each key. A silence is an error, never an end: the end
is what the brokers named before the reading began.
"""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any, Protocol, cast

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaConnectionError, KafkaError

from consumers.errors import BrokersUnavailable, EndNotReached, NotAllowed, RecordUnreadable, TopicMissing
from schemas.envelope import Envelope, read
from schemas.errors import Corrupt
from schemas.registry import REGISTRY
from schemas.values import Event

_POLL_MS = 100
_RETRY_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event as it arrived. `value` is the envelope as published, byte for byte; headers are text.

    `position` is the event's place in the journal: one order over all topics and partitions of a book.
    """

    topic: str
    partition: int
    offset: int
    position: int
    timestamp_ms: int
    key: str
    headers: Mapping[str, str]
    value: bytes
    envelope: Envelope
    event: Event

    @property
    def book_id(self) -> str:
        return self.envelope.book_id


class _Record(Protocol):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class _Consumer(Protocol):
    """What we use of the library's consumer, which has no type stubs."""

    def assign(self, partitions: Sequence[Any]) -> None: ...
    def seek(self, partition: Any, offset: int) -> None: ...
    def poll(self, timeout_ms: int) -> Mapping[Any, Sequence[_Record]]: ...
    def position(self, partition: Any, timeout_ms: int) -> int | None: ...
    def partitions_for_topic(self, topic: str) -> set[int]: ...
    def beginning_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def end_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def close(self, autocommit: bool, timeout_ms: int) -> None: ...


class Subscription:
    """Topics to read from their earliest record on, alone, without a group.

    `book`: only events of this book; records of others are passed over unread. `timeout_s`: how long records that are
    known to be there may stay away.
    """

    def __init__(
        self, bootstrap: str, topics: Sequence[str], *, book: str | None = None, timeout_s: float = 30
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self._book = book and book.encode()
        self._timeout_s = timeout_s

    def to_end(self) -> Iterator[Delivery]:
        """All events up to the end that the topics have at the first step; then it is over."""
        with self._translated(), self._connected(committed=True) as consumer:
            ends = self._true_ends()
            positions = self._start(consumer, list(ends))
            moved_at = time.monotonic()
            while any(positions[partition] < end for partition, end in ends.items()):
                for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                    yield from self._deliveries(record for record in records if record.offset < ends[partition])
                    moved_at = time.monotonic()  # what the caller did meanwhile is no silence
                moved = self._positions(consumer, list(ends))
                if moved != positions:
                    positions, moved_at = moved, time.monotonic()
                elif time.monotonic() - moved_at > self._timeout_s:
                    raise self._not_reached(positions, ends)

    def follow(self, stop: Flag) -> Iterator[Delivery]:
        """All events, and those to come, until `stop` is set. Raises when records are there and do not come."""
        with self._translated(), self._connected(committed=True) as consumer:
            positions: Mapping[Any, int] = self._start(consumer, list(self._true_ends()))
            moved_at = time.monotonic()
            while not stop.is_set():
                for records in consumer.poll(timeout_ms=_POLL_MS).values():
                    yield from self._deliveries(iter(records))
                    moved_at = time.monotonic()
                if time.monotonic() - moved_at > self._timeout_s:
                    positions = self._require_progress(consumer, positions)
                    moved_at = time.monotonic()

    def _require_progress(self, consumer: _Consumer, before: Mapping[Any, int]) -> Mapping[Any, int]:
        """Positions now. Nothing came for a while: right only where nothing was left when we last looked."""
        ends = consumer.end_offsets(list(before), timeout_ms=self._timeout_ms)
        now = self._positions(consumer, list(before))
        if any(now[each] == before[each] < end for each, end in ends.items()):
            raise self._not_reached(now, ends)
        return now

    @property
    def _timeout_ms(self) -> int:
        return int(self._timeout_s * 1000)

    @contextmanager
    def _connected(self, *, committed: bool) -> Iterator[_Consumer]:
        consumer = cast(
            _Consumer,
            KafkaConsumer(
                bootstrap_servers=self._servers(),
                bootstrap_timeout_ms=self._timeout_ms,
                request_timeout_ms=max(1000, min(30_000, self._timeout_ms)),
                client_id="ledger-subscription",
                isolation_level="read_committed" if committed else "read_uncommitted",
                auto_offset_reset="none",
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                fetch_max_wait_ms=100,
                max_poll_records=1000,
                max_partition_fetch_bytes=4 * 1024 * 1024,
            ),
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=self._timeout_ms)

    def _servers(self) -> list[str]:
        """The addresses, once one of them accepts a connection: a client that finds none leaves its thread behind."""
        servers = [server.strip() for server in self._bootstrap.split(",")]
        deadline = time.monotonic() + self._timeout_s
        while not any(_accepts(server, self._timeout_s) for server in servers):
            if time.monotonic() > deadline:
                raise KafkaConnectionError(f"no connection for {self._timeout_s:g} s")
            time.sleep(_RETRY_S)
        return servers

    def _true_ends(self) -> dict[Any, int]:
        """The end of each partition, also where an open transaction hides it just now."""
        with self._connected(committed=False) as consumer:
            partitions = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in sorted(consumer.partitions_for_topic(topic) or self._missing(topic))
            ]
            return dict(consumer.end_offsets(partitions, timeout_ms=self._timeout_ms))

    def _missing(self, topic: str) -> set[int]:
        raise TopicMissing(
            f"asked Kafka at {self._bootstrap} for topic {topic}; it is not there, or this login may not see it. "
            "The relay of a book makes the topics when it starts"
        )

    def _start(self, consumer: _Consumer, partitions: list[Any]) -> dict[Any, int]:
        firsts = dict(consumer.beginning_offsets(partitions, timeout_ms=self._timeout_ms))
        consumer.assign(partitions)
        for partition, first in firsts.items():
            consumer.seek(partition, first)
        return firsts

    def _positions(self, consumer: _Consumer, partitions: list[Any]) -> dict[Any, int]:
        """Where the reading stands; past markers and aborted records, which are never delivered."""
        return {each: consumer.position(each, timeout_ms=self._timeout_ms) or 0 for each in partitions}

    def _deliveries(self, records: Iterator[_Record]) -> Iterator[Delivery]:
        for record in records:
            if self._book is None or ("book", self._book) in record.headers:
                yield _delivery(record)

    def _not_reached(self, positions: Mapping[Any, int], ends: Mapping[Any, int]) -> EndNotReached:
        late = next(each for each, end in ends.items() if positions[each] < end)
        return EndNotReached(
            f"asked Kafka at {self._bootstrap} for {late.topic}/{late.partition} up to offset {ends[late]}; at offset "
            f"{positions[late]} nothing came for {self._timeout_s:g} s. A producer's transaction is open there, or the "
            "partition has no leader; try again"
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AuthorizationError as error:
            raise NotAllowed(
                f"asked Kafka at {self._bootstrap} to read {', '.join(self._topics)}: {error}; "
                "have this login allowed to read them"
            ) from error
        except KafkaError as error:
            raise BrokersUnavailable(
                f"asked Kafka at {self._bootstrap} to read {', '.join(self._topics)}: {error}; "
                "see that the brokers run and that the address is right, then try again"
            ) from error


def read_to_end(
    bootstrap: str, topics: Sequence[str], book: str | None = None, timeout_s: float = 30
) -> Iterator[Delivery]:
    """All events that the topics hold now, from the earliest on; see `Subscription`."""
    return Subscription(bootstrap, topics, book=book, timeout_s=timeout_s).to_end()


def _accepts(server: str, timeout_s: float) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def _delivery(record: _Record) -> Delivery:
    try:
        envelope = read(record.value or b"")
        headers = {name: value.decode() for name, value in record.headers}
        return Delivery(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            position=int(headers["position"]),
            timestamp_ms=record.timestamp,
            key=(record.key or b"").decode(),
            headers=headers,
            value=record.value or b"",
            envelope=envelope,
            event=REGISTRY.decode(envelope),
        )
    except (Corrupt, KeyError, ValueError) as error:
        raise RecordUnreadable(
            f"asked to read {record.topic}/{record.partition} offset {record.offset}: {error!r}. Name a book to pass "
            "over what is not of it, or take a newer version of the schemas"
        ) from error
