"""A command on its way through the desk, and how its caller hears of the answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from weakref import ref

from ledger.application.decider import Keyed
from ledger.application.orders import Answer, Order
from ledger.journal.lanes import Lane

Claim = str | tuple[str, str]
"""What only one task at a time may work on: a stream, or a key of a principal."""


class Reply(Protocol):
    """Where an answer goes."""

    def is_wanted(self) -> bool:
        """Asked once, before work begins: whether the caller still wants it."""

    def give(self, answer: Answer | BaseException) -> None:
        """Hand the answer over, or why there is none."""


class Handover:
    """For a thread that waits. A third of what a `Future` costs."""

    __slots__ = ("_answer", "_given")

    def __init__(self) -> None:
        self._given = Lock()
        self._given.acquire()
        self._answer: Answer | BaseException | None = None

    def is_wanted(self) -> bool:
        return True

    def give(self, answer: Answer | BaseException) -> None:
        self._answer = answer
        self._given.release()

    def take(self) -> Answer:
        """Wait for the answer, or raise why there is none."""
        self._given.acquire()
        match self._answer:
            case Answer() as answer:
                return answer
            case BaseException() as error:
                raise error
        raise AssertionError("given without an answer")


class Letter:
    """For a coroutine; it may be cancelled before work begins."""

    __slots__ = ("_mailbox", "future")

    def __init__(self, mailbox: "Mailbox", future: "asyncio.Future[Answer]") -> None:
        self._mailbox = mailbox
        self.future = future

    def is_wanted(self) -> bool:
        return not self.future.cancelled()

    def give(self, answer: Answer | BaseException) -> None:
        self._mailbox.drop(self.future, answer)


class Mailbox:
    """Answers on their way into one event loop, which is woken once for all that have come by then; and so is the desk
    by `ring` for the commands that come out of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], object]) -> None:
        self._loop = ref(loop)  # it may end, and be forgotten
        self._ring = ring
        self._will_ring = False
        self._letters: deque[tuple[asyncio.Future[Answer], Answer | BaseException]] = deque()
        self._is_called = False

    def ring_soon(self) -> None:
        """From the loop: ring after all coroutines that can go on now, since these may come with commands too."""
        loop = self._loop()
        if loop and not self._will_ring:
            self._will_ring = True
            loop.call_soon(self._ring_now)

    def _ring_now(self) -> None:
        self._will_ring = False
        self._ring()

    def drop(self, future: "asyncio.Future[Answer]", answer: Answer | BaseException) -> None:
        """From any thread. Where the loop has ended meanwhile nobody waits any more."""
        self._letters.append((future, answer))
        if not self._is_called:
            self._is_called = True
            loop = self._loop()
            with suppress(RuntimeError):
                if loop:
                    loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_called = False  # first: what is dropped from here on calls again
        while self._letters:
            future, answer = self._letters.popleft()
            if future.done():
                continue
            if isinstance(answer, StopIteration):
                answer = RuntimeError(f"a command raised {answer!r}, which no future can hold")
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)


class Promise:
    """For a caller that waits later; it may be cancelled before work begins."""

    __slots__ = ("future",)

    def __init__(self) -> None:
        self.future: Future[Answer] = Future()

    def is_wanted(self) -> bool:
        return self.future.set_running_or_notify_cancel()

    def give(self, answer: Answer | BaseException) -> None:
        with suppress(InvalidStateError):  # cancelled before anybody asked
            if isinstance(answer, BaseException):
                self.future.set_exception(answer)
            else:
                self.future.set_result(answer)


@dataclass(slots=True, eq=False)
class Task:
    """One command. `tries`: how often it had to begin anew; `found_at`: positions of an earlier answer to its key."""

    order: Order
    lane: Lane
    command: Keyed
    reply: Reply
    stream: str
    claims: tuple[Claim, Claim]
    tries: int = 0
    found_at: tuple[int, int] | None = None
