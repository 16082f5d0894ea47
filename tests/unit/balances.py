"""Sums over the postings of events, for tests that compare whole lives."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from schemas.values import Event, MoneyEvent

Cell = tuple[date, str, str, int]


def balances(events: Sequence[Event]) -> dict[Cell, int]:
    """By value date, account, component and installment; zeros left out."""
    sums: Counter[Cell] = Counter()
    for event in events:
        if isinstance(event, MoneyEvent):
            for posting in event.postings:
                cell = posting.value_date, posting.account, posting.component or "", posting.installment or 0
                sums[cell] += posting.amount_minor
    return {cell: amount_minor for cell, amount_minor in sums.items() if amount_minor}
