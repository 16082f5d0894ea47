"""A share of the loans, lived through day by day: rows for the journal, in the order in which they were recorded.

Shards know nothing of each other, so that each may run in a process of its own. Each has its own hours of the day.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, Protocol

from ledger.application.dev_book.lives import LATEST, Traits, live, some_traits
from ledger.application.dev_book.long_loan import LongLoan
from ledger.application.dev_book.plan import DAYS
from ledger.application.dev_book.stamps import event_id, instant_of, midnight_us
from ledger.application.dev_book.templates import EVENT_ID_HOLE, PREVIOUS_HOLE, RequestTemplate, templates
from ledger.application.dev_book.writer import COMMIT_US, Writer
from ledger.domain.day_totals import added
from ledger.domain.identifiers import loan_stream
from ledger.journal.loading import Chunk
from ledger.journal.partitioning import partition_of
from schemas.books.events import OverdueTotals
from schemas.envelope import digest

SHARDS = 4
"""Fixed: the order of events depends on it."""

_HOUR_US = 3_600_000_000
_BUSINESS_US = (6 * _HOUR_US, 16 * _HOUR_US)  # when it begins, how long it lasts
_DAY_END_US = (22 * _HOUR_US, _HOUR_US)


class DayPart(NamedTuple):
    """What a shard records in one part of a day: how many loans are opened, how many visited by day end, and what their
    marks add up to."""

    chunk: Chunk
    opened: int
    visited: int
    overdue: Sequence[OverdueTotals]


class _Alive(Protocol):
    """A loan whose next request can be recorded."""

    def record(self, chunk: Chunk, at_us: int) -> None: ...


@dataclass(slots=True)
class _LiveLoan:
    """A loan on its way through a life. `first`: the number of the day on which it is opened."""

    name: str
    borrower: str
    partition: int
    first: int
    life: Sequence[RequestTemplate]
    shard: "Shard"
    done: int = 0
    head_hash: bytes = field(default=b"")

    @property
    def following(self) -> RequestTemplate | None:
        """The next request, if it comes before the book ends."""
        if self.done == len(self.life) or self.first + self.life[self.done].day >= DAYS:
            return None
        return self.life[self.done]

    def record(self, chunk: Chunk, at_us: int) -> None:
        request = self.life[self.done]
        self.done += 1
        self.shard.stamp(self, request, chunk, at_us)
        if request.together == 1 and self.following:
            self.shard.wait(self, self.following)


class Shard:
    """The loans whose number leaves `number` when divided by SHARDS."""

    def __init__(self, writer: Writer, number: int) -> None:
        plan = writer.plan
        self._writer = writer
        self._number = number
        self._traits = Random(f"{plan.seed}/{number}/traits")  # noqa: S311 - the same book again, not a secret
        self._ids = Random(f"{plan.seed}/{number}/ids")  # noqa: S311 - the same again, too
        self._lives: dict[Traits, list[RequestTemplate]] = {}
        self._waiting: dict[tuple[int, bool], list[_Alive]] = defaultdict(list)
        self._days = [plan.day(day) for day in range(DAYS + LATEST)]
        self._dates = [day.isoformat().encode() for day in self._days]
        self._next_loan = number
        self._overdue: list[OverdueTotals] = []
        if number == 0 and plan.long_loan_payments:
            self._wait_for_long_loan()

    def parts(self) -> Iterator[DayPart]:
        """Two for each day: the business of the day, and its end."""
        for day in range(DAYS):
            opened = self._open_loans(day)
            chunk, _ = self._record(day, _BUSINESS_US, at_day_end=False)
            yield DayPart(chunk, opened, 0, self._take_overdue())
            chunk, visited = self._record(day, _DAY_END_US, at_day_end=True)
            yield DayPart(chunk, 0, visited, self._take_overdue())

    def wait(self, loan: _LiveLoan, request: RequestTemplate) -> None:
        """The loan comes again, for all that its life has in that part of a day."""
        self._waiting[loan.first + request.day, request.at_day_end] += [loan] * request.together

    def stamp(self, loan: _LiveLoan, request: RequestTemplate, chunk: Chunk, at_us: int) -> None:
        """Fill the holes of a request, and add it to a chunk."""
        writer, name, first, dates = self._writer, loan.name, loan.first, self._dates
        date = dates[first + request.day]
        principal, key = writer.principal, f"{name}-{loan.done}"
        if request.at_day_end:
            principal, key = writer.day_end, f"dayend:{date.decode()}:{name}"
        command_id = writer.keys.command_id(writer.book_id, principal, key)
        command_hash = writer.keys.command_hash(request.body_of(name, loan.borrower, self._days[first]))
        values = [
            name.encode(),
            loan.borrower.encode(),
            instant_of(date, at_us),
            command_id.hex().encode(),
            command_hash.hex().encode(),
            *(b"", b""),
            *(dates[first + day] for day in request.days),
        ]
        stream, head_hash = loan_stream(name), loan.head_hash
        chunk.commands.append((command_id, command_hash, len(chunk.events), len(request.events)))
        for event in request.events:
            values[EVENT_ID_HOLE] = event_id(self._ids, at_us).encode()
            values[PREVIOUS_HOLE] = head_hash.hex().encode()
            state = event.form % event.pick(values)
            head_hash = digest(state)
            chunk.events.append(
                (stream, event.version, event.type, event.topic, name, loan.partition, at_us + COMMIT_US, state)
            )
        loan.head_hash = head_hash
        self._overdue += request.overdue
        if loan.following is None:
            next_on = None if request.next_action is None else self._days[first + request.next_action]
            chunk.streams.append((stream, request.events[-1].version, head_hash, next_on))

    def _take_overdue(self) -> Sequence[OverdueTotals]:
        taken, self._overdue = added(self._overdue), []
        return taken

    def _open_loans(self, day: int) -> int:
        """The loans of a day: as many on each, from the first number on."""
        plan, opened = self._writer.plan, 0
        while self._next_loan < plan.loans and self._next_loan * DAYS // plan.loans <= day:
            number = f"{self._next_loan + 1:07}"
            life = self._life(self._traits_from(day))
            name = f"loan-{number}"
            partition = partition_of(name, self._writer.partitions)
            self.wait(_LiveLoan(name, f"borrower-{number}", partition, day, life, self), life[0])
            self._next_loan += SHARDS
            opened += 1
        return opened

    def _traits_from(self, day: int) -> Traits:
        """Of a loan that is opened on that day."""
        plan, last_day = self._writer.plan, DAYS - 1
        traits = some_traits(self._traits, plan.payments_per_loan, plan.late_share, plan.installments_share)
        if day < last_day and self._traits.random() < plan.due_share:
            return traits._replace(tenor=last_day - day, habit="silent", delay=0)
        return traits

    def _life(self, traits: Traits) -> list[RequestTemplate]:
        if traits not in self._lives:
            writer = self._writer
            self._lives[traits] = templates(
                live(traits, writer.basis),
                book_id=writer.book_id,
                principal=writer.principal,
                day_end=writer.day_end,
            )
        return self._lives[traits]

    def _wait_for_long_loan(self) -> None:
        loan, requests = LongLoan(self._writer, self._ids), self._writer.plan.long_loan_payments + 1
        for number in range(requests):
            self._waiting[number * DAYS // requests, False].append(loan)

    def _record(self, day: int, hours_us: tuple[int, int], *, at_day_end: bool) -> tuple[Chunk, int]:
        """Everything that waits for that part of a day, and how many requests that is."""
        waiting = self._waiting.pop((day, at_day_end), [])
        begin_us, length_us = hours_us
        start_us = midnight_us(self._days[day]) + begin_us + length_us * self._number // SHARDS
        chunk = Chunk()
        for nth, loan in enumerate(waiting):
            loan.record(chunk, start_us + length_us * nth // (SHARDS * len(waiting)))
        return chunk, len(waiting)
