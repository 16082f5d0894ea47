"""What queries answer with. Amounts are in minor units."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LoanBalance:
    """The current row of a loan, as known at `position`, its newest event. `due_on`: of the last installment."""

    loan: str
    borrower: str | None
    product: str
    currency: str
    opened_on: date
    due_on: date
    lent_minor: int
    principal_minor: int
    total_due_minor: int
    overdue_minor: int
    credit_minor: int
    status: str
    position: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """Sums over the loans of one currency and status."""

    currency: str
    status: str
    loans: int
    principal_minor: int
    total_due_minor: int
    overdue_minor: int
    credit_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Balances:
    """`loans` is one page, in order of ids; `totals` are over all loans."""

    loans: tuple[LoanBalance, ...]
    totals: tuple[Total, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DelinquentLoan:
    """A loan that is past due on a date. `installment` and `due_on` are of the oldest one open then, of which there are
    `installments`; `overdue_minor` is what all of them still lacked on that date."""

    loan: str
    currency: str
    installment: int
    installments: int
    due_on: date
    days_past_due: int
    bucket: str
    overdue_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountBalance:
    """The sum of one account; debits are positive. `component` is None where the account has none."""

    account: str
    component: str | None
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceAsOf:
    """What a loan owed on a value date. `known_at`: the last position that counts; None: all that is known now."""

    loan: str
    currency: str
    value_date: date
    known_at: int | None
    principal_minor: int
    total_due_minor: int
    credit_minor: int
    accounts: tuple[AccountBalance, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """One event of a loan: by how much it changed what is owed, and what was owed after it, as known then."""

    position: int
    value_date: date
    type: str
    summary: str
    currency: str
    change_minor: int
    due_minor: int
    actor: str
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditLine:
    """One event as it was recorded. `hash` is SHA-256 of its bytes, hex; `prevhash` that of the stream's event before,
    None for the first."""

    position: int
    key: str
    loan: str | None
    stream: str
    version: int
    type: str
    value_date: date
    decided_at: datetime
    recorded_at: datetime
    recorded_us: int
    actor: str
    command_id: str | None
    hash: str
    prevhash: str | None
    summary: str
