"""Sees to it that a query finds what the journal held when it was asked."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.domain.book import Book
from ledger.journal.database import Database, translated
from ledger.journal.journal import Journal
from projections import builds, checkpoint
from projections.catalogue import PROJECTIONS
from projections.checkpoint import Standing
from projections.errors import NotRecorded, ProjectionsLagging, ProjectionStopped
from projections.journal_feed import JournalFeed
from projections.presence import workers
from projections.projection import Projection
from projections.runner import Progress, Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a query waits. A worker that was silent for `stale_s` counts as gone."""

    timeout_s: float = 30.0
    stale_s: float = 5.0
    poll_s: float = 0.05


def bring_current(
    database: Database,
    journal: Journal,
    book: Book,
    *,
    patience: Patience | None = None,
    position: int | None = None,
    known_at: int | None = None,
    partition: int | None = None,
    batch: int = 2000,
    projections: Sequence[Projection] = PROJECTIONS,
    progress: Progress | None = None,
) -> None:
    """Return when the projections have passed what a query must see.

    That is the newest event of every partition, or of the one `partition` that a query is about. With `position` (read
    your own writes): the newest of each up to there, or up to `known_at` if that is later, for who asks what was known
    then must get all of it.
    Where nothing is behind this costs two cheap reads. While a worker lives, wait for it; else bring the projections
    forward here, straight from the journal, `batch` events at a time. Raises `ProjectionsLagging` after the time-out,
    `NotRecorded` for a position that the journal has not, `ProjectionStopped` where a worker stands still,
    `RebuildNeeded` or `TablesNewer` where another version of the code filled the tables, and what stops a partition
    here.
    """
    patience = patience or Patience()
    goal = _goal(journal, None if position is None else max(position, known_at or position), partition)
    deadline_s = time.monotonic() + patience.timeout_s
    with database.connect("ledger_reader") as connection, translated(database):
        for misfit in builds.misfits(connection, projections).values():
            raise misfit
        while late := checkpoint.behind(connection, book.book_id, projections, goal):
            if not workers(connection, book.book_id, patience.stale_s):
                break
            _refuse_if_stopped(late, goal)
            if time.monotonic() > deadline_s:
                raise _too_late(late, goal, patience)
            time.sleep(patience.poll_s)
    if late:
        feed = JournalFeed(journal, batch=batch, pause_s=0.01)
        with Runner(database, journal, book, feed, projections=projections, stall_s=patience.timeout_s) as runner:
            runner.catch_up(goal, progress)


def _goal(journal: Journal, position: int | None, partition: int | None) -> Mapping[int, int]:
    """By partition the position that a query must see."""
    if position is None:
        heads = journal.partition_heads()
    else:
        require_recorded(journal, position, "to wait for")
        heads = journal.partition_heads_by(position)
    # Without an event on the partition: as for the whole book, so that there are tables to find nothing in.
    return {partition: heads[partition]} if partition in heads else heads


def require_recorded(journal: Journal, position: int, asked: str, *, least: int = 1) -> None:
    """Raise `NotRecorded` for a position beyond the end of the journal, or below `least`. `asked`: what for."""
    head = journal.head().position
    if not least <= position <= head:
        raise NotRecorded(
            f"asked {asked} position {position}; the journal ends at {head}. Give a position from {least} to {head}, "
            "like one that a command answered with"
        )


def _refuse_if_stopped(late: Sequence[Standing], goal: Mapping[int, int]) -> None:
    stopped = [each for each in late if each.problem]
    if stopped:
        first = min(stopped, key=lambda each: each.position)
        raise ProjectionStopped(
            f"asked for {first.projection} up to position {goal[first.partition]} of partition {first.partition}; it "
            f"stands still at {first.position}: {first.problem}. What was known before is still answered: "
            f"--wait-for POSITION of an earlier position, up to {first.position}"
        )


def _too_late(late: Sequence[Standing], goal: Mapping[int, int], patience: Patience) -> ProjectionsLagging:
    worst = max(late, key=lambda each: goal[each.partition] - each.position)
    return ProjectionsLagging(
        f"asked for projections that are current; after {patience.timeout_s:g} s {worst.projection} is at position "
        f"{worst.position} of partition {worst.partition}, which ends at {goal[worst.partition]}. A worker is running: "
        "see that its feed (relay and Kafka) works, or ask again in a while"
    )
