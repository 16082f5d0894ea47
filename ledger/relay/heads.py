"""How far a book is published: the last record of its heads topic, and the proof that Kafka holds what it says.

Every transaction of the relay ends with one such record. A silence, a time-out or a record that does not fit is an
error, never taken for "nothing published yet": that would publish everything a second time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
import orjson

from ledger.journal.journal import Journal
from ledger.relay.clients import Partition, Record, name_of, parse_name
from ledger.relay.errors import (
    HeadUnreadable,
    KafkaAhead,
    LogsDisagree,
    PartitionTruncated,
    RecordOutOfPlace,
    WrongJournal,
)
from ledger.relay.reading import LogReader, Span
from ledger.relay.topics import heads_topic
from schemas.envelope import digest

_FIRST_STEP = 64
_STEP_GROWTH = 8


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The last record of ours in a partition. Position 0: there is none; ours can only follow from `offset` on.

    Offset -1: the partition lost that record and others, and is being repaired.
    """

    offset: int
    position: int


LOST = -1


class PublishedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one transaction of the relay left behind.

    `hash` is the SHA-256 of the bytes at `position`, lowercase hex. `incarnation` counts the starts of a relay that
    published something. `partitions` maps topic/partition to its mark.
    """

    journal: str
    incarnation: int
    position: int
    hash: str
    partitions: dict[str, Mark]

    def encode(self) -> bytes:
        return orjson.dumps(msgspec.to_builtins(self))


def decode(record: Record) -> PublishedHead:
    """Read a record of the heads topic, or raise `HeadUnreadable`."""
    try:
        return msgspec.json.decode(record.value or b"", type=PublishedHead)
    except msgspec.MsgspecError as error:
        raise HeadUnreadable(
            f"asked to read the relay's last record, {record.topic} offset {record.offset}: {error}; "
            "something other than this relay wrote there. Find it and stop it"
        ) from error


def last_head(reader: LogReader, book_id: str) -> PublishedHead | None:
    """The last committed record of the heads topic, once all that is in it is decided; None if it never had one."""
    topic = _topic(book_id)
    found = _latest(reader, topic, reader.whole([topic])[topic])
    return decode(found[-1]) if found else None


def head_before(reader: LogReader, book_id: str, position: int) -> PublishedHead | None:
    """The last head that ends before a position; None if there is none."""
    topic = _topic(book_id)
    found = _latest(reader, topic, reader.whole([topic])[topic], lambda record: decode(record).position < position)
    return decode(found[-1]) if found else None


def visible_heads(reader: LogReader, book_id: str) -> list[tuple[PublishedHead, int]]:
    """The newest heads that readers see now, the last one last, each with its time in milliseconds since 1970.

    Whatever a transaction that is still open may bring is not waited for.
    """
    topic = _topic(book_id)
    return [(decode(record), record.timestamp) for record in _latest(reader, topic, reader.visible([topic])[topic])]


def _topic(book_id: str) -> Partition:
    return Partition(heads_topic(book_id), 0)


def _latest(
    reader: LogReader, topic: Partition, span: Span, wanted: Callable[[Record], bool] = lambda _: True
) -> Sequence[Record]:
    """The last few wanted records, or none. At the end there may be others only, so ever larger steps back are tried.

    Those may be markers and aborted records, which nobody sees.
    """
    step = _FIRST_STEP
    while span.first < span.end:
        first = max(span.first, span.end - step)
        found = deque(filter(wanted, reader.read({topic: Span(first, span.end)})), maxlen=_FIRST_STEP)
        if found or first == span.first:
            return found
        step *= _STEP_GROWTH
    return ()


def require_in_journal(journal: Journal, book_id: str, journal_id: str, head: PublishedHead) -> None:
    """Raise `WrongJournal`, `KafkaAhead` or `LogsDisagree` unless the journal holds what Kafka has last."""
    if head.journal != journal_id:
        raise WrongJournal(
            f"asked to publish book {book_id} of journal {journal_id}, found it published from journal "
            f"{head.journal}; give one of the two books another id, or use another Kafka"
        )
    if head.position == 0:
        return
    found = journal.between(head.position, head.position)
    if not found:
        raise KafkaAhead(
            f"asked to go on publishing book {book_id} from position {head.position}, which Kafka holds; the "
            f"journal ends at {journal.head().position}. It was restored from an older copy; append nothing, "
            "and bring the missing events back from Kafka: ledger restore --tail"
        )
    if digest(found[0].state).hex() != head.hash:
        raise LogsDisagree(
            f"asked to go on publishing book {book_id} from position {head.position}: Kafka has an event of "
            f"hash {head.hash}, the journal one of {digest(found[0].state).hex()}; append nothing, and find out "
            "which of the two was changed"
        )


class Resumption:
    """Finds where to go on publishing a book, and refuses where Kafka and journal do not fit together."""

    def __init__(self, reader: LogReader, journal: Journal, book_id: str, journal_id: str) -> None:
        self._reader = reader
        self._journal = journal
        self._book_id = book_id
        self._journal_id = journal_id

    def find(self, partitions: Sequence[Partition]) -> PublishedHead:
        """The head to go on from, position 0 at the first start. `partitions`: all that carry events.

        Call it when no older relay can write any more, that is, after `init_transactions`.
        """
        head = last_head(self._reader, self._book_id)
        if head is None:
            return self._first_start(partitions)
        require_in_journal(self._journal, self._book_id, self._journal_id, head)
        named = {name_of(partition): partition for partition in partitions}
        named |= {name: parse_name(name) for name in head.partitions.keys() - named.keys()}
        spans = self._reader.whole(list(named.values()))
        marks = {named[name]: mark for name, mark in head.partitions.items()}
        self._compare_with_partitions(marks, spans)
        # What was proved to hold none of ours need not be read again next time.
        proved = {name_of(each): Mark(span.end, 0) for each, span in spans.items() if not _mark(marks, each).position}
        return msgspec.structs.replace(head, partitions=head.partitions | proved)

    def _first_start(self, partitions: Sequence[Partition]) -> PublishedHead:
        spans = self._reader.whole(partitions)
        for record in ours(self._reader.read(spans), self._book_id):
            raise RecordOutOfPlace(
                f"asked to start publishing book {self._book_id}, found its position {position_of(record)} at "
                f"{place_of(record)} already, while {heads_topic(self._book_id)} is empty. The topic was deleted, or "
                "another cluster was copied here; bring it back, or make it anew: ledger relay --repair"
            )
        marks = {name_of(partition): Mark(span.end, 0) for partition, span in spans.items()}
        return PublishedHead(journal=self._journal_id, incarnation=0, position=0, hash="", partitions=marks)

    def _compare_with_partitions(self, marks: Mapping[Partition, Mark], spans: Mapping[Partition, Span]) -> None:
        for partition, mark in marks.items():
            span = spans[partition]
            if mark.position and not span.first <= mark.offset < span.end:
                raise self._truncated(partition, mark, f"offsets {span.first} to {span.end - 1}")
        missing = {partition for partition, mark in marks.items() if mark.position}
        tails = {each: Span(_first(span, _mark(marks, each)), span.end) for each, span in spans.items()}
        for record in ours(self._reader.read(tails), self._book_id):
            partition = Partition(record.topic, record.partition)
            mark = _mark(marks, partition)
            if Mark(record.offset, position_of(record)) != mark or partition not in missing:
                raise RecordOutOfPlace(
                    f"asked to go on publishing book {self._book_id}; {name_of(partition)} should end with its "
                    f"position {mark.position} at offset {mark.offset}, found position {position_of(record)} at offset "
                    f"{record.offset}. Something other than this relay wrote it, or the heads topic lost records. "
                    "In the latter case ledger relay --repair makes it anew"
                )
            missing.discard(partition)
        for partition in missing:
            raise self._truncated(partition, marks[partition], "no such record there")

    def _truncated(self, partition: Partition, mark: Mark, found: str) -> PartitionTruncated:
        return PartitionTruncated(
            f"asked to go on publishing book {self._book_id}; {name_of(partition)} should hold its position "
            f"{mark.position} at offset {mark.offset}, found {found}. Kafka lost committed records there, or the topic "
            "was made anew; the journal still has them. To send them again: ledger relay --repair"
        )


def ours(records: Iterable[Record], book_id: str) -> Iterator[Record]:
    """The records of one book; topics are shared by many."""
    wanted = ("book", book_id.encode())
    return (record for record in records if wanted in record.headers)


def position_of(record: Record) -> int:
    """The journal position in a record's header; -1 where there is none."""
    return number_in(record, "position")


def number_in(record: Record, header: str) -> int:
    """The number in a header; -1 where there is none."""
    text = next((value for name, value in record.headers if name == header), b"")
    return int(text) if text.isdigit() else -1


def _mark(marks: Mapping[Partition, Mark], partition: Partition) -> Mark:
    return marks.get(partition, Mark(0, 0))


def _first(span: Span, mark: Mark) -> int:
    """From where to look: the mark, unless a partition without records of ours was made anew and is shorter."""
    return mark.offset if span.first <= mark.offset <= span.end else span.first


def place_of(record: Record) -> str:
    return f"{record.topic}/{record.partition} offset {record.offset}"
