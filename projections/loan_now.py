"""The current row of every loan. Takes every loan event: each carries the standing after its request."""

from collections.abc import Mapping, Sequence
from datetime import date

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import CreditAgreed, DisbursementFailed, LoanDisbursed, LoanOpened, ScheduleChanged
from schemas.registry import types_of
from schemas.values import LoanEvent

_SQL = load("loan_now.sql")


_AGREED = (LoanOpened, CreditAgreed, LoanDisbursed, DisbursementFailed, ScheduleChanged)


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    agreed: list[tuple[int, LoanEvent]] = []
    newest: dict[str, tuple[int, LoanEvent]] = {}
    for fact in facts:
        event = fact.event
        if isinstance(event, _AGREED):
            agreed.append((fact.position, event))
        if isinstance(event, LoanEvent):
            newest[event.loan_id] = fact.position, event
    if agreed:
        _agree(connection, book, agreed)
    if newest:
        connection.execute(_SQL["settle"], _standing(newest) | {"book": book.book_id})


def _agree(connection: Connection, book: Book, events: Sequence[tuple[int, LoanEvent]]) -> None:
    """New rows, what was paid out, and when the last installment is due."""
    opened = [event for _, event in events if isinstance(event, LoanOpened | CreditAgreed)]
    lent = [(event.loan_id, position, _lent(event)) for position, event in events if _lent(event)]
    due = {
        event.loan_id: (event.loan_id, position, _last_due(event))
        for position, event in events
        if isinstance(event, LoanDisbursed | ScheduleChanged) and event.installments
    }
    if opened:
        connection.execute(_SQL["open"], _opened(opened) | {"book": book.book_id})
    if lent:
        connection.execute(_SQL["lend"], _columns(lent) | {"book": book.book_id})
    if due:
        connection.execute(_SQL["fall_due"], _columns(list(due.values())) | {"book": book.book_id})


def _lent(event: LoanEvent) -> int:
    match event:
        case LoanDisbursed():
            return event.amount_minor
        case DisbursementFailed():
            return -event.amount_minor
    return 0


PROJECTION = Projection(
    name="loan_now",
    version=2,
    tables=("loan_now",),
    key=("loan",),
    takes=types_of(LoanEvent),
    statements=_SQL,
    apply=apply,
)


def _opened(events: Sequence[LoanOpened | CreditAgreed]) -> dict[str, object]:
    return {
        "loans": arrays.text(event.loan_id for event in events),
        "borrowers": arrays.text(_borrower(event) for event in events),
        "products": arrays.text(event.product for event in events),
        "currencies": arrays.text(event.currency for event in events),
        "opened": arrays.day(event.value_date for event in events),
        "due": arrays.day(_last_due(event) for event in events),
        "lent": arrays.int8(event.principal_minor if isinstance(event, LoanOpened) else 0 for event in events),
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


def _columns(rows: Sequence[tuple[str, int, object]]) -> dict[str, object]:
    loans, positions, values = zip(*rows, strict=True)
    return {"loans": list(loans), "positions": list(positions), "values": list(values)}


def _borrower(event: LoanOpened | CreditAgreed) -> str | None:
    if isinstance(event, LoanOpened):
        return event.borrower_id or None
    return next((party.party_id for party in event.parties if party.role == "borrower"), None)


def _last_due(event: LoanOpened | CreditAgreed | LoanDisbursed | ScheduleChanged) -> date:
    return max(line.due_on for line in event.installments)
