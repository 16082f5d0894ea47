"""Callers that all work at once for a short time; rounds of competitors take turns, since machines are shared."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from threading import Barrier

from tests.bench.reporting import percentile

Work = Callable[[], object]
"""One command, from its beginning to its acknowledgement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What all callers did together. Times by `time.perf_counter`, which all processes of a machine share."""

    started_s: float
    ended_s: float
    latencies_s: Sequence[float]

    @property
    def commands(self) -> int:
        return len(self.latencies_s)

    @property
    def rate(self) -> float:
        """Commands per second."""
        return self.commands / (self.ended_s - self.started_s)


def run_round(callers: Sequence[Work], seconds: float) -> Round:
    """Let every caller, each in a thread of its own, repeat its command for so long."""
    barrier = Barrier(len(callers) + 1)
    with ThreadPoolExecutor(len(callers)) as pool:
        pending = [pool.submit(_repeat, work, seconds, barrier) for work in callers]
        barrier.wait()
        started_s = time.perf_counter()
        latencies = [each.result() for each in pending]
    return Round(
        started_s=started_s, ended_s=time.perf_counter(), latencies_s=[one for each in latencies for one in each]
    )


def run_round_of_coroutines(work: Callable[[], Awaitable[object]], callers: int, seconds: float) -> Round:
    """As `run_round`, with callers that are coroutines of one event loop."""

    async def repeat(latencies_s: list[float]) -> None:
        now_s = time.perf_counter()
        while now_s < until_s:
            await work()
            done_s = time.perf_counter()
            latencies_s.append(done_s - now_s)
            now_s = done_s

    async def all_of_them() -> None:
        await asyncio.gather(*(repeat(each) for each in latencies))

    latencies: list[list[float]] = [[] for _ in range(callers)]
    started_s = time.perf_counter()
    until_s = started_s + seconds
    asyncio.run(all_of_them())
    return Round(
        started_s=started_s, ended_s=time.perf_counter(), latencies_s=[one for each in latencies for one in each]
    )


def _repeat(work: Work, seconds: float, barrier: Barrier) -> list[float]:
    latencies_s: list[float] = []
    barrier.wait()
    now_s = time.perf_counter()
    until_s = now_s + seconds
    while now_s < until_s:
        work()
        done_s = time.perf_counter()
        latencies_s.append(done_s - now_s)
        now_s = done_s
    return latencies_s


def median_rate(rounds: Iterable[Round]) -> float:
    return median(each.rate for each in rounds)


def median_ratio(ours: Sequence[Round], theirs: Sequence[Round]) -> float:
    """Of rounds that took turns: ours by theirs, pair by pair."""
    return median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))


def latency_ms(rounds: Iterable[Round], share: float) -> float:
    """What `share` (0 to 1) of all commands of all rounds did not exceed."""
    return percentile([latency_s for each in rounds for latency_s in each.latencies_s], share) * 1000
