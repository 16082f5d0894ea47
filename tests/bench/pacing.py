"""Payments at an even pace, whatever the answers take."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count

from ledger.bootstrap import Ledger
from ledger.journal.partitioning import partition_of
from tests.bench.orders import a_payment

_LIMIT_S = 60


class Acknowledged:
    """By partition: the position of each event, and when its caller heard of it."""

    def __init__(self, partitions: int) -> None:
        self.by_partition: list[dict[int, float]] = [{} for _ in range(partitions)]

    def note(self, partition: int, position: int) -> None:
        self.by_partition[partition][position] = time.perf_counter()

    def rate(self) -> float:
        """Events per second, from the first to the last."""
        moments = [moment for each in self.by_partition for moment in each.values()]
        return len(moments) / (max(moments) - min(moments))


def pay_evenly(ledger: Ledger, names: Sequence[str], per_s: float, seconds: float, callers: int) -> Acknowledged:
    """Payments on loans in turn, each at its own moment; a caller that is late does not make the others wait.

    Callers are coroutines: threads that wake up for each moment take more of the processor than what is measured.
    """
    acknowledged, numbers = Acknowledged(ledger.book.partitions), count()
    started_s = time.perf_counter()

    async def call() -> None:
        while (number := next(numbers)) < seconds * per_s:
            await asyncio.sleep(started_s + number / per_s - time.perf_counter())
            name = names[number % len(names)]
            answer = await ledger.desk.execute_async(a_payment(ledger, name))
            assert answer.last_position
            acknowledged.note(partition_of(name, ledger.book.partitions), answer.last_position)

    async def all_of_them() -> None:
        await asyncio.gather(*(call() for _ in range(callers)))

    asyncio.run(all_of_them())
    return acknowledged


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.perf_counter() + _LIMIT_S
    while not condition():
        assert time.perf_counter() < deadline_s, f"waited {_LIMIT_S} s for {what}"
        time.sleep(0.05)
