"""The events of a book from many partitions, in order of position, in bounded memory.

Positions are dense: what comes next is known, and a position that never comes is a hole. Each event is in Kafka twice,
on the same partition number of the journal's topic and of its family's; the two must be the same bytes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from ledger.relay.clients import Partition, Record, name_of
from ledger.relay.errors import LogsDisagree, PartitionTruncated, RecordOutOfPlace
from ledger.relay.heads import ours, place_of, position_of
from ledger.relay.reading import LogReader, Span
from schemas.envelope import digest
from schemas.registry import JOURNAL_TOPIC

_FULL = 5000  # records of a partition that may wait for those of others


@dataclass(slots=True)
class Merge:
    """Reads positions beyond `after` up to `upto`. `copies`: whether family topics are read and compared."""

    reader: LogReader
    book_id: str
    after: int
    upto: int
    copies: bool
    _waiting: list[tuple[int, int, Record]] = field(default_factory=list)
    _copies: dict[int, tuple[Partition, bytes]] = field(default_factory=dict)
    _held: Counter[Partition] = field(default_factory=Counter)
    _last: dict[Partition, int] = field(default_factory=dict)

    def records(self, spans: Mapping[Partition, Span]) -> Iterator[Record]:
        """The records of the journal's topic. Raises `PartitionTruncated`, `RecordOutOfPlace` or `LogsDisagree`."""
        following = self.after + 1
        for record in ours(self.reader.read(spans, self._full), self.book_id):
            self._take(record, following)
            while self._is_there(following):
                yield self._pop(following)
                following += 1
        if following <= self.upto:
            raise self._missing(following)

    def _full(self) -> list[Partition]:
        return [partition for partition, count in self._held.items() if count >= _FULL]

    def _take(self, record: Record, following: int) -> None:
        partition, position = Partition(record.topic, record.partition), position_of(record)
        if position <= self._last.get(partition, 0) or position > self.upto:
            raise self._out_of_place(record)
        self._last[partition] = position
        if position <= self.after:
            return
        if position < following or (partition.topic != JOURNAL_TOPIC and position in self._copies):
            raise self._out_of_place(record)
        self._held[partition] += 1
        if partition.topic == JOURNAL_TOPIC:
            heappush(self._waiting, (position, record.partition, record))
        else:
            self._copies[position] = (partition, digest(record.value or b""))

    def _is_there(self, position: int) -> bool:
        if self._waiting and self._waiting[0][0] < position:
            raise self._out_of_place(self._waiting[0][2])
        return bool(self._waiting) and self._waiting[0][0] == position and (not self.copies or position in self._copies)

    def _pop(self, position: int) -> Record:
        _, _, record = heappop(self._waiting)
        self._held[Partition(record.topic, record.partition)] -= 1
        if self.copies:
            partition, copied = self._copies.pop(position)
            self._held[partition] -= 1
            if copied != digest(record.value or b""):
                raise LogsDisagree(
                    f"asked to restore book {self.book_id}; position {position} has hash "
                    f"{digest(record.value or b'').hex()} at {place_of(record)} and {copied.hex()} on "
                    f"{name_of(partition)}. Find out which of the two was changed"
                )
        return record

    def _missing(self, position: int) -> PartitionTruncated:
        is_copy = bool(self._waiting) and self._waiting[0][0] == position
        where = f"the topic of its family, with a copy in {place_of(self._waiting[0][2])}" if is_copy else JOURNAL_TOPIC
        advice = (
            "If the family topics are known to be broken, leave them out: --journal-topic-only"
            if is_copy
            else "Bring the journal back from a newer backup, or that topic"
        )
        return PartitionTruncated(
            f"asked to restore book {self.book_id} up to position {self.upto}; position {position} is not in {where}. "
            f"{advice}"
        )

    def _out_of_place(self, record: Record) -> RecordOutOfPlace:
        return RecordOutOfPlace(
            f"asked to restore book {self.book_id} up to position {self.upto}; {place_of(record)} holds position "
            f"{position_of(record)}, which is out of order, there twice, or beyond the end. Something other than the "
            "relay wrote it"
        )
