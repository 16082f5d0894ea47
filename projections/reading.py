"""Runs the statements of `queries.sql`, `account_statement.sql` and `balance_trace.sql` on one connection."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from psycopg.rows import class_row, dict_row

from ledger.domain.delinquency import AS_DUE, Overdue, bucket
from ledger.journal.database import Connection
from projections.answers import DelinquentLoan
from projections.counting import meanings
from projections.statements import load

_SQL = {**load("queries.sql"), **load("account_statement.sql"), **load("balance_trace.sql")}
_ALL_KNOWN = 2**63 - 1

Row = TypeVar("Row")
Arguments = dict[str, Any]


class LateInstallment(NamedTuple):
    loan: str
    currency: str
    installment: int
    due_on: date
    overdue_minor: int
    days_past_due: int


class Reader:
    """Statements about one book, by name."""

    def __init__(self, connection: Connection, book_id: str) -> None:
        self.connection = connection
        self._book = {"book": book_id}

    def rows(self, answer: type[Row], statement: str, arguments: Arguments) -> list[Row]:
        """Each row as an object of a class that has its columns."""
        cursor = self.connection.cursor(row_factory=class_row(answer))
        return cursor.execute(_SQL[statement], arguments | self._book).fetchall()

    def dicts(self, statement: str, arguments: Arguments) -> list[dict[str, Any]]:
        cursor = self.connection.cursor(row_factory=dict_row)
        return cursor.execute(_SQL[statement], arguments | self._book).fetchall()

    def delinquency(self, as_of: date, known_at: int | None, loan_id: str | None = None) -> list[DelinquentLoan]:
        """Loans past due on a date, or one of them; most days first."""
        found = []
        late = self.late_installments(as_of, known_at, loan_id)
        for loan, rows in groupby(late, key=lambda each: each.loan):
            installments = list(rows)
            oldest = installments[0]
            found.append(
                DelinquentLoan(
                    loan=loan,
                    currency=oldest.currency,
                    installment=oldest.installment,
                    installments=len(installments),
                    due_on=oldest.due_on,
                    days_past_due=oldest.days_past_due,
                    bucket=bucket(oldest.days_past_due),
                    overdue_minor=sum(each.overdue_minor for each in installments),
                )
            )
        return sorted(found, key=lambda row: (-row.days_past_due, row.due_on, row.loan))

    def late_installments(
        self, as_of: date, known_at: int | None, loan_id: str | None = None
    ) -> Iterator[LateInstallment]:
        """Installments past due on a date by what overdue means for their loan: those of a loan together, the oldest
        first."""
        means = self.counting(known_at, loan_id)
        for row in self.dicts("late_installments", axes(as_of, known_at) | {"loan": loan_id}):
            overdue, due_on = means.get(row["loan"], AS_DUE), row["due_on"]
            if overdue.is_past_due(due_on, as_of):
                yield LateInstallment(days_past_due=overdue.days(due_on, due_on, as_of), **row)

    def counting(self, known_at: int | None, loan_id: str | None = None) -> Mapping[str, Overdue]:
        """What overdue means for the loans, or one of them, for which anything was set."""
        return meanings(self.said(known_at, loan_id))

    def said(self, known_at: int | None, loan_id: str | None = None) -> list[dict[str, Any]]:
        """What was said of how late loans are, besides marks: for `counting.meanings` and `counting.restructurings`."""
        return self.dicts("counting", {"known_at": last_known(known_at), "loan": loan_id})


def axes(as_of: date, known_at: int | None) -> Arguments:
    """The two axes as statements name them. No position: all counts that is known."""
    return {"as_of": as_of, "known_at": last_known(known_at)}


def last_known(known_at: int | None) -> int:
    """The last position that counts, beyond all that there are if none is given."""
    return _ALL_KNOWN if known_at is None else known_at
