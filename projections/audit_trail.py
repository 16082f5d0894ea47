"""The trail of everything that was recorded, one row per event, with the hashes of its bytes."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from projections.summary import summarize
from schemas.envelope import digest
from schemas.values import LoanEvent

_SQL = load("audit_trail.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    envelopes = [fact.envelope for fact in facts]
    connection.execute(
        _SQL["insert"],
        {
            "book": book.book_id,
            "positions": [fact.position for fact in facts],
            "keys": [envelope.subject for envelope in envelopes],
            "loans": [fact.event.loan_id if isinstance(fact.event, LoanEvent) else None for fact in facts],
            "streams": [envelope.stream for envelope in envelopes],
            "versions": [envelope.streamversion for envelope in envelopes],
            "types": [envelope.type for envelope in envelopes],
            "value_dates": [envelope.valuedate for envelope in envelopes],
            "times": [envelope.time for envelope in envelopes],
            "recorded": [fact.record.recorded_us for fact in facts],
            "actors": [envelope.actor for envelope in envelopes],
            "commands": [envelope.commandid or None for envelope in envelopes],
            "hashes": [digest(fact.record.state).hex() for fact in facts],
            "prevhashes": [envelope.prevhash or None for envelope in envelopes],
            "summaries": [summarize(fact.event, book) for fact in facts],
        },
    )


PROJECTION = Projection(
    name="audit_trail", version=1, tables=("audit_trail",), key=("position",), statements=_SQL, apply=apply
)
