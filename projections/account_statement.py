"""An account statement: what a loan owed before a period and after it, and every event that changed it in between.

It is made from `postings` and `audit_trail` alone, so it needs to know nothing of what events mean.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from ledger.domain.errors import LoanNotFound, OutsideChart
from projections.answers import AccountBalance
from projections.errors import NothingPosted, WrongInterval
from projections.reading import Reader, axes, last_known
from projections.statement_answers import COMPONENTS, AccountStatement, Amounts, StatementLine
from schemas.loans.events import ChargesPosted, DisbursementFailed
from schemas.payments.events import AllocationsRestated, PaymentReversed, TransactionReversed

_UNDOING = {each.TYPE for each in (AllocationsRestated, DisbursementFailed, PaymentReversed, TransactionReversed)}
_ON_MANY_DATES = {ChargesPosted.TYPE}  # each charge counts from its own date, and corrects nothing


class _Begin(NamedTuple):
    value_date: date
    currency: str


def known_position(at: Reader, loan_id: str, known_at: int | None) -> int:
    """`known_at`, or (None) the position of the loan's last event. Raises `LoanNotFound`, also where none was known."""
    [row] = at.dicts("statement_known", {"loan": loan_id, "known_at": last_known(known_at)})
    if row["first"] is None:
        raise LoanNotFound(
            f"asked for a statement of loan {loan_id}; this book has no such loan. ledger balances lists all"
        )
    if row["newest"] is None:
        raise LoanNotFound(
            f"asked for a statement of loan {loan_id} as known at position {known_at}; "
            f"it is known from {row['first']} on"
        )
    newest: int = row["newest"]
    return newest if known_at is None else known_at


def account_statement(at: Reader, loan_id: str, since: date | None, until: date, known_at: int) -> AccountStatement:
    """From `since` (None: the first value date of the loan) to `until`; see `Queries.statement`."""
    begin = _begin(at, loan_id, known_at)
    since = since or begin.value_date
    if since > until:
        raise WrongInterval(
            f"asked for a statement of loan {loan_id} from {since} until {until}; give a first day and a last one, or "
            f"the same for both. Its first amount counts from {begin.value_date}"
        )
    opening = _balance(at, loan_id, since - timedelta(days=1), known_at) if since > date.min else Amounts()
    period = {"loan": loan_id, "since": since, "until": until, "known_at": known_at}
    return AccountStatement(
        loan=loan_id,
        currency=begin.currency,
        since=since,
        until=until,
        known_at=known_at,
        opening=opening,
        lines=tuple(_lines(at.dicts("statement_lines", period), opening)),
        closing=_balance(at, loan_id, until, known_at),
    )


def _begin(at: Reader, loan_id: str, known_at: int) -> _Begin:
    for row in at.dicts("statement_begins", {"loan": loan_id, "known_at": known_at}):
        return _Begin(**row)
    raise NothingPosted(
        f"asked for a statement of loan {loan_id}; as known at position {known_at} nothing was paid out or charged. "
        "ledger loan history says what happened; ask again once money has moved"
    )


def _lines(rows: Sequence[dict[str, Any]], balance: Amounts) -> Iterator[StatementLine]:
    for row in rows:
        change = Amounts(**_known(row["position"], {name: row.pop(name) for name in Amounts.__slots__}))
        balance = balance.plus(change)
        compensates = _compensates(row["type"], row["value_date"], row.pop("counts_on"))
        yield StatementLine(change=change, balance=balance, compensates=compensates, **row)


def _compensates(type_: str, value_date: date, counts_on: date) -> bool:
    """Whether a line corrects earlier ones: those of events that undo, and all on other dates than the event's own."""
    return type_ in _UNDOING or (value_date != counts_on and type_ not in _ON_MANY_DATES)


def _balance(at: Reader, loan_id: str, value_date: date, known_at: int) -> Amounts:
    rows = at.rows(AccountBalance, "balance", axes(value_date, known_at) | {"loan": loan_id})
    owed = [row for row in rows if row.account == "receivable"]
    parts = {
        f"{component}_minor": sum(row.amount_minor for row in owed if row.component == component)
        for component in COMPONENTS
    }
    return Amounts(
        **_known(known_at, parts | {"total_due_minor": sum(row.amount_minor for row in owed)}),
        credit_minor=-sum(row.amount_minor for row in rows if row.account == "credit"),
    )


def _known(position: int, amounts: dict[str, int]) -> dict[str, int]:
    """The same amounts; `OutsideChart` where something is owed that no statement has a column for."""
    known_minor = sum(amounts[f"{component}_minor"] for component in COMPONENTS)
    if known_minor != amounts["total_due_minor"]:
        raise OutsideChart(
            f"asked for a statement as known at position {position}; {amounts['total_due_minor'] - known_minor} minor "
            f"units are owed as something other than {', '.join(COMPONENTS)}. This version of the program is older "
            "than the events, or a line is wrong: ledger doctor"
        )
    return amounts
