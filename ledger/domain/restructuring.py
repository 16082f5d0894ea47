"""Says that terms were eased because the borrower could not keep them, and that this was said in error.

What such a loan is called follows from it for a time of observation; no amount and no date changes. Sources: Measures
for the Risk Classification of Financial Assets of Commercial Banks (China, 2023), chapter III; EBA/GL/2016/07, 6.
"""

from datetime import date

from ledger.domain.errors import (
    InvalidDate,
    LoanEnded,
    ReasonMissing,
    RestructuringExists,
    RestructuringNotFound,
)
from ledger.domain.identifiers import require_identifier
from ledger.domain.loan import Loan, settled
from ledger.domain.restructured import Restructuring
from ledger.domain.standing import about, standing
from schemas.overdue.restructuring import LoanRestructured, RestructuringWithdrawn
from schemas.values import Event


def restructure(loan: Loan, wish: Restructuring, reason: str, *, today: date) -> list[Event]:
    """Say that terms were eased, today or earlier."""
    require_identifier(wish.restructuring_id, "restructuring")
    asked = f"record restructuring {wish.restructuring_id} of loan {loan.loan_id} on {wish.on}"
    _require_reason(reason, asked)
    if loan.closed_on:
        raise LoanEnded(f"asked to {asked}; it was closed on {loan.closed_on}")
    if not loan.agreed_on <= wish.on <= today:
        raise InvalidDate(f"asked to {asked}; give a day from {loan.agreed_on}, when it was agreed, to {today}")
    if wish.first_payment_on < wish.on:
        raise InvalidDate(f"asked to {asked}, with a first payment on {wish.first_payment_on}; give that day or later")
    if any(each.restructuring_id == wish.restructuring_id for each in loan.restructured):
        raise RestructuringExists(f"asked to {asked}, which it has already; give another id")
    loan = settled(loan)
    return [
        LoanRestructured(
            **about(loan, standing(loan, today)),
            restructuring_id=wish.restructuring_id,
            restructured_on=wish.on,
            first_payment_on=wish.first_payment_on,
            reason=reason,
        )
    ]


def withdraw(loan: Loan, restructuring_id: str, reason: str, *, today: date) -> list[Event]:
    """Say that it was none."""
    asked = f"withdraw restructuring {restructuring_id[:64]!r} of loan {loan.loan_id}"
    _require_reason(reason, asked)
    if all(each.restructuring_id != restructuring_id for each in loan.restructured):
        known = ", ".join(each.restructuring_id for each in loan.restructured) or "none"
        raise RestructuringNotFound(f"asked to {asked}; it has {known}")
    loan = settled(loan)
    return [
        RestructuringWithdrawn(
            **about(loan, standing(loan, today)),
            restructuring_id=restructuring_id,
            told_on=today,
            reason=reason,
        )
    ]


def _require_reason(reason: str, asked: str) -> None:
    if not reason.strip():
        raise ReasonMissing(f"asked to {asked} without a reason; say why, it is recorded")
