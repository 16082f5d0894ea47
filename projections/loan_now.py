"""The current row of every loan. Takes every loan event: each carries the standing after its request."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import LoanOpened
from schemas.registry import types_of
from schemas.values import LoanEvent

_SQL = load("loan_now.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    opened = [fact.event for fact in facts if isinstance(fact.event, LoanOpened)]
    if opened:
        connection.execute(_SQL["open"], _opened(opened) | {"book": book.book_id})
    standing = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, LoanEvent)]
    if standing:
        connection.execute(_SQL["settle"], _standing(standing) | {"book": book.book_id})


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
        "loans": [event.loan_id for event in events],
        "borrowers": [event.borrower_id or None for event in events],
        "products": [event.product for event in events],
        "currencies": [event.currency for event in events],
        "opened": [event.opened_on for event in events],
        "due": [max(line.due_on for line in event.installments) for event in events],
        "lent": [event.principal_minor for event in events],
    }


def _standing(events: Sequence[tuple[int, LoanEvent]]) -> dict[str, object]:
    return {
        "loans": [event.loan_id for _, event in events],
        "positions": [position for position, _ in events],
        "statuses": [event.standing.status for _, event in events],
        "principals": [event.standing.principal_minor for _, event in events],
        "totals": [event.standing.total_due_minor for _, event in events],
        "overdues": [event.standing.overdue_minor for _, event in events],
        "credits": [event.standing.credit_minor for _, event in events],
    }
