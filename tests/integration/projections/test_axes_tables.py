"""Each table of tests/scenarios/both_axes is a test: what was owed on a date, by what was known when."""

from datetime import date
from pathlib import Path

import pytest

from ledger.domain.errors import LoanNotFound
from projections.answers import LoanAsOf
from projections.queries import Queries
from tests.integration.projections.recorded_book import RecordedBook
from tests.loan_builders import Life
from tests.scenarios import axes_table, life_table

TABLES = sorted((Path(axes_table.__file__).parent / "both_axes").glob("*.txt"))
LOAN = "loan-1"


def lived(recorded: RecordedBook, lines: list[axes_table.Line]) -> list[int]:
    """Record what happens line by line; the position of the last event after each."""
    life = Life()
    known_at: list[int] = []
    for line in lines:
        if events := life_table.events(life, line.day, line.does):
            recorded.records(f"loan/{LOAN}", events)
        known_at.append(recorded.journal.head().position)
    return known_at


def stood(queries: Queries, on: date, known_at: int) -> LoanAsOf | None:
    try:
        return queries.loan_as_of(LOAN, on, known_at=known_at)
    except LoanNotFound:
        return None


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_loan_stood_on_each_date_as_its_table_says_by_what_was_known_when(
    recorded: RecordedBook, queries: Queries, path: Path
) -> None:
    heading, lines = axes_table.read(path.read_text("utf-8"))
    known_at = lived(recorded, lines)
    recorded.catches_up()
    for line, position in zip(lines, known_at, strict=True):
        found = {on: axes_table.cell(stood(queries, on, position)) for on in line.expected}
        assert found == line.expected, f"{heading}: after {line.day} {line.does}"


def test_the_tables_are_found() -> None:
    assert len(TABLES) >= 4
