"""How a loan stands, and what the facts now known make of overdue marks and of the whole loan."""

from collections.abc import Iterator
from datetime import date
from typing import TypedDict

from ledger.domain.delinquency import bucket, days_past_due
from ledger.domain.loan import Loan, is_late
from ledger.domain.tally import Part
from schemas.loans.events import LoanPaidOff, LoanReopened, StatementIssued
from schemas.overdue.events import InstallmentCured, InstallmentOverdue, OverdueWithdrawn
from schemas.values import Basis, LoanEvent, Standing

AGREED, ACTIVE, OVERDUE, PAID_OFF = "agreed", "active", "overdue", "paid_off"
WITHDRAWN, WRITTEN_OFF, CLOSED = "withdrawn", "written_off", "closed"


class About(TypedDict):
    """What every event of a loan says."""

    loan_id: str
    currency: str
    standing: Standing
    basis: Basis


def about(loan: Loan, now: Standing) -> About:
    """What every event of a loan says; `now`: how it stands after all events of the request."""
    return About(loan_id=loan.loan_id, currency=loan.currency, standing=now, basis=loan.basis)


def standing(loan: Loan, today: date) -> Standing:
    """Balances once all that is known is recorded: past due is what today's marks will say. Of a settled loan."""
    tally = loan.known
    late_minor = sum(part.owed_minor for part in tally.parts if is_late(loan, part, today))
    return Standing(
        status=_status(loan, is_past_due=late_minor > 0),
        principal_minor=tally.principal_minor,
        overdue_minor=late_minor,
        total_due_minor=tally.owed_minor,
        credit_minor=tally.credit_minor,
    )


def consequences(loan: Loan, now: Standing, today: date) -> list[LoanEvent]:
    """Marks and endings that follow, beyond what is already recorded. Of a settled loan."""
    statements = [event for part in loan.known.parts for event in _statement_changes(loan, part, now)]
    marks = [event for part in _by_number(loan) for event in _mark_changes(loan, part, now, today)]
    return [*statements, *marks, *_ending(loan, now, today)]


def _status(loan: Loan, *, is_past_due: bool) -> str:
    tally = loan.known
    if loan.closed_on:
        return CLOSED
    if tally.written_off_on:
        return WRITTEN_OFF
    if not tally.parts:
        return WITHDRAWN if loan.withdrawn_on else AGREED
    if is_settled(loan):
        return WITHDRAWN if loan.withdrawn_on else PAID_OFF
    return OVERDUE if is_past_due else ACTIVE


def is_settled(loan: Loan) -> bool:
    """Whether nothing is owed, and nothing more will be."""
    parts = loan.known.parts
    return bool(parts) and all(part.covered_on and not part.penalty_minor for part in parts)


def _by_number(loan: Loan) -> list[Part]:
    return sorted(loan.known.parts, key=lambda part: part.number)


def _mark_changes(loan: Loan, part: Part, now: Standing, today: date) -> Iterator[LoanEvent]:
    if loan.known.written_off_on:
        return
    mark, covered = loan.mark(part.number), part.covered_on
    if covered is not None and covered <= part.late_from:
        if mark:
            yield _withdrawn(loan, part, now, covered)
        return
    if not is_late(loan, part, today):
        return
    if mark is None or (mark.cured_on and covered is None):
        yield _overdue(loan, part, now, covered or today)
    if covered is not None and (mark is None or mark.cured_on != covered):
        yield _cured(loan, part, now, covered)


def _statement_changes(loan: Loan, part: Part, now: Standing) -> Iterator[LoanEvent]:
    """Nothing is said of a cycle of which nothing was owed, unless something else was said before."""
    billed = part.billed
    if billed is None:
        return
    told = next((each[1:] for each in loan.statements if each[0] == part.number), (0, 0))
    if told != (billed.balance_minor, billed.minimum_minor):
        yield StatementIssued(
            **about(loan, now),
            statement=part.number,
            issued_on=part.until,
            due_on=part.due_on,
            balance_minor=billed.balance_minor,
            minimum_minor=billed.minimum_minor,
            principal_minor=billed.principal_minor,
            interest_minor=billed.interest_minor,
            fee_minor=billed.fee_minor,
            past_due_minor=billed.past_due_minor,
        )


def _ending(loan: Loan, now: Standing, today: date) -> Iterator[LoanEvent]:
    tally = loan.known
    paid_off_on = None
    if is_settled(loan) and not tally.written_off_on:
        dates = [part.covered_on for part in tally.parts if part.covered_on]
        paid_off_on = max(dates) if tally.last_paid_on is None else max(*dates, tally.last_paid_on)
    if paid_off_on and paid_off_on != loan.paid_off_on:
        yield LoanPaidOff(**about(loan, now), paid_off_on=paid_off_on)
    if loan.paid_off_on and not paid_off_on and not tally.written_off_on:
        yield LoanReopened(**about(loan, now), reopened_on=today)


def _overdue(loan: Loan, part: Part, now: Standing, as_of: date) -> InstallmentOverdue:
    late = days_past_due(part.late_from, as_of)
    return InstallmentOverdue(
        **about(loan, now),
        installment=part.number,
        due_on=part.late_from,
        overdue_minor=part.asked_minor - part.in_time_minor,
        as_of=as_of,
        days_past_due=late,
        bucket=bucket(late),
    )


def _cured(loan: Loan, part: Part, now: Standing, cured_on: date) -> InstallmentCured:
    return InstallmentCured(
        **about(loan, now),
        installment=part.number,
        due_on=part.late_from,
        cured_on=cured_on,
        days_past_due=days_past_due(part.late_from, cured_on),
    )


def _withdrawn(loan: Loan, part: Part, now: Standing, covered: date) -> OverdueWithdrawn:
    return OverdueWithdrawn(
        **about(loan, now),
        installment=part.number,
        due_on=part.late_from,
        covered_on=covered,
    )
