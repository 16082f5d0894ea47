"""What the Kafka feed needs of the library, which has no type stubs: Protocols, and a consumer with proven settings."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

if TYPE_CHECKING:

    class Partition(NamedTuple):
        """One partition of a topic, as the type checker sees the library's class."""

        topic: str
        partition: int

else:
    from kafka import TopicPartition as Partition


class Record(Protocol):
    """A record as it was read."""

    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Consumer(Protocol):
    """A member of a consumer group."""

    def partitions_for_topic(self, topic: str) -> Collection[int]: ...
    def subscribe(self, topics: Sequence[str], *, listener: object) -> None: ...
    def assignment(self) -> Collection[Partition]: ...
    def poll(self, timeout_ms: int) -> Mapping[Partition, Sequence[Record]]: ...
    def pause(self, *partitions: Partition) -> None: ...
    def resume(self, *partitions: Partition) -> None: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: Partition) -> None: ...
    def position(self, partition: Partition, timeout_ms: int) -> int | None: ...
    def commit(self, offsets: Mapping[Partition, object], timeout_ms: int) -> None: ...
    def end_offsets(self, partitions: Sequence[Partition], timeout_ms: int) -> Mapping[Partition, int]: ...
    def close(self, *, autocommit: bool, timeout_ms: int) -> None: ...


def connect(bootstrap: str, group_id: str, batch: int, session_ms: int, timeout_ms: int) -> Consumer:
    """A consumer of a group, not yet subscribed. `session_ms`: the silence that ends it."""
    consumer: Consumer = KafkaConsumer(
        bootstrap_servers=[server.strip() for server in bootstrap.split(",")],
        client_id="ledger-projections",
        group_id=group_id,
        partition_assignment_strategy=(CooperativeStickyAssignor,),
        isolation_level="read_committed",
        enable_auto_commit=False,
        # An offset that is gone was only a hint: what is known is dropped, and a gap in the numbers shows.
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        max_poll_records=batch,
        max_partition_fetch_bytes=4 * 1024 * 1024,
        fetch_max_wait_ms=100,
        heartbeat_interval_ms=session_ms // 6,
        session_timeout_ms=session_ms,
        metadata_max_age_ms=5000,
        request_timeout_ms=max(timeout_ms, 2 * session_ms),
        bootstrap_timeout_ms=timeout_ms,
    )
    return consumer
