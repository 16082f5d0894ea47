"""A bounded queue of two lanes: people who wait come before bulk work, and a full lane makes its callers wait.

What excludes each other is never handed out together: whoever takes from the queue says what is free just now. What
has to wait keeps its place, and nothing that excludes it overtakes it within its lane.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from threading import Condition
from typing import Generic, TypeVar

from schemas.errors import Unavailable

Item = TypeVar("Item")

_ASYNC_PAUSE_S = 0.002


class Lane(Enum):
    """Who asks: somebody who waits for the answer, or work in bulk."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class TooBusy(Unavailable):
    code = "too_busy"


class QueueClosed(Unavailable):
    code = "queue_closed"


class LaneQueue(Generic[Item]):
    """`capacity`: items that may wait in each lane. `wake` is called after every change, for a taker that waits for
    other things too. Safe to use from several threads."""

    def __init__(self, capacity: int, wake: Callable[[], object] = bool) -> None:
        self._capacity = capacity
        self._wake = wake
        self._lanes: dict[Lane, deque[Item]] = {lane: deque() for lane in Lane}
        self._changed = Condition()
        self._closed = False
        self._waiting_to_put = 0
        self._waiting_to_take = 0

    def put(self, item: Item, lane: Lane, wait_s: float) -> None:
        """Add an item; waits while the lane is full, `TooBusy` after `wait_s` seconds."""
        deadline_s = time.monotonic() + wait_s
        with self._changed:
            while not self._offer(item, lane, self._wake):
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    raise TooBusy(
                        f"asked to take one more; {self._capacity} have been waiting in the {lane.value} lane for "
                        f"{wait_s:g} s. Nothing was recorded; send it again later, with the same key"
                    )
                self._waiting_to_put += 1
                self._changed.wait(left_s)
                self._waiting_to_put -= 1

    async def put_async(self, item: Item, lane: Lane, wait_s: float, wake: Callable[[], object] | None = None) -> None:
        """As `put`, without ever blocking the event loop. `wake`: called in place of the queue's own."""
        deadline_s = time.monotonic() + wait_s
        while not self.offer(item, lane, wake):
            if time.monotonic() > deadline_s:
                self.put(item, lane, 0)
                return
            await asyncio.sleep(_ASYNC_PAUSE_S)

    def offer(self, item: Item, lane: Lane, wake: Callable[[], object] | None = None) -> bool:
        """Add an item unless the lane is full; whether it was added. `wake`: called in place of the queue's own."""
        with self._changed:
            return self._offer(item, lane, wake or self._wake)

    def put_back(self, items: Iterable[Item], lane: Lane) -> None:
        """Items that were taken go to the front again, in order, however full the lane is."""
        with self._changed:
            self._lanes[lane].extendleft(reversed(list(items)))
            self._changed.notify_all()
            self._wake()

    def take(self, choose: Callable[[Iterable[Item]], list[Item]]) -> list[Item]:
        """Wait until `choose` finds something, and take it; an empty list once the queue is closed and empty.

        `choose` sees what waits, the interactive lane first, each in order. It is asked again after every change.
        """
        with self._changed:
            while not (chosen := self.take_now(choose)) and not self.is_over:
                self._waiting_to_take += 1
                self._changed.wait()
                self._waiting_to_take -= 1
            return chosen

    def take_now(self, choose: Callable[[Iterable[Item]], list[Item]]) -> list[Item]:
        """What `choose` finds just now, maybe nothing."""
        with self._changed:
            chosen = choose(item for lane in Lane for item in self._lanes[lane])
            self._remove(chosen)
            if self._waiting_to_put:
                self._changed.notify_all()
            return chosen

    @property
    def is_over(self) -> bool:
        """Whether the queue is closed and empty."""
        with self._changed:
            return self._closed and not any(self._lanes.values())

    def close(self) -> None:
        """Take nothing more in; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._wake()

    def _offer(self, item: Item, lane: Lane, wake: Callable[[], object]) -> bool:
        if self._closed:
            raise QueueClosed("asked to take one more after the end; nothing was recorded. Start the program again")
        if len(self._lanes[lane]) >= self._capacity:
            return False
        self._lanes[lane].append(item)
        if self._waiting_to_take:
            self._changed.notify_all()
        wake()
        return True

    def _remove(self, chosen: list[Item]) -> None:
        """Looks only as far as the last one chosen: a long line behind it costs nothing."""
        taken = {id(item) for item in chosen}
        for lane in self._lanes.values():
            passed_over: list[Item] = []
            while taken and lane:
                item = lane.popleft()
                if id(item) in taken:
                    taken.remove(id(item))
                else:
                    passed_over.append(item)
            lane.extendleft(reversed(passed_over))
