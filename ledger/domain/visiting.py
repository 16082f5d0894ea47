"""What day end does to one loan, for all days up to a date at once."""

from collections.abc import Sequence
from datetime import date

from ledger.domain.loan import Loan, settled
from ledger.domain.mandates import expire
from ledger.domain.outcomes import passed
from ledger.domain.standing import standing
from schemas.values import Event, LoanEvent


def visit(loan: Loan, *, business_date: date) -> Sequence[Event]:
    """Charge what has fallen due, say what was not covered in time, and end what has a last day."""
    loan = settled(loan)
    found = passed(loan, business_date)
    told = (event.standing for event in found if isinstance(event, LoanEvent))
    now = next(told, None) or standing(loan, business_date)
    return [*found, *expire(loan, now, today=business_date)]
