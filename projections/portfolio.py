"""What each month did to each loan: lent, collected, and the change of what is owed; by value date, as known now.

A sum over loans is the portfolio of a month. Rows are of one loan, so the order between partitions means nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import LoanOpened
from schemas.payments.events import PaymentReceived, PaymentReversed
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
        names = ("loans", "months", "currencies", "lent", "collected", "payments", "owed", "positions")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        connection.execute(_SQL["add"], columns | {"book": book.book_id})


PROJECTION = Projection(
    name="portfolio",
    version=1,
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
        case PaymentReceived():
            months[own].update({"collected": event.amount_minor, "payments": 1})
        case PaymentReversed():
            months[own].subtract({"collected": event.amount_minor, "payments": 1})
    return months
