"""Ends the process when a window makes no progress: Kafka's client can hang without an error and without end.

It is the last resort, behind the limits on every call. A supervisor starts the process again; what was published is
found in Kafka, so nothing is lost or doubled.
"""

import os
import sys
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

EXIT_STATUS = 70  # sysexits.h: EX_SOFTWARE

_CHECKS_PER_LIMIT = 10


def end_process(reason: str) -> None:
    """End at once: threads that hang would hold up every orderly way out."""
    os.write(sys.stderr.fileno(), f"error relay_stalled: {reason}\n".encode())
    os._exit(EXIT_STATUS)


class Watchdog:
    """Watches one thread of work. `busy` starts or restarts the clock, `idle` stops it."""

    def __init__(self, limit_s: float, end: Callable[[str], None] = end_process) -> None:
        self._limit_s = limit_s
        self._end = end
        self._busy_with: tuple[float, str] | None = None
        self._stopped = Event()
        self._thread = Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def busy(self, work: str) -> None:
        self._busy_with = (time.monotonic(), work)

    def idle(self) -> None:
        self._busy_with = None

    def _watch(self) -> None:
        while not self._stopped.wait(self._limit_s / _CHECKS_PER_LIMIT):
            if (busy := self._busy_with) and time.monotonic() - busy[0] > self._limit_s:
                self._end(
                    f"{busy[1]} made no progress for {self._limit_s:g} s; this process ends, start it again. "
                    "It goes on behind the last event that Kafka has"
                )
                return
