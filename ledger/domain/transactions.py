"""What moves a loan's balances: facts with a date on which they count, and the order in which they are taken.

The order comes from the facts alone (value date, rank of the kind, source time, id), never from when they became
known; so the same facts give the same balances of every date, however they arrived.
"""

from datetime import date
from typing import NamedTuple

Order = tuple[date, int, str, int, str]
"""Where something stands among all that happens to a loan."""

PAYMENT, GOODWILL, MERCHANT_REFUND = "payment", "goodwill", "merchant_refund"
DISBURSEMENT, FEE, WAIVER, CREDIT_REFUND, WRITE_OFF = "disbursement", "fee", "waiver", "credit_refund", "write_off"
UNCLAIMED = "unclaimed"
TAKE_BACK = "take_back"
"""A payment that the lender had entered in error: it is owed again, but only from the day on which that was said."""

LATE_FEE_RANK, DUE_RANK = 1, 2
"""At the beginning of a day late fees are charged, then installments fall due; money of that day finds both."""

_RANKS = {
    DISBURSEMENT: 0,
    FEE: 3,
    TAKE_BACK: 4,
    PAYMENT: 5,
    GOODWILL: 5,
    MERCHANT_REFUND: 5,
    WAIVER: 5,
    CREDIT_REFUND: 6,
    UNCLAIMED: 6,
    WRITE_OFF: 7,
}


class Transaction(NamedTuple):
    """One fact. `at`: its source's local time, empty where unknown. `about`: the component that is waived, or that a
    payer designates; the payment that is taken back. `number`: the installment that a fee is charged with, or that a
    payer designates. `fee_minor`: kept back from a disbursement."""

    id: str
    kind: str
    on: date
    amount_minor: int
    at: str = ""
    about: str = ""
    number: int = 0
    fee_minor: int = 0


def order_of(transaction: Transaction) -> Order:
    """By value date, rank, source time and id; shorter ids first, so that running numbers keep their order."""
    return transaction.on, _RANKS[transaction.kind], transaction.at, len(transaction.id), transaction.id
