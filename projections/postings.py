"""The lines of double entry of all events that move money; every balance of any date is a sum over them.

As of a value date D and known at a position P that sum is: the newest snapshot of the loan with position <= P and
value date <= D; the lines of later dates up to D, known at P; and those that came too late for the snapshot, also known
at P. So it costs the same for a loan of 50 lines and for one of 40,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from psycopg.errors import UniqueViolation

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.posting_lines import Lines
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.registry import types_of
from schemas.values import LoanEvent, MoneyEvent

_SQL = load("postings.sql")

SNAPSHOT_EVERY = 128
"""Events of a loan from one snapshot to the next: 256 lines where all of them are payments. Another number is another
version of the projection."""

_AT_ONCE = 500  # events whose lines are sent together: the server inserts them while the next ones are written


@dataclass(kw_only=True, slots=True)
class _LongLife:
    """Of a loan that has snapshots, or comes to its first one. `reached`: the last value date in its newest snapshot; a
    line up to there is late. `highest`: the last value date of all its lines."""

    reached: date = date.min
    highest: date = date.min


class _Snapshot(NamedTuple):
    """That one is due after an event; as the statement names it, column by column."""

    loans: str
    positions: int
    value_dates: date


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    """Facts come once, except where somebody has deleted a checkpoint: only then those that are there are looked up."""
    try:
        with connection.transaction():
            _insert(connection, book, facts)
    except UniqueViolation:
        _insert(connection, book, _unseen(connection, book, facts))


PROJECTION = Projection(
    name="postings",
    version=3,
    tables=("postings", "postings_snapshot"),
    key=("position", "line"),
    takes=types_of(LoanEvent),
    statements=_SQL,
    apply=apply,
)


def _insert(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    long_lives = _long_lives(connection, book, facts)
    lines = Lines(book.book_id)
    due: list[_Snapshot] = []
    with connection.cursor().copy(_SQL["insert"]) as copy:
        for number, fact in enumerate(facts, 1):
            event = fact.event
            life = long_lives.get(_loan(fact)) if long_lives else None
            if isinstance(event, MoneyEvent):
                lines.add(fact.position, event, life.reached if life else date.min)
                if life:
                    life.highest = max([life.highest, *(posting.value_date for posting in event.postings)])
            if life and fact.record.streamversion % SNAPSHOT_EVERY == 0:
                life.reached = life.highest
                due.append(_Snapshot(_loan(fact), fact.position, life.reached))
            if number % _AT_ONCE == 0:
                copy.write(lines.taken())
        copy.write(lines.taken())
    if due:
        columns = zip(*due, strict=True)
        arguments = dict(zip(_Snapshot._fields, map(list, columns), strict=True))
        connection.execute(_SQL["snapshot"], arguments | {"book": book.book_id})


def _long_lives(connection: Connection, book: Book, facts: Sequence[Fact]) -> dict[str, _LongLife]:
    """Of the loans whose snapshots play a part in what these facts become."""
    loans = {_loan(fact) for fact in facts if fact.record.streamversion >= SNAPSHOT_EVERY}
    lives = {loan: _LongLife() for loan in loans}
    if loans:
        for loan, reached, highest in connection.execute(_SQL["long_lives"], _key(book, loans)).fetchall():
            lives[loan] = _LongLife(reached=reached or date.min, highest=highest or date.min)
    return lives


def _unseen(connection: Connection, book: Book, facts: Sequence[Fact]) -> list[Fact]:
    """The facts beyond what the tables have of each loan."""
    loans = {_loan(fact) for fact in facts}
    seen: dict[str, int] = dict(connection.execute(_SQL["seen"], _key(book, loans)).fetchall())
    return [fact for fact in facts if fact.position > seen.get(_loan(fact), 0)]


def _key(book: Book, loans: set[str]) -> dict[str, object]:
    return {"book": book.book_id, "loans": arrays.text(loans)}


def _loan(fact: Fact) -> str:
    event = fact.event
    assert isinstance(event, LoanEvent), "nothing else is taken"
    return event.loan_id
