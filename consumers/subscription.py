"""Events from Kafka, decoded: the public client for services that live downstream of the ledger.

It reads committed records, in order within each key. A silence is an error, never an end: the end is what the brokers
named before the reading began.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from kafka.errors import CommitFailedError, NoOffsetForPartitionError, RebalanceInProgressError

from consumers.brokers import Brokers, Consumer, Record
from consumers.errors import RecordUnreadable
from schemas.envelope import Envelope, read
from schemas.errors import Corrupt
from schemas.registry import REGISTRY
from schemas.values import Event

_POLL_MS = 100


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


def read_to_end(
    bootstrap: str, topics: Sequence[str], book: str | None = None, timeout_s: float = 30
) -> Iterator[Delivery]:
    """All events from the earliest to the end that the topics have at the first step; then it is over.

    `book`: only events of this book; records of others are passed over unread. `timeout_s`: how long records that are
    known to be there may stay away, before `EndNotReached`.
    """
    brokers = Brokers(bootstrap, topics, timeout_s)
    with brokers.translated(), brokers.connected() as consumer:
        ends = brokers.true_ends()
        positions = _from_the_beginning(brokers, consumer, list(ends))
        moved_at = time.monotonic()
        while any(positions[partition] < end for partition, end in ends.items()):
            for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
                yield from _deliveries((each for each in records if each.offset < ends[partition]), book)
                moved_at = time.monotonic()  # what the caller did meanwhile is no silence
            moved = brokers.positions(consumer, list(ends))
            if moved != positions:
                positions, moved_at = moved, time.monotonic()
            elif time.monotonic() - moved_at > timeout_s:
                raise brokers.not_reached(positions, ends)


def follow(
    bootstrap: str, topics: Sequence[str], group: str, stop: Flag, *, book: str | None = None, timeout_s: float = 30
) -> Iterator[Delivery]:
    """All events and those to come, until `stop` is set, shared among the members of a group; at least once.

    How far the group is, Kafka stores when the caller comes back for more after the last event of a batch. What was
    delivered since then comes again after a crash, or when members come and go. Raises `EndNotReached` when records are
    there and do not come for `timeout_s`.
    """
    brokers = Brokers(bootstrap, topics, timeout_s)
    with brokers.translated(), brokers.connected(group=group) as consumer:
        partitions = brokers.partitions(consumer)  # a member that does not know the topics yet would get none of them
        consumer.subscribe(list(topics))
        seen: Mapping[Any, int] = {}
        looked_at = time.monotonic()
        while not stop.is_set():
            for records in (polled := _poll(consumer)).values():
                yield from _deliveries(records, book)
            if polled:
                _store(brokers, consumer)
                looked_at = time.monotonic()
            elif time.monotonic() - looked_at > timeout_s:
                seen, looked_at = _require_progress(brokers, consumer, partitions, seen), time.monotonic()


def _from_the_beginning(brokers: Brokers, consumer: Consumer, partitions: Sequence[Any]) -> dict[Any, int]:
    firsts = dict(consumer.beginning_offsets(partitions, timeout_ms=brokers.timeout_ms))
    consumer.assign(partitions)
    for partition, first in firsts.items():
        consumer.seek(partition, first)
    return firsts


def _poll(consumer: Consumer) -> Mapping[Any, Sequence[Record]]:
    """What came. A partition where the group never stored anything is read from its beginning."""
    try:
        return consumer.poll(timeout_ms=_POLL_MS)
    except NoOffsetForPartitionError as error:
        consumer.seek_to_beginning(*error.args[0])
        return {}


def _store(brokers: Brokers, consumer: Consumer) -> None:
    # Members come or go: what was not stored now is stored with the next batch, or delivered again by another member.
    with suppress(CommitFailedError, RebalanceInProgressError):
        consumer.commit(timeout_ms=brokers.timeout_ms)


def _require_progress(
    brokers: Brokers, consumer: Consumer, partitions: Sequence[Any], before: Mapping[Any, int]
) -> Mapping[Any, int]:
    """Positions now. Nothing came for a while: right only where nothing was left when we last looked."""
    ends = consumer.end_offsets(partitions, timeout_ms=brokers.timeout_ms)
    now = brokers.positions(consumer, sorted(consumer.assignment()))
    stuck = {each: at for each, at in now.items() if at == before.get(each) and at < ends[each]}
    if stuck:
        raise brokers.not_reached(stuck, ends)
    return now


def _deliveries(records: Iterable[Record], book: str | None) -> Iterator[Delivery]:
    wanted = book and ("book", book.encode())
    return (_delivery(record) for record in records if not wanted or wanted in record.headers)


def _delivery(record: Record) -> Delivery:
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
