"""From a commit that was acknowledged to its row in `loan_now`, over Kafka; relay and worker are real processes.

A row is visible when the checkpoint of its partition has passed it, since both are written in one transaction. All
times are those of one clock in this process; a look that finds an event visible counts up to its end.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from ledger.bootstrap import Ledger
from ledger.journal.database import Connection
from tests.bench.orders import open_loans
from tests.bench.pacing import Acknowledged, pay_evenly, wait_until
from tests.bench.programs import started
from tests.bench.reporting import Figure, Must, percentile
from tests.bench.servers import Servers

EVENTS_PER_S = 500
SECONDS = 20.0
CALLERS = 16
LOANS = 2000
_WARM_UP_S = 2.0
_LOOK_EVERY_S = 0.004
_LIMIT_S = 60
_P99_MOST_MS = 250

_LOOK = """
select partition, position from projections.checkpoint where projection = 'loan_now' and place = 'live' and book = %s
"""


Look = tuple[float, dict[int, int]]
"""When a look at the checkpoints ended, and the position of each partition."""


def run(servers: Servers) -> Iterator[Figure]:
    with servers.book("e2e", kafka=True) as ledger, started(ledger.settings, "relay"):
        names = open_loans(ledger, LOANS)
        with ledger.runner(kafka=False) as runner:
            runner.catch_up()
        with started(ledger.settings, "project", "--kafka"), ledger.database.connect() as connection:
            pay_evenly(ledger, names, EVENTS_PER_S, _WARM_UP_S, CALLERS)
            wait_until(lambda: _visible(ledger, connection, ledger.journal.head().position), "the first payments")
            acknowledged, seen = _measured(ledger, connection, names)
    latencies_ms = [latency_s * 1000 for latency_s in _latencies(acknowledged, seen)]
    yield Figure(name="e2e", value=acknowledged.rate(), unit="events/s", must=Must("value", ">=", 0.98 * EVENTS_PER_S))
    yield Figure(name="e2e_p50", value=percentile(latencies_ms, 0.50), unit="ms")
    must = Must("value", "<", _P99_MOST_MS)
    yield Figure(name="e2e_p99", value=percentile(latencies_ms, 0.99), unit="ms", must=must)


def _measured(ledger: Ledger, connection: Connection, names: Sequence[str]) -> tuple[Acknowledged, list[Look]]:
    done, looks = Event(), list[Look]()
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(_watch, ledger, connection, looks, done)
        try:
            acknowledged = pay_evenly(ledger, names, EVENTS_PER_S, SECONDS, CALLERS)
        finally:
            done.set()
        watching.result()
    return acknowledged, looks


def _watch(ledger: Ledger, connection: Connection, looks: list[Look], done: Event) -> None:
    """Look every few milliseconds until all that was recorded is visible."""
    while not done.is_set():
        looks.append(_look(ledger, connection))
        time.sleep(_LOOK_EVERY_S)
    head, deadline_s = ledger.journal.head().position, time.perf_counter() + _LIMIT_S
    while not _visible(ledger, connection, head):
        assert time.perf_counter() < deadline_s, f"not everything became visible within {_LIMIT_S} s"
        looks.append(_look(ledger, connection))
        time.sleep(_LOOK_EVERY_S)
    looks.append(_look(ledger, connection))


def _look(ledger: Ledger, connection: Connection) -> Look:
    rows = connection.execute(_LOOK, (ledger.book.book_id,)).fetchall()
    return time.perf_counter(), dict(rows)


def _visible(ledger: Ledger, connection: Connection, position: int) -> bool:
    """Whether every partition has reached its last event at or below a position; at rest, the newest one."""
    heads = ledger.journal.partition_heads()
    _, found = _look(ledger, connection)
    return all(found.get(partition, 0) >= min(head, position) for partition, head in heads.items())


def _latencies(acknowledged: Acknowledged, looks: Sequence[Look]) -> Iterator[float]:
    """Of each event the time from its acknowledgement to the first look that found it; not below nothing."""
    for partition, moments in enumerate(acknowledged.by_partition):
        positions = iter(sorted(moments.items()))
        waiting = next(positions, None)
        for looked_at_s, found in looks:
            while waiting and waiting[0] <= found.get(partition, 0):
                yield max(0.0, looked_at_s - waiting[1])
                waiting = next(positions, None)
        assert waiting is None, "every event was seen in the end"
