"""What a projection is: tables, and one function from a batch of events to set-based SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.errors import PoisonedEvent
from projections.feed import Batch, FeedEvent
from schemas import envelope
from schemas.envelope import Envelope
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One event, decoded once for all projections."""

    record: FeedEvent
    envelope: Envelope
    event: Event

    @property
    def position(self) -> int:
        return self.record.position


Apply = Callable[[Connection, Book, Sequence[Fact]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """A read model that can be thrown away and built again.

    `statements` come from the SQL file beside its module: `tables` makes what is missing, `rows` selects all rows of a
    book (named columns, no clock, no serial) for the digest. `apply` writes facts of one partition, in order; facts
    that it has seen before must change nothing. A new `version` starts from an empty checkpoint.
    """

    name: str
    version: int
    statements: Mapping[str, bytes]
    apply: Apply


def read(batch: Batch) -> tuple[list[Fact], LedgerError | None]:
    """Decode a batch up to the first event that cannot be read, and say what stands in the way of the rest."""
    facts: list[Fact] = []
    for record in batch.events:
        try:
            document = envelope.read(record.state)
            facts.append(Fact(record=record, envelope=document, event=REGISTRY.decode(document)))
        except LedgerError as error:
            return facts, poisoned("every projection", batch.partition, record.position, "unreadable", error)
    return facts, batch.problem


def poisoned(projection: str, partition: int, position: int, kind: str, cause: Exception) -> PoisonedEvent:
    error = PoisonedEvent(
        f"asked {projection} to apply the event at position {position} of partition {partition} ({kind}): "
        f"{' '.join(str(cause).split())}; the partition stands still there. Use a version that can apply it, "
        "then start the worker again"
    )
    error.__cause__ = cause
    return error
