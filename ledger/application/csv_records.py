"""Reads the records of a CSV file, and says what is wrong with those that cannot be read without giving up the rest."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from schemas.errors import BadInput

_LINES_OF_A_RECORD_MAX = 20
_FOUND_MAX = 100
_LARGEST_FILE_BYTES = 256 * 1024 * 1024


class UnreadableFile(BadInput):
    code = "unreadable_file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing wrong: where (line from 1, the header being line 1), what was found, and what was expected."""

    line: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: found {self.found!r}, expected {self.expected}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One record: the line that it begins on, where the next one begins, and its cells or what is wrong with it."""

    line: int
    next_line: int
    cells: Sequence[str] = ()
    problem: Finding | None = None


def records(lines: Sequence[str], first_line: int = 1, width: int | None = None) -> Iterator[Row]:
    """The records that are not blank, from a line on. One with a fault ends with its first line, so that a quote that
    is never closed does not swallow the good lines after it. `width`: how many cells a record must have.
    """
    line = first_line
    while line <= len(lines):
        row = _row(lines, line, width)
        line = row.next_line
        if row.problem or any(cell.strip() for cell in row.cells):
            yield row


def _row(lines: Sequence[str], line: int, width: int | None) -> Row:
    reader = csv.reader(islice(lines, line - 1, line - 1 + _LINES_OF_A_RECORD_MAX), strict=True)
    try:
        cells = next(reader)
    except (csv.Error, StopIteration) as error:
        return _faulty(lines, line, f"one record of CSV ({error})")
    if width is not None and len(cells) != width and any(cell.strip() for cell in cells):
        return _faulty(lines, line, f"{width} fields, not {len(cells)}")
    return Row(line=line, next_line=line + reader.line_num, cells=cells)


def _faulty(lines: Sequence[str], line: int, expected: str) -> Row:
    problem = Finding(line=line, column="(row)", found=legible(lines[line - 1].rstrip()), expected=expected)
    return Row(line=line, next_line=line + 1, problem=problem)


def legible(text: str) -> str:
    """Text as a finding shows it: bytes that were not UTF-8 as escapes, and not too much of it."""
    escaped = text.encode("utf-8", "backslashreplace").decode()
    return escaped if len(escaped) <= _FOUND_MAX else f"{escaped[:_FOUND_MAX]}..."


def lines_of(path: Path) -> list[str]:
    """Lines with their ends; bytes that are not UTF-8 stay as lone surrogates until a cell with them is read."""
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise UnreadableFile(f"asked to import {path}; it has more than {_LARGEST_FILE_BYTES >> 20} MiB. Split it")
        return io.StringIO(path.read_bytes().decode("utf-8-sig", "surrogateescape"), newline="").readlines()
    except OSError as error:
        raise UnreadableFile(f"asked to import {path}: {error.strerror or error}; name a readable CSV file") from error
