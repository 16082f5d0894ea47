"""Puts a made-up book together: opened on its first day, lived day by day, every day closed."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from multiprocessing.connection import Connection
from random import Random

from ledger.application.dev_book.lives import CURRENCY
from ledger.application.dev_book.plan import DAYS
from ledger.application.dev_book.shards import SHARDS, DayPart, Shard
from ledger.application.dev_book.stamps import event_id, midnight_us
from ledger.application.dev_book.writer import COMMIT_US, Writer
from ledger.domain import book as books
from ledger.domain.book import Book
from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.day_totals import Counted, added
from ledger.domain.identifiers import book_stream
from ledger.journal.encoding import Decision, StreamHead, encode
from ledger.journal.loading import Chunk, JournalLoad
from schemas.books.events import OverdueTotals
from schemas.envelope import digest
from schemas.errors import Unavailable
from schemas.values import Event


class BookProcessEnded(Unavailable):
    code = "book_process_ended"


Progress = Callable[[int, int], None]
"""Told (loans opened, loans) as work goes on."""

_FEW_LOANS = 2000
"""So many are made sooner in this process than others are started."""

_OPENED_US = 1_000_000
_CLOSED_US = 24 * 3_600_000_000 - 1_000_000
"""When in the day the book is opened, and each day closed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DevBook:
    """What was written."""

    book_id: str
    loans: int
    events: int


def write_dev_book(load: JournalLoad, writer: Writer, progress: Progress = lambda done, total: None) -> DevBook:
    """Write the book that the writer's plan says into an empty journal."""
    plan, opened = writer.plan, 0
    with _days(writer) as parts:
        stream = _BookStream(writer)
        load.add(stream.open())
        for day in range(DAYS):
            visited, overdue = 0, list[OverdueTotals]()
            for part in (part for _ in range(2) for part in next(parts)):
                load.add(part.chunk)
                opened += part.opened
                visited += part.visited
                overdue += part.overdue
            counted = Counted(through_position=load.position, loans_visited=visited, overdue=added(overdue))
            load.add(stream.close(day, counted))
            progress(opened, plan.loans)
    return DevBook(book_id=writer.book_id, loans=opened + bool(plan.long_loan_payments), events=load.position)


class _BookStream:
    """What is recorded about the book as a whole."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._random = Random(f"{writer.plan.seed}/book")  # noqa: S311 - the same book again, not a secret
        self._book: Book | None = None
        self._head = StreamHead(stream=book_stream(writer.book_id))

    def open(self) -> Chunk:
        writer = self._writer
        events = books.open_book(
            None,
            writer.book_id,
            journal_id=f"{self._random.getrandbits(64):016x}",
            opened_on=writer.plan.first_day,
            time_zone="UTC",
            cut_off="00:00",
            currencies={CURRENCY: minor_unit_exponent(CURRENCY)},
            partitions=writer.partitions,
            key_id=writer.keys.key_id,
        )
        return self._recorded(events, writer.principal, "open", midnight_us(writer.plan.first_day) + _OPENED_US)

    def close(self, day: int, counted: Counted) -> Chunk:
        assert self._book, "it was opened first"
        on = self._writer.plan.day(day)
        events = books.close_day(self._book, on, counted=counted, today=on)
        return self._recorded(events, self._writer.day_end, f"dayend:{on}", midnight_us(on) + _CLOSED_US)

    def _recorded(self, events: Sequence[Event], principal: str, key: str, at_us: int) -> Chunk:
        writer, chunk = self._writer, Chunk()
        self._book = reduce(books.apply, events, self._book)
        request = encode(
            [Decision(head=self._head, events=events)],
            writer.provenance(principal, key, {"book": writer.book_id, "key": key}, at_us),
            partitions=writer.partitions,
            event_ids=lambda: event_id(self._random, at_us),
        )
        chunk.add(request, at_us + COMMIT_US)
        last = request.events[-1]
        self._head = StreamHead(stream=last.stream, version=last.version, hash=digest(last.state))
        if self._book and self._book.closed_on == writer.plan.until:
            chunk.streams.append((last.stream, last.version, digest(last.state), None))
        return chunk


@contextmanager
def _days(writer: Writer) -> Iterator[Iterator[Sequence[DayPart]]]:
    """The same part of a day from each shard in turn; where it pays, each shard works in a process of its own."""
    if writer.plan.loans <= _FEW_LOANS:
        yield zip(*(Shard(writer, number).parts() for number in range(SHARDS)), strict=True)
        return
    context = multiprocessing.get_context("spawn")
    with ExitStack() as open_things:
        pipes = []
        for number in range(SHARDS):
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_send, args=(writer, number, there), daemon=True)
            process.start()
            there.close()
            open_things.callback(process.join)
            open_things.callback(process.terminate)
            pipes.append(open_things.enter_context(here))
        yield zip(*(received(pipe) for pipe in pipes), strict=True)


def _send(writer: Writer, number: int, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    with pipe:
        for part in Shard(writer, number).parts():
            pipe.send(part)


def received(pipe: Connection) -> Iterator[DayPart]:
    """What a shard in another process sends; `BookProcessEnded` if it ends too early."""
    try:
        for _ in range(2 * DAYS):
            yield pipe.recv()
    except EOFError as error:
        raise BookProcessEnded(
            "asked for a made-up book; one of the processes that make it has ended, its own error stands above. "
            "Nothing was written; try again"
        ) from error
