"""How the days past due of each loan are counted: rules, pauses, freezes; on both axes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from ledger.domain.book import Book
from ledger.domain.delinquency import AS_DUE, Overdue, folded
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.registry import REGISTRY
from schemas.values import LoanEvent

_SQL = load("counting.sql")


def apply(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    events = [(fact.position, fact.event) for fact in facts if isinstance(fact.event, LoanEvent)]
    connection.execute(
        _SQL["insert"],
        {
            "book": book.book_id,
            "loans": [event.loan_id for _, event in events],
            "positions": [position for position, _ in events],
            "types": [event.TYPE for _, event in events],
            "facts": [orjson.dumps(event.as_plain()).decode() for _, event in events],
        },
    )


PROJECTION = Projection(
    name="counting",
    version=1,
    tables=("counting",),
    key=("loan", "position"),
    takes=frozenset(each.TYPE for each in (OverdueRulesSet, CountingPaused, CountingResumed)),
    statements=_SQL,
    apply=apply,
)


def meanings(rows: Iterable[Mapping[str, Any]]) -> dict[str, Overdue]:
    """What overdue means for each loan of some rows, each loan's in order of position."""
    found: dict[str, Overdue] = {}
    for row in rows:
        event = msgspec.convert(row["fact"], type=REGISTRY.types[row["type"]])
        found[row["loan"]] = folded(found.get(row["loan"], AS_DUE), event)
    return found
