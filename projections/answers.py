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
class LoanAsOf:
    """What a loan owed on a value date, by component and in all. `overdue_minor`, days and bucket are those of its
    overdue marks."""

    loan: str
    borrower: str | None
    product: str
    currency: str
    opened_on: date
    due_on: date
    lent_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_interest_minor: int
    total_due_minor: int
    overdue_minor: int
    credit_minor: int
    days_past_due: int
    bucket: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancesAsOf:
    """All loans open by a value date, in order of ids, as known at a position (None: now), and totals over them."""

    value_date: date
    known_at: int | None
    loans: tuple[LoanAsOf, ...]
    totals: tuple[Total, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountBalance:
    """The sum of one account, not zero; debits are positive. Component and installment are None where it has none."""

    account: str
    component: str | None
    installment: int | None
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceAsOf:
    """What a loan owed on a value date, by component and in all. `known_at`: the last position that counts; None: all
    that is known now."""

    loan: str
    currency: str
    value_date: date
    known_at: int | None
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_interest_minor: int
    total_due_minor: int
    credit_minor: int
    accounts: tuple[AccountBalance, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialBalanceLine:
    """The sum of one account in one currency, on the side where it stands; the other side is zero."""

    currency: str
    account: str
    name: str
    type: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialBalance:
    """All accounts on a value date, as known at a position (None: now). `booked_through`: only what is booked on that
    date or before (None: all). `sums_minor`: by currency what either side adds up to; both are equal."""

    value_date: date
    known_at: int | None
    booked_through: date | None
    lines: tuple[TrialBalanceLine, ...]
    sums_minor: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleLine:
    """What falls due on a date."""

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """One version of what was agreed, known from a position on."""

    version: int
    from_position: int
    lines: tuple[ScheduleLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentAllocation:
    """The part of a payment that one component of one installment took."""

    component: str
    installment: int
    amount_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """A payment, known from `position` on. `allocations` and `credit_minor` say where it went when it came. The last
    three are None while nothing shows that it never counted."""

    payment: str
    position: int
    received_at: str | None
    value_date: date
    booking_date: date
    amount_minor: int
    currency: str
    method: str
    allocations: tuple[PaymentAllocation, ...]
    credit_minor: int
    reversed_position: int | None
    reversed_on: date | None
    cause: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What became known at a position about an installment being overdue: it is (`cured_on` None), it was covered late,
    or it never was (`withdrawn`)."""

    position: int
    installment: int
    due_on: date
    cured_on: date | None
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceChange:
    """An account of a loan over all value dates, as known before and after."""

    account: str
    component: str | None
    installment: int | None
    before_minor: int
    after_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LoanDiff:
    """What became known about a loan after position `after`, up to `until`. `payments`: received or reversed then."""

    loan: str
    currency: str
    after: int
    until: int
    balances: tuple[BalanceChange, ...]
    schedules: tuple[Schedule, ...]
    marks: tuple[Mark, ...]
    payments: tuple[Payment, ...]
    events: tuple["HistoryLine", ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketStock:
    """Loans that owe something at the end of a month, by how late their oldest open installment is then."""

    month: date
    product: str
    currency: str
    bucket: str
    loans: int
    owed_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthFlow:
    """What one month brought, by value date. Collected: payments, less those that turned out never to have counted."""

    month: date
    product: str
    currency: str
    loans_opened: int
    lent_minor: int
    payments: int
    collected_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio:
    """Month by month from the first loan on, as known now. Months are named by their first day; the last one ends on
    `until`."""

    until: date
    stocks: tuple[BucketStock, ...]
    flows: tuple[MonthFlow, ...]


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
