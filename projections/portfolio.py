"""What each month did to each loan: lent, collected, and the change of what is owed; by value date, as known now.
Collected is what borrowers paid, also on loans that were written off; not what merchants or the lender gave.

A sum over loans is the portfolio of a month. Rows are of one loan, so the order between partitions means nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.arrays import Array
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import DisbursementFailed, LoanDisbursed, LoanOpened
from schemas.payments.events import PaymentReceived, PaymentReversed, RecoveryReceived
from schemas.registry import types_of
from schemas.values import MoneyEvent

_SQL = load("portfolio.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    rows = [
        (
            event.loan_id,
            month,
            event.currency,
            sums["lent"],
            sums["collected"],
            sums["payments"],
            sums["owed"],
            position,
        )
        for position, event in ((fact.position, fact.event) for fact in facts)
        if isinstance(event, MoneyEvent)
        for month, sums in _by_month(event).items()
    ]
    if rows:
        columns = zip(_COLUMNS.items(), zip(*rows, strict=True), strict=True)
        arguments: dict[str, object] = {name: make(column) for (name, make), column in columns}
        connection.execute(_SQL["add"], arguments | {"book": book.book_id})


_COLUMNS: Mapping[str, Callable[[Iterable[Any]], Array]] = {
    "loans": arrays.text,
    "months": arrays.day,
    "currencies": arrays.text,
    "lent": arrays.int8,
    "collected": arrays.int8,
    "payments": arrays.int8,
    "owed": arrays.int8,
    "positions": arrays.int8,
}

PROJECTION = Projection(
    name="portfolio",
    version=2,
    tables=("portfolio",),
    key=("loan", "month"),
    takes=types_of(MoneyEvent),
    statements=_SQL,
    apply=apply,
)


def _by_month(event: MoneyEvent) -> dict[date, Counter[str]]:
    """What an event adds to which months."""
    months: defaultdict[date, Counter[str]] = defaultdict(Counter)
    for posting in event.postings:
        if posting.account == "receivable":
            months[posting.value_date.replace(day=1)]["owed"] += posting.amount_minor
    own = event.value_date.replace(day=1)
    match event:
        case LoanOpened():
            months[own]["lent"] += event.principal_minor
        case LoanDisbursed():
            months[own]["lent"] += event.amount_minor
        case DisbursementFailed():
            months[own]["lent"] -= event.amount_minor
        case PaymentReceived() | RecoveryReceived():
            months[own].update({"collected": event.amount_minor, "payments": 1})
        case PaymentReversed():
            months[own].subtract({"collected": event.amount_minor, "payments": 1})
    return months
