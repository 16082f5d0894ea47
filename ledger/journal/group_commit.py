"""Group commit: requests that arrive while a commit is on its way share the next one.

One commit is in flight at a time. Whatever came meanwhile, from any thread or event loop of the process, goes into the
next one as one call and one transaction; each request has its own outcome, and a refused one fails only its caller.
Requests that exclude each other wait a round: two with one key, or one that writes a stream which the other read.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from types import TracebackType
from typing import Self, TypeVar

from ledger.journal.appender import Appender, Result
from ledger.journal.journal import Journal
from ledger.journal.lanes import Lane, LaneQueue
from ledger.journal.records import Outcome, Request

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitLimits:
    """`batch`: events in one commit at most, unless one request alone has more. `capacity`: requests that may wait in
    each lane; `wait_s`: how long a caller waits for room there."""

    batch: int = 128
    capacity: int = 10_000
    wait_s: float = 30.0


@dataclass(slots=True, eq=False)
class _Waiting:
    request: Request
    future: "Future[Outcome]" = field(default_factory=Future)


class GroupCommit:
    """Appends to one journal for all callers of a process. Safe to use from threads and from asyncio."""

    def __init__(self, journal: Journal, limits: CommitLimits | None = None) -> None:
        self._journal = journal
        self._limits = limits or CommitLimits()
        self._queue: LaneQueue[_Waiting] = LaneQueue(self._limits.capacity)
        self._thread: Thread | None = None
        self._starting = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, request: Request, lane: Lane = Lane.INTERACTIVE) -> "Future[Outcome]":
        """Queue a request; the future has its outcome once that is durable.

        Waits while the lane is full, then `TooBusy`. The future fails as `Journal.append` does.
        """
        waiting = _Waiting(request)
        self._start()
        self._queue.put(waiting, lane, self._limits.wait_s)
        return waiting.future

    def append(self, requests: Sequence[Request], lane: Lane = Lane.INTERACTIVE) -> list[Outcome]:
        """Record requests, each on its own; one outcome each, in order."""
        futures = [self.submit(request, lane) for request in requests]
        return [future.result() for future in futures]

    async def append_async(self, request: Request, lane: Lane = Lane.INTERACTIVE) -> Outcome:
        """As `submit`, without ever blocking the event loop."""
        waiting = _Waiting(request)
        self._start()
        await self._queue.put_async(waiting, lane, self._limits.wait_s)
        return await asyncio.wrap_future(waiting.future)

    def close(self) -> None:
        """Commit what waits, then end."""
        self._queue.close()
        if self._thread:
            self._thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="group-commit", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        with Appender(self._journal) as appender:
            while taken := self._queue.take(self._next_batch):
                batch = [waiting for waiting in taken if waiting.future.set_running_or_notify_cancel()]
                if batch:
                    appender.send([waiting.request for waiting in batch])
                    for waiting, result in zip(batch, appender.results(), strict=True):
                        _settle(waiting.future, result)

    def _next_batch(self, line: Iterable[_Waiting]) -> list[_Waiting]:
        return compatible(line, self._limits.batch, key=lambda waiting: waiting.request)


def _settle(future: "Future[Outcome]", result: Result) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def compatible(line: Iterable[Item], batch: int, key: Callable[[Item], Request]) -> list[Item]:
    """The first in a line that may go together, at most `batch` events, or one request alone.

    Two exclude each other when they have one key, or when one writes a stream that the other read: it decided on what
    the first one changes. Whoever is left out also keeps those back who came later and exclude it.
    """
    chosen: list[Item] = []
    events = 0
    read: set[str] = set()
    written: set[str] = set()
    keys: set[bytes] = set()
    for item in line:
        request = key(item)
        if chosen and events + len(request.events) > batch:
            break
        writes = {event.stream for event in request.events} | request.next_actions.keys()
        if request.command_id not in keys and written.isdisjoint(request.reads) and read.isdisjoint(writes):
            chosen.append(item)
            events += max(1, len(request.events))
        read |= request.reads.keys() | writes
        written |= writes
        if request.command_id:
            keys.add(request.command_id)
    return chosen
