"""What a projection is: tables, and one function from a batch of events to set-based SQL."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.errors import PoisonedEvent
from projections.feed import FeedEvent
from schemas import envelope
from schemas.envelope import Envelope
from schemas.errors import LedgerError
from schemas.registry import REGISTRY, UnknownEventType
from schemas.values import Event


class Fact:
    """One event. What cannot be read raises when somebody looks.

    `event` reads only the fact, as one that was recorded, and once for all projections; who needs what the envelope
    says reads all of it.
    """

    __slots__ = ("_event", "position", "record")

    def __init__(self, record: FeedEvent) -> None:
        self.record = record
        self.position = record.position
        self._event = record.event

    @property
    def envelope(self) -> Envelope:
        return envelope.read(self.record.state)

    @property
    def event(self) -> Event:
        if self._event is None:
            self._event = REGISTRY.decode_recorded(self.record.type, self.record.state)
        return self._event


Apply = Callable[[Connection, Book, Sequence[Fact]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """A read model that can be thrown away and built again.

    `tables`: their names, unique over all projections, in the order in which they are made. `takes`: the types of
    events that `apply` gets; None: all. `statements` come from the SQL file beside its module and name tables without
    a schema: `tables` makes them with what keeps rows unique, `indexes` (optional) all other indexes, which a rebuild
    makes once the rows are in; `rows` selects all rows of a book (named columns, no clock, no serial) for the digest,
    and the columns `key` tell its rows apart; with a column `loan`, rows can be verified loan by loan. `apply` writes
    facts in order of position; facts that it has seen before must change nothing. A new `version` means other rows from
    the same events.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    key: tuple[str, ...]
    statements: Mapping[str, bytes]
    apply: Apply
    takes: frozenset[str] | None = None


def taken(
    projection: Projection, partition: int, facts: list[Fact], skipped: Container[int]
) -> tuple[list[Fact], list[Fact], LedgerError | None]:
    """The facts as far as this projection can go, those of them that it takes, and what stands in the way of the rest.

    What cannot be read stops whoever takes its type; a type that nobody knows stops every projection. What stands at
    the positions `skipped` is passed over unread.
    """
    wanted: list[Fact] = []
    known = REGISTRY.types
    takes = known if projection.takes is None else projection.takes
    for number, fact in enumerate(facts):
        if fact.position in skipped:
            continue
        kind = fact.record.type
        try:
            if kind in takes:
                fact.event  # noqa: B018 - reads it, here rather than half-way through a batch
                wanted.append(fact)
            elif kind not in known:
                raise UnknownEventType(f"this version knows {len(known)} types and not this one")
        except LedgerError as error:
            return facts[:number], wanted, poisoned(projection.name, partition, fact, error)
    return facts, wanted, None


def poisoned(projection: str, partition: int, fact: Fact, cause: Exception) -> PoisonedEvent:
    error = PoisonedEvent(
        f"asked {projection} to apply the event at position {fact.position} of partition {partition} "
        f"({fact.record.type}): {' '.join(str(cause).split())}; the partition stands still there. Remove the cause and "
        f"run ledger dead-letters retry {fact.position}, or ledger dead-letters skip {fact.position} --reason TEXT",
        fact.record,
    )
    error.__cause__ = cause
    return error
