"""What Kafka lost of a book: found by comparing all that it holds with the journal, and sent again.

A log only grows at its end. So a partition can be repaired when it holds the beginning of what it should, unchanged:
the rest is appended in order. Anything else - a gap, a changed record, one in our name that we did not write - is
refused by name. The heads topic can be made anew in the same way, since all that it says is proved here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ledger.journal.published import PublishedJournal
from ledger.journal.records import RecordedEvent
from ledger.relay.clients import Partition, Record, name_of, parse_name
from ledger.relay.errors import KafkaAhead, LogsDisagree, PartitionTruncated, RecordOutOfPlace
from ledger.relay.heads import (
    LOST,
    Mark,
    PublishedHead,
    last_head,
    number_in,
    ours,
    place_of,
    position_of,
    require_in_journal,
)
from ledger.relay.publisher import Publisher
from ledger.relay.reading import LogReader
from schemas.envelope import digest
from schemas.registry import JOURNAL_TOPIC

Progress = Callable[[int, int], None]

_REPORT_EVERY = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """The end of a partition is missing: so many events behind that `partitionseq`, the last one at `position`."""

    partition: Partition
    after: int
    missing: int
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """What was found, and has been sent again. `head_rebuilt`: the heads topic had lost what it should say."""

    position: int
    losses: Sequence[Loss]
    head_rebuilt: bool


@dataclass(slots=True)
class _Held:
    """What a partition was found to hold, and what should come next there."""

    expected: Iterator[RecordedEvent]
    count: int = 0
    last: RecordedEvent | None = None
    offset: int = 0


@dataclass(slots=True)
class Survey:
    """Compares every record of a book with the journal. Call it when no older relay can write any more."""

    reader: LogReader
    journal: PublishedJournal
    book_id: str
    journal_id: str
    progress: Progress | None = None
    losses: list[Loss] = field(default_factory=list)
    head_rebuilt: bool = False

    def take(self, partitions: Sequence[Partition]) -> PublishedHead:
        """The head that Kafka reaches once the `losses` found are sent again; until then it marks them as lost.

        Raises `KafkaAhead`, `LogsDisagree`, `RecordOutOfPlace` or `PartitionTruncated` for what cannot be repaired.
        """
        head = last_head(self.reader, self.book_id)
        if head:
            require_in_journal(self.journal, self.book_id, self.journal_id, head)
            partitions = list(dict.fromkeys([*partitions, *map(parse_name, head.partitions)]))
        held = {each: _Held(self._sequence(each)) for each in partitions}
        spans = self.reader.whole(partitions)
        for count, record in enumerate(ours(self.reader.read(spans), self.book_id), 1):
            self._check(record, held[Partition(record.topic, record.partition)])
            if self.progress and count % _REPORT_EVERY == 0:
                self.progress(count, max(count, 2 * self.journal.head().position))
        reached = max(head.position if head else 0, *(each.last.position for each in held.values() if each.last), 0)
        self.head_rebuilt = reached > (head.position if head else 0)
        marks = self._marks(held, {each: span.end for each, span in spans.items()}, reached)
        return self._head(reached, marks, head.incarnation if head else 0)

    def _sequence(self, partition: Partition) -> Iterator[RecordedEvent]:
        family = None if partition.topic == JOURNAL_TOPIC else partition.topic
        return self.journal.sequence(partition.partition, family)

    def _check(self, record: Record, held: _Held) -> None:
        """The record must be the next one that the journal has for its partition, unchanged."""
        event = next(held.expected, None)
        if event is None or position_of(record) < event.position:
            raise self._out_of_place(record)
        if position_of(record) > event.position:
            raise PartitionTruncated(
                f"asked to repair book {self.book_id}; {record.topic}/{record.partition} lacks position "
                f"{event.position} and has {position_of(record)} at offset {record.offset}. Records can only be added "
                "at the end: delete all that this partition still holds, then run ledger relay --repair for each book"
            )
        if not _fits(record, event):
            raise LogsDisagree(
                f"asked to repair book {self.book_id}; {place_of(record)} holds position {event.position} with hash "
                f"{digest(record.value or b'').hex()}, the journal has {digest(event.state).hex()} there, or its "
                "headers differ; append nothing, and find out which of the two was changed"
            )
        held.count, held.last, held.offset = held.count + 1, event, record.offset

    def _out_of_place(self, record: Record) -> KafkaAhead | RecordOutOfPlace:
        end = self.journal.head().position
        asked = f"asked to repair book {self.book_id}; {place_of(record)} holds position {position_of(record)}"
        if position_of(record) > end:
            return KafkaAhead(f"{asked}, the journal ends at {end}; bring the events back first: ledger restore --tail")
        return RecordOutOfPlace(
            f"{asked}, which has no place there. Something other than this relay wrote it; find it and stop it"
        )

    def _marks(
        self, held: Mapping[Partition, _Held], ends: Mapping[Partition, int], reached: int
    ) -> Iterator[tuple[str, Mark]]:
        wanted = self._wanted(reached)
        for partition, has in held.items():
            count, position = wanted.get(partition, (0, 0))
            if count > has.count:
                after = has.last.partitionseq if has.last else 0
                missing = count - has.count
                self.losses.append(Loss(partition=partition, after=after, missing=missing, position=position))
                yield name_of(partition), Mark(LOST, position)
            else:
                yield name_of(partition), Mark(has.offset, position) if has.last else Mark(ends[partition], 0)

    def _wanted(self, reached: int) -> dict[Partition, tuple[int, int]]:
        """How many events each partition must hold, and the last position among them."""
        wanted: dict[Partition, tuple[int, int]] = {}
        for end in self.journal.partition_ends(reached):
            for topic in (JOURNAL_TOPIC, end.topic):
                partition = Partition(topic, end.partition)
                count, position = wanted.get(partition, (0, 0))
                wanted[partition] = (count + end.count, max(position, end.position))
        return wanted

    def _head(self, position: int, marks: Iterator[tuple[str, Mark]], incarnation: int) -> PublishedHead:
        found = self.journal.between(position, position)
        return PublishedHead(
            journal=self.journal_id,
            incarnation=incarnation,
            position=position,
            hash=digest(found[0].state).hex() if found else "",
            partitions=dict(marks),
        )


def resend(
    publisher: Publisher,
    journal: PublishedJournal,
    losses: Sequence[Loss],
    window: int,
    progress: Progress | None = None,
) -> None:
    """Append what each partition lost, in order, and end with a head that says so. Raises as `Publisher.publish`."""
    sent, total = 0, sum(loss.missing for loss in losses)
    for loss in losses:
        family = None if loss.partition.topic == JOURNAL_TOPIC else loss.partition.topic
        missing = islice(journal.sequence(loss.partition.partition, family, after=loss.after), loss.missing)
        while events := list(islice(missing, window)):
            publisher.resend(loss.partition, events, more=events[-1].position < loss.position)
            sent += len(events)
            if progress:
                progress(sent, total)
    publisher.prove()


def _fits(record: Record, event: RecordedEvent) -> bool:
    return (
        record.value == event.state
        and record.key == event.key.encode()
        and number_in(record, "partitionseq") == event.partitionseq
        and number_in(record, "recorded_us") == event.recorded_us
    )
