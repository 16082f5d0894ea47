"""Reads a file of short loans: one row per loan with principal, dates, and when it was paid off.

The columns are those of the public data set of 500 loans of September 2016 (ledger/entrypoints/demo/README.md). Those
about age, education and gender are personal and never read. Everything wrong with a file is found in one pass.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from ledger.application.csv_records import Finding, Row, UnreadableFile, legible, lines_of, records
from ledger.domain.errors import InvalidAmount, InvalidIdentifier
from ledger.domain.identifiers import require_identifier
from ledger.domain.money import parse_minor, require_positive
from ledger.domain.opening import LAST_YEAR
from schemas.errors import BadInput

REQUIRED_COLUMNS = ("Loan_ID", "loan_status", "Principal", "terms", "effective_date", "due_date", "paid_off_time")
_KNOWN_COLUMNS = {name.lower(): name for name in (*REQUIRED_COLUMNS, "past_due_days")}
STATUSES = {"PAIDOFF": True, "COLLECTION_PAIDOFF": True, "COLLECTION": False}
"""Whether a loan of that status has been paid off."""

_FIRST_YEAR = 1970  # a slip of the pen like 0206 would make day end visit millions of days
_DAY = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$", re.ASCII)
_MINUTE = re.compile(r"^(\d{1,2}/\d{1,2}/\d{4}) (\d{1,2}):(\d{2})$", re.ASCII)


class InvalidFile(BadInput):
    code = "invalid_file"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLoan:
    """One good row. `paid_off_at` is local wall-clock time; None while the loan is open."""

    line: int
    loan_id: str
    principal_minor: int
    opened_on: date
    due_on: date
    paid_off_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoanFile:
    """What a file says: good rows in order, and what is wrong with the others."""

    loans: Sequence[FileLoan]
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def last_date(self) -> date | None:
        """The last date that the good rows name: a loan opened, due or paid off."""
        dates = [day for loan in self.loans for day in (loan.opened_on, loan.due_on)]
        dates += [loan.paid_off_at.date() for loan in self.loans if loan.paid_off_at]
        return max(dates, default=None)


class _Wrong(Exception):
    """A cell that cannot be read; carries what was expected."""


def read_loan_file(path: Path, currency: str, exponent: int) -> LoanFile:
    """Read a whole file; raises `UnreadableFile` if there is none, it is too large, or is not a table at all."""
    lines = lines_of(path)
    rows = records(lines)
    header = next(rows, None)
    if header is None or not header.cells:
        raise UnreadableFile(f"asked to import {path}, which is empty; expected a header with {_names()}")
    names = [_KNOWN_COLUMNS.get(name.strip().lower(), name.strip()) for name in header.cells]
    if problem := _header_problem(names):
        raise UnreadableFile(f"asked to import {path}; line 1, {problem}. Expected a header with {_names()}")
    return _read_rows(records(lines, header.next_line, len(names)), names, currency, exponent)


def _read_rows(rows: Iterator[Row], names: Sequence[str], currency: str, exponent: int) -> LoanFile:
    loans: list[FileLoan] = []
    findings: list[Finding] = []
    first_lines: dict[str, int] = {}
    for row in rows:
        if row.problem:
            findings.append(row.problem)
            continue
        loan, wrong = _read_loan(dict(zip(names, row.cells, strict=True)), row.line, currency, exponent)
        if loan and loan.loan_id in first_lines:
            before = f"an id that no other line has; line {first_lines[loan.loan_id]} has it"
            wrong = [Finding(line=row.line, column="Loan_ID", found=loan.loan_id, expected=before)]
        findings += wrong
        if loan and not wrong:
            first_lines[loan.loan_id] = row.line
            loans.append(loan)
    return LoanFile(loans=loans, findings=findings)


def _read_loan(
    cells: Mapping[str, str], line: int, currency: str, exponent: int
) -> tuple[FileLoan | None, list[Finding]]:
    readers: dict[str, Callable[[str], object]] = {
        "Loan_ID": _loan_id,
        "loan_status": _status,
        "Principal": lambda text: _principal(text, currency, exponent),
        "terms": _term_days,
        "effective_date": _day,
        "due_date": _day,
        "paid_off_time": _minute,
        "past_due_days": _optional_count,
    }
    values: dict[str, object] = {}
    findings: list[Finding] = []
    for column, read in readers.items():
        text = cells.get(column, "").strip()
        try:
            values[column] = read(_require_text(text))
        except _Wrong as wrong:
            findings.append(Finding(line=line, column=column, found=legible(text), expected=str(wrong)))
    if findings:
        return None, findings
    opened_on, due_on, paid_off_at = values["effective_date"], values["due_date"], values["paid_off_time"]
    assert isinstance(opened_on, date)
    assert isinstance(due_on, date)
    assert paid_off_at is None or isinstance(paid_off_at, datetime)
    loan = FileLoan(
        line=line,
        loan_id=str(values["Loan_ID"]),
        principal_minor=int(str(values["Principal"])),
        opened_on=opened_on,
        due_on=due_on,
        paid_off_at=paid_off_at,
    )
    return loan, list(_contradictions(loan, cells))


def _contradictions(loan: FileLoan, cells: Mapping[str, str]) -> Iterator[Finding]:
    if loan.due_on < loan.opened_on:
        yield Finding(
            line=loan.line, column="due_date", found=cells["due_date"], expected=f"{loan.opened_on} or a later date"
        )
    if loan.paid_off_at and loan.paid_off_at.date() < loan.opened_on:
        yield Finding(
            line=loan.line, column="paid_off_time", found=cells["paid_off_time"], expected=f"{loan.opened_on} or later"
        )
    paid = STATUSES[cells["loan_status"].strip()]
    if paid != (loan.paid_off_at is not None):
        wanted = "a date and time" if paid else "nothing"
        yield Finding(
            line=loan.line,
            column="paid_off_time",
            found=cells["paid_off_time"],
            expected=f"{wanted}, since loan_status is {cells['loan_status'].strip()}",
        )


def _require_text(text: str) -> str:
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise _Wrong("text in UTF-8")
    return text


def _loan_id(text: str) -> str:
    try:
        return require_identifier(text, "loan")
    except InvalidIdentifier as error:
        raise _Wrong("1 to 64 letters, digits, '.', '_', ':' or '-'") from error


def _status(text: str) -> str:
    if text not in STATUSES:
        raise _Wrong(f"one of {', '.join(STATUSES)}")
    return text


def _principal(text: str, currency: str, exponent: int) -> int:
    try:
        minor = parse_minor(text, currency, exponent)
        require_positive(minor, currency, "a loan", "")
    except InvalidAmount as error:
        raise _Wrong(f"an amount of {currency} above zero, up to 2^53 - 1 minor units, like 1000 or 1000.00") from error
    return minor


def _term_days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise _Wrong("a whole number of days above 0")
    return int(text[:9])


def _optional_count(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit()):
        raise _Wrong("a whole number, or nothing")
    return int(text[:9]) if text else None


def _day(text: str) -> date:
    match = _DAY.match(text)
    try:
        if match is None or not _FIRST_YEAR <= int(match[3]) <= LAST_YEAR:
            raise ValueError
        return date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        raise _Wrong(f"a date as month/day/year from {_FIRST_YEAR} to {LAST_YEAR}, like 9/14/2016") from None


def _minute(text: str) -> datetime | None:
    if not text:
        return None
    match = _MINUTE.match(text)
    try:
        if match is None:
            raise ValueError
        day = _day(match[1])
        # local to the book, whatever its time zone: wall-clock time without offset
        return datetime(day.year, day.month, day.day, int(match[2]), int(match[3]))  # noqa: DTZ001 - as said above
    except (ValueError, _Wrong):
        raise _Wrong("a local date and time, like 9/14/2016 19:31, or nothing") from None


def _header_problem(names: Sequence[str]) -> str | None:
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing:
        return f"column {', '.join(missing)} is missing, found {', '.join(names)[:200]!r}"
    return f"column {', '.join(twice)} stands twice" if twice else None


def _names() -> str:
    return ", ".join(REQUIRED_COLUMNS)
