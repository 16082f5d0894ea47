"""Each table of this folder is a test; it fails with the line that came out differently."""

from pathlib import Path

import pytest

from tests.scenarios.agreed_table import AgreedTable
from tests.scenarios.life_table import Table

TABLES = sorted(Path(__file__).parent.glob("*.txt"))
AGREED_TABLES = sorted(Path(__file__).parent.glob("agreed/*.txt"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_life_runs_as_its_table_says(path: Path) -> None:
    table = Table(path.read_text("utf-8"))
    for line, happened in zip(table.lines, table.replay(), strict=True):
        assert happened == line.expected, f"{table.heading}: {line.day} {line.does}"


@pytest.mark.parametrize("path", AGREED_TABLES, ids=lambda path: path.stem)
def test_an_agreed_loan_runs_as_its_table_says(path: Path) -> None:
    table = AgreedTable(path.read_text("utf-8"))
    for line, happened in zip(table.lines, table.replay(), strict=True):
        assert happened == line.expected, f"{table.heading}: {line.day} {line.does}"


def test_the_tables_are_found() -> None:
    assert len(TABLES) >= 8
    assert len(AGREED_TABLES) >= 30
