"""Events straight from the journal, split into the same partitions as Kafka: for a book without Kafka, and catching up.

One cursor runs over the whole journal. A start on projections that are current reads nothing, and a poll that finds
nothing new is one query for the head. As long as batches come in full, the next is read while this one is applied.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from projections.feed import Batch, FeedEvent, Owner
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import Event

_Found = list[tuple[int, FeedEvent]]
"""Events, each after the number of its partition."""


class JournalFeed:
    """`batch`: events read at once at most; `pause_s`: wait after a poll that found nothing; `retry_s`: wait before a
    partition that somebody else took is claimed again, if it is ours by the number of workers; `reads`: types of events
    whose facts are read ahead too, for whoever surely takes them."""

    name = "journal"

    def __init__(
        self,
        journal: Journal,
        *,
        batch: int,
        pause_s: float = 0.05,
        retry_s: float = 5.0,
        reads: Collection[str] = (),
    ) -> None:
        self._journal = journal
        self._batch = batch
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._reads = reads
        self._started = False
        self._cursor = 0
        self._ahead: tuple[int, Future[_Found]] | None = None
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
        self._claim({partition for partition, _ in events} - self._known(), owner, heads={})
        return self._split(events)

    def retry(self, partition: int) -> None:
        self._delivered.pop(partition, None)
        self._retry_at[partition] = time.monotonic() + self._retry_s

    def close(self) -> None:
        """The journal belongs to whoever made it."""
        self._reader.shutdown()

    def _read(self) -> _Found:
        """What comes after the cursor, which goes on to its end."""
        ahead, self._ahead = self._ahead, None
        if ahead and ahead[0] == self._cursor:
            events = ahead[1].result()
        elif self._cursor < self._journal.head().position:
            events = self._fetch(self._cursor)
        else:
            return []
        if events:
            self._cursor = events[-1][1].position
        if len(events) == self._batch:
            self._ahead = self._cursor, self._reader.submit(self._fetch, self._cursor)
        return events

    def _fetch(self, position: int) -> _Found:
        """Runs beside whoever applies what came before: the server answers and decodes while that one waits for it."""
        found: _Found = []
        for at, partition, seq, version, recorded_us, kind, state in self._journal.delivered(position, self._batch):
            fact = _fact(kind, state) if kind in self._reads else None
            found.append((partition, FeedEvent(at, seq, version, recorded_us, kind, state, event=fact)))
        return found

    def _claim_again(self, owner: Owner) -> None:
        now_s = time.monotonic()
        due = {partition for partition, at in self._retry_at.items() if at <= now_s}
        if not due:
            return
        ours = set(owner.share(due))
        self._retry_at |= dict.fromkeys(due - ours, now_s + self._retry_s)
        self._claim(ours, owner, self._journal.partition_heads())

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

    def _split(self, events: _Found) -> list[Batch]:
        by_partition: defaultdict[int, list[FeedEvent]] = defaultdict(list)
        delivered = self._delivered
        for partition, event in events:
            last = delivered.get(partition)
            if last is not None and event.position > last:
                by_partition[partition].append(event)
                delivered[partition] = event.position
        return [Batch(partition, tuple(found)) for partition, found in by_partition.items()]


def _fact(kind: str, state: bytes) -> Event | None:
    """The fact; None where it cannot be read, which is said when its turn comes."""
    try:
        return REGISTRY.decode_recorded(kind, state)
    except LedgerError:
        return None


def feed_event(event: RecordedEvent) -> FeedEvent:
    """An event of the journal as feeds deliver it."""
    return FeedEvent(
        position=event.position,
        partitionseq=event.partitionseq,
        streamversion=event.version,
        recorded_us=event.recorded_us,
        type=event.type,
        state=event.state,
    )
