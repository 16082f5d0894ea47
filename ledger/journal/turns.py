"""Turns on streams, within a process: who saves waits for those before it, and hears at once that it comes too late.

Group commit takes one request of a stream at a time. Of a hundred that all follow the same version, each of those that
lose would wait for a commit of its own to hear so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from ledger.journal.records import Request


@dataclass(slots=True)
class _Turn:
    users: int = 0
    taken: bool = False
    reached: int = 0


class Turns:
    """Safe to use from several threads. Remembers nothing of a stream that nobody waits for."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def taken(self, request: Request) -> Iterator[bool]:
        """Hold all streams that the request read; whether one of them has moved on since, as far as is known here.

        What the request writes counts as reached unless an error ends the turn.
        """
        turns = self._enter(list(request.reads))
        try:
            yield any(turns[stream].reached > version for stream, version in request.reads.items())
            for event in request.events:
                turns[event.stream].reached = event.version
        finally:
            self._leave(turns)

    def users(self, stream: str) -> int:
        """How many have the turn or wait for it."""
        with self._changed:
            return self._turns[stream].users if stream in self._turns else 0

    def _enter(self, streams: Sequence[str]) -> dict[str, _Turn]:
        with self._changed:
            turns = {stream: self._turns.setdefault(stream, _Turn()) for stream in streams}
            for turn in turns.values():
                turn.users += 1
            self._changed.wait_for(lambda: not any(turn.taken for turn in turns.values()))
            for turn in turns.values():
                turn.taken = True
        return turns

    def _leave(self, turns: dict[str, _Turn]) -> None:
        with self._changed:
            for stream, turn in turns.items():
                turn.taken = False
                turn.users -= 1
                if not turn.users:
                    del self._turns[stream]
            self._changed.notify_all()
