"""Applies what a feed delivers to every projection, each batch exactly once."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from threading import Event as Flag
from types import TracebackType
from typing import Self

import psycopg

from ledger.domain.book import Book
from ledger.journal.database import Database, translated
from ledger.journal.journal import Journal
from projections import builds, checkpoint, dead_letters
from projections.catalogue import PROJECTIONS
from projections.checkpoint import Mark, Standing
from projections.errors import Fenced, PoisonedEvent, ProjectionsLagging, TablesNewer
from projections.feed import Batch, Feed, Resume
from projections.lag import numbers
from projections.place import Place
from projections.presence import Presence
from projections.projection import Fact, Projection, poisoned, taken
from projections.skips import Skips
from schemas.errors import LedgerError

_log = logging.getLogger(__name__)

_SERVER_TROUBLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)
"""Errors that say nothing about the event in hand."""

_Read = tuple[int, Sequence[Fact], LedgerError | None]
"""A batch of one partition: its number, its facts, and what stands behind them."""

Progress = Callable[[int, int], None]
"""Hears of (events done, events to do) as work goes on."""


class Runner:
    """One worker: owns the partitions that its feed assigns, and moves their checkpoints. Use from one thread.

    What one poll brings is one transaction for each projection, and its first statement moves the checkpoints; so any
    number of runners at once are safe. An event that cannot be applied stops its partition for that projection: this
    is logged, noted at the checkpoint and as a dead letter, kept in `stopped`, and everything else goes on; when
    somebody clears the problem it is tried again. A checkpoint that somebody deletes or takes over is noticed with the
    next beat, and claimed again. What the book says is to be skipped is passed over. A projection
    whose tables are older than its code is left out; tables that are newer raise `TablesNewer`. A server that is away
    raises `Unavailable`; start again then, nothing is lost. Closes the feed with itself.

    `journal` in a role that may read it. `beat_s`: how often it shows that it lives; `stall_s`: how long `catch_up`
    bears a standstill. `place`: the build to bring forward; one that is not live has its tables made by a rebuild, and
    who fills it counts as no worker. `until`: by partition, the position beyond which nothing is applied.
    `abandoned_s`: when it is stopped in the middle of a batch for so long, the server takes back what it holds.
    """

    def __init__(
        self,
        database: Database,
        journal: Journal,
        book: Book,
        feed: Feed,
        *,
        projections: Sequence[Projection] = PROJECTIONS,
        beat_s: float = 1.0,
        stall_s: float = 30.0,
        place: Place = Place.LIVE,
        until: Mapping[int, int] | None = None,
        abandoned_s: int = 10,
    ) -> None:
        self._database = database
        self._journal = journal
        self._book = book
        self._feed = feed
        self._projections = projections
        self._stall_s = stall_s
        self._place = place
        self._until = until
        self._beat_s = beat_s
        self._look_at_s = time.monotonic() + beat_s
        self._skips = Skips(journal, book.book_id)
        self._marks: dict[tuple[str, int], Mark] = {}
        self.stopped: dict[tuple[str, int], LedgerError] = {}
        """Why a projection stands still on a partition."""
        self.misfits: Mapping[str, LedgerError] = {}
        """Projections whose tables another version of the code filled; the others go on."""
        # Rows and checkpoint of a batch are lost together by a crash of the server, and then simply built again.
        options = f"{place.options} -c synchronous_commit=off -c idle_in_transaction_session_timeout={abandoned_s}s"
        self._connection = database.connect("ledger_projector", options=options)
        if place is Place.LIVE:
            self._make_tables()
        self._presence = Presence(self._connection, book.book_id, feed.name, beat_s, is_worker=place is Place.LIVE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def feed_name(self) -> str:
        """`kafka` or `journal`."""
        return self._feed.name

    @property
    def partitions(self) -> set[int]:
        """Those that are ours just now."""
        return {partition for _, partition in self._marks}

    def close(self) -> None:
        """Give up the partitions, take our name off the list of workers, close the connection."""
        try:
            self._feed.close()
            if not self._connection.broken:
                with translated(self._database):
                    self._presence.leave()
        finally:
            self._connection.close()

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set; the batches in hand are finished first."""
        while not stop.is_set():
            self.step()

    def catch_up(self, goal: Mapping[int, int] | None = None, progress: Progress | None = None) -> None:
        """Work until every projection has reached a position on each partition; by default all the journal holds now.

        What other workers do counts too. Raises what stopped a partition, once all others are through, and
        `ProjectionsLagging` when nothing has moved for `stall_s`.
        """
        goal = self._journal.partition_heads() if goal is None else goal
        ends = numbers(self._journal, goal)
        total = left = 0
        moved_at_s = time.monotonic()
        while late := self._behind(goal):
            self._refuse_if_stopped(late)
            before, left = left, _events_left(late, ends)
            total = max(total, left)
            if left != before:
                moved_at_s = time.monotonic()
                if progress:
                    progress(total - left, total)
            elif time.monotonic() - moved_at_s > self._stall_s:
                raise self._stalled(late, goal)
            self.step()
        if progress:
            progress(total, total)

    def step(self) -> None:
        """Poll once, and apply what came."""
        with translated(self._database):
            self._presence.beat()
            self._look_for_changes()
            polled = self._feed.poll(self)
            batches = [(each.partition, self._facts(each), each.problem) for each in polled]
            if batches:
                for projection in self._projections:
                    self._take(projection, batches)
                    self._presence.beat()

    def claim(self, partitions: Collection[int]) -> Mapping[int, Resume]:
        """For the feed: own partitions, and say where each goes on, at the projection that is the furthest behind."""
        self._presence.beat()
        with self._connection.transaction():
            self._connection.execute("set local synchronous_commit = on")
            if self._place is Place.LIVE:
                builds.lock(self._connection, shared=True)
                self._look_for_misfits()
            fitting = [each for each in self._projections if each.name not in self.misfits]
            marks = checkpoint.claim(self._connection, self._book.book_id, fitting, partitions, self._place)
        self._skips.look()  # after the claim: until then what we are to pass over may still be decided
        resumes: dict[int, Resume] = {}
        for mark in sorted(marks, key=lambda mark: mark.position, reverse=True):
            self._marks[mark.projection, mark.partition] = mark
            self.stopped.pop((mark.projection, mark.partition), None)
            resumes[mark.partition] = Resume(position=mark.position, offset=mark.offset)
        return resumes

    def share(self, partitions: Collection[int]) -> Collection[int]:
        """For the feed: which partitions to take back from another worker, so that two never take turns for ever."""
        return self._presence.share(partitions)

    def lose(self, partitions: Collection[int]) -> None:
        """For the feed: partitions that are somebody else's from now on."""
        self._marks = {key: mark for key, mark in self._marks.items() if key[1] not in partitions}
        self.stopped = {key: problem for key, problem in self.stopped.items() if key[1] not in partitions}

    def _facts(self, batch: Batch) -> list[Fact]:
        if self._until is None:
            return [Fact(event) for event in batch.events]
        last = self._until.get(batch.partition, 0)
        if batch.events and batch.events[-1].position <= last:
            return [Fact(event) for event in batch.events]
        return [Fact(event) for event in batch.events if event.position <= last]

    def _take(self, projection: Projection, batches: Sequence[_Read]) -> None:
        """All that came in one transaction where nothing is in the way; else partition by partition."""
        if len(batches) > 1 and self._apply_together(projection, batches):
            return
        for partition, facts, problem in batches:
            mark = self._marks.get((projection.name, partition))
            if mark is None or (projection.name, partition) in self.stopped:
                continue
            try:
                self._bring_forward(projection, mark, facts, problem)
            except Fenced as fenced:
                self._give_up(partition, fenced)
            except LedgerError as error:
                self._stop(projection, partition, error)

    def _apply_together(self, projection: Projection, batches: Sequence[_Read]) -> bool:
        """Whether all of it is applied. If not, nothing is, and who is in the way is found one by one."""
        moves: list[tuple[Mark, Sequence[Fact]]] = []
        facts_wanted: list[Sequence[Fact]] = []
        for partition, facts, problem in batches:
            mark = self._marks.get((projection.name, partition))
            if mark is None or problem or (projection.name, partition) in self.stopped:
                return False
            fresh, gap = checkpoint.following(mark, facts)
            fresh, wanted, unreadable = taken(projection, partition, fresh, self._skips.of(projection.name))
            if gap or unreadable:
                return False
            if fresh:
                moves.append((mark, fresh))
                facts_wanted.append(wanted)
        if not moves:
            return True
        facts = sorted(chain.from_iterable(facts_wanted), key=attrgetter("position"))
        try:
            with self._connection.transaction():
                moved = checkpoint.advance(self._connection, [(mark, fresh[-1]) for mark, fresh in moves])
                if facts:
                    projection.apply(self._connection, self._book, facts)
        except _SERVER_TROUBLE:
            raise
        except Exception:
            return False
        self._marks |= {(mark.projection, mark.partition): mark for mark in moved}
        return True

    def _bring_forward(
        self, projection: Projection, mark: Mark, facts: Sequence[Fact], problem: LedgerError | None
    ) -> None:
        """Apply what is new to a projection, then raise what stands in the way of the rest."""
        fresh, gap = checkpoint.following(mark, facts)
        fresh, wanted, unreadable = taken(projection, mark.partition, fresh, self._skips.of(projection.name))
        if fresh:
            self._apply(projection, mark, fresh, wanted)
        if in_the_way := unreadable or gap or problem:
            raise in_the_way

    def _apply(self, projection: Projection, mark: Mark, facts: Sequence[Fact], wanted: Sequence[Fact]) -> Mark:
        """One transaction; where an event is poisoned, all before it are applied in halves, and it is named."""
        try:
            with self._connection.transaction():
                [moved] = checkpoint.advance(self._connection, [(mark, facts[-1])])
                if wanted:
                    projection.apply(self._connection, self._book, wanted)
        except (Fenced, *_SERVER_TROUBLE):
            raise
        except Exception as cause:
            if len(facts) == 1:
                raise poisoned(projection.name, mark.partition, facts[0], cause) from cause
            middle = facts[len(facts) // 2].position
            for half in (lambda fact: fact.position < middle, lambda fact: fact.position >= middle):
                mark = self._apply(projection, mark, list(filter(half, facts)), list(filter(half, wanted)))
            return mark
        self._marks[projection.name, mark.partition] = moved
        return moved

    def _make_tables(self) -> None:
        try:
            with translated(self._database):
                builds.install(self._connection, self._projections)
                self._look_for_misfits()
        except LedgerError:
            self._connection.close()
            raise

    def _look_for_misfits(self) -> None:
        found = builds.misfits(self._connection, self._projections)
        for name, problem in found.items():
            if isinstance(problem, TablesNewer):
                raise problem
            if name not in self.misfits:
                _log.error("projection %s is left out: %s: %s", name, problem.code, problem)
        self.misfits = found

    def _stop(self, projection: Projection, partition: int, problem: LedgerError) -> None:
        key = (projection.name, partition)
        self.stopped[key] = problem
        with self._connection.transaction():
            is_ours = checkpoint.stop(self._connection, self._marks[key], f"{problem.code}: {problem}")
            if is_ours and isinstance(problem, PoisonedEvent):
                dead_letters.write(self._connection, self._journal, self._marks[key], problem)
        _log.error("projection %s stops on partition %s: %s: %s", *key, problem.code, problem)

    def _look_for_changes(self) -> None:
        """With each beat: where somebody has cleared a problem, or changed a checkpoint, claim again and go on there.

        Without it a deleted checkpoint would show only when the next event of its partition comes.
        """
        if not self._marks or time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + self._beat_s
        stopped = [key in self.stopped for key in self._marks]
        for partition, is_fenced in checkpoint.changed(self._connection, [*self._marks.values()], stopped).items():
            if is_fenced:
                self._give_up(partition, "its checkpoint was claimed, moved or deleted by somebody else")
            else:
                _log.info("partition %s is tried again", partition)
                self._claim_later(partition)

    def _give_up(self, partition: int, why: object) -> None:
        _log.warning("gave up partition %s: %s", partition, why)
        self._claim_later(partition)

    def _claim_later(self, partition: int) -> None:
        self.lose([partition])
        self._feed.retry(partition)

    def _behind(self, goal: Mapping[int, int]) -> list[Standing]:
        with translated(self._database):
            return checkpoint.behind(self._connection, self._book.book_id, self._projections, goal, self._place)

    def _refuse_if_stopped(self, late: Sequence[Standing]) -> None:
        problems = [
            self.misfits.get(each.projection) or self.stopped.get((each.projection, each.partition)) for each in late
        ]
        if problems[0] and all(problems):
            raise problems[0]

    def _stalled(self, late: Sequence[Standing], goal: Mapping[int, int]) -> ProjectionsLagging:
        worst = max(late, key=lambda each: goal[each.partition] - each.position)
        return ProjectionsLagging(
            f"asked to read {self._feed.name} up to the end; {worst.projection} stands at position {worst.position} of "
            f"partition {worst.partition}, which ends at {goal[worst.partition]}, and nothing moved for "
            f"{self._stall_s:g} s{f' ({worst.problem})' if worst.problem else ''}. See that the relay has published "
            "everything and that no other worker holds the partition, then try again"
        )


def _events_left(late: Sequence[Standing], ends: Mapping[int, int]) -> int:
    """Events that at least one projection still needs. `ends`: the number of the last one in each partition."""
    left: dict[int, int] = {}
    for each in late:
        left[each.partition] = max(left.get(each.partition, 0), ends[each.partition] - each.partitionseq)
    return sum(left.values())
