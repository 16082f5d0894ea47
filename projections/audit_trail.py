"""The trail of everything that was recorded, one row per event, with the hashes of its bytes."""

from collections.abc import Sequence

from ledger.domain.book import Book
from ledger.journal import arrays
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
            "positions": arrays.int8(fact.position for fact in facts),
            "keys": arrays.text(envelope.subject for envelope in envelopes),
            "loans": arrays.text(fact.event.loan_id if isinstance(fact.event, LoanEvent) else None for fact in facts),
            "streams": arrays.text(envelope.stream for envelope in envelopes),
            "versions": arrays.int8(envelope.streamversion for envelope in envelopes),
            "types": arrays.text(envelope.type for envelope in envelopes),
            "value_dates": arrays.day(envelope.valuedate for envelope in envelopes),
            "times": arrays.text(envelope.time for envelope in envelopes),
            "recorded": arrays.int8(fact.record.recorded_us for fact in facts),
            "actors": arrays.text(envelope.actor for envelope in envelopes),
            "commands": arrays.text(envelope.commandid or None for envelope in envelopes),
            "hashes": arrays.text(digest(fact.record.state).hex() for fact in facts),
            "prevhashes": arrays.text(envelope.prevhash or None for envelope in envelopes),
            "summaries": arrays.text(summarize(fact.event, book) for fact in facts),
        },
    )


PROJECTION = Projection(
    name="audit_trail", version=1, tables=("audit_trail",), key=("position",), statements=_SQL, apply=apply
)
