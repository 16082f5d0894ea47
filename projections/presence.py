"""Who brings projections forward just now, by the clock of the database."""

import os
import secrets
import socket
import time
from collections.abc import Collection

from ledger.journal.database import Connection
from projections.checkpoint import STATEMENTS

_BEATS_MISSED = 5  # so many in a row, and a worker is taken for gone


class Presence:
    """The row of one worker, renewed every `beat_s` seconds from the loop that does the work: a worker that hangs falls
    silent. `is_worker`: whether to be seen at all; queries wait for workers."""

    def __init__(self, connection: Connection, book_id: str, feed: str, beat_s: float, *, is_worker: bool) -> None:
        self._connection = connection
        self._row = {
            "id": f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
            "book": book_id,
            "feed": feed,
        }
        self._beat_s = beat_s
        self._is_worker = is_worker
        self._next_s = 0.0 if is_worker else float("inf")

    def beat(self) -> None:
        if time.monotonic() >= self._next_s:
            self._connection.execute(STATEMENTS["beat"], self._row)
            self._next_s = time.monotonic() + self._beat_s

    def leave(self) -> None:
        self._connection.execute(STATEMENTS["leave"], self._row)

    def share(self, partitions: Collection[int]) -> set[int]:
        """Which of some partitions are ours if the workers of this feed share them evenly; all for who is no worker."""
        if not self._is_worker:
            return set(partitions)
        book, feed, own = self._row["book"], self._row["feed"], self._row["id"]
        seen = workers(self._connection, book, _BEATS_MISSED * self._beat_s, feed)
        everybody = sorted({*seen, own})
        return {partition for partition in partitions if everybody[partition % len(everybody)] == own}


def workers(connection: Connection, book_id: str, stale_s: float, feed: str | None = None) -> list[str]:
    """Those who were seen within `stale_s` seconds, by host, process id and a random part. `feed`: only of that one."""
    arguments = {"book": book_id, "stale_s": stale_s, "feed": feed}
    return [worker for (worker,) in connection.execute(STATEMENTS["workers"], arguments).fetchall()]
