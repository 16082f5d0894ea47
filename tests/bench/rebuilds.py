"""Rebuilds of one projection, timed step by step."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ledger.bootstrap import Ledger
from projections import checkpoint
from projections.projection import Projection
from projections.rebuild import Step
from tests.bench.reporting import Figure, Must


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """One rebuild. `filled_s`: until rows and indexes are there; `proved_s`: for the digests of both builds, where one
    was live; `events`: of the whole book."""

    events: int
    filled_s: float
    proved_s: float

    @property
    def rate(self) -> float:
        """Events per second, without the proof: nobody that we are compared with has one."""
        return self.events / self.filled_s


def rebuild(ledger: Ledger, projection: Projection, *, kafka: bool = False) -> Timed:
    """Build a projection from nothing, and put it in place."""
    moments: dict[Step, float] = {}
    events = ledger.journal.head().position
    ledger.upkeep.rebuild(
        projection.name,
        kafka=kafka,
        restart=True,
        accept=None,
        step=lambda step: moments.update({step: time.perf_counter()}),
    )
    return Timed(
        events=events,
        filled_s=moments[Step.COMPARE] - moments[Step.FILL],
        proved_s=moments[Step.SWAP] - moments[Step.COMPARE],
    )


def build(ledger: Ledger, projection: Projection) -> None:
    """The same, unless it has been built in this run."""
    with ledger.database.connect("ledger_reader") as connection:
        if not checkpoint.standings(connection, ledger.book.book_id, [projection]):
            rebuild(ledger, projection)


def beside(name: str, rounds: Sequence[Timed], peer: str, peer_rates: Sequence[float], *, least: float) -> Figure:
    """Rebuilds beside somebody who took turns with them; the ratio is at least `least`, or missed."""
    return Figure(
        name=name,
        value=median(each.rate for each in rounds),
        unit="events/s",
        peer=peer,
        ratio=median(each.rate / rate for each, rate in zip(rounds, peer_rates, strict=True)),
        must=Must("ratio", ">=", least),
    )
