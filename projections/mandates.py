"""The mandates of every loan as they are now: who may be debited, up to how much, until when, and which debits under
them are on their way."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.payments.mandates import (
    DebitCancelled,
    DebitEvent,
    DebitReturned,
    DebitSettled,
    DebitSubmitted,
    MandateAuthorised,
    MandateChanged,
    MandateRevoked,
)

DEBITS = (DebitSubmitted, DebitSettled, DebitReturned, DebitCancelled)

_SQL = load("mandates.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    events = [fact.event for fact in facts]
    authorised = [event for event in events if isinstance(event, MandateAuthorised)]
    changed = {(event.loan_id, event.mandate_id): event for event in events if isinstance(event, MandateChanged)}
    revoked = [event for event in events if isinstance(event, MandateRevoked)]
    debits = {(event.loan_id, event.debit_id): event for event in events if isinstance(event, DEBITS)}
    if authorised:
        _authorise(connection, book, authorised)
    if changed:
        _change(connection, book, list(changed.values()))
    if revoked:
        connection.execute(
            _SQL["revoke"],
            {
                "book": book.book_id,
                "loans": [event.loan_id for event in revoked],
                "mandates": [event.mandate_id for event in revoked],
                "revoked": [event.revoked_on for event in revoked],
            },
        )
    if debits:
        _debit(connection, book, list(debits.values()))


PROJECTION = Projection(
    name="mandates",
    version=2,
    tables=("mandates",),
    key=("loan", "mandate"),
    takes=frozenset(each.TYPE for each in (MandateAuthorised, MandateChanged, MandateRevoked, *DEBITS)),
    statements=_SQL,
    apply=apply,
)


def _authorise(connection: Connection, book: Book, events: Sequence[MandateAuthorised]) -> None:
    connection.execute(
        _SQL["authorise"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for event in events],
            "mandates": [event.mandate_id for event in events],
            "parties": [event.party_id for event in events],
            "rails": [event.mandate.rail for event in events],
            "currencies": [event.currency for event in events],
            "at_most": [event.mandate.at_most_minor for event in events],
            "since": [event.authorised_on for event in events],
            "until": [event.mandate.until or None for event in events],
        },
    )


def _change(connection: Connection, book: Book, events: Sequence[MandateChanged]) -> None:
    connection.execute(
        _SQL["change"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for event in events],
            "mandates": [event.mandate_id for event in events],
            "rails": [event.mandate.rail for event in events],
            "at_most": [event.mandate.at_most_minor for event in events],
            "until": [event.mandate.until or None for event in events],
        },
    )


def _debit(connection: Connection, book: Book, last: Sequence[DebitEvent]) -> None:
    """`last`: of each debit, what happened to it last."""
    connection.execute(
        _SQL["debits"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for event in last],
            "mandates": [event.mandate_id for event in last],
            "debits": [event.debit_id for event in last],
            "on_their_way": [isinstance(event, DebitSubmitted) for event in last],
        },
    )
