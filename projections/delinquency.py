"""Overdue installments: marked, cured, marked again, withdrawn; on both axes, value date and position."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.overdue.events import DelinquencyChanged, DelinquencyEvent
from schemas.registry import types_of

_SQL = load("delinquency.sql")


class _Row(NamedTuple):
    installment: int
    due_on: date
    overdue_minor: int = 0
    cured_on: date | None = None


_MARK, _CURE, _WITHDRAWAL = 1, 2, 3


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    changes = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, DelinquencyChanged)]
    rows = [(position, event, step, row) for position, event in changes for step, row in _rows(event)]
    if not rows:
        return
    connection.execute(
        _SQL["insert"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for _, event, _, _ in rows],
            "installments": [row.installment for *_, row in rows],
            "positions": [position for position, *_ in rows],
            "steps": [step for _, _, step, _ in rows],
            "currencies": [event.currency for _, event, _, _ in rows],
            "due": [row.due_on for *_, row in rows],
            "overdue": [row.overdue_minor for *_, row in rows],
            "cured": [row.cured_on for *_, row in rows],
            "withdrawn": [step == _WITHDRAWAL for _, _, step, _ in rows],
        },
    )


def _rows(event: DelinquencyChanged) -> Iterator[tuple[int, _Row]]:
    for marked in event.marked:
        yield _MARK, _Row(marked.installment, marked.due_on, overdue_minor=marked.overdue_minor)
    for cured in event.cured:
        yield _CURE, _Row(cured.installment, cured.due_on, cured_on=cured.cured_on)
    for withdrawn in event.withdrawn:
        yield _WITHDRAWAL, _Row(withdrawn.installment, withdrawn.due_on)


PROJECTION = Projection(
    name="delinquency",
    version=2,
    tables=("delinquency",),
    key=("loan", "installment", "position", "step"),
    takes=types_of(DelinquencyEvent),
    statements=_SQL,
    apply=apply,
)
