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

from schemas.values import Posting, State

PRINCIPAL = "principal"


class Due(State, frozen=True):
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


class Cover(State, frozen=True):
    """How far payments cover one installment, in minor units.

    `in_time_minor`: by money whose value date is not after the due date. `covered_on`: the value date of the money that
    completed it; None while something is missing.
    """

    number: int
    due_on: date
    needed_minor: int
    in_time_minor: int = 0
    covered_on: date | None = None


class Coverage(State, frozen=True):
    """What all payments together do. `covers`: in the order in which installments are covered; `newest`: where the last
    payment stands in the order of payments."""

    covers: tuple[Cover, ...]
    credit_minor: int = 0
    paid_minor: int = 0
    newest: tuple[date, str, str] | None = None

    @property
    def needed_minor(self) -> int:
        return sum(cover.needed_minor for cover in self.covers)

    @property
    def by_number(self) -> dict[int, Cover]:
        return {cover.number: cover for cover in self.covers}

    def is_followed_by(self, payment: Payment) -> bool:
        """Whether a payment comes after all those that are in here."""
        return self.newest is None or self.newest < order_of(payment)


def order_of(payment: Payment) -> tuple[date, str, str]:
    """Payments are taken in this order."""
    return payment.paid_on, payment.received_at, payment.payment_id


def uncovered(dues: Iterable[Due]) -> Coverage:
    """Before the first payment."""
    return Coverage(
        covers=tuple(
            Cover(number=due.number, due_on=due.due_on, needed_minor=due.principal_minor)
            for due in sorted(dues, key=lambda due: (due.due_on, due.number))
        )
    )


def cover(before: Coverage, payment: Payment) -> tuple[Coverage, list[Share]]:
    """Spread one payment that comes after all others; its shares add up to its amount."""
    covers = list(before.covers)
    shares: list[Share] = []
    left_minor = payment.amount_minor
    for n, each in enumerate(covers):
        if not left_minor:
            break
        if taken_minor := min(left_minor, each.needed_minor):
            covers[n] = _covered(each, taken_minor, payment.paid_on)
            shares.append(Share(payment, each.number, taken_minor))
            left_minor -= taken_minor
    if left_minor:
        shares.append(Share(payment, None, left_minor))
    after = Coverage(
        covers=tuple(covers),
        credit_minor=before.credit_minor + left_minor,
        paid_minor=before.paid_minor + payment.amount_minor,
        newest=order_of(payment),
    )
    return after, shares


def cover_all(dues: Iterable[Due], payments: Iterable[Payment]) -> tuple[Coverage, list[Share]]:
    """Spread all payments over all installments, in whatever order they became known."""
    coverage, shares = uncovered(dues), list[Share]()
    for payment in sorted(payments, key=order_of):
        coverage, own = cover(coverage, payment)
        shares += own
    return coverage, shares


def _covered(before: Cover, taken_minor: int, paid_on: date) -> Cover:
    needed_minor = before.needed_minor - taken_minor
    return Cover(
        number=before.number,
        due_on=before.due_on,
        needed_minor=needed_minor,
        in_time_minor=before.in_time_minor + (taken_minor if paid_on <= before.due_on else 0),
        covered_on=None if needed_minor else paid_on,
    )


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
