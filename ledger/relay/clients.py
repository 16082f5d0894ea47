"""What the relay needs of Kafka's clients. The library has no type stubs; these Protocols are the boundary."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:

    class Partition(NamedTuple):
        """One partition of one topic, as the type checker sees the library's class."""

        topic: str
        partition: int

else:
    from kafka import TopicPartition as Partition


def name_of(partition: Partition) -> str:
    return f"{partition.topic}/{partition.partition}"


def parse_name(name: str) -> Partition:
    topic, _, number = name.rpartition("/")
    return Partition(topic, int(number))


class Record(Protocol):
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp: int


class Placement(Protocol):
    """Where the broker put a record."""

    topic: str
    partition: int
    offset: int


class Sent(Protocol):
    """A record on its way. `get` waits so many seconds at most."""

    def succeeded(self) -> bool: ...
    def get(self, timeout: float | None = None) -> Placement: ...


class Producer(Protocol):
    """A transactional producer. Commit and abort have no time limit of their own."""

    def init_transactions(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def commit_transaction(self) -> None: ...
    def abort_transaction(self) -> None: ...
    def flush(self, timeout: float | None = None) -> None: ...
    def close(self, timeout: float | None = None) -> None: ...
    def send(
        self,
        topic: str,
        *,
        value: bytes,
        key: bytes,
        headers: list[tuple[str, bytes]],
        partition: int,
        timestamp_ms: int | None = None,
    ) -> Sent: ...


def announce(producer: Producer, partitions: Iterable[Partition]) -> None:
    """Name all partitions of the transaction that has just begun.

    The library names each one when it gets its first record, and by then is sending already: three or four round trips
    instead of one. It has no public call for this.
    """
    manager: Any = producer._transaction_manager  # type: ignore[attr-defined] # because it is not public
    for partition in partitions:
        manager.maybe_add_partition_to_transaction(partition)


class Consumer(Protocol):
    """A reader of assigned partitions, without a group."""

    def assign(self, partitions: Sequence[Partition]) -> None: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    def resume(self, *partitions: Partition) -> None: ...
    def pause(self, *partitions: Partition) -> None: ...
    def poll(self, timeout_ms: float) -> Mapping[Partition, Sequence[Record]]: ...
    def position(self, partition: Partition, timeout_ms: int) -> int | None: ...
    def beginning_offsets(self, partitions: Sequence[Partition], timeout_ms: int) -> Mapping[Partition, int]: ...
    def end_offsets(self, partitions: Sequence[Partition], timeout_ms: int) -> Mapping[Partition, int]: ...
    def close(self, autocommit: bool, timeout_ms: int) -> None: ...


class Admin(Protocol):
    """Topics and their settings; the answers are plain dictionaries."""

    def list_topics(self) -> list[str]: ...
    def create_topics(
        self, new_topics: Mapping[str, Mapping[str, Any]], timeout_ms: int, *, raise_errors: bool
    ) -> dict[str, Any]: ...
    def wait_for_topics(self, topic_names: Sequence[str], timeout_ms: int) -> None: ...
    def describe_topics(self, topics: Sequence[str]) -> list[dict[str, Any]]: ...
    def describe_configs(self, config_resources: Sequence[Any], *, config_filter: str) -> dict[str, Any]: ...
    def close(self) -> None: ...
