"""Overdue installments: marked, cured, marked again, withdrawn; on both axes, value date and position."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.overdue.events import InstallmentCured, InstallmentOverdue, OverdueEvent, OverdueWithdrawn
from schemas.registry import types_of

_SQL = load("delinquency.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    marks = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, OverdueEvent)]
    if not marks:
        return
    connection.execute(
        _SQL["insert"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for _, event in marks],
            "installments": [event.installment for _, event in marks],
            "positions": [position for position, _ in marks],
            "currencies": [event.currency for _, event in marks],
            "due": [event.due_on for _, event in marks],
            "overdue": [event.overdue_minor if isinstance(event, InstallmentOverdue) else 0 for _, event in marks],
            "cured": [event.cured_on if isinstance(event, InstallmentCured) else None for _, event in marks],
            "withdrawn": [isinstance(event, OverdueWithdrawn) for _, event in marks],
        },
    )


PROJECTION = Projection(
    name="delinquency",
    version=2,
    tables=("delinquency",),
    key=("loan", "installment", "position"),
    takes=types_of(OverdueEvent),
    statements=_SQL,
    apply=apply,
)
