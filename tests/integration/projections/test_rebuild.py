"""A build beside the live one: filled, proved equal, swapped; whatever happens meanwhile."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest

from projections import builds, loan_now, postings
from projections.builds import Build
from projections.catalogue import PROJECTIONS
from projections.digest import digest
from projections.errors import (
    BuildAhead,
    BuildDiffers,
    ProjectionNotFound,
    RebuildNeeded,
    RebuildRunning,
    SwapBlocked,
    TablesNewer,
)
from projections.feed import Batch, Owner
from projections.freshness import bring_current
from projections.inventory import drop_aside
from projections.journal_feed import JournalFeed
from projections.place import Place
from projections.projection import Projection
from projections.queries import Queries
from projections.rebuild import Limits, Rebuild, Rebuilt
from projections.runner import Runner
from tests.integration.projections.recorded_book import BATCH, RecordedBook, eventually, running

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOAN_NOW = loan_now.PROJECTION


@contextmanager
def a_rebuild(
    recorded: RecordedBook, projection: Projection = LOAN_NOW, limits: Limits | None = None
) -> Iterator[Rebuild]:
    with Rebuild(
        recorded.database,
        recorded.journal,
        recorded.book,
        projection,
        clock=lambda: NOW,
        principal="operator:ann",
        limits=limits,
    ) as rebuild:
        yield rebuild


def rebuilt(recorded: RecordedBook, projection: Projection = LOAN_NOW, **how: Any) -> Rebuilt:
    with a_rebuild(recorded, projection) as rebuild:
        return rebuild.run(**how)


def build_of(recorded: RecordedBook, place: Place, projection: Projection = LOAN_NOW) -> Build | None:
    with recorded.database.connect("ledger_reader") as connection:
        return {build.projection: build for build in builds.read(connection, place)}.get(projection.name)


def execute(recorded: RecordedBook, statement: str) -> int:
    with recorded.database.connect("ledger_projector") as connection:
        return connection.execute(statement.encode()).rowcount


class Interrupted(Exception):
    """What a test breaks a rebuild with."""


class FailingFeed(JournalFeed):
    """Delivers a few events, then breaks."""

    polls = 0

    def poll(self, owner: Owner) -> list[Batch]:
        self.polls += 1
        if self.polls > 3:
            raise Interrupted
        return super().poll(owner)


def interrupted(recorded: RecordedBook, projection: Projection = LOAN_NOW) -> None:
    """A rebuild that ends after three polls of five events."""
    with a_rebuild(recorded, projection) as rebuild, pytest.raises(Interrupted):
        rebuild.run(lambda: FailingFeed(recorded.journal, batch=5))


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str(projection.name))
def test_a_build_that_holds_the_same_takes_the_place_of_the_live_one_which_is_kept(
    recorded: RecordedBook, projection: Projection
) -> None:
    recorded.every_kind()
    recorded.catches_up()
    before = recorded.digests()
    done = rebuilt(recorded, projection)
    live = build_of(recorded, Place.LIVE, projection)
    assert live
    assert done.digest == done.replaced_digest == live.digest == before[projection.name]
    assert recorded.digests() == before
    assert digest(recorded.database, recorded.book.book_id, projection, Place.OLD) == before[projection.name]
    assert (live.swapped_at, live.swapped_by, live.reason) == (NOW, "operator:ann", None)
    assert live.positions == {str(partition): last for partition, last in recorded.positions(projection.name).items()}


def test_after_a_swap_the_same_indexes_are_there_as_before(recorded: RecordedBook) -> None:
    recorded.lives(3)
    recorded.catches_up()
    before = indexes(recorded, Place.LIVE)
    rebuilt(recorded, postings.PROJECTION)
    assert indexes(recorded, Place.LIVE) == before
    assert before


def indexes(recorded: RecordedBook, place: Place) -> set[str]:
    with recorded.database.connect("ledger_reader") as connection:
        rows = connection.execute(
            "select indexname from pg_indexes where schemaname = %s and tablename = any(%s)",
            (place.schema, list(postings.PROJECTION.tables)),
        ).fetchall()
    return {name for (name,) in rows}


def test_a_second_rebuild_replaces_what_the_first_kept(recorded: RecordedBook) -> None:
    recorded.lives(3)
    recorded.catches_up()
    for _ in range(2):
        rebuilt(recorded)
    recorded.lives(3)
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_what_nobody_has_ever_built_is_filled_up_to_the_newest_event_and_put_in_place(recorded: RecordedBook) -> None:
    recorded.lives(5)
    done = rebuilt(recorded)
    assert (done.digest, build_of(recorded, Place.OLD)) == (None, None)
    assert recorded.positions("loan_now") == recorded.journal.partition_heads()


def test_a_live_build_that_lags_is_compared_where_it_stands_and_the_new_one_goes_on(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    stood_at = recorded.positions("loan_now")
    recorded.lives(5)
    rebuilt(recorded)
    live = build_of(recorded, Place.LIVE)
    assert live
    assert live.positions == {str(partition): last for partition, last in stood_at.items()}
    assert recorded.positions("loan_now") == recorded.journal.partition_heads()


def test_progress_is_told_up_to_the_last_event(recorded: RecordedBook) -> None:
    recorded.lives(5)
    told: list[tuple[int, int]] = []
    rebuilt(recorded, progress=lambda *done: told.append(done))
    head = recorded.journal.head().position
    assert (told[0], told[-1]) == ((0, head), (head, head))


def test_a_rebuild_that_broke_goes_on_where_it_was(recorded: RecordedBook) -> None:
    recorded.lives(20)
    recorded.catches_up()
    interrupted(recorded)
    done = rebuilt(recorded)
    assert done.resumed_at == 15
    assert done.digest == done.replaced_digest


def test_a_rebuild_begins_anew_when_told(recorded: RecordedBook) -> None:
    recorded.lives(20)
    recorded.catches_up()
    interrupted(recorded)
    assert rebuilt(recorded, restart=True).resumed_at == 0


def test_what_another_version_has_left_is_thrown_away(recorded: RecordedBook) -> None:
    recorded.lives(20)
    recorded.catches_up()
    interrupted(recorded, replace(LOAN_NOW, version=9))
    assert rebuilt(recorded).resumed_at == 0


def test_a_rebuild_killed_in_the_middle_goes_on_and_holds_the_same(recorded: RecordedBook) -> None:
    recorded.lives(80)
    recorded.catches_up()
    command = [sys.executable, "-m", "tests.integration.projections.slow_rebuild", recorded.database.url]
    killed = subprocess.Popen(command)
    eventually(lambda: filled(recorded) > 50)
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    eventually(lambda: is_free(recorded))
    done = rebuilt(recorded)
    assert 50 < done.resumed_at < recorded.journal.head().position
    assert done.digest == done.replaced_digest


def filled(recorded: RecordedBook) -> int:
    """Events that a build beside the live one holds."""
    with recorded.database.connect("ledger_reader") as connection:
        rows = connection.execute("select partitionseq from projections.checkpoint where place = 'next'").fetchall()
    return sum(count for (count,) in rows)


def is_free(recorded: RecordedBook) -> bool:
    """Whether the server has noticed that whoever rebuilt is gone."""
    try:
        with a_rebuild(recorded):
            return True
    except RebuildRunning:
        return False


def test_a_second_rebuild_at_once_is_refused(recorded: RecordedBook) -> None:
    with (
        a_rebuild(recorded),
        a_rebuild(recorded, postings.PROJECTION),
        pytest.raises(RebuildRunning, match="new build of loan_now"),
        a_rebuild(recorded),
    ):
        pass


SPOILED: Mapping[str, str] = {
    "update projections.loan_now set credit_minor = 7 where loan = 'loan-3'":
        r"the row of loan loan-3, position \d+ has credit_minor 7 instead of 0",
    "delete from projections.loan_now where loan = 'loan-2'": r"the row of loan loan-2, position \d+ is missing",
    "update projections.loan_now set loan = 'a' where loan = 'loan-4'":
        r"the row of loan a, position \d+ should not be there",
}  # fmt: skip


@pytest.mark.parametrize("statement", SPOILED)
def test_a_difference_is_named_and_nothing_is_swapped(recorded: RecordedBook, statement: str) -> None:
    recorded.lives(5)
    recorded.catches_up()
    assert execute(recorded, statement) == 1
    with pytest.raises(BuildDiffers, match=SPOILED[statement]):
        rebuilt(recorded)
    assert build_of(recorded, Place.OLD) is None


def test_a_build_that_differs_says_how_to_drop_it_and_is_dropped_unless_it_is_being_filled(
    recorded: RecordedBook,
) -> None:
    recorded.lives(5)
    recorded.catches_up()
    execute(recorded, "update projections.loan_now set credit_minor = 7 where loan = 'loan-3'")
    with pytest.raises(BuildDiffers, match="to drop it: ledger projections drop-next loan_now"):
        rebuilt(recorded)
    with a_rebuild(recorded), pytest.raises(RebuildRunning):
        drop_aside(recorded.database, LOAN_NOW, Place.NEXT)
    assert build_of(recorded, Place.NEXT)
    drop_aside(recorded.database, LOAN_NOW, Place.NEXT)
    assert (build_of(recorded, Place.NEXT), build_of(recorded, Place.LIVE) is None) == (None, False)
    with pytest.raises(ProjectionNotFound, match="next build of loan_now"):
        drop_aside(recorded.database, LOAN_NOW, Place.NEXT)


def test_a_difference_that_is_accepted_is_swapped_in_and_noted_with_its_reason(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    right = recorded.digests()
    execute(recorded, "update projections.loan_now set credit_minor = 7 where loan = 'loan-3'")
    with pytest.raises(BuildDiffers):
        rebuilt(recorded)
    done = rebuilt(recorded, accept="somebody wrote into the table")
    live = build_of(recorded, Place.LIVE)
    assert live
    assert (live.reason, live.swapped_by) == ("somebody wrote into the table", "operator:ann")
    assert live.digest != live.replaced_digest
    assert "loan-3" in str(done.difference)
    assert recorded.digests() == right


def a_new_version() -> Projection:
    """`loan_now` with a column more."""
    sql = dict(LOAN_NOW.statements)
    sql["tables"] = sql["tables"].replace(b"status ", b"grade text not null default 'new', status ")
    sql["rows"] = sql["rows"].replace(b"status,", b"status, grade,")
    return replace(LOAN_NOW, version=3, statements=sql)


def test_a_new_version_says_what_is_new_and_is_swapped_in_when_accepted(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    newer = a_new_version()
    with pytest.raises(BuildDiffers, match=r"version 2 has another shape than 3: column \"grade\" does not exist"):
        rebuilt(recorded, newer)
    rebuilt(recorded, newer, accept="grades")
    live = build_of(recorded, Place.LIVE)
    assert live
    assert (live.version, live.reason) == (3, "grades")
    recorded.lives(1)
    with a_runner(recorded, newer) as runner:
        runner.catch_up()


@contextmanager
def a_runner(recorded: RecordedBook, projection: Projection) -> Iterator[Runner]:
    """A worker whose program has another version of `loan_now`."""
    others = [each for each in PROJECTIONS if each.name != projection.name]
    feed = JournalFeed(recorded.journal, batch=BATCH, pause_s=0.01)
    with Runner(recorded.database, recorded.journal, recorded.book, feed, projections=[projection, *others]) as runner:
        yield runner


def test_a_program_that_is_newer_than_the_tables_leaves_them_alone_and_brings_the_others_forward(
    recorded: RecordedBook,
) -> None:
    recorded.lives(5)
    recorded.catches_up()
    stood_at = recorded.positions("loan_now")
    recorded.lives(5)
    with (
        a_runner(recorded, a_new_version()) as runner,
        pytest.raises(RebuildNeeded, match=r"version 2 filled its tables\. Run ledger projections rebuild loan_now"),
    ):
        runner.catch_up()
    assert recorded.positions("audit_trail") == recorded.journal.partition_heads()
    assert recorded.positions("loan_now") == stood_at


def test_a_program_that_is_older_than_the_tables_refuses(recorded: RecordedBook) -> None:
    recorded.lives(1)
    recorded.catches_up()
    rebuilt(recorded, a_new_version(), accept="grades")
    with pytest.raises(TablesNewer, match=r"asked for version 2 of loan_now; version 3"):
        recorded.catches_up()
    with pytest.raises(TablesNewer):
        bring_current(recorded.database, recorded.journal, recorded.book)
    with pytest.raises(TablesNewer):
        rebuilt(recorded)


def test_a_worker_of_the_older_program_ends_when_the_newer_tables_are_swapped_in(recorded: RecordedBook) -> None:
    recorded.lives(3)
    with recorded.worker(retry_s=0.01) as older:
        older.catch_up()
        rebuilt(recorded, a_new_version(), accept="grades")
        recorded.lives(3)
        with pytest.raises(TablesNewer):
            older.catch_up()


def test_a_checkpoint_that_was_deleted_is_made_again_from_the_first_event_and_nothing_is_doubled(
    recorded: RecordedBook,
) -> None:
    recorded.every_kind()
    recorded.catches_up()
    before = recorded.digests()
    for each in PROJECTIONS:
        assert execute(recorded, f"delete from projections.checkpoint where projection = '{each.name}'")
    recorded.catches_up()
    assert recorded.digests() == before
    assert recorded.is_current()


def test_a_live_build_that_was_begun_anew_is_not_compared_with_one_that_has_read_more(recorded: RecordedBook) -> None:
    recorded.lives(20)
    recorded.catches_up()
    interrupted(recorded)
    execute(recorded, "delete from projections.checkpoint where place = 'live'")
    with pytest.raises(BuildAhead, match="ledger project --once"):
        rebuilt(recorded)


def test_tables_that_are_in_use_all_the_time_are_named_and_the_next_rebuild_goes_on(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    with recorded.database.connect("ledger_reader", autocommit=False) as reader:
        reader.execute("select from projections.loan_now")
        with (
            a_rebuild(recorded, limits=Limits(swap_s=0.1)) as rebuild,
            pytest.raises(SwapBlocked, match=r"others have used its tables for 0\.1 s"),
        ):
            rebuild.run()
    assert rebuilt(recorded).resumed_at == recorded.journal.head().position


def test_while_builds_change_places_workers_go_on_and_no_query_fails_or_sees_half(recorded: RecordedBook) -> None:
    recorded.lives(20)
    recorded.catches_up()
    lines = len(recorded.journal.streams(["loan/loan-7"])["loan/loan-7"])
    with (
        recorded.worker(retry_s=0.05) as worker,
        running(worker),
        polling(recorded, lambda queries: len(queries.balances().loans) >= 20),
        polling(recorded, lambda queries: queries.balance_as_of("loan-7", NOW.date()).total_due_minor == 60_00),
        polling(recorded, lambda queries: len(queries.history("loan-7")) == lines),
    ):
        for _ in range(3):
            recorded.lives(5)
            for projection in PROJECTIONS:
                rebuilt(recorded, projection)
        eventually(recorded.is_current)
    assert recorded.digests() == recorded.digests_from_the_journal()


@contextmanager
def polling(recorded: RecordedBook, holds: Callable[[Queries], bool]) -> Iterator[None]:
    """Ask again and again while the block runs; every answer has to hold."""
    stop, wrong = Flag(), list[str]()
    asked = 0

    def ask() -> None:
        nonlocal asked
        with Queries(recorded.database, recorded.book.book_id) as queries:
            while not stop.is_set():
                try:
                    if not holds(queries):
                        wrong.append("a wrong answer")
                except Exception as error:
                    wrong.append(repr(error))
                asked += 1

    thread = Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert wrong == []
    assert asked > 20
