"""How far projections are behind while payments come at 70 % of what desk and worker can do together, for a minute.

The worker is a program of its own and follows the journal. The lag is that of the slowest projection, looked at from
another connection; in time it is the events behind by the rate of the payments.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from threading import Event

from ledger.bootstrap import Ledger
from tests.bench.competitors.competitor import Turns
from tests.bench.orders import a_payment, open_loans
from tests.bench.pacing import pay_evenly, wait_until
from tests.bench.programs import started
from tests.bench.reporting import Figure, Must, percentile
from tests.bench.rounds import run_round
from tests.bench.servers import Servers

SHARE = 0.7
SECONDS = 60.0
CALLERS = 128
LOANS = 5000
_CAPACITY_S = 20.0  # so long that the worker has to keep up
_LOOK_EVERY_S = 0.25
_MOST_S = 2.0


@dataclass
class _Watch:
    """Looks at the lag, in events, until told to stop."""

    ledger: Ledger
    stop: Event = field(default_factory=Event)
    behind: list[int] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.wait(_LOOK_EVERY_S):
            self.behind.append(events_behind(self.ledger))


def events_behind(ledger: Ledger) -> int:
    """Of the slowest projection."""
    rows, _ = ledger.lag()
    assert not any(row.problem for row in rows), rows
    return max(row.events for row in rows)


def run(servers: Servers) -> Iterator[Figure]:
    with servers.book("lag") as ledger, started(ledger.settings, "project"):
        names = open_loans(ledger, LOANS)
        _wait_for_worker(ledger)
        capacity = _capacity(ledger, names)
        _wait_for_worker(ledger)
        watch = _Watch(ledger)
        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(watch.run)
            try:
                rate = pay_evenly(ledger, names, SHARE * capacity, SECONDS, CALLERS).rate()
            finally:
                watch.stop.set()
            watching.result()
    settled = watch.behind[len(watch.behind) // 4 :]
    yield Figure(name="lag_under_load_capacity", value=capacity, unit="commands/s")
    yield Figure(
        name="lag_under_load_rate",
        value=rate,
        unit="commands/s",
        peer="capacity",
        ratio=rate / capacity,
        must=Must("ratio", ">=", 0.95 * SHARE),
    )
    yield Figure(name="lag_under_load_p50", value=median(settled), unit="events")
    yield Figure(name="lag_under_load_p99", value=percentile(settled, 0.99), unit="events")
    yield Figure(name="lag_under_load", value=max(settled) / rate, unit="s", must=Must("value", "<", _MOST_S))


def _capacity(ledger: Ledger, names: list[str]) -> float:
    """Commands per second of many callers at once, while the worker works."""
    turns = Turns(names)
    ledger.desk  # noqa: B018 - made before the threads
    return run_round([lambda: ledger.desk.execute(a_payment(ledger, turns.next()))] * CALLERS, _CAPACITY_S).rate


def _wait_for_worker(ledger: Ledger) -> None:
    wait_until(lambda: bool(ledger.lag()[1]) and events_behind(ledger) == 0, "the worker to have read everything")
