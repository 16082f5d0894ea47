"""Recorders of the eventsourcing library over the journal.

They know nothing of what is in the bytes. One save is one request: all streams of it or none, under a random key, so
that a connection lost during the commit does no harm. They pass the contract suites that the library ships; one of
those wants positions back from a save and the other one None, hence two classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    ProgrammingError,
    StoredEvent,
)

from ledger.journal.database import Database
from ledger.journal.group_commit import GroupCommit
from ledger.journal.partitioning import partition_of
from ledger.journal.recorded_streams import RecordedStreams
from ledger.journal.records import NewEvent, Outcome, Request, Verdict
from ledger.journal.stored_events import JournalEvent, JournalNotification, Originators, in_library_words
from ledger.journal.subscription import JournalSubscription
from ledger.journal.turns import Turns

_RECORDED = (Verdict.APPENDED, Verdict.KNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """What the recorders of one application share.

    `topic` stands in the journal's topic column for events that do not name a Kafka topic of their own; a journal takes
    such events of one application only. `poll_s`: a subscription looks so often, whatever it is told.
    """

    database: Database
    journal: RecordedStreams
    commit: GroupCommit
    turns: Turns
    originators: Originators
    topic: str
    partitions: int
    poll_s: float


@dataclass(slots=True)
class _Tail:
    """The end of one stream, and what comes next on it. `first`: the version at which its sequence starts."""

    stream: str
    first: int
    version: int
    head_hash: bytes | None

    def follow(self, event: StoredEvent, topic: str, key: str, partitions: int) -> NewEvent:
        following = self.version + self.first
        if event.originator_version != following:
            raise IntegrityError(
                f"asked to record version {event.originator_version} of {event.originator_id}; the next one is "
                f"{following}. Load it again, then decide anew"
            )
        previous, self.version, self.head_hash = self.head_hash, self.version + 1, sha256(event.state).digest()
        return NewEvent(
            stream=self.stream,
            version=self.version,
            type=event.topic,
            topic=topic,
            key=key,
            partition=partition_of(key, partitions),
            prev_hash=previous,
            state=event.state,
        )


class JournalRecorder:
    """Saving and loading; the base of the two classes below."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The stored events of an originator with versions beyond `gt` up to `lte`."""
        originators = self._store.originators
        with in_library_words():
            for first in (1, 0):
                shift = 1 - first
                found = self._store.journal.versions(
                    originators.stream(originator_id, first),
                    after=None if gt is None else gt + shift,
                    upto=None if lte is None else lte + shift,
                    desc=desc,
                    limit=limit,
                )
                if found:
                    return [originators.stored_event(event) for event in found]
        return []

    def _record(self, stored_events: Sequence[StoredEvent]) -> list[int]:
        """Save all or nothing; the positions, in order."""
        if not stored_events:
            return []
        with in_library_words():
            request = self._request(stored_events)
            with self._store.turns.taken(request) as is_late:
                if is_late:
                    raise IntegrityError("asked to record events; others came first. Load again, then decide anew")
                return positions(self._store.commit.append([request])[0])

    def _request(self, stored_events: Sequence[StoredEvent]) -> Request:
        self._refuse_strangers(stored_events)
        firsts = {event.originator_id: event.originator_version for event in reversed(stored_events)}
        tails, reads = self._tails(firsts)
        return Request(
            reads=reads,
            events=[self._new_event(event, tails[event.originator_id]) for event in stored_events],
            command_id=token_bytes(32),
            command_hash=token_bytes(32),
        )

    def _tails(self, firsts: Mapping[UUID | str, int]) -> tuple[dict[UUID | str, _Tail], dict[str, int]]:
        """The end of each originator's stream, and what was read to know it; `firsts`: the version to be saved first.

        An originator has one stream of two possible names; a new one is read under both, so that two savers who start
        it at different versions exclude each other.
        """
        name = self._store.originators.stream
        heads = self._store.journal.heads([name(each, first) for each in firsts for first in (0, 1)])
        tails: dict[UUID | str, _Tail] = {}
        reads: dict[str, int] = {}
        for originator_id, version in firsts.items():
            known = [first for first in (0, 1) if name(originator_id, first) in heads]
            first = known[0] if known else min(max(version, 0), 1)
            stream = name(originator_id, first)
            tails[originator_id] = _Tail(stream, first, *heads.get(stream, (0, None)))
            reads[stream] = tails[originator_id].version
            if not known:
                reads[name(originator_id, 1 - first)] = 0
        return tails, reads

    def _new_event(self, event: StoredEvent, tail: _Tail) -> NewEvent:
        if isinstance(event, JournalEvent):
            return tail.follow(event, event.kafka_topic, event.key, self._store.partitions)
        return tail.follow(event, self._store.topic, str(event.originator_id), self._store.partitions)

    def _refuse_strangers(self, stored_events: Sequence[StoredEvent]) -> None:
        """A book, or another application, would meet events that it cannot read."""
        owner = self._store.journal.owner()
        if owner in (None, self._store.topic) or all(isinstance(event, JournalEvent) for event in stored_events):
            return
        raise ProgrammingError(
            f"asked to record events of {self._store.topic} in the journal at {self._store.database.address}; it holds "
            f"events of {owner}. Give the application a database of its own by LEDGER_DATABASE_URL"
        )


class JournalAggregateRecorder(JournalRecorder, AggregateRecorder):
    """Keeps events of aggregates; a save tells no positions."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> None:
        self._record(stored_events)


class JournalApplicationRecorder(JournalRecorder, ApplicationRecorder):
    """Keeps events of aggregates in one order, with dense notification ids."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        return self._record(stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[JournalNotification]:
        after = None if start is None else start - inclusive_of_start
        with in_library_words():
            found = self._store.journal.window(after=after, upto=stop, types=topics, limit=limit)
        return [self._store.originators.notification(event) for event in found]

    def max_notification_id(self) -> int | None:
        with in_library_words():
            return self._store.journal.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> JournalSubscription:
        return JournalSubscription(self, self._store.database, gt=gt, topics=topics, poll_s=self._store.poll_s)


def positions(outcome: Outcome) -> list[int]:
    """The positions of a recorded request; IntegrityError if it was refused."""
    if outcome.verdict not in _RECORDED or outcome.first_position is None or outcome.last_position is None:
        raise IntegrityError(f"asked to record events; {outcome.detail}. Load again, then decide anew")
    return list(range(outcome.first_position, outcome.last_position + 1))
