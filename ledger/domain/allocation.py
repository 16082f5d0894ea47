"""Which payment covers which installment.

Payments are taken in the order of their facts (value date, source time, id), never in the order in which they became
known; each covers the installments in the order of their due dates, and what is left becomes the borrower's credit.
So the same payments give the same result however they arrived.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain, takewhile
from typing import NamedTuple

import msgspec

from schemas.values import Posting

PRINCIPAL = "principal"


class Due(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Principal that falls due on a date, in minor units."""

    number: int
    due_on: date
    principal_minor: int


class Payment(NamedTuple):
    """Money that came in and counts. `received_at` orders payments of one value date; empty where unknown."""

    payment_id: str
    amount_minor: int
    paid_on: date
    received_at: str = ""


class Share(NamedTuple):
    """What one payment gives to one installment; `installment` is None for what nothing needs: the credit."""

    payment: Payment
    installment: int | None
    amount_minor: int


class Line(NamedTuple):
    """Where an amount is posted; what a posting says besides its amount."""

    value_date: date
    account: str
    component: str
    installment: int


def allocate(dues: Iterable[Due], payments: Iterable[Payment]) -> list[Share]:
    """Spread all payments over all installments; the shares of a payment add up to its amount."""
    open_dues = [[due.number, due.principal_minor] for due in sorted(dues, key=lambda due: (due.due_on, due.number))]
    shares: list[Share] = []
    first_open = 0
    for payment in sorted(payments, key=lambda p: (p.paid_on, p.received_at, p.payment_id)):
        left_minor = payment.amount_minor
        while left_minor and first_open < len(open_dues):
            number, needed_minor = open_dues[first_open]
            taken_minor = min(left_minor, needed_minor)
            shares.append(Share(payment, number, taken_minor))
            left_minor -= taken_minor
            open_dues[first_open][1] -= taken_minor
            first_open += taken_minor == needed_minor
        if left_minor:
            shares.append(Share(payment, None, left_minor))
    return shares


def outstanding(dues: Iterable[Due], shares: Iterable[Share]) -> dict[int, int]:
    """What each installment still needs, in minor units, by number."""
    needed = {due.number: due.principal_minor for due in dues}
    for share in shares:
        if share.installment is not None:
            needed[share.installment] -= share.amount_minor
    return needed


def covered_on(due: Due, shares: Iterable[Share]) -> date | None:
    """The value date of the money that completed an installment; None while something is missing."""
    needed_minor = due.principal_minor
    for share in shares:
        if share.installment == due.number:
            needed_minor -= share.amount_minor
            if needed_minor == 0:
                return share.payment.paid_on
    return None


def difference(before: Sequence[Share], after: Sequence[Share]) -> tuple[Posting, ...]:
    """The postings that lead from one allocation to another; they add up to zero.

    Each line keeps the value date of its payment, so that the balance of every date comes out as if all had been
    known from the start.
    """
    unchanged = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    amounts: Counter[Line] = Counter()
    for share, sign in chain(((s, 1) for s in after[unchanged:]), ((s, -1) for s in before[unchanged:])):
        amounts[Line(share.payment.paid_on, "cash", "", 0)] += sign * share.amount_minor
        amounts[_credited(share)] -= sign * share.amount_minor
    return tuple(_posting(line, amount) for line, amount in sorted(amounts.items()) if amount)


def _credited(share: Share) -> Line:
    if share.installment is None:
        return Line(share.payment.paid_on, "credit", "", 0)
    return Line(share.payment.paid_on, "receivable", PRINCIPAL, share.installment)


def _posting(line: Line, amount_minor: int) -> Posting:
    if not line.component:
        return Posting(account=line.account, amount_minor=amount_minor, value_date=line.value_date)
    return Posting(
        account=line.account,
        amount_minor=amount_minor,
        value_date=line.value_date,
        component=line.component,
        installment=line.installment,
    )
