"""Questions about a whole book, each answered from sets of rows: never loan by loan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from ledger.domain.accounts import Chart
from ledger.domain.delinquency import LAST_BUCKET_FROM_DAYS, bucket, days_past_due
from ledger.domain.errors import OutsideChart
from ledger.policies.charts import chart_on
from projections.answers import (
    BalancesAsOf,
    BucketStock,
    DelinquentLoan,
    LoanAsOf,
    MonthFlow,
    Portfolio,
    Total,
    TrialBalance,
    TrialBalanceLine,
)
from projections.errors import OutOfBalance
from projections.loan_views import status
from projections.reading import Reader, axes

_Row = Mapping[str, Any]


def balances_as_of(at: Reader, value_date: date, known_at: int | None) -> BalancesAsOf:
    """Every loan that was open, in order of ids, and totals over all."""
    late = {row.loan: row for row in at.delinquency(value_date, known_at)}
    found = at.dicts("balances_as_of", axes(value_date, known_at))
    loans = tuple(_as_of(row, late.get(row["loan"])) for row in found)
    return BalancesAsOf(value_date=value_date, known_at=known_at, loans=loans, totals=tuple(_totals(loans)))


def trial_balance(at: Reader, value_date: date, known_at: int | None, booked: date | None) -> TrialBalance:
    """Every account by currency. Raises `OutOfBalance` where the sides differ, `OutsideChart` for a foreign account."""
    rows = at.dicts("trial_balance", axes(value_date, known_at) | {"booked": booked})
    debits, credited = _sums(rows, 1), _sums(rows, -1)
    if debits != credited:
        raise _out_of_balance(at, value_date, debits, credited)
    chart = chart_on(value_date)
    return TrialBalance(
        value_date=value_date,
        known_at=known_at,
        booked_through=booked,
        lines=tuple(_trial_line(row, chart) for row in rows),
        sums_minor=dict(debits),
    )


def portfolio(at: Reader, today: date, until: date | None) -> Portfolio:
    """Month by month: what was owed at its end by bucket, what was lent and collected; see `Queries.portfolio`."""
    [row] = at.dicts("last_change", {"last_bucket_days": LAST_BUCKET_FROM_DAYS})
    changed = row["day"] or today
    until = min(changed, today) if until is None else min(until, max(changed, today))
    stocks = at.dicts("stocks", {"until": until})
    flows = at.rows(MonthFlow, "flows", {"until": until})
    groups = groupby(stocks, key=lambda row: (row["month"], row["product"], row["currency"]))
    return Portfolio(
        until=until,
        stocks=tuple(stock for key, rows in groups for stock in _buckets(key, rows)),
        flows=tuple(flows),
    )


def _as_of(row: _Row, late: DelinquentLoan | None) -> LoanAsOf:
    return LoanAsOf(
        **row,
        overdue_minor=late.overdue_minor if late else 0,
        days_past_due=late.days_past_due if late else 0,
        bucket=late.bucket if late else bucket(0),
        status=status(row["total_due_minor"], is_late=late is not None),
    )


def _totals(loans: Iterable[LoanAsOf]) -> Iterable[Total]:
    sums: dict[tuple[str, str], Counter[str]] = {}
    for loan in loans:
        sums.setdefault((loan.currency, loan.status), Counter()).update(
            loans=1,
            principal_minor=loan.principal_minor,
            total_due_minor=loan.total_due_minor,
            overdue_minor=loan.overdue_minor,
            credit_minor=loan.credit_minor,
        )
    for (currency, name), total in sorted(sums.items()):
        yield Total(currency=currency, status=name, **total)


def _sums(rows: Iterable[_Row], sign: int) -> dict[str, int]:
    """By currency the sum of the accounts that stand on one side: 1 for debit, -1 for credit."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + max(0, sign * row["amount_minor"])
    return sums


def _trial_line(row: _Row, chart: Chart) -> TrialBalanceLine:
    account = chart.accounts.get(row["account"])
    if account is None:
        raise OutsideChart(
            f"asked for a trial balance by the chart of accounts since {chart.version}; lines are on account "
            f"{row['account']!r}, which is not in it. See ledger doctor"
        )
    amount_minor = row["amount_minor"]
    return TrialBalanceLine(
        currency=row["currency"],
        account=account.code,
        name=account.name,
        type=account.type.value,
        debit_minor=max(0, amount_minor),
        credit_minor=max(0, -amount_minor),
    )


def _out_of_balance(
    at: Reader, value_date: date, debits: Mapping[str, int], credited: Mapping[str, int]
) -> OutOfBalance:
    wrong = next(iter(at.dicts("unbalanced", {})), None)
    where = (
        f"the event at position {wrong['position']} adds up to {wrong['amount_minor']} on {wrong['value_date']}"
        if wrong
        else "each event adds up to 0, so the total changed while it was read"
    )
    return OutOfBalance(
        f"asked for a trial balance on {value_date}; found debits of {dict(debits)} and credits of {dict(credited)} "
        f"(minor units): {where}. Run ledger projections rebuild postings, then ledger doctor"
    )


def _buckets(key: tuple[date, str, str], rows: Iterable[_Row]) -> Iterable[BucketStock]:
    """The first row is all that is owed, the others what of it is late; what is left is current."""
    loans: Counter[str] = Counter()
    owed: Counter[str] = Counter()
    for row in rows:
        name = bucket(days_past_due(row["due_on"], row["ends"])) if row["due_on"] else bucket(0)
        sign = -1 if row["due_on"] else 1
        for sums, amount in ((loans, int(row["loans"])), (owed, int(row["owed_minor"]))):
            if row["due_on"]:
                sums[name] += amount
            sums[bucket(0)] += sign * amount
    for name in sorted(name for name in loans if loans[name]):
        month, product, currency = key
        yield BucketStock(
            month=month, product=product, currency=currency, bucket=name, loans=loans[name], owed_minor=owed[name]
        )
