"""A follower that reads by position while 16 writers append: whether it misses anything, or gets it out of order.

Beside it the fast mode of the stock recorder, which gives out positions before the commit.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from threading import Event

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder

from ledger.journal.journal import Journal
from tests.bench.competitors.stock import stock_datastore, stock_recorder
from tests.bench.reporting import Figure, Must
from tests.bench.rounds import Round, Work, run_round
from tests.bench.servers import Servers
from tests.integration.journal.requests import a_request, some_events

WRITERS = 16
SECONDS = 5.0
_EVENTS_AT_MOST = 3  # of one request
_BATCH = 1000

Read = Callable[[int], Sequence[int]]
"""Positions beyond one, in the order in which the log gives them."""


@dataclass(slots=True)
class Follower:
    """Goes on from the last position that it has seen, as every reader of a log does."""

    read: Read
    seen: set[int] = field(default_factory=set)
    last: int = 0
    out_of_order: int = 0

    def follow(self, stop: Event) -> None:
        """Until the log has nothing more after `stop`."""
        ended = False
        while not ended:
            stopping = stop.is_set()
            ended = not self._take(self.read(self.last)) and stopping

    def _take(self, positions: Sequence[int]) -> bool:
        for position in positions:
            self.out_of_order += position <= self.last
            self.last = max(self.last, position)
        self.seen.update(positions)
        return bool(positions)

    def missed(self) -> int:
        """How many positions the log holds now, read from the start at rest, that were not seen."""
        recorded: set[int] = set()
        while positions := self.read(max(recorded, default=0)):
            recorded.update(positions)
        return len(recorded - self.seen)


def run(servers: Servers) -> Iterator[Figure]:
    with servers.book("follow") as ledger, Journal(ledger.database, pool_size=WRITERS + 1) as journal:
        yield from _figures("follow", partial(_append, journal, count()), partial(_positions, journal), is_ours=True)
    with closing(stock_datastore(servers.database("follow_stock"), WRITERS + 2, fast=True)) as datastore:
        recorder = stock_recorder(datastore)
        insert, read = partial(_insert, recorder, count()), partial(_notification_ids, recorder)
        yield from _figures("follow_stock_fast_mode", insert, read, is_ours=False)


def _figures(name: str, write: Work, read: Read, *, is_ours: bool) -> Iterator[Figure]:
    follower = Follower(read)
    written = _race(follower, write)
    must = Must("value", "==", 0) if is_ours else None
    yield Figure(name=name, value=written.rate, unit="requests/s")
    yield Figure(name=f"{name}_events", value=len(follower.seen), unit="events")
    yield Figure(name=f"{name}_missed", value=follower.missed(), unit="events", must=must)
    yield Figure(name=f"{name}_out_of_order", value=follower.out_of_order, unit="events", must=must)


def _race(follower: Follower, write: Work) -> Round:
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follower.follow, stop)
        try:
            return run_round([write] * WRITERS, SECONDS)
        finally:
            stop.set()
            following.result()


def _append(journal: Journal, numbers: "count[int]") -> None:
    number = next(numbers)
    journal.append([a_request(f"follow-{number}", 1 + number % _EVENTS_AT_MOST)])


def _positions(journal: Journal, position: int) -> list[int]:
    return [event.position for event in journal.after(position, _BATCH)]


def _insert(recorder: PostgresApplicationRecorder, numbers: "count[int]") -> None:
    number = next(numbers)
    events = some_events(f"follow-{number}", 1 + number % _EVENTS_AT_MOST)
    recorder.insert_events([StoredEvent(event.stream, event.version, event.type, event.state) for event in events])


def _notification_ids(recorder: PostgresApplicationRecorder, position: int) -> list[int]:
    found = recorder.select_notifications(position, _BATCH, inclusive_of_start=False)
    return [notification.id for notification in found]
