"""What is known of a loan's restructurings, folded from their events; `restructuring` decides on it."""

from datetime import date

from schemas.overdue.restructuring import LoanRestructured, RestructuringWithdrawn
from schemas.values import Event, State


class Restructuring(State, frozen=True):
    """Terms were eased on a day for a borrower in difficulty. `first_payment_on`: the first due date by eased terms."""

    restructuring_id: str
    on: date
    first_payment_on: date


def folded(known: tuple[Restructuring, ...], event: Event) -> tuple[Restructuring, ...]:
    """Fold one recorded event; total, decides nothing."""
    match event:
        case LoanRestructured():
            eased = Restructuring(
                restructuring_id=event.restructuring_id,
                on=event.restructured_on,
                first_payment_on=event.first_payment_on,
            )
            return (*known, eased)
        case RestructuringWithdrawn():
            return tuple(each for each in known if each.restructuring_id != event.restructuring_id)
    return known
