"""From Kafka back to a journal that lost events: the tail behind a backup, or all of it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from ledger.journal.restore import JournalEnd, JournalRestore, LostEvent
from ledger.relay.clients import Partition, Record, name_of
from ledger.relay.cluster import Cluster
from ledger.relay.errors import LogsDisagree, NotPublished, WhichBook
from ledger.relay.heads import PublishedHead, head_before, last_head, number_in, ours, position_of
from ledger.relay.merging import Merge
from ledger.relay.reading import LogReader, Span
from ledger.relay.topics import data_topics, heads_topic
from schemas.envelope import digest
from schemas.registry import JOURNAL_TOPIC

Progress = Callable[[int, int], None]

_REPORT_EVERY = 500
_NAMED = 10
_HEADS = heads_topic("")


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """Positions `first` to `last` were put back (first > last: nothing was missing); `hash`: of the last event."""

    book_id: str
    first: int
    last: int
    hash: str

    @property
    def count(self) -> int:
        return self.last - self.first + 1


def published_books(cluster: Cluster) -> list[str]:
    """The books that a relay has published here, sorted."""
    with closing(cluster.admin()) as admin:
        topics = cluster.within("for its topics", admin.list_topics)
    return sorted(topic.removeprefix(_HEADS) for topic in topics if topic.startswith(_HEADS))


def choose_book(cluster: Cluster, asked: str | None, known: str | None) -> str:
    """The book to restore: the one asked for, the one that the journal holds, or the only one that is published."""
    if asked or known:
        return asked or known or ""
    published = published_books(cluster)
    if len(published) != 1:
        raise WhichBook(
            f"asked to restore a book from Kafka at {cluster.bootstrap}, which has {_some(published)}; "
            "say which one by --book"
        )
    return published[0]


class Restoration:
    """Brings the events of one book back. `copies`: compare each with its copy in the topic of its family."""

    def __init__(self, cluster: Cluster, restore: JournalRestore, book_id: str, *, copies: bool = True) -> None:
        self._cluster = cluster
        self._restore = restore
        self._book_id = book_id
        self._copies = copies

    def run(self, progress: Progress | None = None) -> Restored:
        """Restore what the journal lacks, up to the last event that was published, and prove the result.

        Raises `RestoreRefused`, `SecondBook`, `NotPublished`, `LogsDisagree`, `PartitionTruncated` or
        `RecordOutOfPlace`; batches that are in by then stay in.
        """
        with LogReader(self._cluster) as reader:
            journal_id = self._require_head(reader).journal
            self._restore.expect(self._book_id, journal_id)
            self._fence(journal_id)
            head = self._require_head(reader)
            end = self._restore.end()
            if head.position > end.position:
                self._put_back(reader, head, end, progress)
                self._restore.verify(head.position, head.hash)
            elif self._restore.event_hash(head.position) != head.hash and head.position:
                raise self._disagree(head.position, head.hash, self._restore.event_hash(head.position))
        last = max(head.position, end.position)
        return Restored(book_id=self._book_id, first=end.position + 1, last=last, hash=self._restore.event_hash(last))

    def _put_back(self, reader: LogReader, head: PublishedHead, end: JournalEnd, progress: Progress | None) -> None:
        after = max(0, end.position - 1)  # the journal's last event comes too, and must be the same there
        merge = Merge(reader, self._book_id, after, head.position, self._copies)
        for record in merge.records(self._spans(reader, end)):
            position = position_of(record)
            if position == end.position:
                self._require_equal(record, digest(end.state).hex())
                continue
            if position == head.position:
                self._require_equal(record, head.hash)
            self._restore.add(_lost_event(record))
            if progress and (position % _REPORT_EVERY == 0 or position == head.position):
                progress(position - end.position, head.position - end.position)
        self._restore.finish()

    def _spans(self, reader: LogReader, end: JournalEnd) -> dict[Partition, Span]:
        """What is to be read: each partition from the newest record that the journal is known to have."""
        spans = reader.whole(self._partitions())
        known = head_before(reader, self._book_id, end.position)
        if known is None:
            return spans
        marks = {each: known.partitions[name] for each in spans if (name := name_of(each)) in known.partitions}
        # A partition that was made anew since has other offsets: what is not proved to be there is read from the start.
        named = {
            each: Span(mark.offset, mark.offset + 1)
            for each, mark in marks.items()
            if mark.position and spans[each].first <= mark.offset < spans[each].end
        }
        for record in ours(reader.read(named), self._book_id):
            partition = Partition(record.topic, record.partition)
            if position_of(record) == marks[partition].position:
                spans[partition] = Span(record.offset + 1, spans[partition].end)
        return spans

    def _partitions(self) -> list[Partition]:
        wanted = data_topics() if self._copies else (JOURNAL_TOPIC,)
        with closing(self._cluster.admin()) as admin:
            present = self._cluster.within("for its topics", lambda: set(admin.list_topics()))
            if missing := [topic for topic in wanted if topic not in present]:
                raise NotPublished(
                    f"asked to restore book {self._book_id} from Kafka at {self._cluster.bootstrap}, which has no "
                    f"topic {', '.join(missing)}; bring it back"
                    + ("" if JOURNAL_TOPIC in missing else ", or leave families out: --journal-topic-only")
                )
            found = self._cluster.within("for its topics", lambda: admin.describe_topics(list(wanted)))
        return [Partition(topic["name"], number) for topic in found for number in range(len(topic["partitions"]))]

    def _require_head(self, reader: LogReader) -> PublishedHead:
        if self._book_id in published_books(self._cluster) and (head := last_head(reader, self._book_id)):
            return head
        raise NotPublished(
            f"asked to restore book {self._book_id} from Kafka at {self._cluster.bootstrap}; no relay has published it "
            f"there. Published are: {_some(published_books(self._cluster))}"
        )

    def _fence(self, journal_id: str) -> None:
        """End what a relay of the lost journal left open, and let it publish no more."""
        producer = self._cluster.producer(journal_id)
        try:
            with self._cluster.translated("to end what an older relay left open"):
                producer.init_transactions()
        finally:
            self._cluster.within("to let a producer go", lambda: producer.close(1.0))

    def _require_equal(self, record: Record, hash_hex: str) -> None:
        if (found := digest(record.value or b"").hex()) != hash_hex:
            raise self._disagree(position_of(record), found, hash_hex)

    def _disagree(self, position: int, kafka: str, expected: str) -> LogsDisagree:
        return LogsDisagree(
            f"asked to restore book {self._book_id}: at position {position} Kafka has an event of hash {kafka}, "
            f"expected {expected or 'none'} (of the journal, or of the relay's last word). The journal went another "
            "way since it was copied, or one of the two was changed; find out which one is right"
        )


def _some(books: list[str]) -> str:
    return ", ".join([*books[:_NAMED], *(["and others"] if len(books) > _NAMED else [])]) or "none"


def _lost_event(record: Record) -> LostEvent:
    return LostEvent(
        position=position_of(record),
        partition=record.partition,
        partitionseq=number_in(record, "partitionseq"),
        recorded_us=number_in(record, "recorded_us"),
        state=record.value or b"",
    )
