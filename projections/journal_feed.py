"""Events straight from the journal, split into the same partitions as Kafka: for a book without Kafka, and catching up.

One cursor runs over the whole journal. A start on projections that are current reads nothing, and a poll that finds
nothing new is one query for the head. As long as batches come in full, the next is read while this one is applied.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from projections.feed import Batch, FeedEvent, Owner

_Delivered = tuple[int, int, int, int, str, bytes]
"""What `Journal.delivered` gives of an event."""


class JournalFeed:
    """`batch`: events read at once at most; `pause_s`: wait after a poll that found nothing; `retry_s`: wait before a
    partition that somebody else took is claimed again, in case that they are gone by then."""

    name = "journal"

    def __init__(self, journal: Journal, *, batch: int, pause_s: float = 0.05, retry_s: float = 5.0) -> None:
        self._journal = journal
        self._batch = batch
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._started = False
        self._cursor = 0
        self._ahead: tuple[int, Future[list[_Delivered]]] | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="journal-feed")
        self._delivered: dict[int, int] = {}
        self._retry_at: dict[int, float] = {}

    def start(self, owner: Owner) -> int:
        """Claim all partitions that have events; the position after which one of them still needs something."""
        # The head first: what is appended between the two reads then counts as behind, never as seen.
        self._cursor = self._journal.head().position
        heads = self._journal.partition_heads()
        self._claim(heads.keys(), owner, heads)
        self._started = True
        return self._cursor

    def poll(self, owner: Owner) -> list[Batch]:
        if not self._started:
            self.start(owner)
        self._claim_again(owner)
        events = self._read()
        if not events:
            time.sleep(self._pause_s)
            return []
        self._claim({partition for _, partition, *_ in events} - self._known(), owner, heads={})
        return self._split(events)

    def retry(self, partition: int) -> None:
        self._delivered.pop(partition, None)
        self._retry_at[partition] = time.monotonic() + self._retry_s

    def close(self) -> None:
        """The journal belongs to whoever made it."""
        self._reader.shutdown()

    def _read(self) -> list[_Delivered]:
        """What comes after the cursor, which goes on to its end."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == self._cursor:
            events = ahead[1].result()
        elif self._cursor < self._journal.head().position:
            events = self._journal.delivered(self._cursor, self._batch)
        else:
            return []
        if events:
            self._cursor = events[-1][0]
        if len(events) == self._batch:
            self._ahead = self._cursor, self._reader.submit(self._journal.delivered, self._cursor, self._batch)
        return events

    def _claim_again(self, owner: Owner) -> None:
        due = [partition for partition, at in self._retry_at.items() if at <= time.monotonic()]
        if due:
            self._claim(due, owner, self._journal.partition_heads())

    def _claim(self, partitions: Collection[int], owner: Owner, heads: Mapping[int, int]) -> None:
        """Own partitions; where one of them is behind its head, the cursor goes back to it."""
        if not partitions:
            return
        resumes = owner.claim(partitions)
        self._delivered |= {partition: resume.position for partition, resume in resumes.items()}
        for partition in partitions:
            self._retry_at.pop(partition, None)
        behind = [resume.position for n, resume in resumes.items() if resume.position < heads.get(n, 0)]
        self._cursor = min([self._cursor, *behind])

    def _known(self) -> set[int]:
        return self._delivered.keys() | self._retry_at.keys()

    def _split(self, events: Sequence[_Delivered]) -> list[Batch]:
        by_partition: defaultdict[int, list[FeedEvent]] = defaultdict(list)
        delivered = self._delivered
        for position, partition, partitionseq, recorded_us, kind, state in events:
            last = delivered.get(partition)
            if last is not None and position > last:
                by_partition[partition].append(FeedEvent(position, partitionseq, recorded_us, kind, state))
                delivered[partition] = position
        return [Batch(partition, tuple(found)) for partition, found in by_partition.items()]


def feed_event(event: RecordedEvent) -> FeedEvent:
    """An event of the journal as feeds deliver it."""
    return FeedEvent(
        position=event.position,
        partitionseq=event.partitionseq,
        recorded_us=event.recorded_us,
        type=event.type,
        state=event.state,
    )
