"""The lines of double entry of all events that move money; every balance of any date is a sum over them.

As of a value date D and known at a position P that sum is: the newest snapshot of the loan with position <= P and
value date <= D; the lines of later dates up to D, known at P; and those that came too late for the snapshot, also known
at P. So it costs the same for a loan of 50 lines and for one of 40,000.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.posting_lines import Line, copied
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.registry import types_of
from schemas.values import MoneyEvent

_SQL = load("postings.sql")

SNAPSHOT_EVERY = 256
"""Lines of a loan from one snapshot to the next. Another number is another version of the projection."""


@dataclass(kw_only=True, slots=True)
class _Head:
    """How far a loan has come. `highest`: the last value date of all its lines, where the next snapshot may be near;
    `reached`: that of its newest snapshot, so a line up to there is late."""

    position: int = 0
    number: int = 0
    highest: date = date.min
    reached: date = date.min


@dataclass(frozen=True, kw_only=True, slots=True)
class _Snapshot:
    """That one is due after an event."""

    loan: str
    position: int
    number: int
    value_date: date


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    events = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, MoneyEvent)]
    heads = _heads(connection, book, Counter(event.loan_id for _, event in events for _ in event.postings))
    lines: list[Line] = []
    due: list[_Snapshot] = []
    for position, event in events:
        if event.postings and position > heads[event.loan_id].position:
            lines += _entered(position, event, heads[event.loan_id])
            due += _due(position, event, heads[event.loan_id])
    if lines:
        with connection.cursor().copy(_SQL["insert"]) as copy:
            copy.write(copied(book.book_id, lines))
    if due:
        connection.execute(_SQL["snapshot"], _columns(due) | {"book": book.book_id})


PROJECTION = Projection(
    name="postings",
    version=2,
    tables=("postings", "postings_snapshot"),
    key=("position", "line"),
    takes=types_of(MoneyEvent),
    statements=_SQL,
    apply=apply,
)


def _heads(connection: Connection, book: Book, lines: Counter[str]) -> dict[str, _Head]:
    """The heads of all loans with lines in a batch, by loan."""
    heads = {loan: _Head() for loan in lines}
    if heads:
        arguments = {
            "book": book.book_id,
            "loans": arrays.text(lines),
            "lines": arrays.int4(lines.values()),
            "every": SNAPSHOT_EVERY,
        }
        for loan, position, number, reached, highest in connection.execute(_SQL["heads"], arguments).fetchall():
            heads[loan] = _Head(
                position=position, number=number, reached=reached or date.min, highest=highest or date.min
            )
    return heads


def _entered(position: int, event: MoneyEvent, head: _Head) -> Iterator[Line]:
    """The lines of an event, after which the head is theirs."""
    for line, posting in enumerate(event.postings, 1):
        head.number += 1
        head.highest = max(head.highest, posting.value_date)
        is_late = posting.value_date <= head.reached
        yield Line(event.loan_id, position, line, head.number, event.booking_date, posting, event.currency, is_late)
    head.position = position


def _due(position: int, event: MoneyEvent, head: _Head) -> Iterator[_Snapshot]:
    """A snapshot where the lines of an event, the newest of its loan, complete another `SNAPSHOT_EVERY` of them."""
    if head.number % SNAPSHOT_EVERY < len(event.postings):
        head.reached = head.highest
        yield _Snapshot(loan=event.loan_id, position=position, number=head.number, value_date=head.highest)


def _columns(due: Sequence[_Snapshot]) -> dict[str, object]:
    return {
        "loans": [each.loan for each in due],
        "positions": [each.position for each in due],
        "numbers": [each.number for each in due],
        "value_dates": [each.value_date for each in due],
    }
