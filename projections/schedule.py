"""The versions of every loan's schedule: as agreed, as it counts from the day of disbursement, and as changed since."""

from collections.abc import Sequence

import msgspec

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.loans.events import CreditAgreed, LoanDisbursed, LoanOpened, ScheduleChanged
from schemas.values import LoanEvent

_SQL = load("schedule.sql")
_AGREED = (LoanOpened, CreditAgreed, LoanDisbursed, ScheduleChanged)


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    agreed = [
        (fact.position, fact.event) for fact in facts if isinstance(fact.event, _AGREED) and fact.event.installments
    ]
    if agreed:
        connection.execute(
            _SQL["insert"],
            {
                "book": book.book_id,
                "loans": [event.loan_id for _, event in agreed],
                "positions": [position for position, _ in agreed],
                "currencies": [event.currency for _, event in agreed],
                "lines": [_lines(event) for _, event in agreed],
            },
        )


PROJECTION = Projection(
    name="schedule",
    version=2,
    tables=("schedule",),
    key=("loan", "version"),
    takes=frozenset(each.TYPE for each in _AGREED),
    statements=_SQL,
    apply=apply,
)


def _lines(event: LoanEvent) -> str:
    assert isinstance(event, _AGREED), "nothing else is taken"
    lines = [
        {
            "number": line.number,
            "due_on": line.due_on,
            "principal_minor": line.principal_minor,
            "interest_minor": getattr(line, "interest_minor", 0),
            "fee_minor": getattr(line, "fee_minor", 0),
        }
        for line in event.installments
    ]
    return msgspec.json.encode(lines).decode()
