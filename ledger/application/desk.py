"""The desk: takes commands, records what they decide, each once per idempotency key.

Commands that wait are taken together by its worker. Of one stream, and of one key, only one command is at work at a
time. If another process was faster, a command loads and decides again, a bounded number of times.
"""

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from ledger.application.alarm import Alarm
from ledger.application.commands import OpenLoan
from ledger.application.decider import Decider
from ledger.application.loan_store import LoanStore
from ledger.application.orders import Answer, Order, Result
from ledger.application.tasks import Handover, Letter, Mailbox, Promise, Reply, Task
from ledger.application.worker import Worker
from ledger.journal.journal import Journal
from ledger.journal.lanes import Lane, LaneQueue
from schemas.errors import LedgerError


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskLimits:
    """`attempts`: tries of a command whose stream keeps changing. `at_once`: commands prepared together at most.
    `capacity`: commands that may wait in each lane; `wait_s`: how long a caller waits for room there."""

    attempts: int = 5
    at_once: int = 128
    capacity: int = 10_000
    wait_s: float = 30.0


class Desk:
    """Executes commands on the loans of one book. Safe to use from several threads, and from asyncio."""

    def __init__(self, journal: Journal, store: LoanStore, decider: Decider, limits: DeskLimits) -> None:
        self._journal = journal
        self._decider = decider
        self._limits = limits
        self._alarm = Alarm()
        self._queue: LaneQueue[Task] = LaneQueue(limits.capacity, self._alarm.ring)
        self._worker = Worker(
            journal, store, decider, self._queue, self._alarm, attempts=limits.attempts, at_once=limits.at_once
        )
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, Mailbox] = WeakKeyDictionary()
        self._thread: Thread | None = None
        self._starting = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, order: Order, lane: Lane = Lane.INTERACTIVE) -> "Future[Answer]":
        """Queue a command; the future has its answer once that is durable, or fails with the refusal.

        Waits while the lane is full, then `TooBusy`.
        """
        promise = Promise()
        self._put(self._task(order, lane, promise))
        return promise.future

    def execute(self, order: Order) -> Answer:
        """Execute one command, or raise the refusal."""
        handover = Handover()
        self._put(self._task(order, Lane.INTERACTIVE, handover))
        return handover.take()

    async def execute_async(self, order: Order, lane: Lane = Lane.INTERACTIVE) -> Answer:
        """As `execute`, without ever blocking the event loop."""
        loop = asyncio.get_running_loop()
        mailbox = self._mailbox(loop)
        letter = Letter(mailbox, loop.create_future())
        self._start()
        await self._queue.put_async(self._task(order, lane, letter), lane, self._limits.wait_s, mailbox.ring_soon)
        return await letter.future

    def execute_many(self, orders: Iterable[Order]) -> list[Result]:
        """Execute commands in order of each stream; a refusal fails only its own command and stands in its place."""
        futures = [self.submit(order, Lane.BULK) for order in orders]
        return [_result(future) for future in futures]

    def find_obstacles(self, orders: Sequence[Order]) -> list[int]:
        """The orders, by index, that cannot be recorded: their key stands for another body, or their loan exists.

        Nothing is executed. A loan that exists stands in the way of opening it only.
        """
        keyed = [self._decider.keyed(order) for order in orders]
        found = self._journal.find_commands([each.id for each in keyed])
        known = {n for n, each in enumerate(keyed) if each.id in found}
        reused = [n for n in known if found[keyed[n].id][0] != keyed[n].hash]
        opening = [n for n, order in enumerate(orders) if isinstance(order.command, OpenLoan) and n not in known]
        existing = self._journal.existing([orders[n].command.stream for n in opening])
        return sorted(reused + [n for n in opening if orders[n].command.stream in existing])

    def close(self) -> None:
        """Finish what waits, then end."""
        self._queue.close()
        if self._thread:
            self._thread.join()
        self._alarm.close()

    def _mailbox(self, loop: asyncio.AbstractEventLoop) -> Mailbox:
        found = self._mailboxes.get(loop)
        if found is None:
            with self._starting:
                # Letters that nobody fetched hold on to their loop.
                for ended in [each for each in self._mailboxes if each.is_closed()]:
                    del self._mailboxes[ended]
                found = self._mailboxes[loop] = Mailbox(loop, self._alarm.ring)
        return found

    def _task(self, order: Order, lane: Lane, reply: Reply) -> Task:
        stream = order.command.stream
        claims = (stream, (order.principal, order.key))
        return Task(order, lane, self._decider.keyed(order), reply, stream, claims)

    def _put(self, task: Task) -> None:
        self._start()
        self._queue.put(task, task.lane, self._limits.wait_s)

    def _start(self) -> None:
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = Thread(target=self._worker.run, name="desk", daemon=True)
                    thread.start()
                    self._thread = thread


def _result(future: "Future[Answer]") -> Result:
    """The answer or the refusal; what is neither is raised."""
    try:
        return future.result()
    except LedgerError as refusal:
        return refusal
