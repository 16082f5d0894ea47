"""What was said of how late each loan is, besides marks: rules, pauses, freezes, restructurings; on both axes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from ledger.domain import restructured
from ledger.domain.book import Book
from ledger.domain.delinquency import AS_DUE, Overdue, folded
from ledger.domain.restructured import Restructuring
from ledger.journal.database import Connection
from projections.projection import Fact, Projection
from projections.statements import load
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.restructuring import LoanRestructured, RestructuringWithdrawn
from schemas.registry import REGISTRY
from schemas.values import Event, LoanEvent

TAKEN = (OverdueRulesSet, CountingPaused, CountingResumed, LoanRestructured, RestructuringWithdrawn)

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
    version=2,
    tables=("counting",),
    key=("loan", "position"),
    takes=frozenset(each.TYPE for each in TAKEN),
    statements=_SQL,
    apply=apply,
)


def meanings(rows: Iterable[Mapping[str, Any]]) -> dict[str, Overdue]:
    """What overdue means for each loan of some rows, each loan's in order of position."""
    found: dict[str, Overdue] = {}
    for row in rows:
        found[row["loan"]] = folded(found.get(row["loan"], AS_DUE), _event(row))
    return found


def restructurings(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Restructuring, ...]]:
    """When the terms of loans of some rows were eased, each loan's in order of position; only of those that were."""
    found: dict[str, tuple[Restructuring, ...]] = {}
    for row in rows:
        found[row["loan"]] = restructured.folded(found.get(row["loan"], ()), _event(row))
    return {loan: known for loan, known in found.items() if known}


def _event(row: Mapping[str, Any]) -> Event:
    event: Event = msgspec.convert(row["fact"], type=REGISTRY.types[row["type"]])
    return event
