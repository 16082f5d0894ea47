"""Many writers on the same streams: nothing is lost, doubled, reordered or numbered with a gap."""

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent, Verdict
from tests.integration.journal.requests import a_request, assert_dense, everything
from tests.integration.journal.writer import write

REQUESTS = 25


def assert_chained(events: Sequence[RecordedEvent], database: Database) -> None:
    """The head of each stream is the hash of its last event, as the database keeps it."""
    with database.connect("ledger_reader") as connection:
        heads: dict[str, bytes] = dict(connection.execute("select stream, head_hash from journal.stream").fetchall())
    assert heads == {event.stream: sha256(event.state).digest() for event in events}


def test_eight_threads_leave_one_dense_history(database: Database) -> None:
    with Journal(database, pool_size=8) as journal, ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: write(journal, f"thread-{number}", REQUESTS), range(8)))
        events = everything(journal)
    assert len(events) == sum(written)
    assert_dense(events)
    assert_chained(events, database)


def test_three_processes_leave_one_dense_history(database: Database) -> None:
    command = [sys.executable, "-m", "tests.integration.journal.writer", database.url]
    writers = [
        subprocess.Popen([*command, f"process-{number}", str(REQUESTS)], stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    written = [int(writer.communicate(timeout=120)[0]) for writer in writers]
    with Journal(database) as journal:
        events = everything(journal)
    assert len(events) == sum(written)
    assert_dense(events)
    assert_chained(events, database)


def test_of_many_that_read_the_same_version_one_writes(database: Database) -> None:
    with Journal(database) as journal, ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: journal.append([a_request("a", note=str(number))])[0], range(16)))
        assert sorted(outcome.verdict.value for outcome in outcomes) == ["appended"] + ["conflict"] * 15
        assert journal.head().position == 1


def test_of_many_with_one_key_one_is_recorded_and_all_get_its_answer(database: Database) -> None:
    with Journal(database) as journal, ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: journal.append([a_request("a", 2, key="pay")])[0], range(16)))
    assert {(outcome.first_position, outcome.last_position) for outcome in outcomes} == {(1, 2)}
    assert [outcome.verdict for outcome in outcomes].count(Verdict.APPENDED) == 1


def test_a_follower_by_position_misses_nothing_while_others_write(database: Database) -> None:
    with Journal(database, pool_size=8) as journal, ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, journal, f"writer-{number}", REQUESTS) for number in range(4)]
        seen: list[RecordedEvent] = []
        while not all(writer.done() for writer in writers) or journal.head().position > len(seen):
            seen += journal.after(len(seen), 7)
        assert seen == everything(journal)
        assert len(seen) == sum(writer.result() for writer in writers)


def test_an_append_whose_connection_is_cut_while_it_waits_is_recorded_once(database: Database) -> None:
    holder = database.connect("ledger_owner", autocommit=False)
    with holder, Journal(database, pool_size=2) as journal, ThreadPoolExecutor(1) as pool:
        holder.execute("select * from journal.head for update")
        waiting = pool.submit(journal.append, [a_request("a", 2, key="pay")])
        cut_the_one_that_waits(database)
        holder.rollback()
        [outcome] = waiting.result(timeout=60)
        assert (outcome.verdict, outcome.last_position) == (Verdict.APPENDED, 2)
        assert_dense(everything(journal))


def cut_the_one_that_waits(database: Database) -> None:
    """End the session that waits for a lock in this database, once there is one."""
    deadline = time.monotonic() + 20
    with database.connect() as admin:
        while not admin.execute(_CUT).fetchall():
            assert time.monotonic() < deadline, "nobody waits for the lock"


_CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock'
"""
