"""The lines of double entry of all events that move money; every balance of any date is a sum over them.

As of a value date D and known at a position P that sum is: the newest snapshot of the loan with position <= P and
value date <= D; the lines of later dates up to D, known at P; and those that came too late for the snapshot, also known
at P. So it costs the same for a loan of 50 lines and for one of 40,000.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.posting_lines import Lines
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.registry import types_of
from schemas.values import MoneyEvent

_SQL = load("postings.sql")

SNAPSHOT_EVERY = 256
"""Lines of a loan from one snapshot to the next. Another number is another version of the projection."""


@dataclass(kw_only=True, slots=True)
class _Head:
    """How far a loan has come. `reached`: the last value date in its newest snapshot; a line up to there is late.
    `highest`: the last value date of all its lines, None where no snapshot is near."""

    position: int = 0
    number: int = 0
    reached: date = date.min
    highest: date | None = None

    def take(self, position: int, event: MoneyEvent) -> bool:
        """Go on to an event; whether a snapshot is due after it."""
        before = self.number
        self.position, self.number = position, before + len(event.postings)
        if self.highest is None:
            return False
        self.highest = max(self.highest, *(posting.value_date for posting in event.postings))
        if before // SNAPSHOT_EVERY == self.number // SNAPSHOT_EVERY:
            return False
        self.reached = self.highest
        return True


class _Snapshot(NamedTuple):
    """That one is due after an event; as the statement names it, column by column."""

    loans: str
    positions: int
    numbers: int
    value_dates: date


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    events = [
        (fact.position, fact.event) for fact in facts if isinstance(fact.event, MoneyEvent) and fact.event.postings
    ]
    heads = _heads(connection, book, [event for _, event in events])
    lines = Lines(book.book_id)
    due: list[_Snapshot] = []
    for position, event in events:
        head = heads[event.loan_id]
        if position > head.position:
            lines.add(position, event, head.number, head.reached)
            if head.take(position, event):
                due.append(_Snapshot(event.loan_id, position, head.number, head.reached))
    if lines:
        with connection.cursor().copy(_SQL["insert"]) as copy:
            copy.write(lines.copied())
    if due:
        columns = zip(*due, strict=True)
        arguments = dict(zip(_Snapshot._fields, map(list, columns), strict=True))
        connection.execute(_SQL["snapshot"], arguments | {"book": book.book_id})


PROJECTION = Projection(
    name="postings",
    version=2,
    tables=("postings", "postings_snapshot"),
    key=("position", "line"),
    takes=types_of(MoneyEvent),
    statements=_SQL,
    apply=apply,
)


def _heads(connection: Connection, book: Book, events: Sequence[MoneyEvent]) -> dict[str, _Head]:
    """The heads of all loans that events are about, by loan."""
    lines = Counter[str]()
    for event in events:
        lines[event.loan_id] += len(event.postings)
    heads = {loan: _Head(highest=date.min if count >= SNAPSHOT_EVERY else None) for loan, count in lines.items()}
    if heads:
        arguments = {
            "book": book.book_id,
            "loans": arrays.text(lines),
            "lines": arrays.int4(lines.values()),
            "every": SNAPSHOT_EVERY,
        }
        for loan, position, number, reached, highest in connection.execute(_SQL["heads"], arguments).fetchall():
            heads[loan] = _Head(position=position, number=number, reached=reached or date.min, highest=highest)
    return heads
