"""Reads a scenario of both axes: a heading, a blank line, and a table. A line is something that becomes known on a day,
as in the tables of lives. Each further column is a value date: what is owed on it by what is known after that line.

    day         does                             2026-02-05     2026-02-06
    2026-01-05  lends 1,000.00 until 2026-02-05  1,000.00 M0    1,000.00 M0

A cell is what is owed and the bucket, and the borrower's credit if there is one; "-" where the loan was not open.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ledger.domain.money import format_minor
from projections.answers import LoanAsOf

_COLUMN = re.compile(r"\s{2,}")


@dataclass(frozen=True)
class Line:
    """What becomes known on a day, and by value date what is owed as known then."""

    day: date
    does: str
    expected: Mapping[date, str]


def read(text: str) -> tuple[str, list[Line]]:
    """The heading and the lines of a table."""
    heading, _, body = text.strip().partition("\n\n")
    header, *rows = (_COLUMN.split(row.strip()) for row in body.splitlines())
    assert header[:2] == ["day", "does"], header
    value_dates = [date.fromisoformat(each) for each in header[2:]]
    return heading, [_line(row, value_dates) for row in rows]


def _line(row: list[str], value_dates: list[date]) -> Line:
    day, does, *cells = row
    return Line(date.fromisoformat(day), does, dict(zip(value_dates, cells, strict=True)))


def cell(found: LoanAsOf | None) -> str:
    """An answer as a table says it."""
    if found is None:
        return "-"
    credit = f" credit {format_minor(found.credit_minor, 2)}" if found.credit_minor else ""
    return f"{format_minor(found.total_due_minor, 2)} {found.bucket}{credit}"
