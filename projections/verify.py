"""Folds events from the first one on into scratch tables, and looks for the first row that the live ones lack or hold
otherwise. Writes nothing that stays."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from psycopg import IsolationLevel

from ledger.domain.book import Book
from ledger.journal.database import Connection, Database, translated
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from projections import builds, checkpoint, comparison
from projections.checkpoint import Standing
from projections.comparison import SCRATCH, Difference, look_at
from projections.errors import NotOfLoans, ProjectionDrifted, ProjectionNotFound
from projections.journal_feed import feed_event
from projections.place import Place
from projections.projection import Fact, Projection, taken
from projections.runner import Progress
from projections.skips import Skips


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """What was looked at: so many loans (None: all there is) and events. `difference`: the first row that differs, and
    `type`: that of the event at its position, where rows have one. `stopped`: partitions on which the projection stands
    still; nothing was looked at beyond that."""

    projection: str
    loans: int | None
    events: int
    difference: Difference | None
    type: str | None
    stopped: Sequence[Standing]

    def require(self) -> None:
        """Raise `ProjectionDrifted` if there is a difference."""
        if self.difference:
            raise ProjectionDrifted(
                f"asked whether {self.projection} holds what its events make; {self.difference}"
                f"{f', event {self.type}' if self.type else ''}. Find out who wrote there; "
                f"ledger projections rebuild {self.projection} --accept REASON makes it anew"
            )


def verify(
    database: Database,
    journal: Journal,
    book: Book,
    projection: Projection,
    *,
    loans: Sequence[str] | None = None,
    batch: int = 10_000,
    progress: Progress | None = None,
) -> Verified:
    """Compare live rows, of some loans or all, with a fold of events up to the positions where the live build stands.

    Raises `NotOfLoans` where rows belong to no single loan, `ProjectionNotFound` where nothing was built, and what an
    event cannot be applied for.
    """
    with (
        translated(database),
        database.connect("ledger_projector", autocommit=False, options="-c statement_timeout=0") as connection,
    ):
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        found = checkpoint.standings(connection, book.book_id, [projection])
        _require_live(connection, projection)
        look_at(connection, SCRATCH)
        connection.execute(projection.statements["tables"])
        if loans is not None and "loan" not in comparison.columns(connection, book.book_id, projection):
            raise NotOfLoans(
                f"asked to verify {projection.name} for some loans; its rows belong to no single loan. Verify all of it"
            )
        goal = {each.partition: each.position for each in found}
        events = 0
        batches = _batches(_reader(journal, loans, batch), max(goal.values(), default=0), progress)
        skips = Skips(journal, book.book_id)
        skips.look()
        for facts in _facts(projection, goal, batches, skips.of(projection.name)):
            if facts:
                projection.apply(connection, book, facts)
            events += len(facts)
        for schema, side in ((Place.LIVE.schema, "found"), (SCRATCH, "expected")):
            look_at(connection, schema)
            comparison.see(connection, side, book.book_id, projection, loans)
        difference = comparison.first_difference(connection, projection)
        connection.rollback()
    return Verified(
        projection=projection.name,
        loans=None if loans is None else len(loans),
        events=events,
        difference=difference,
        type=_type_at(journal, difference),
        stopped=sorted((each for each in found if each.problem), key=lambda each: each.partition),
    )


def _require_live(connection: Connection, projection: Projection) -> None:
    for misfit in builds.misfits(connection, [projection]).values():
        raise misfit
    if projection.name not in {build.projection for build in builds.read(connection, Place.LIVE)}:
        raise ProjectionNotFound(
            f"asked to verify {projection.name}; nobody has built it yet. Run ledger project --once"
        )


def _facts(
    projection: Projection, goal: Mapping[int, int], batches: Iterable[Sequence[RecordedEvent]], skipped: Container[int]
) -> Iterator[list[Fact]]:
    """What the projection takes of events up to a position of each partition, in order."""
    for events in batches:
        by_partition: defaultdict[int, list[Fact]] = defaultdict(list)
        for event in events:
            if event.position <= goal.get(event.partition, 0):
                by_partition[event.partition].append(Fact(feed_event(event)))
        facts: list[Fact] = []
        for partition, found in by_partition.items():
            _, wanted, problem = taken(projection, partition, found, skipped)
            if problem:
                raise problem
            facts += wanted
        yield sorted(facts, key=lambda fact: fact.position)


def _batches(
    read: Callable[[int], Sequence[RecordedEvent]], last: int, progress: Progress | None
) -> Iterator[Sequence[RecordedEvent]]:
    """All that `read` gives beyond a position, on and on, until it has passed the last one."""
    position = 0
    while position < last and (events := read(position)):
        yield events
        position = events[-1].position
        if progress:
            progress(min(position, last), last)
    if progress:
        progress(last, last)


def _reader(journal: Journal, loans: Sequence[str] | None, batch: int) -> Callable[[int], Sequence[RecordedEvent]]:
    if loans is None:
        return lambda position: journal.after(position, batch)
    return lambda position: journal.of_keys(loans, position, batch)


def _type_at(journal: Journal, difference: Difference | None) -> str | None:
    if difference is None or difference.position is None:
        return None
    return next((event.type for event in journal.between(difference.position, difference.position)), None)
