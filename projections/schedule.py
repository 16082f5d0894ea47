"""The versions of every loan's schedule. The first is agreed when a loan is opened; no event changes one yet."""

from collections.abc import Sequence

import msgspec

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import LoanOpened

_SQL = load("schedule.sql")
_FIRST = 1


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    opened = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, LoanOpened)]
    if opened:
        connection.execute(
            _SQL["insert"],
            {
                "book": book.book_id,
                "loans": [event.loan_id for _, event in opened],
                "versions": [_FIRST] * len(opened),
                "positions": [position for position, _ in opened],
                "currencies": [event.currency for _, event in opened],
                "lines": [msgspec.json.encode(event.installments).decode() for _, event in opened],
            },
        )


PROJECTION = Projection(
    name="schedule",
    version=1,
    tables=("schedule",),
    key=("loan", "version"),
    takes=frozenset({LoanOpened.TYPE}),
    statements=_SQL,
    apply=apply,
)
