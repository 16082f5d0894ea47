"""The desk: takes commands, records what they decide, each once per idempotency key.

Commands that wait are taken together: their loans are loaded at once, the domain decides, and the requests join the
next group commit, while the one before is still on its way. Of one stream, and of one key, only one command is at work
at a time. If another process was faster, a command loads and decides again, a bounded number of times.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock, Thread
from types import TracebackType
from typing import NamedTuple, Self

from ledger.application.commands import OpenLoan
from ledger.application.decider import Decided, Decider, Keyed, key_reused
from ledger.application.loan_store import LoanStore, StoredLoan, decoded
from ledger.application.orders import Answer, Order, Result
from ledger.journal.errors import BrokenChain, StreamConflict
from ledger.journal.group_commit import GroupCommit
from ledger.journal.journal import Journal
from ledger.journal.lanes import Lane, LaneQueue
from ledger.journal.records import Outcome, Verdict
from schemas.errors import Corrupt, LedgerError

_BULK_AT_ONCE = 32  # so that somebody who waits is never behind more than these
_AHEAD = 2  # batches prepared before the first of them is committed
_CLOSING_PAUSE_S = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskLimits:
    """`attempts`: tries of a command whose stream keeps changing. `at_once`: commands prepared together at most.
    `capacity`: commands that may wait in each lane; `wait_s`: how long a caller waits for room there."""

    attempts: int = 5
    at_once: int = 128
    capacity: int = 10_000
    wait_s: float = 30.0


_Claim = str | tuple[str, str]


@dataclass(slots=True, eq=False)
class _Task:
    """A command on its way through the desk."""

    order: Order
    lane: Lane
    command: Keyed
    future: "Future[Answer]" = field(default_factory=Future)
    tries: int = 0
    found_at: tuple[int, int] | None = None

    @property
    def stream(self) -> str:
        return self.order.command.stream

    @property
    def claims(self) -> tuple[_Claim, _Claim]:
        return self.order.command.stream, (self.order.principal, self.order.key)


class _Refusal(NamedTuple):
    task: _Task
    refusal: LedgerError
    was_fresh: bool


class Desk:
    """Executes commands on the loans of one book. Safe to use from several threads, and from asyncio."""

    def __init__(
        self, journal: Journal, commits: GroupCommit, store: LoanStore, decider: Decider, limits: DeskLimits
    ) -> None:
        self._journal = journal
        self._commits = commits
        self._store = store
        self._decider = decider
        self._limits = limits
        self._queue: LaneQueue[_Task] = LaneQueue(limits.capacity)
        self._claimed: set[_Claim] = set()
        self._at_work = 0
        self._lock = Lock()
        self._thread: Thread | None = None

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
        task = self._task(order, lane)
        self._start()
        self._queue.put(task, lane, self._limits.wait_s)
        return task.future

    def execute(self, order: Order) -> Answer:
        """Execute one command, or raise the refusal."""
        return self.submit(order).result()

    async def execute_async(self, order: Order, lane: Lane = Lane.INTERACTIVE) -> Answer:
        """As `execute`, without ever blocking the event loop."""
        task = self._task(order, lane)
        self._start()
        await self._queue.put_async(task, lane, self._limits.wait_s)
        return await asyncio.wrap_future(task.future)

    def execute_many(self, orders: Iterable[Order]) -> list[Result]:
        """Execute commands in order of each stream; a refusal fails only its own command and stands in its place."""
        futures = [self.submit(order, Lane.BULK) for order in orders]
        return [_result(future) for future in futures]

    def find_obstacles(self, orders: Sequence[Order]) -> list[int]:
        """The orders, by index, that cannot be recorded: their key stands for another body, or their loan exists.

        Nothing is executed. A loan that exists stands in the way of opening it only.
        """
        tasks = [self._task(order, Lane.BULK) for order in orders]
        found = self._journal.find_commands([task.command.id for task in tasks])
        known = {n for n, task in enumerate(tasks) if task.command.id in found}
        reused = [n for n in known if found[tasks[n].command.id][0] != tasks[n].command.hash]
        opening = [n for n, task in enumerate(tasks) if isinstance(task.order.command, OpenLoan) and n not in known]
        existing = self._journal.existing([tasks[n].stream for n in opening])
        return sorted(reused + [n for n in opening if tasks[n].stream in existing])

    def close(self) -> None:
        """Finish what waits, then end."""
        self._queue.close()
        if self._thread:
            self._thread.join()
            self._store.save_snapshots()

    def _task(self, order: Order, lane: Lane) -> _Task:
        return _Task(order=order, lane=lane, command=self._decider.keyed(order))

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="desk", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (tasks := self._queue.take(self._choose)) or self._claimed:
            wanted = [task for task in tasks if task.tries or task.future.set_running_or_notify_cancel()]
            if len(wanted) < len(tasks):
                self._release(task for task in tasks if task not in wanted)
            self._handle(wanted)
            self._store.save_snapshots()
            if not tasks:
                time.sleep(_CLOSING_PAUSE_S)  # closed, and the last commits are on their way

    def _choose(self, line: Iterable[_Task]) -> list[_Task]:
        """The first whose stream and key nobody works on, and nobody before them waits for."""
        chosen: list[_Task] = []
        seen: set[_Claim] = set()
        bulk = 0
        with self._lock:
            room = min(self._limits.at_once, _AHEAD * self._limits.at_once - self._at_work)
            for task in line:
                if len(chosen) >= room or bulk == _BULK_AT_ONCE:
                    break
                if seen.isdisjoint(task.claims) and self._claimed.isdisjoint(task.claims):
                    chosen.append(task)
                    bulk += task.lane is Lane.BULK
                seen.update(task.claims)
            self._at_work += len(chosen)
            for task in chosen:
                self._claimed.update(task.claims)
        return chosen

    def _release(self, tasks: Iterable[_Task]) -> None:
        with self._lock:
            for task in tasks:
                self._at_work -= 1
                self._claimed.difference_update(task.claims)
        self._queue.changed()

    def _handle(self, tasks: Sequence[_Task]) -> None:
        for task in tasks:
            if task.found_at:
                with self._failing([task]):
                    self._answer_again(task, *task.found_at)
        self._decide_all([task for task in tasks if not task.found_at])

    def _decide_all(self, tasks: Sequence[_Task]) -> None:
        try:
            stored = self._store.find({task.stream for task in tasks})
        except Corrupt as error:
            self._apart(tasks, error)
            return
        except Exception as error:
            for task in tasks:
                self._fail(task, error)
            return
        refused = [each for task in tasks if (each := self._decide(task, stored[task.stream]))]
        # What was decided on a loan from memory may rest on what other processes have changed since.
        stale = [each.task for each in refused if not each.was_fresh]
        if stale:
            self._store.forget(task.stream for task in stale)
            self._decide_all(stale)
        refused = [each for each in refused if each.was_fresh]
        with self._failing([each.task for each in refused]):
            self._refuse(refused)

    def _apart(self, tasks: Sequence[_Task], error: Corrupt) -> None:
        """One of the loans cannot be read: the commands on others are not to suffer for it."""
        if len(tasks) == 1:
            self._fail(tasks[0], error)
            return
        for task in tasks:
            self._decide_all([task])

    def _decide(self, task: _Task, stored: StoredLoan) -> _Refusal | None:
        """Decide, and send to be committed; or what was refused."""
        try:
            decided = self._decider.decide(task.order, task.command, stored)
            future = self._commits.submit(decided.request, task.lane)
        except LedgerError as refusal:
            return _Refusal(task, refusal, stored.is_fresh)
        except Exception as error:
            self._fail(task, error)
        else:
            future.add_done_callback(partial(self._settle, task, decided))
        return None

    def _refuse(self, refused: Sequence[_Refusal]) -> None:
        """The key comes first: a command that was answered before is not refused for what it has changed itself."""
        found = self._journal.find_commands([each.task.command.id for each in refused]) if refused else {}
        for task, refusal, _ in refused:
            if task.command.id not in found:
                self._fail(task, refusal)
                continue
            command_hash, first, last = found[task.command.id]
            if command_hash == task.command.hash:
                self._answer_again(task, first, last)
            else:
                self._fail(task, key_reused(task.order))

    def _settle(self, task: _Task, decided: Decided, future: "Future[Outcome]") -> None:
        """Runs when the commit is acknowledged, in its thread: only then may anybody see what came of it."""
        if error := future.exception():
            self._fail(task, error)
            return
        outcome = future.result()
        match outcome.verdict:
            case Verdict.APPENDED:
                self._store.keep(decided.after)
                answer = Answer(
                    events=decided.events, first_position=outcome.first_position, last_position=outcome.last_position
                )
                self._finish(task, answer)
            case Verdict.KNOWN:
                task.found_at = (outcome.first_position or 0, outcome.last_position or 0)
                self._try_again(task)
            case Verdict.KEY_REUSED:
                self._fail(task, key_reused(task.order))
            case Verdict.CONFLICT:
                self._store.forget([task.stream])
                if task.tries + 1 < self._limits.attempts:
                    self._try_again(task)
                else:
                    others = f"{outcome.detail}; others were faster {task.tries + 1} times. Try again"
                    self._fail(task, StreamConflict(others))
            case Verdict.BROKEN_CHAIN:
                self._store.forget([task.stream])
                self._fail(
                    task,
                    BrokenChain(
                        f"{outcome.detail}; the stream was read differently than it is recorded. Run ledger doctor"
                    ),
                )

    def _try_again(self, task: _Task) -> None:
        task.tries += 1
        self._queue.put_back([task], task.lane)
        self._release([task])

    def _answer_again(self, task: _Task, first: int, last: int) -> None:
        events = [decoded(event) for event in self._journal.between(first, last)]
        self._finish(task, Answer(events=events, first_position=first, last_position=last, again=True))

    @contextmanager
    def _failing(self, tasks: Sequence[_Task]) -> Iterator[None]:
        """What goes wrong with all of them belongs to those who wait; the desk goes on."""
        try:
            yield
        except Exception as error:
            for task in tasks:
                self._fail(task, error)

    def _finish(self, task: _Task, answer: Answer) -> None:
        self._release([task])
        task.future.set_result(answer)

    def _fail(self, task: _Task, error: BaseException) -> None:
        self._release([task])
        if not task.future.done():
            task.future.set_exception(error)


def _result(future: "Future[Answer]") -> Result:
    """The answer or the refusal; what is neither is raised."""
    try:
        return future.result()
    except LedgerError as refusal:
        return refusal
