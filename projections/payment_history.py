"""Every payment: when it came, from when it counts, where it went, and whether it was reversed and why.

The allocations are those of the event that recorded the payment. A payment that becomes known late may move what later
ones had covered; `postings` has that.
"""

from collections.abc import Sequence

import msgspec

from ledger.domain.book import Book
from ledger.journal import arrays
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.payments.events import PaymentReceived, PaymentReversed, RecoveryReceived

_SQL = load("payment_history.sql")
_RECEIVED = (PaymentReceived, RecoveryReceived)


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    received = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, _RECEIVED)]
    if received:
        connection.execute(_SQL["insert"], _received(received) | {"book": book.book_id})
    returned = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, PaymentReversed)]
    if returned:
        connection.execute(_SQL["reverse"], _reversed(returned) | {"book": book.book_id})


PROJECTION = Projection(
    name="payment_history",
    version=2,
    tables=("payment_history",),
    key=("loan", "payment"),
    takes=frozenset({PaymentReceived.TYPE, RecoveryReceived.TYPE, PaymentReversed.TYPE}),
    statements=_SQL,
    apply=apply,
)


def _received(events: Sequence[tuple[int, PaymentReceived | RecoveryReceived]]) -> dict[str, object]:
    return {
        "loans": arrays.text(event.loan_id for _, event in events),
        "payments": arrays.text(event.payment_id for _, event in events),
        "positions": arrays.int8(position for position, _ in events),
        "received": arrays.text(_received_at(event) for _, event in events),
        "value_dates": arrays.day(event.paid_on for _, event in events),
        "booking_dates": arrays.day(event.booking_date for _, event in events),
        "amounts": arrays.int8(event.amount_minor for _, event in events),
        "currencies": arrays.text(event.currency for _, event in events),
        "methods": arrays.text(event.method for _, event in events),
        "allocations": arrays.text(msgspec.json.encode(event.allocations).decode() for _, event in events),
        "credits": arrays.int8(event.credit_minor for _, event in events),
    }


def _reversed(events: Sequence[tuple[int, PaymentReversed]]) -> dict[str, object]:
    return {
        "loans": arrays.text(event.loan_id for _, event in events),
        "payments": arrays.text(event.payment_id for _, event in events),
        "positions": arrays.int8(position for position, _ in events),
        "reversed": arrays.day(event.reversed_on for _, event in events),
        "causes": arrays.text(event.cause for _, event in events),
    }


def _received_at(event: PaymentReceived | RecoveryReceived) -> str | None:
    return event.received_at or None if isinstance(event, PaymentReceived) else None
