"""Builds a projection anew beside the live one, proves that both hold the same, and puts it in its place.

What is filled already survives a rebuild that was killed; the next one goes on. The live build goes on too: it stands
still only while the new one makes the last few steps to the same positions, and while both change places.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self

import psycopg
from psycopg import IsolationLevel

from ledger.clock import Clock
from ledger.domain.book import Book
from ledger.journal.database import Connection, Database, translated
from ledger.journal.journal import Journal
from projections import builds, checkpoint, comparison
from projections.builds import Build, Proof
from projections.comparison import look_at
from projections.digest import digest_here
from projections.errors import BuildAhead, BuildDiffers, SwapBlocked
from projections.feed import Feed
from projections.journal_feed import JournalFeed
from projections.place import Place
from projections.projection import Projection
from projections.runner import Progress, Runner
from projections.statements import load
from schemas.registry import REGISTRY

_SQL = load("builds.sql")
_SMALL_TAIL = 500
_TAILS_MOST = 5
_SWAP_PAUSE_S = 0.1


class Step(Enum):
    """What a rebuild is at."""

    FILL = "filling"
    INDEX = "indexing"
    COMPARE = "comparing"
    SWAP = "swapping"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """`batch`: events applied at once; `stall_s`: how long a standstill is borne; `swap_s`: how long the tables may be
    in use by others before the swap gives up."""

    batch: int = 10_000
    stall_s: float = 30.0
    swap_s: float = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """What came of it. `resumed_at`: events that an earlier try had brought in; `difference`: the accepted one."""

    projection: str
    version: int
    resumed_at: int
    digest: str | None
    replaced_digest: str | None
    difference: str | None


class Rebuild:
    """One rebuild of one projection; holds its lock until closed. A second one raises `RebuildRunning`.

    `principal` is who does it, as role:id. `journal` in a role that may read it.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        book: Book,
        projection: Projection,
        *,
        clock: Clock,
        principal: str,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._journal = journal
        self._book = book
        self._projection = projection
        self._clock = clock
        self._principal = principal
        self._limits = limits or Limits()
        # Statements here take as long as tables are large.
        options = f"{Place.NEXT.options} -c statement_timeout=0"
        self._connection = database.connect("ledger_projector", options=options)
        try:
            builds.reserve(self._connection, projection.name)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def run(
        self,
        feed: Callable[[], Feed] | None = None,
        *,
        restart: bool = False,
        accept: str | None = None,
        progress: Progress | None = None,
        step: Callable[[Step], None] = lambda _: None,
    ) -> Rebuilt:
        """Fill, compare, swap. `feed` makes the one that fills, by default the journal's; `restart` begins anew;
        `accept` is the reason to swap although the rows differ.

        Raises `BuildDiffers` for a difference that is not accepted, `SwapBlocked` when the tables are in use all the
        time, and what stops a projection; what is filled stays, and the next rebuild goes on from there.
        """
        with translated(self._database), _garbage_left_alone():
            step(Step.FILL)
            resumed_at = self._prepare(restart=restart)
            live = self._live()
            self._reach(self._live_positions() if live else self._journal.partition_heads(), feed, progress)
            step(Step.INDEX)
            self._index()
            step(Step.COMPARE)
            proof, difference = self._prove(live, accept) if live else (self._proof(), None)
            step(Step.SWAP)
            self._swap(proof)
        return Rebuilt(
            projection=self._projection.name,
            version=self._projection.version,
            resumed_at=resumed_at,
            digest=proof.digest,
            replaced_digest=proof.replaced_digest,
            difference=difference,
        )

    def _prepare(self, *, restart: bool) -> int:
        """Tables of this version to go on with, else empty ones; how many events they hold already."""
        with self._connection.transaction():
            found = self._build(Place.NEXT)
            is_usable = (
                found is not None
                and found.version == self._projection.version
                and builds.stands(self._connection, found)
            )
            if restart or not is_usable:
                builds.begin(self._connection, self._projection, Place.NEXT)
        return sum(each.partitionseq for each in self._standings(self._connection, Place.NEXT))

    def _build(self, place: Place) -> Build | None:
        found = builds.read(self._connection, place)
        return next((build for build in found if build.projection == self._projection.name), None)

    def _live(self) -> Build | None:
        """The live build, unless nobody has ever filled it."""
        live = self._build(Place.LIVE)
        if live is None or not builds.stands(self._connection, live):
            return None
        if live.version > self._projection.version:
            raise builds.misfit(self._projection, live.version)
        return live if self._live_positions() or builds.have_rows(self._connection, live) else None

    def _reach(
        self, goal: Mapping[int, int], feed: Callable[[], Feed] | None = None, progress: Progress | None = None
    ) -> None:
        """Fill up to positions of partitions, and not beyond."""
        takes = REGISTRY.types if self._projection.takes is None else self._projection.takes
        source = feed() if feed else JournalFeed(self._journal, batch=self._limits.batch, reads=takes)
        with Runner(
            self._database,
            self._journal,
            self._book,
            source,
            projections=[self._projection],
            stall_s=self._limits.stall_s,
            place=Place.NEXT,
            until=goal,
        ) as runner:
            runner.catch_up(goal, progress)

    def _index(self) -> None:
        with self._connection.transaction():
            build = self._build(Place.NEXT)
            assert build, "it was prepared"
            if not build.is_indexed:
                builds.index(self._connection, self._projection, Place.NEXT)
        builds.count(self._connection, self._projection, Place.NEXT)

    def _prove(self, live: Build, accept: str | None) -> tuple[Proof, str | None]:
        """Digests of both builds at the same positions, and their first difference where these are not equal."""
        with self._same_positions() as (connection, positions):
            look_at(connection, Place.NEXT.schema)
            digest = digest_here(connection, self._book.book_id, self._projection)
            replaced_digest, difference = self._compare(connection, live, digest)
        if difference and not accept:
            raise BuildDiffers(
                f"asked to put a new build of {self._projection.name} in place of the live one; at the same positions "
                f"{difference}. Find out why. If the new build is right: "
                f"ledger projections rebuild {self._projection.name} --accept REASON. It stays beside the live "
                f"one; to drop it: ledger projections drop-next {self._projection.name}"
            )
        return self._proof(digest, replaced_digest, positions, accept if difference else None), difference

    def _compare(self, connection: Connection, live: Build, digest: str) -> tuple[str | None, str | None]:
        """The live digest, and the first difference. Tables of another version may lack what rows have now."""
        try:
            with connection.transaction():
                look_at(connection, Place.LIVE.schema)
                live_digest = digest_here(connection, self._book.book_id, self._projection)
                return live_digest, self._difference(connection) if live_digest != digest else None
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as error:
            if live.version == self._projection.version:
                raise
            shape = " ".join(str(error.diag.message_primary).split())
            return None, f"version {live.version} has another shape than {self._projection.version}: {shape}"

    def _difference(self, connection: Connection) -> str:
        for place, side in ((Place.LIVE, "found"), (Place.NEXT, "expected")):
            look_at(connection, place.schema)
            comparison.see(connection, side, self._book.book_id, self._projection)
        found = comparison.first_difference(connection, self._projection)
        assert found, "unequal digests have rows that differ"
        return str(found)

    @contextmanager
    def _same_positions(self) -> Iterator[tuple[Connection, Mapping[int, int]]]:
        """A connection that sees live and next at the same positions; the live build goes on meanwhile."""
        for _ in range(_TAILS_MOST):
            if self._events_to_go() < _SMALL_TAIL:
                break
            self._reach(self._live_positions())
        unlimited = "-c statement_timeout=0"
        with self._database.connect("ledger_projector", autocommit=False, options=unlimited) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            with self._connection.transaction():
                frozen = self._freeze()
                self._reach(frozen)
                positions = self._seen(connection, Place.NEXT)  # the first statement: from here on it sees this moment
            if positions != frozen:
                raise BuildAhead(
                    f"asked to compare both builds of {self._projection.name}; the live one is at {_listed(frozen)}, "
                    f"the new one at {_listed(positions)}. The live one has been begun anew: bring it forward with "
                    "ledger project --once, then try again, or begin the rebuild anew with --restart"
                )
            yield connection, positions
            connection.rollback()

    def _events_to_go(self) -> int:
        live = {each.partition: each.partitionseq for each in self._standings(self._connection, Place.LIVE)}
        done = {each.partition: each.partitionseq for each in self._standings(self._connection, Place.NEXT)}
        return sum(number - done.get(partition, 0) for partition, number in live.items())

    def _swap(self, proof: Proof) -> None:
        """Both change places in one transaction, tried again while queries or workers hold the tables."""
        deadline_s = time.monotonic() + self._limits.swap_s
        attempt = 0
        while True:
            self._reach(self._journal.partition_heads())
            try:
                with self._connection.transaction():
                    builds.lock(self._connection)
                    self._reach(self._freeze())
                    now = self._build(Place.LIVE)  # a worker may have made empty tables by now
                    builds.swap(self._connection, self._projection, now.tables if now else (), proof, attempt)
                return
            except psycopg.errors.LockNotAvailable as error:
                if time.monotonic() > deadline_s:
                    raise SwapBlocked(
                        f"asked to put the new build of {self._projection.name} in place; others have used its tables "
                        f"for {self._limits.swap_s:g} s on end. End long queries, then rebuild again: it goes on here"
                    ) from error
            attempt += 1
            time.sleep(_SWAP_PAUSE_S)

    def _freeze(self) -> dict[int, int]:
        """Until the transaction ends the live build stands still at these positions."""
        key = {"projection": self._projection.name, "book": self._book.book_id}
        rows = self._connection.execute(_SQL["freeze"], key).fetchall()
        return {partition: position for partition, position in rows if position}

    def _live_positions(self) -> dict[int, int]:
        return self._seen(self._connection, Place.LIVE)

    def _seen(self, connection: Connection, place: Place) -> dict[int, int]:
        return {each.partition: each.position for each in self._standings(connection, place) if each.position}

    def _standings(self, connection: Connection, place: Place) -> list[checkpoint.Standing]:
        return checkpoint.standings(connection, self._book.book_id, [self._projection], place)

    def _proof(
        self,
        digest: str | None = None,
        replaced_digest: str | None = None,
        positions: Mapping[int, int] | None = None,
        reason: str | None = None,
    ) -> Proof:
        return Proof(
            digest=digest,
            replaced_digest=replaced_digest,
            positions=positions or {},
            swapped_at=self._clock(),
            swapped_by=self._principal,
            reason=reason,
        )


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Events are many objects that point nowhere back; to look through them again and again takes a tenth of all."""
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _listed(positions: Mapping[int, int]) -> str:
    return ", ".join(f"{partition}: {position}" for partition, position in sorted(positions.items())) or "nothing"
