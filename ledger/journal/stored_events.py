"""The words of the eventsourcing library and ours, translated once.

An originator id is the name of a stream, its version the stream version, a topic the type, the state the bytes, and a
notification id the position. Streams count from 1 without a gap. The library's sequences may start at 0 as well: such
a one is a stream that is marked in its name and counts one more. Others are refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InternalError,
    Notification,
    OperationalError,
    PersistenceError,
    ProgrammingError,
    StoredEvent,
)

from ledger.journal.records import RecordedEvent
from schemas.errors import Conflict, Corrupt, LedgerError, Misconfigured, Unavailable

_FROM_ZERO = "@0"

_WORDS: tuple[tuple[type[Exception], type[PersistenceError]], ...] = (
    (Unavailable, OperationalError),
    (Misconfigured, ProgrammingError),
    (Conflict, IntegrityError),
    (Corrupt, InternalError),
    (psycopg.OperationalError, OperationalError),
    (psycopg.DataError, DataError),
    (psycopg.IntegrityError, IntegrityError),
    (psycopg.Error, DatabaseError),
)


@contextmanager
def in_library_words() -> Iterator[None]:
    """Raise our errors and the driver's as those of the library, with the same message."""
    try:
        yield
    except (LedgerError, psycopg.Error) as error:
        kind = next((theirs for ours, theirs in _WORDS if isinstance(error, ours)), PersistenceError)
        raise kind(str(error)) from error


@dataclass(frozen=True, eq=False)
class JournalEvent(StoredEvent):
    """A stored event that says where it is published: the Kafka topic of its family, and its key.

    Equal to every stored event of the same originator, version, topic and state.
    """

    kafka_topic: str
    key: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredEvent) and _common(self) == _common(other)

    def __hash__(self) -> int:
        return hash(_common(self))


@dataclass(frozen=True)
class JournalNotification(Notification):
    """A notification with the other columns of the journal; `recorded_us` is microseconds since 1970."""

    kafka_topic: str
    key: str
    partition: int
    partitionseq: int
    recorded_us: int


def _common(event: StoredEvent) -> tuple[object, ...]:
    return event.originator_id, event.originator_version, event.topic, event.state


@dataclass(frozen=True, slots=True)
class Originators:
    """Names of streams, and whose they are. All originators of a journal have ids of one type."""

    id_type: type[UUID] | type[str]

    def stream(self, originator_id: UUID | str, first: int) -> str:
        """The stream of a sequence that starts at version `first`, 0 or 1."""
        name = str(originator_id)
        if not isinstance(originator_id, self.id_type) or not name or name.endswith(_FROM_ZERO):
            raise DataError(
                f"asked for the events of {originator_id!r}; an originator is a {self.id_type.__name__}, not empty, "
                f"and does not end in {_FROM_ZERO}. Set ORIGINATOR_ID_TYPE to uuid or text as the application has them"
            )
        return name if first == 1 else name + _FROM_ZERO

    def stored_event(self, event: RecordedEvent) -> JournalEvent:
        originator_id, version = self._origin(event)
        return JournalEvent(originator_id, version, event.type, event.state, event.topic, event.key)

    def notification(self, event: RecordedEvent) -> JournalNotification:
        originator_id, version = self._origin(event)
        return JournalNotification(
            originator_id=originator_id,
            originator_version=version,
            topic=event.type,
            state=event.state,
            id=event.position,
            kafka_topic=event.topic,
            key=event.key,
            partition=event.partition,
            partitionseq=event.partitionseq,
            recorded_us=event.recorded_us,
        )

    def _origin(self, event: RecordedEvent) -> tuple[UUID | str, int]:
        name = event.stream.removesuffix(_FROM_ZERO)
        version = event.version if name == event.stream else event.version - 1
        try:
            return self.id_type(name), version
        except ValueError as error:
            raise DataError(
                f"asked for stored events; stream {event.stream} at position {event.position} is not named by a UUID. "
                "Set ORIGINATOR_ID_TYPE to text to read it"
            ) from error
