"""Events from Kafka, as a member of a consumer group: partitions are shared with the other workers of the book.

Offsets are not committed; checkpoints are. A stored offset is only a hint where to seek: if the record there is not at
or below the checkpoint, the partition is read from its beginning, and what is known is dropped.
"""

import logging
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from projections.errors import FeedUnavailable, UnreadableRecord
from projections.feed import Batch, FeedEvent, Owner, Resume
from projections.kafka_client import Consumer, Partition, Record, connect
from schemas.registry import JOURNAL_TOPIC

_log = logging.getLogger(__name__)

_TOPIC_PAUSE_S = 0.5


@dataclass(kw_only=True, slots=True)
class _Place:
    """Where we are in a partition. `is_hint`: the next record shows whether the offset that we went to was right."""

    delivered: int
    is_hint: bool


class _Listener:
    """Notes assignments and pauses what is new: it runs on the client's own thread, where nothing may block."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.changes: deque[tuple[bool, list[int]]] = deque()

    def on_partitions_assigned(self, assigned: Collection[Partition]) -> None:
        self._consumer.pause(*assigned)
        self.changes.append((True, [each.partition for each in assigned]))

    def on_partitions_revoked(self, revoked: Collection[Partition]) -> None:
        self.changes.append((False, [each.partition for each in revoked]))

    def on_partitions_lost(self, lost: Collection[Partition]) -> None:
        self.on_partitions_revoked(lost)


ConsumerRebalanceListener.register(_Listener)


class KafkaFeed:
    """`batch`: records of one poll at most; `group`: who shares the partitions; `poll_ms`: how long a poll waits;
    `session_ms`: after such a silence others take our partitions; `retry_s`: wait before a partition that we were
    fenced off, and still have, is claimed again; `timeout_s`: limit of every single answer of a broker; `stall_s`: a
    partition with records that do not come for so long, or brokers that do not answer, end the work with
    `FeedUnavailable`. A missing topic is waited for."""

    name = "kafka"

    def __init__(
        self,
        bootstrap: str,
        book_id: str,
        *,
        batch: int,
        group: str = "projections",
        poll_ms: int = 200,
        session_ms: int = 6000,
        retry_s: float = 5.0,
        timeout_s: float = 30.0,
        stall_s: float = 60.0,
    ) -> None:
        self._book = book_id.encode()
        self._poll_ms = poll_ms
        self._retry_s = retry_s
        self._timeout_ms = int(timeout_s * 1000)
        self._stall_s = stall_s
        self._look_at_s = time.monotonic() + stall_s
        self._looked_at: dict[Partition, int | None] = {}
        self._places: dict[int, _Place] = {}
        self._retry_at: dict[int, float] = {}
        self._connect = partial(connect, bootstrap, f"ledger-{group}-{book_id}", batch, session_ms, self._timeout_ms)
        with _translated():
            self._consumer: Consumer = self._connect()
        self._listener = _Listener(self._consumer)
        self._is_member = False

    def poll(self, owner: Owner) -> list[Batch]:
        with _translated():
            if not self._join():
                time.sleep(_TOPIC_PAUSE_S)
                return []
            self._follow_assignment(owner)
            self._claim_again(owner)
            polled = self._consumer.poll(timeout_ms=self._poll_ms)
            found = [self._batch(partition.partition, records) for partition, records in polled.items()]
            self._look_for_standstill()
        return [batch for batch in found if batch.events or batch.problem]

    def retry(self, partition: int) -> None:
        self._places.pop(partition, None)
        if self._has(partition):
            self._consumer.pause(Partition(JOURNAL_TOPIC, partition))
            self._retry_at[partition] = time.monotonic() + self._retry_s

    def close(self) -> None:
        with _translated():
            self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)

    def _join(self) -> bool:
        """Enter the group once the topic is there. A member that leads before it knows the topic assigns nothing, and
        the library never looks again."""
        if not self._is_member and self._consumer.partitions_for_topic(JOURNAL_TOPIC):
            self._consumer.subscribe([JOURNAL_TOPIC], listener=self._listener)
            self._is_member = True
        return self._is_member

    def _follow_assignment(self, owner: Owner) -> None:
        while self._listener.changes:
            is_ours, partitions = self._listener.changes.popleft()
            for partition in partitions:
                self._places.pop(partition, None)
                self._retry_at.pop(partition, None)
            if is_ours:
                self._claim(partitions, owner)
            else:
                owner.lose(partitions)

    def _claim_again(self, owner: Owner) -> None:
        due = [partition for partition, at in self._retry_at.items() if at <= time.monotonic()]
        for partition in due:
            del self._retry_at[partition]
        if not due:
            return
        if self._belongs_to_group(due):
            self._claim(due, owner)
        else:
            self._begin_anew(owner)

    def _belongs_to_group(self, partitions: Collection[int]) -> bool:
        """Whether the group still counts us in, asked where somebody else has fenced us off.

        A leader whose poll ends in the middle of joining is put out and not told so; it would take partitions from
        their owners for ever. Who may store offsets belongs to the group; nobody reads these.
        """
        ours = [Partition(JOURNAL_TOPIC, number) for number in partitions if self._has(number)]
        stands_at = {each: self._consumer.position(each, timeout_ms=self._timeout_ms) for each in ours}
        try:
            self._consumer.commit(
                {each: OffsetAndMetadata(offset, "", -1) for each, offset in stands_at.items() if offset is not None},
                timeout_ms=self._timeout_ms,
            )
        except (CommitFailedError, RebalanceInProgressError) as error:
            _log.warning("the consumer group goes on without us; joining it anew: %s", error)
            return False
        return True

    def _begin_anew(self, owner: Owner) -> None:
        """Join with another client: this one does not know that it has to."""
        owner.lose([each.partition for each in self._consumer.assignment()])
        self._consumer.close(autocommit=False, timeout_ms=self._timeout_ms)
        self._consumer = self._connect()
        self._listener = _Listener(self._consumer)
        self._is_member = False
        self._places.clear()
        self._retry_at.clear()
        self._looked_at.clear()

    def _claim(self, partitions: Collection[int], owner: Owner) -> None:
        wanted = [partition for partition in partitions if self._has(partition)]
        if wanted:
            for partition, resume in owner.claim(wanted).items():
                self._go_to(partition, resume)

    def _go_to(self, number: int, resume: Resume) -> None:
        partition = Partition(JOURNAL_TOPIC, number)
        try:
            if resume.offset is None:
                self._consumer.seek_to_beginning(partition)
            else:
                self._consumer.seek(partition, resume.offset)
            self._consumer.resume(partition)
        except (ValueError, KeyError):
            _log.info("partition %s was taken away while we claimed it; its new owner claims it after us", number)
            return
        self._places[number] = _Place(delivered=resume.position, is_hint=resume.offset is not None)

    def _has(self, partition: int) -> bool:
        return Partition(JOURNAL_TOPIC, partition) in self._consumer.assignment()

    def _batch(self, partition: int, records: Sequence[Record]) -> Batch:
        """What is new in the records of one partition. A wrong hint shows at its first record: begin at the start."""
        place = self._places.get(partition)
        if place is None:
            return Batch(partition, ())
        if place.is_hint and not self._confirms(records[0], place):
            _log.warning("offset %s of partition %s is not where we were; reading it all", records[0].offset, partition)
            self._go_to(partition, Resume(position=place.delivered))
            return Batch(partition, ())
        place.is_hint = False
        events: list[FeedEvent] = []
        try:
            for event in self._ours(records):
                if event.position > place.delivered:
                    events.append(event)
                    place.delivered = event.position
        except UnreadableRecord as problem:
            return Batch(partition, tuple(events), problem)
        return Batch(partition, tuple(events))

    def _confirms(self, record: Record, place: _Place) -> bool:
        """Whether a record is what we applied last, or was applied before it."""
        try:
            return any(event.position <= place.delivered for event in self._ours([record]))
        except UnreadableRecord:
            return False

    def _look_for_standstill(self) -> None:
        """From time to time: a partition that stands where it stood, short of its end, has stopped without a word."""
        if time.monotonic() < self._look_at_s:
            return
        ours = [Partition(JOURNAL_TOPIC, number) for number in self._places if self._has(number)]
        ends = self._consumer.end_offsets(ours, timeout_ms=self._timeout_ms) if ours else {}
        now = {each: self._consumer.position(each, timeout_ms=self._timeout_ms) for each in ours}
        for partition, end in ends.items():
            stands_at = now[partition]
            if stands_at is not None and stands_at < end and self._looked_at.get(partition) == stands_at:
                raise FeedUnavailable(
                    f"asked Kafka for {JOURNAL_TOPIC}/{partition.partition} up to offset {end}; nothing came after "
                    f"offset {stands_at} for {self._stall_s:g} s. See that the partition has a leader; start again"
                )
        self._looked_at, self._look_at_s = now, time.monotonic() + self._stall_s

    def _ours(self, records: Sequence[Record]) -> Iterator[FeedEvent]:
        for record in records:
            headers = dict(record.headers)
            if headers.get("book") == self._book:
                yield _feed_event(record, headers)


def _feed_event(record: Record, headers: Mapping[str, bytes]) -> FeedEvent:
    try:
        if record.value is None:
            raise ValueError("it has no value")
        return FeedEvent(
            position=int(headers["position"]),
            partitionseq=int(headers["partitionseq"]),
            streamversion=int(headers["streamversion"]),
            recorded_us=int(headers["recorded_us"]),
            type=headers["type"].decode("ascii"),
            state=record.value,
            offset=record.offset,
        )
    except (KeyError, ValueError) as error:
        raise UnreadableRecord(
            f"asked to read {JOURNAL_TOPIC}/{record.partition} at offset {record.offset}: {error!r}; a record of this "
            "book that the relay did not write. Find out who may write to the topic"
        ) from error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise FeedUnavailable(
            f"asked Kafka for {JOURNAL_TOPIC}: {type(error).__name__}: {error}; "
            "see that the brokers run and that LEDGER_KAFKA_BOOTSTRAP is right, then try again"
        ) from error
