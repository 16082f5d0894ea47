"""How a loan stands, and what the facts now known make of overdue marks and of the whole loan."""

from collections.abc import Iterator
from datetime import date

from ledger.domain.lateness import About, Cause, delinquency_changes
from ledger.domain.loan import Loan
from ledger.domain.marks import is_late, is_tolerated
from ledger.domain.tally import Part
from schemas.loans.events import LoanPaidOff, LoanReopened, StatementIssued
from schemas.values import LoanEvent, Standing

AGREED, ACTIVE, OVERDUE, PAID_OFF = "agreed", "active", "overdue", "paid_off"
WITHDRAWN, WRITTEN_OFF, CLOSED = "withdrawn", "written_off", "closed"


def about(loan: Loan, now: Standing) -> About:
    """What every event of a loan says; `now`: how it stands after all events of the request."""
    return About(loan_id=loan.loan_id, currency=loan.currency, standing=now, basis=loan.basis)


def standing(loan: Loan, today: date) -> Standing:
    """Balances once all that is known is recorded: past due is what today's marks will say. Of a settled loan."""
    tally = loan.known
    as_of = max(today, loan.bucket_on)
    late_minor = sum(
        part.owed_minor
        for part in tally.parts
        if is_late(loan.agreement, part, loan.mark(part.number), as_of) and not is_tolerated(loan.agreement, part)
    )
    return Standing(
        status=_status(loan, is_past_due=late_minor > 0),
        principal_minor=tally.principal_minor,
        overdue_minor=late_minor,
        total_due_minor=tally.owed_minor,
        credit_minor=tally.credit_minor,
    )


def consequences(loan: Loan, now: Standing, today: date, cause: Cause) -> list[LoanEvent]:
    """Marks and endings that follow, beyond what is already recorded. Of a settled loan."""
    statements = [event for part in loan.known.parts for event in _statement_changes(loan, part, now)]
    return [*statements, *delinquency_changes(loan, about(loan, now), today, cause), *_ending(loan, now, today)]


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
