"""What one loan looked like on either axis, and what became known about it in between."""

from collections.abc import Sequence
from datetime import date

import msgspec

from projections.answers import (
    AccountBalance,
    BalanceAsOf,
    BalanceChange,
    HistoryLine,
    LoanAsOf,
    LoanBalance,
    LoanDiff,
    Mark,
    Payment,
    PaymentAllocation,
    Schedule,
    ScheduleLine,
)
from projections.reading import Reader, axes
from projections.statement_answers import COMPONENTS

_Cell = tuple[str, str | None, int | None]
_ALWAYS = date.max


def balance_as_of(at: Reader, loan: LoanBalance, value_date: date, known_at: int | None) -> BalanceAsOf:
    """Account by account; nothing before the loan was opened."""
    accounts = tuple(at.rows(AccountBalance, "balance", axes(value_date, known_at) | {"loan": loan.loan}))
    owed = [line for line in accounts if line.account == "receivable"]
    return BalanceAsOf(
        loan=loan.loan,
        currency=loan.currency,
        value_date=value_date,
        known_at=known_at,
        **_by_component(owed),
        total_due_minor=sum(line.amount_minor for line in owed),
        credit_minor=-sum(line.amount_minor for line in accounts if line.account == "credit"),
        accounts=accounts,
    )


def loan_as_of(at: Reader, loan: LoanBalance, value_date: date, known_at: int | None) -> LoanAsOf | None:
    """The loan as it stood; None where it was not open, or not known."""
    balance = balance_as_of(at, loan, value_date, known_at)
    if not balance.accounts:
        return None
    late = next(iter(at.delinquency(value_date, known_at, loan.loan)), None)
    return LoanAsOf(
        loan=loan.loan,
        borrower=loan.borrower,
        product=loan.product,
        currency=loan.currency,
        opened_on=loan.opened_on,
        due_on=loan.due_on,
        lent_minor=loan.lent_minor,
        principal_minor=balance.principal_minor,
        interest_minor=balance.interest_minor,
        fee_minor=balance.fee_minor,
        penalty_interest_minor=balance.penalty_interest_minor,
        total_due_minor=balance.total_due_minor,
        overdue_minor=late.overdue_minor if late else 0,
        credit_minor=balance.credit_minor,
        days_past_due=late.days_past_due if late else 0,
        bucket=late.bucket if late else "M0",
        status=status(balance.total_due_minor, is_late=late is not None),
    )


def status(total_due_minor: int, *, is_late: bool) -> str:
    """In the words of the events' standing."""
    return "overdue" if is_late else "active" if total_due_minor else "paid_off"


def loan_diff(at: Reader, loan: LoanBalance, after: int, until: int) -> LoanDiff:
    """What became known after one position up to another."""
    between = {"loan": loan.loan, "after": after, "until": until}
    history = at.rows(HistoryLine, "history", {"loan": loan.loan})
    return LoanDiff(
        loan=loan.loan,
        currency=loan.currency,
        after=after,
        until=until,
        balances=_changes(_cells(at, loan, after), _cells(at, loan, until)),
        schedules=schedules(at, loan.loan, after, until),
        marks=tuple(at.rows(Mark, "marks", between)),
        payments=payments(at, loan.loan, after, until),
        events=tuple(line for line in history if after < line.position <= until),
    )


def schedules(at: Reader, loan_id: str, after: int, until: int) -> tuple[Schedule, ...]:
    """The versions that became known after one position up to another."""
    found = at.dicts("schedules", {"loan": loan_id, "after": after, "until": until})
    return tuple(Schedule(**row | {"lines": _read(row["lines"], ScheduleLine)}) for row in found)


def payments(at: Reader, loan_id: str, after: int, until: int) -> tuple[Payment, ...]:
    """Those received or reversed after one position up to another, as known at the latter."""
    found = at.dicts("payments", {"loan": loan_id, "after": after, "until": until})
    return tuple(Payment(**row | {"allocations": _read(row["allocations"], PaymentAllocation)}) for row in found)


def _by_component(owed: Sequence[AccountBalance]) -> dict[str, int]:
    """What is owed of each component that statements show too."""
    return {
        f"{component}_minor": sum(line.amount_minor for line in owed if line.component == component)
        for component in COMPONENTS
    }


def _cells(at: Reader, loan: LoanBalance, known_at: int) -> dict[_Cell, int]:
    lines = balance_as_of(at, loan, _ALWAYS, known_at).accounts
    return {(line.account, line.component, line.installment): line.amount_minor for line in lines}


def _changes(before: dict[_Cell, int], after: dict[_Cell, int]) -> tuple[BalanceChange, ...]:
    cells = sorted(before.keys() | after.keys(), key=lambda cell: (cell[0], cell[1] or "", cell[2] or 0))
    return tuple(
        BalanceChange(
            account=account,
            component=component,
            installment=installment,
            before_minor=before.get((account, component, installment), 0),
            after_minor=after.get((account, component, installment), 0),
        )
        for account, component, installment in cells
        if before.get((account, component, installment)) != after.get((account, component, installment))
    )


def _read(value: object, line: type) -> tuple[object, ...]:
    return tuple(msgspec.convert(value, list[line]))  # type: ignore[valid-type] # the class is a parameter
