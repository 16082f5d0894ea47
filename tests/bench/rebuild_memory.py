"""The memory that a rebuild takes with ten times as many events: it reads and applies in batches, and keeps none.

Each rebuild runs in a process of its own, which says how much memory it had at most.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from ledger.bootstrap import Ledger
from ledger.settings import Settings
from projections.catalogue import PROJECTIONS
from tests.bench.dev_books import FEW_POSTINGS, MANY_POSTINGS
from tests.bench.rebuilds import build
from tests.bench.reporting import Figure, Must, peak_mib
from tests.bench.servers import Servers

NAMES = ("loan_now", "postings")
_LEAST_RATIO = 1 / 1.3


def run(servers: Servers) -> Iterator[Figure]:
    few = servers.dev_book("few_postings", FEW_POSTINGS)
    many = servers.dev_book("many_postings", MANY_POSTINGS)
    for name in NAMES:
        (few_events, few_mib), (many_events, many_mib) = (_alone(settings, name) for settings in (few, many))
        yield Figure(name=f"rebuild_memory_{name}_{few_events}", value=few_mib, unit="MiB")
        yield Figure(
            name=f"rebuild_memory_{name}_{many_events}",
            value=many_mib,
            unit="MiB",
            peer=f"{few_events} events",
            ratio=few_mib / many_mib,
            must=Must("ratio", ">=", _LEAST_RATIO),
        )


def _alone(settings: Settings, name: str) -> tuple[int, float]:
    """How many events were read, and the most memory that the process had, in MiB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_rebuild, settings, name).result()


def _rebuild(settings: Settings, name: str) -> tuple[int, float]:
    [projection] = [each for each in PROJECTIONS if each.name == name]
    with Ledger(settings) as ledger:
        build(ledger, projection)
        return ledger.journal.head().position, peak_mib()
