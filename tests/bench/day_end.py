"""Day end of a book of 1,000,000 loans of which 3 % have something due, beside the same number due among 100,000.

Each day end runs in a process of its own, from the first look at the journal to `DayClosed`, and says how much memory
it had at most. One more has a projection worker beside it.
"""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from ledger.bootstrap import Ledger
from ledger.entrypoints.day_end_workers import day_end_workers
from ledger.settings import Settings
from tests.bench.dev_books import DUE, UNTIL, book_of_due
from tests.bench.lag_under_load import events_behind
from tests.bench.pacing import wait_until
from tests.bench.programs import started
from tests.bench.reporting import Figure, Must, peak_mib
from tests.bench.servers import Servers

FEW, MANY = 100_000, 1_000_000
_MOST_S = 60.0
_LEAST_RATIO = 1 / 1.3
_DAY = UNTIL + timedelta(days=1)
_BEFORE = UNTIL - timedelta(days=400)
WORKERS = 2


@dataclass(frozen=True, slots=True)
class _Run:
    visited: int
    seconds: float
    processor_s: float
    peak_mib: float


def run(servers: Servers) -> Iterator[Figure]:
    few, many = (_alone(servers.dev_book(f"due_{loans}", book_of_due(loans))) for loans in (FEW, MANY))
    for each in (few, many):
        assert 0.95 * DUE < each.visited < 1.05 * DUE, each
    yield Figure(name=f"day_end_{FEW}", value=few.seconds, unit="s")
    yield Figure(name=f"day_end_{MANY}", value=many.seconds, unit="s", must=Must("value", "<", _MOST_S))
    yield Figure(
        name=f"day_end_{MANY}_loans_due",
        value=many.visited / many.seconds,
        unit="loans/s",
        peer=f"a book of {FEW}",
        ratio=many.visited / many.seconds / (few.visited / few.seconds),
        must=Must("ratio", ">=", _LEAST_RATIO),
    )
    yield Figure(name=f"day_end_{MANY}_own_processor_time", value=many.processor_s, unit="s")
    shared = _alone(servers.dev_book("due_shared", book_of_due(FEW)), workers=WORKERS)
    yield Figure(
        name=f"day_end_{FEW}_with_{WORKERS}_workers",
        value=shared.seconds,
        unit="s",
        peer="no workers",
        ratio=few.seconds / shared.seconds,
    )
    yield Figure(name=f"day_end_{FEW}_memory", value=few.peak_mib, unit="MiB")
    yield Figure(
        name=f"day_end_{MANY}_memory",
        value=many.peak_mib,
        unit="MiB",
        peer=f"a book of {FEW}",
        ratio=few.peak_mib / many.peak_mib,
        must=Must("ratio", ">=", _LEAST_RATIO),
    )
    yield from _with_worker(servers)


def _with_worker(servers: Servers) -> Iterator[Figure]:
    """How long after `DayClosed` all projections have what the day end found."""
    settings = servers.dev_book("due_followed", book_of_due(FEW))
    with Ledger(settings) as ledger:
        with ledger.runner(kafka=False) as runner:
            runner.catch_up()
        with started(settings, "project"):
            wait_until(lambda: bool(ledger.lag()[1]), "the worker to have started")
            followed = _alone(settings)
            behind = events_behind(ledger)
            closed_s = time.perf_counter()
            wait_until(lambda: events_behind(ledger) == 0, "the worker to have read everything")
            lag_s = time.perf_counter() - closed_s
    yield Figure(name=f"day_end_{FEW}_beside_worker", value=followed.seconds, unit="s")
    yield Figure(name="day_end_events_behind", value=behind, unit="events")
    yield Figure(name="day_end_lag", value=lag_s, unit="s")


def _alone(settings: Settings, workers: int = 0) -> _Run:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_close_day, settings, workers).result()


def _close_day(settings: Settings, workers: int) -> _Run:
    with Ledger(settings) as ledger, day_end_workers(settings, workers) as visit_first:
        day_ends = ledger.day_ends
        visit_first(_BEFORE)  # starts what they need; nothing waits for that day
        started_s, own_s = time.perf_counter(), time.process_time()
        done = day_ends.run(_DAY, today=_DAY, visit_first=visit_first)
        took_s, own_s = time.perf_counter() - started_s, time.process_time() - own_s
        return _Run(done.loans_visited, took_s, own_s, peak_mib())
