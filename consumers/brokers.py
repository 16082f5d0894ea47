"""The brokers that hold the topics: a connection with proven settings, and the library's errors in our words."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from kafka import KafkaConsumer, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import AuthorizationError, KafkaConnectionError, KafkaError, OffsetOutOfRangeError

from consumers.errors import BrokersUnavailable, EndNotReached, NotAllowed, OffsetGone, TopicMissing

_RETRY_S = 0.2


class Record(Protocol):
    """A record as the library gives it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Consumer(Protocol):
    """What we use of the library's consumer, which has no type stubs. Partitions are its `TopicPartition`."""

    def assign(self, partitions: Sequence[Any]) -> None: ...
    def subscribe(self, topics: Sequence[str]) -> None: ...
    def assignment(self) -> set[Any]: ...
    def seek(self, partition: Any, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: Any) -> None: ...
    def poll(self, timeout_ms: int) -> Mapping[Any, Sequence[Record]]: ...
    def position(self, partition: Any, timeout_ms: int) -> int | None: ...
    def commit(self, *, timeout_ms: int) -> None: ...
    def partitions_for_topic(self, topic: str) -> set[int]: ...
    def beginning_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def end_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def close(self, autocommit: bool, timeout_ms: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Brokers:
    """Where to read what: host:port, several separated by commas. No answer may take longer than `timeout_s`."""

    bootstrap: str
    topics: Sequence[str]
    timeout_s: float

    @property
    def timeout_ms(self) -> int:
        return int(self.timeout_s * 1000)

    @contextmanager
    def connected(self, *, committed: bool = True, group: str | None = None) -> Iterator[Consumer]:
        """A consumer of committed records, or of all; alone, or as a member of a group."""
        consumer = cast(
            Consumer,
            KafkaConsumer(
                bootstrap_servers=self._servers(),
                bootstrap_timeout_ms=self.timeout_ms,
                request_timeout_ms=max(1000, min(30_000, self.timeout_ms)),
                client_id="ledger-subscription",
                group_id=group,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                session_timeout_ms=10_000,
                heartbeat_interval_ms=2000,
                isolation_level="read_committed" if committed else "read_uncommitted",
                auto_offset_reset="none",  # else an offset that is gone begins again without a word
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
            consumer.close(autocommit=False, timeout_ms=self.timeout_ms)

    def partitions(self, consumer: Consumer) -> list[Any]:
        """All partitions of the topics, or `TopicMissing`."""
        return [
            TopicPartition(topic, number)
            for topic in self.topics
            for number in sorted(consumer.partitions_for_topic(topic) or self._missing(topic))
        ]

    def true_ends(self) -> dict[Any, int]:
        """The end of each partition, also where an open transaction hides it just now."""
        with self.connected(committed=False) as consumer:
            return dict(consumer.end_offsets(self.partitions(consumer), timeout_ms=self.timeout_ms))

    def positions(self, consumer: Consumer, partitions: Sequence[Any]) -> dict[Any, int]:
        """Where the reading stands; past markers and aborted records, which are never delivered."""
        return {each: consumer.position(each, timeout_ms=self.timeout_ms) or 0 for each in partitions}

    def not_reached(self, positions: Mapping[Any, int], ends: Mapping[Any, int]) -> EndNotReached:
        late = next(each for each in positions if positions[each] < ends[each])
        return EndNotReached(
            f"asked Kafka at {self.bootstrap} for {late.topic}/{late.partition} up to offset {ends[late]}; at offset "
            f"{positions[late]} nothing came for {self.timeout_s:g} s. A producer's transaction is open there, or the "
            "partition has no leader; try again"
        )

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the library's errors as ours."""
        asked = f"asked Kafka at {self.bootstrap} to read {', '.join(self.topics)}"
        try:
            yield
        except AuthorizationError as error:
            raise NotAllowed(f"{asked}: {error}; have this login allowed to read them") from error
        except OffsetOutOfRangeError as error:
            raise OffsetGone(
                f"{asked}: {error}; the stored offset is not there, so a topic was made anew or cut. "
                "Read it from the beginning under a new group, and drop what is known by its position"
            ) from error
        except KafkaError as error:
            raise BrokersUnavailable(
                f"{asked}: {error}; see that the brokers run and that the address is right, then try again"
            ) from error

    def _servers(self) -> list[str]:
        """The addresses, once one of them accepts a connection: a client that finds none leaves its thread behind."""
        servers = [server.strip() for server in self.bootstrap.split(",")]
        deadline = time.monotonic() + self.timeout_s
        while not any(_accepts(server, self.timeout_s) for server in servers):
            if time.monotonic() > deadline:
                raise KafkaConnectionError(f"no connection for {self.timeout_s:g} s")
            time.sleep(_RETRY_S)
        return servers

    def _missing(self, topic: str) -> set[int]:
        raise TopicMissing(
            f"asked Kafka at {self.bootstrap} for topic {topic}; it is not there, or this login may not see it. "
            "The relay of a book makes the topics when it starts"
        )


def _accepts(server: str, timeout_s: float) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), port), timeout=timeout_s).close()
    except OSError:
        return False
    return True
