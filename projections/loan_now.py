"""The current row of every loan. Takes every loan event: each carries the standing after its request."""

from collections.abc import Mapping, Sequence

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import LoanOpened
from schemas.registry import types_of
from schemas.values import LoanEvent

_SQL = load("loan_now.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    opened: list[LoanOpened] = []
    newest: dict[str, tuple[int, LoanEvent]] = {}
    for fact in facts:
        event = fact.event
        if isinstance(event, LoanOpened):
            opened.append(event)
        if isinstance(event, LoanEvent):
            newest[event.loan_id] = fact.position, event
    if opened:
        connection.execute(_SQL["open"], _opened(opened) | {"book": book.book_id})
    if newest:
        connection.execute(_SQL["settle"], _standing(newest) | {"book": book.book_id})


PROJECTION = Projection(
    name="loan_now",
    version=1,
    tables=("loan_now",),
    key=("loan",),
    takes=types_of(LoanEvent),
    statements=_SQL,
    apply=apply,
)


def _opened(events: Sequence[LoanOpened]) -> dict[str, object]:
    return {
        "loans": arrays.text(event.loan_id for event in events),
        "borrowers": arrays.text(event.borrower_id or None for event in events),
        "products": arrays.text(event.product for event in events),
        "currencies": arrays.text(event.currency for event in events),
        "opened": arrays.day(event.opened_on for event in events),
        "due": arrays.day(max(line.due_on for line in event.installments) for event in events),
        "lent": arrays.int8(event.principal_minor for event in events),
    }


def _standing(newest: Mapping[str, tuple[int, LoanEvent]]) -> dict[str, object]:
    """By loan, its newest event in the batch."""
    standings = [event.standing for _, event in newest.values()]
    return {
        "loans": arrays.text(newest),
        "positions": arrays.int8(position for position, _ in newest.values()),
        "statuses": arrays.text(standing.status for standing in standings),
        "principals": arrays.int8(standing.principal_minor for standing in standings),
        "totals": arrays.int8(standing.total_due_minor for standing in standings),
        "overdues": arrays.int8(standing.overdue_minor for standing in standings),
        "credits": arrays.int8(standing.credit_minor for standing in standings),
    }
