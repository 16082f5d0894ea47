"""The questions that the read models answer. Each waits for the projections that it reads, and no others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

from ledger.domain.classification import Scheme
from ledger.domain.errors import LoanNotFound
from ledger.journal.database import Database, translated
from ledger.journal.journal import Journal
from ledger.journal.stream_reading import head_position
from projections import (
    account_statement,
    audit_trail,
    balance_trace,
    counting,
    delinquency,
    delinquency_history,
    installment_trace,
    loan_now,
    loan_views,
    mandates,
    payment_history,
    portfolio,
    postings,
    reports,
    restatement,
    schedule,
)
from projections.answers import (
    AuditLine,
    BalanceAsOf,
    Balances,
    BalancesAsOf,
    DelinquentLoan,
    HistoryLine,
    LoanAsOf,
    LoanBalance,
    LoanDiff,
    Payment,
    Portfolio,
    Schedule,
    Total,
    TrialBalance,
)
from projections.catalogue import PROJECTIONS
from projections.day_proofs import DayProof, day_proofs
from projections.delinquency_history import Classified, RollRates, Vintage
from projections.errors import WrongInterval
from projections.lag import Lag, lag
from projections.overdue_trace import OverdueTrace, overdue_trace
from projections.place import Place
from projections.presence import workers
from projections.projection import Projection
from projections.reading import Reader, last_known
from projections.recorded_facts import facts_of
from projections.restatement_answers import LoanRestatement
from projections.statement_answers import AccountStatement
from projections.trace_answers import BalanceTrace, InstallmentTrace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

READS: Mapping[str, tuple[Projection, ...]] = {
    "balances": (loan_now.PROJECTION,),
    "loan": (loan_now.PROJECTION,),
    "balances_as_of": (loan_now.PROJECTION, postings.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
    "delinquency": (postings.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
    "balance_as_of": (loan_now.PROJECTION, postings.PROJECTION),
    "loan_as_of": (loan_now.PROJECTION, postings.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
    "loan_diff": (
        loan_now.PROJECTION,
        postings.PROJECTION,
        schedule.PROJECTION,
        payment_history.PROJECTION,
        delinquency.PROJECTION,
        audit_trail.PROJECTION,
    ),
    "restatement": (),  # the loan's own events hold what no table has; see figures.py
    "balance_trace": (
        loan_now.PROJECTION,
        postings.PROJECTION,
        delinquency.PROJECTION,
        counting.PROJECTION,
        audit_trail.PROJECTION,
    ),
    "installment_trace": (),
    "overdue_trace": (),
    "schedules": (loan_now.PROJECTION, schedule.PROJECTION),
    "payments": (loan_now.PROJECTION, schedule.PROJECTION, payment_history.PROJECTION),
    "statement": (postings.PROJECTION, audit_trail.PROJECTION),
    "trial_balance": (postings.PROJECTION,),
    "portfolio": (loan_now.PROJECTION, delinquency.PROJECTION, portfolio.PROJECTION),
    "history": (loan_now.PROJECTION, postings.PROJECTION, audit_trail.PROJECTION),
    "audit_trail": (loan_now.PROJECTION, audit_trail.PROJECTION),
    "loans_with_mandate": (mandates.PROJECTION,),
    "position_at": (audit_trail.PROJECTION,),
    "day_proofs": (delinquency.PROJECTION, audit_trail.PROJECTION),
    "classified": (loan_now.PROJECTION, postings.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
    "roll_rates": (loan_now.PROJECTION, postings.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
    "vintages": (loan_now.PROJECTION, schedule.PROJECTION, delinquency.PROJECTION, counting.PROJECTION),
}
"""The projections that each question reads."""

Await = Callable[[Sequence[Projection], str | None, int | None], None]
"""Returns when projections have seen what a question must see: of one loan, or (None) of the whole book; in any case
all that was known at the position that the question names, if it names one."""


def as_they_are(_: Sequence[Projection], __: str | None, ___: int | None) -> None:
    """Waits for nothing."""


class Queries:
    """Reads the projections of one book, as role ledger_reader. Safe to use from several threads.

    Two axes: a value date says when money counts; `known_at`, a position, says when we knew (None: all known now).
    `fresh`: called by each question before it reads; by default rows are taken as they are.
    """

    def __init__(self, database: Database, book_id: str, *, pool_size: int = 1, fresh: Await = as_they_are) -> None:
        self._database = database
        self._fresh = fresh
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
        page = {"after": after, "limit": limit}
        with self._snapshot("balances") as at:
            return Balances(
                loans=tuple(at.rows(LoanBalance, "balances", page)), totals=tuple(at.rows(Total, "totals", {}))
            )

    def loan(self, loan_id: str) -> LoanBalance:
        """The current row of one loan, else `LoanNotFound`."""
        with self._reader("loan", loan_id) as at:
            return self._loan(at, loan_id)

    def balances_as_of(self, value_date: date, *, known_at: int | None = None) -> BalancesAsOf:
        """Balances of all loans that were open by a value date, in order of ids, and totals over them."""
        with self._snapshot("balances_as_of", known_at=known_at) as at:
            return reports.balances_as_of(at, value_date, known_at)

    def delinquency(
        self, as_of: date, *, known_at: int | None = None, loan_id: str | None = None
    ) -> list[DelinquentLoan]:
        """Loans past due on a date, most days first; installments paid on or before it do not count."""
        with self._reader("delinquency", loan_id, known_at) as at:
            return at.delinquency(as_of, known_at, loan_id)

    def balance_as_of(self, loan_id: str, value_date: date, *, known_at: int | None = None) -> BalanceAsOf:
        """What one loan owed on a value date, account by account; all zero before it was opened. Raises `LoanNotFound`.

        Its cost does not grow with the number of the loan's postings.
        """
        with self._reader("balance_as_of", loan_id, known_at) as at:
            return loan_views.balance_as_of(at, self._loan(at, loan_id), value_date, known_at)

    def loan_as_of(self, loan_id: str, value_date: date, *, known_at: int | None = None) -> LoanAsOf:
        """One loan as it stood on a value date. Raises `LoanNotFound`, also where it was not open or not known then."""
        with self._snapshot("loan_as_of", loan_id, known_at) as at:
            loan = self._loan(at, loan_id)
            found = loan_views.loan_as_of(at, loan, value_date, known_at)
        if found is None:
            known = "" if known_at is None else f", as known at position {known_at}"
            raise LoanNotFound(f"asked for loan {loan_id} on {value_date}{known}; it was opened on {loan.opened_on}")
        return found

    def loan_diff(self, loan_id: str, after: int, until: int) -> LoanDiff:
        """What became known about a loan after one position up to another. Raises `LoanNotFound`, `WrongInterval`."""
        if not 0 <= after < until:
            raise WrongInterval(
                f"asked what became known between {after} and {until}; give an earlier position and then a later one"
            )
        with self._snapshot("loan_diff", loan_id, until) as at:
            return loan_views.loan_diff(at, self._loan(at, loan_id), after, until)

    def restatement(
        self, loan_id: str, after: int, until: int, *, as_of: date | None = None, everything: bool = False
    ) -> LoanRestatement:
        """What was believed about a loan at one position and what is known at another one, figure by figure.

        `as_of`: only what counts by that value date. `everything`: also figures that are the same. Reads the loan's own
        events. Raises `LoanNotFound`, also where it was not known at `until`, and `WrongInterval`.
        """
        if not 0 <= after <= until:
            raise WrongInterval(
                f"asked what was believed at {after} and is known at {until}; give an earlier position or instant first"
            )
        with self._snapshot("restatement", loan_id, until) as at:
            facts = facts_of(at.connection, loan_id, until=until)
            found = restatement.restatement(facts, after, until, as_of, everything=everything)
        if found is None:
            raise self._unknown(loan_id, until)
        return found

    def balance_trace(
        self, loan_id: str, balance: str, *, as_of: date | None = None, known_at: int | None = None, limit: int = 200
    ) -> BalanceTrace:
        """The postings that make a balance (one of `balance_trace.BALANCES`), the newest `limit` (from 1) of them, with
        events, rules and actors; they add up to it, else `TraceBroken`.

        `as_of` None: on whatever value date. Raises `UnknownFigure`, `LoanNotFound`.
        """
        balance_trace.require_balance(balance)
        with self._reader("balance_trace", loan_id, known_at) as at:
            position = account_statement.known_position(at, loan_id, known_at)
        with self._snapshot(
            "balance_trace", loan_id, position
        ) as at:  # what it reads may be behind the trail, or ahead
            asked = balance_trace.Traced(balance=balance, as_of=as_of, known_at=position, limit=limit)
            return balance_trace.balance_trace(at, self._loan(at, loan_id), asked)

    def installment_trace(
        self, loan_id: str, number: int, *, as_of: date | None = None, known_at: int | None = None, limit: int = 200
    ) -> InstallmentTrace:
        """How an installment came to its state: the newest `limit` (from 1) changes of its figures, event by event.

        Reads the loan's own events. Raises `LoanNotFound`, `InstallmentNotFound`.
        """
        with self._snapshot("installment_trace", loan_id, known_at) as at:
            until = head_position(at.connection) if known_at is None else known_at
            facts = facts_of(at.connection, loan_id, until=until)
            found = installment_trace.installment_trace(facts, number, as_of, until, limit)
        if found is None:
            raise self._unknown(loan_id, until)
        return found

    def overdue_trace(
        self, loan_id: str, as_of: date, *, known_at: int | None = None, limit: int = 200
    ) -> OverdueTrace:
        """How late a loan is on a date by each counter, by which rules, and the newest `limit` (from 1) events that
        changed it. Reads the loan's own events. Raises `LoanNotFound`."""
        with self._snapshot("overdue_trace", loan_id, known_at) as at:
            until = head_position(at.connection) if known_at is None else known_at
            found = overdue_trace(facts_of(at.connection, loan_id, until=until), as_of, until, limit)
        if found is None:
            raise self._unknown(loan_id, until)
        return found

    def schedules(self, loan_id: str, *, known_at: int | None = None) -> list[Schedule]:
        """The versions of a loan's schedule, the newest last. Raises `LoanNotFound`, also where it was not known."""
        with self._snapshot("schedules", loan_id, known_at) as at:
            self._loan_known(at, loan_id, known_at)
            return list(loan_views.schedules(at, loan_id, 0, last_known(known_at)))

    def payments(self, loan_id: str, *, known_at: int | None = None) -> list[Payment]:
        """The payments of a loan in the order in which they became known, reversed ones too.

        Raises `LoanNotFound`, also where the loan was not known.
        """
        with self._snapshot("payments", loan_id, known_at) as at:
            self._loan_known(at, loan_id, known_at)
            return list(loan_views.payments(at, loan_id, 0, last_known(known_at)))

    def statement(
        self, loan_id: str, since: date | None, until: date, *, known_at: int | None = None
    ) -> AccountStatement:
        """What a loan owed before a period, what each event changed in it, and what was owed after it.

        Value dates from `since` (None: the loan's first one) to `until`, both included. Raises `LoanNotFound`,
        `NothingPosted` where no money had moved yet, `WrongInterval`.
        """
        with self._reader("statement", loan_id, known_at) as at:
            position = account_statement.known_position(at, loan_id, known_at)
        with self._snapshot("statement", loan_id, position) as at:  # postings may be behind the trail, or ahead of it
            return account_statement.account_statement(at, loan_id, since, until, position)

    def trial_balance(
        self, value_date: date, *, known_at: int | None = None, booked_through: date | None = None
    ) -> TrialBalance:
        """The sum of every account on a value date, by currency; of what is booked through a date, if one is given. Of
        a closed period that is always the same, whatever becomes known.

        Raises `OutOfBalance` where debits and credits differ, `OutsideChart` for an account that is not in the chart.
        """
        with self._snapshot("trial_balance", known_at=known_at) as at:
            return reports.trial_balance(at, value_date, known_at, booked_through)

    def portfolio(self, today: date, until: date | None = None) -> Portfolio:
        """Month by month up to a date: what was owed by bucket, and what was lent and collected; as known now.

        It ends with the last month in which anything changed, or today if that is earlier; with `until`, there,
        but not after the later of the two: all beyond would be the same.
        """
        with self._snapshot("portfolio") as at:
            return reports.portfolio(at, today, until)

    def loans_with_mandate(self, on: date, *, after: str = "", limit: int) -> list[str]:
        """Ids of loans with a mandate in force on a date, or with a debit on its way, in their order beyond `after`, at
        most `limit`."""
        with self._reader("loans_with_mandate") as at:
            rows = at.dicts("loans_with_mandate", {"on": on, "after": after, "limit": limit})
        return [row["loan"] for row in rows]

    def history(self, loan_id: str) -> list[HistoryLine]:
        """What happened to a loan, in the order in which it became known. Raises `LoanNotFound`."""
        with self._reader("history", loan_id) as at:
            self._loan(at, loan_id)
            return at.rows(HistoryLine, "history", {"loan": loan_id})

    def audit_trail(self, loan_id: str | None = None, *, after: int = 0, limit: int | None = None) -> list[AuditLine]:
        """Events in order of position, of one loan (else `LoanNotFound`) or of the whole book; at most `limit`."""
        with self._reader("audit_trail", loan_id) as at:
            if loan_id is not None:
                self._loan(at, loan_id)
            return at.rows(AuditLine, "audit_trail", {"loan": loan_id, "after": after, "limit": limit})

    def position_at(self, moment: datetime, *, loan_id: str | None = None) -> int:
        """The last position that was recorded at an instant or before: `known_at` for that time. 0: none yet.

        `loan_id`: who asks about one loan needs the trail to be current on that loan's partition only.
        """
        arguments = {"recorded_us": (moment - _EPOCH) // timedelta(microseconds=1)}
        with self._reader("position_at", loan_id) as at:
            return next((row["position"] for row in at.dicts("position_at", arguments)), 0)

    def day_proofs(self, actor: str, last: int) -> list[DayProof]:
        """The newest `last` (from 1) day ends that left control totals, in their order, each counted again. `actor`:
        who visits loans."""
        with self._snapshot("day_proofs") as at:
            return day_proofs(at, self._book_id, actor, last)

    def classified(
        self, scheme: Scheme, as_of: date, *, known_at: int | None = None, loan_id: str | None = None
    ) -> list[Classified]:
        """Loans that owe anything on a date and are not in the best class of a scheme, or were not always, in order of
        their ids; or one of them, whatever it owes."""
        with self._snapshot("classified", loan_id, known_at) as at:
            if loan_id is not None:
                self._loan(at, loan_id)
            return delinquency_history.classified(at, scheme, as_of, known_at, loan_id)

    def roll_rates(self, until: date, months: int, *, known_at: int | None = None) -> list[RollRates]:
        """Where the loans of each bucket were a month later, for the last `months` (from 1) pairs of month ends."""
        with self._snapshot("roll_rates", known_at=known_at) as at:
            return delinquency_history.roll_rates(at, until, months, known_at)

    def vintages(self, until: date, days: int, *, known_at: int | None = None) -> list[Vintage]:
        """By month of opening, the loans that had ever been `days` (from 1) days past due, month by month."""
        with self._snapshot("vintages", known_at=known_at) as at:
            return delinquency_history.vintages(at, until, days, known_at)

    def lag(self, journal: Journal) -> list[Lag]:
        """How far each projection is behind a journal, whoever brings it forward."""
        with translated(self._database), self._pool.connection() as connection:
            return lag(connection, journal, self._book_id, PROJECTIONS)

    def workers(self, stale_s: float) -> list[str]:
        """Who brings projections forward: host, process id and a random part of each one seen within `stale_s`."""
        with translated(self._database), self._pool.connection() as connection:
            return workers(connection, self._book_id, stale_s)

    def _unknown(self, loan_id: str, known_at: int) -> LoanNotFound:
        return LoanNotFound(
            f"asked for loan {loan_id} as known at position {known_at}; book {self._book_id} knew no such loan then. "
            "ledger balances lists all"
        )

    def _loan(self, at: Reader, loan_id: str) -> LoanBalance:
        for row in at.rows(LoanBalance, "loan", {"loan": loan_id}):
            return row
        raise LoanNotFound(
            f"asked for loan {loan_id}; book {self._book_id} has no such loan. ledger balances lists all"
        )

    def _loan_known(self, at: Reader, loan_id: str, known_at: int | None) -> None:
        """Raise `LoanNotFound` where a loan is not known, or was not yet before its first schedule."""
        self._loan(at, loan_id)
        [row] = at.dicts("opened_at", {"loan": loan_id})
        if last_known(known_at) < row["position"]:
            raise LoanNotFound(
                f"asked for loan {loan_id} as known at position {known_at}; it is known from {row['position']} on"
            )

    @contextmanager
    def _reader(self, question: str, loan_id: str | None = None, known_at: int | None = None) -> Iterator[Reader]:
        self._fresh(READS[question], loan_id, known_at)
        with translated(self._database), self._pool.connection() as connection:
            yield Reader(connection, self._book_id)

    @contextmanager
    def _snapshot(self, question: str, loan_id: str | None = None, known_at: int | None = None) -> Iterator[Reader]:
        """For answers that need several statements: all see the same moment, also while a rebuild is swapped in."""
        self._fresh(READS[question], loan_id, known_at)
        with translated(self._database), self._pool.connection() as connection, connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            yield Reader(connection, self._book_id)
