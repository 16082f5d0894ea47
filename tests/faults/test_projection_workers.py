"""Projection workers as processes: killed, stopped and cut off while events are recorded. The tables are as if nothing
had happened."""

import random
import time
from collections.abc import Callable

import pytest

from ledger.bootstrap import Ledger
from tests.faults.evidence import assert_projected
from tests.faults.injections import postgres_restarted
from tests.faults.site import Site, wait_until

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

KILLS = 20
SEED = 20261123
_PAUSE_MS = 25
_AT_LEAST = 70  # commands of each of four tellers, ten lives


def test_a_worker_killed_twenty_times_leaves_tables_as_if_it_never_was(site: Callable[..., Site]) -> None:
    moments, book = random.Random(SEED), site()
    with book.working(writers=1, relays=1, followers=1, at_least=_AT_LEAST, pause_ms=_PAUSE_MS):
        [worker] = book.workers
        for _ in range(KILLS):
            book.projects_on()
            time.sleep(moments.uniform(0.0, 0.1))
            worker.kill()
        book.finish()
    assert worker.starts >= KILLS
    assert_projected(book)


def test_a_worker_that_wakes_up_after_its_session_is_fenced_and_finds_its_place_again(
    site: Callable[..., Site],
) -> None:
    """It is stopped until the other one has taken over all that it had; then PostgreSQL is restarted under both."""
    moments, book = random.Random(SEED), site()
    with book.working(writers=1, relays=1, consumers=2, at_least=_AT_LEAST, pause_ms=_PAUSE_MS):
        zombie, other = book.workers
        book.projects_on()
        pid = zombie.pause()
        takes_all_in(book)
        zombie.resume(pid)
        postgres_restarted(book, moments)
        takes_all_in(book)
        other.kill()
        book.finish()
    assert_projected(book)


def test_the_feed_of_a_running_book_is_changed_and_changed_back(site: Callable[..., Site]) -> None:
    """A worker of each kind; one after the other is stopped for so long that all of the work is the other's."""
    book = site()
    with book.working(writers=1, relays=1, followers=1, consumers=1, at_least=_AT_LEAST, pause_ms=_PAUSE_MS):
        for worker in (*book.workers, *book.workers):
            pid = worker.pause()
            takes_all_in(book)
            worker.resume(pid)
        all_are_back(book)
        book.finish()
    assert_projected(book)


def all_are_back(book: Site) -> None:
    """Wait until every worker was seen just now: one that was stopped in a transaction has lost its session, ends, and
    is started again."""

    def seen() -> int:
        with Ledger(book.settings) as ledger:
            return len(ledger.lag()[1])

    wait_until(lambda: seen() == len(book.workers))


def takes_all_in(book: Site) -> None:
    """Wait until the projections hold on every partition what is recorded there by now."""
    goal = dict(book.asks("select partition, max(position) from journal.event group by 1"))
    wait_until(lambda: all(book.projected().get(partition, 0) >= end for partition, end in goal.items()))
