"""The questions that the read models answer. How fresh the rows are is the business of `freshness`."""

from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from psycopg.rows import class_row, dict_row

from ledger.domain.delinquency import bucket, days_past_due
from ledger.domain.errors import LoanNotFound
from ledger.journal.database import Database, translated
from ledger.journal.journal import Journal
from projections.answers import (
    AccountBalance,
    AuditLine,
    BalanceAsOf,
    Balances,
    DelinquentLoan,
    HistoryLine,
    LoanBalance,
    Total,
)
from projections.catalogue import PROJECTIONS
from projections.lag import Lag, lag
from projections.place import Place
from projections.presence import workers
from projections.statements import load

_SQL = load("queries.sql")
_NOW = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = TypeVar("Row")


class Queries:
    """Reads the projections of one book, as role ledger_reader. Safe to use from several threads.

    Two axes: a value date says when money counts; `known_at`, a position, says when we knew (None: all known now).
    """

    def __init__(self, database: Database, book_id: str, *, pool_size: int = 1) -> None:
        self._database = database
        self._book_id = book_id
        with translated(database):
            self._pool = database.pool("ledger_reader", pool_size, checked=True, options=Place.LIVE.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.close()

    def balances(self, *, after: str | None = None, limit: int | None = None) -> Balances:
        """Current balances in order of loan ids, at most `limit` after the loan `after`; totals over all loans."""
        page = {"loan": None, "after": after, "limit": limit}
        return Balances(
            loans=tuple(self._rows(LoanBalance, "balances", page)), totals=tuple(self._rows(Total, "totals", {}))
        )

    def loan(self, loan_id: str) -> LoanBalance:
        """The current row of one loan, else `LoanNotFound`."""
        for row in self._rows(LoanBalance, "balances", {"loan": loan_id, "after": None, "limit": 1}):
            return row
        raise LoanNotFound(
            f"asked for loan {loan_id}; book {self._book_id} has no such loan. ledger balances lists all"
        )

    def delinquency(
        self, as_of: date, *, known_at: int | None = None, loan_id: str | None = None
    ) -> list[DelinquentLoan]:
        """Loans past due on a date, most days first; installments paid on or before it do not count."""
        arguments = {"as_of": as_of, "known_at": _position(known_at), "loan": loan_id}
        return [_delinquent(row, as_of) for row in self._dicts("delinquency", arguments)]

    def balance_as_of(self, loan_id: str, value_date: date, *, known_at: int | None = None) -> BalanceAsOf:
        """What one loan owed on a value date; all zero before it was opened. Raises `LoanNotFound`."""
        loan = self.loan(loan_id)
        arguments = {"loan": loan_id, "value_date": value_date, "known_at": _position(known_at)}
        accounts = tuple(self._rows(AccountBalance, "balance", arguments))
        owed = [line for line in accounts if line.account == "receivable"]
        return BalanceAsOf(
            loan=loan_id,
            currency=loan.currency,
            value_date=value_date,
            known_at=known_at,
            principal_minor=sum(line.amount_minor for line in owed if line.component == "principal"),
            total_due_minor=sum(line.amount_minor for line in owed),
            credit_minor=-sum(line.amount_minor for line in accounts if line.account == "credit"),
            accounts=accounts,
        )

    def history(self, loan_id: str) -> list[HistoryLine]:
        """What happened to a loan, in the order in which it became known. Raises `LoanNotFound`."""
        self.loan(loan_id)
        return self._rows(HistoryLine, "history", {"loan": loan_id})

    def audit_trail(self, loan_id: str | None = None, *, after: int = 0, limit: int | None = None) -> list[AuditLine]:
        """Events in order of position, of one loan (else `LoanNotFound`) or of the whole book; at most `limit`."""
        if loan_id is not None:
            self.loan(loan_id)
        return self._rows(AuditLine, "audit_trail", {"loan": loan_id, "after": after, "limit": limit})

    def position_at(self, moment: datetime) -> int:
        """The last position that was recorded at an instant or before: `known_at` for that time. 0: none yet."""
        arguments = {"recorded_us": (moment - _EPOCH) // timedelta(microseconds=1)}
        return next((row["position"] for row in self._dicts("position_at", arguments)), 0)

    def lag(self, journal: Journal) -> list[Lag]:
        """How far each projection is behind a journal, whoever brings it forward."""
        with translated(self._database), self._pool.connection() as connection:
            return lag(connection, journal, self._book_id, PROJECTIONS)

    def workers(self, stale_s: float) -> list[str]:
        """Who brings projections forward: host, process id and a random part of each one seen within `stale_s`."""
        with translated(self._database), self._pool.connection() as connection:
            return workers(connection, self._book_id, stale_s)

    def _rows(self, answer: type[Row], statement: str, arguments: dict[str, Any]) -> list[Row]:
        with translated(self._database), self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(answer))
            return cursor.execute(_SQL[statement], arguments | {"book": self._book_id}).fetchall()

    def _dicts(self, statement: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        with translated(self._database), self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(_SQL[statement], arguments | {"book": self._book_id}).fetchall()


def _position(known_at: int | None) -> int:
    return _NOW if known_at is None else known_at


def _delinquent(row: dict[str, Any], as_of: date) -> DelinquentLoan:
    late = days_past_due(row["due_on"], as_of)
    return DelinquentLoan(days_past_due=late, bucket=bucket(late), **row)
