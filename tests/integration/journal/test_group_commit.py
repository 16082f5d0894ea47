"""Requests of many callers in shared commits, on a real journal."""

import asyncio
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest

from ledger.journal.database import Database
from ledger.journal.errors import JournalUnavailable
from ledger.journal.group_commit import CommitLimits, GroupCommit
from ledger.journal.journal import Journal
from ledger.journal.lanes import Lane, TooBusy
from ledger.journal.records import Outcome, Request, Verdict
from tests.integration.journal.requests import a_request, assert_dense, everything, newest

_END_WRITERS = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and application_name = 'ledger_writer'
"""


@pytest.fixture
def commits(journal: Journal) -> Iterator[GroupCommit]:
    with GroupCommit(journal) as commits:
        yield commits


@contextmanager
def a_commit_that_takes_long(database: Database) -> Iterator[None]:
    """Somebody else holds the head: what is in flight waits, and everything after it gathers."""
    with database.connect("ledger_owner", autocommit=False) as holder:
        holder.execute("select * from journal.head for update")
        yield
        holder.rollback()


def gathered(database: Database, commits: GroupCommit, *requests: Request) -> list[Outcome]:
    """The outcomes of requests that share the commit after one that takes long."""
    with a_commit_that_takes_long(database):
        commits.submit(a_request("first"))
        wait_until_in_flight(database)
        futures = [commits.submit(request) for request in requests]
    return [future.result(20) for future in futures]


def wait_until_in_flight(database: Database) -> None:
    with database.connect() as admin:
        waiting = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        while admin.execute(waiting).fetchone() == (0,):
            pass


def commits_of(database: Database, head: int) -> int:
    """In how many transactions the events beyond a position were written."""
    with database.connect() as admin:
        [(count,)] = admin.execute("select count(distinct recorded_us) from journal.event where position > %s", (head,))
    return int(count)


def test_requests_that_arrive_during_a_commit_share_the_next_one(database: Database, commits: GroupCommit) -> None:
    outcomes = gathered(database, commits, *(a_request(f"l{n}", 2) for n in range(20)))
    assert [(each.first_position, each.last_position) for each in outcomes] == [(n, n + 1) for n in range(2, 42, 2)]
    assert commits_of(database, 1) == 1


def test_threads_append_concurrently_without_gap_or_loss(journal: Journal, commits: GroupCommit) -> None:
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda n: commits.append([a_request(f"l{n}", key=f"k{n}")])[0], range(400)))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.APPENDED}
    assert sorted(outcome.first_position or 0 for outcome in outcomes) == list(range(1, 401))
    assert_dense(everything(journal))


def test_coroutines_append_concurrently_beside_threads(journal: Journal, commits: GroupCommit) -> None:
    async def append_all() -> list[Outcome]:
        return await asyncio.gather(*(commits.append_async(a_request(f"a{n}")) for n in range(100)))

    thread = threading.Thread(target=commits.append, args=([a_request(f"t{n}") for n in range(100)],))
    thread.start()
    outcomes = asyncio.run(append_all())
    thread.join(20)
    assert {outcome.verdict for outcome in outcomes} == {Verdict.APPENDED}
    assert len(everything(journal)) == 200


def test_a_coroutine_that_is_cancelled_while_it_waits_records_nothing(database: Database, commits: GroupCommit) -> None:
    async def give_up() -> None:
        task = asyncio.create_task(commits.append_async(a_request("given-up")))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with a_commit_that_takes_long(database):
        commits.submit(a_request("first"))
        wait_until_in_flight(database)
        asyncio.run(give_up())
    [outcome] = commits.append([a_request("last")])
    assert outcome.last_position == 2


def test_a_conflict_fails_only_its_own_caller(database: Database, commits: GroupCommit, journal: Journal) -> None:
    journal.append([a_request("a", key="k")])
    stale, fine = a_request("a"), a_request("b")
    outcomes = gathered(database, commits, stale, fine, a_request("c", key="k", body="another"))
    assert [each.verdict for each in outcomes] == [Verdict.CONFLICT, Verdict.APPENDED, Verdict.KEY_REUSED]


def test_a_request_that_postgresql_cannot_take_fails_only_its_own_caller(
    database: Database, commits: GroupCommit
) -> None:
    with a_commit_that_takes_long(database):
        commits.submit(a_request("first"))
        wait_until_in_flight(database)
        before, broken, after = (commits.submit(a_request(name)) for name in ("a", "nul\0", "b"))
    with pytest.raises(psycopg.DataError):
        broken.result(20)
    assert [each.result(20).verdict for each in (before, after)] == [Verdict.APPENDED] * 2


def test_two_requests_with_one_key_wait_for_each_other(database: Database, commits: GroupCommit) -> None:
    once = a_request("a", key="k")
    outcomes = gathered(database, commits, once, once)
    assert [each.verdict for each in outcomes] == [Verdict.APPENDED, Verdict.KNOWN]
    assert outcomes[0].first_position == outcomes[1].first_position


@pytest.mark.parametrize("in_one_commit", [True, False])
def test_of_two_requests_that_would_be_wrong_together_one_is_refused(
    database: Database, commits: GroupCommit, in_one_commit: bool
) -> None:
    """Each reads both streams and writes one: whoever comes second decided on what is no longer so (write skew)."""
    opt_out = a_request("contacts", also_read={"loan/reminders": 0})
    reminder = a_request("reminders", also_read={"loan/contacts": 0})
    if in_one_commit:
        outcomes = gathered(database, commits, opt_out, reminder)
    else:
        outcomes = commits.append([opt_out]) + commits.append([reminder])
    assert [each.verdict for each in outcomes] == [Verdict.APPENDED, Verdict.CONFLICT]
    assert "loan/contacts was read at version 0 and is at 1" in str(outcomes[1].detail)


def test_requests_that_only_read_a_stream_share_a_commit(database: Database, commits: GroupCommit) -> None:
    requests = [a_request(f"l{n}", also_read={"book/b": 0}) for n in range(5)]
    assert {each.verdict for each in gathered(database, commits, *requests)} == {Verdict.APPENDED}
    assert commits_of(database, 1) == 1


def test_somebody_who_waits_is_recorded_before_bulk_work(database: Database, journal: Journal) -> None:
    with GroupCommit(journal, CommitLimits(batch=2)) as commits:
        with a_commit_that_takes_long(database):
            commits.submit(a_request("first"))
            wait_until_in_flight(database)
            bulk = [commits.submit(a_request(f"b{n}"), Lane.BULK) for n in range(6)]
            person = commits.submit(a_request("person"))
        assert person.result(20).first_position == 2
        assert [each.result(20).first_position for each in bulk] == [3, 4, 5, 6, 7, 8]


def test_a_full_queue_pushes_back(database: Database, journal: Journal) -> None:
    limits = CommitLimits(capacity=3, wait_s=0.2)
    with GroupCommit(journal, limits) as commits, a_commit_that_takes_long(database):
        commits.submit(a_request("first"))
        wait_until_in_flight(database)
        for n in range(3):
            commits.submit(a_request(f"l{n}"))
        with pytest.raises(TooBusy, match="3 have been waiting"):
            commits.submit(a_request("one-too-many"))
        with pytest.raises(TooBusy):
            asyncio.run(commits.append_async(a_request("one-too-many")))


def test_what_was_committed_before_the_connection_was_lost_is_answered_as_appended(
    database: Database, journal: Journal
) -> None:
    """The session ends as soon as its commit can be heard of, which is before or while it is answered."""
    lose_the_answer_once(database)
    with GroupCommit(journal) as commits:
        outcomes = commits.append([a_request(f"l{n}", key=f"k{n}") for n in range(3)])
    assert {each.verdict for each in outcomes} == {Verdict.APPENDED}
    assert_dense(everything(journal))
    assert len(everything(journal)) == 3


def test_a_commit_that_fails_after_its_rows_came_is_acknowledged_to_nobody(
    database: Database, journal: Journal, commits: GroupCommit
) -> None:
    """The server sends what append returns before it commits."""
    commits.append([a_request("before")])
    with database.connect() as superuser:
        superuser.execute(
            "create function fail() returns trigger language plpgsql as $$ begin raise 'at the very end'; end $$"
        )
        superuser.execute(
            "create constraint trigger fails after insert on journal.event deferrable initially deferred "
            "for each row execute function fail()"
        )
        with pytest.raises(psycopg.errors.RaiseException, match="at the very end"):
            commits.append([a_request("lost")])
        superuser.execute("drop trigger fails on journal.event")
    assert newest(journal, "lost") is None
    assert commits.append([a_request("after")])[0].first_position == 2


def lose_the_answer_once(database: Database) -> None:
    """A listener ends every writing session as soon as it hears of its commit, once."""
    heard = database.connect()
    heard.execute("listen journal")

    def end_the_writer() -> None:
        with heard:
            for _ in heard.notifies(timeout=20, stop_after=1):
                heard.execute(_END_WRITERS)

    threading.Thread(target=end_the_writer, daemon=True).start()


def test_sessions_that_are_ended_again_and_again_lose_and_double_nothing(database: Database, journal: Journal) -> None:
    ender = threading.Thread(target=end_writers, args=(database, range(20, 300, 20)))
    ender.start()
    with GroupCommit(journal) as commits, ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda n: commits.append([a_request(f"l{n}", key=f"k{n}")])[0], range(300)))
    ender.join(20)
    assert {outcome.verdict for outcome in outcomes} == {Verdict.APPENDED}
    assert sorted(outcome.first_position or 0 for outcome in outcomes) == list(range(1, 301))
    assert_dense(everything(journal))


def end_writers(database: Database, moments: Iterable[int]) -> None:
    """End all writing sessions each time that the head passes one of some positions."""
    with database.connect() as admin:
        for position in moments:
            while admin.execute("select position >= %s from journal.head", (position,)).fetchone() == (False,):
                time.sleep(0.001)
            admin.execute(_END_WRITERS)


def test_a_server_that_stays_away_fails_all_who_wait_and_the_next_ones_are_served(database: Database) -> None:
    impatient = replace(database, statement_timeout_s=1)
    with Journal(impatient, patience_s=1) as journal, GroupCommit(journal) as commits:
        with a_commit_that_takes_long(database):
            futures: list[Future[Outcome]] = [commits.submit(a_request(f"l{n}")) for n in range(5)]
            errors = [future.exception(20) for future in futures]
        assert {type(error) for error in errors} == {JournalUnavailable}
        assert commits.append([a_request("later")])[0].verdict is Verdict.APPENDED
        assert newest(journal, "l0") is None
