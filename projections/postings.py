"""The lines of double entry of all events that move money; every balance of any date is a sum over them."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.registry import types_of
from schemas.values import MoneyEvent

_SQL = load("postings.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    lines = [
        (fact.position, number, fact.event, posting)
        for fact in facts
        if isinstance(fact.event, MoneyEvent)
        for number, posting in enumerate(fact.event.postings, 1)
    ]
    if not lines:
        return
    connection.execute(
        _SQL["insert"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for _, _, event, _ in lines],
            "value_dates": [posting.value_date for _, _, _, posting in lines],
            "booking_dates": [event.booking_date for _, _, event, _ in lines],
            "positions": [position for position, _, _, _ in lines],
            "lines": [number for _, number, _, _ in lines],
            "accounts": [posting.account for _, _, _, posting in lines],
            "components": [posting.component or None for _, _, _, posting in lines],
            "installments": [posting.installment or None for _, _, _, posting in lines],
            "amounts": [posting.amount_minor for _, _, _, posting in lines],
            "currencies": [event.currency for _, _, event, _ in lines],
        },
    )


PROJECTION = Projection(
    name="postings",
    version=1,
    tables=("postings",),
    key=("position", "line"),
    takes=types_of(MoneyEvent),
    statements=_SQL,
    apply=apply,
)
