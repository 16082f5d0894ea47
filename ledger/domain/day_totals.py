"""Control totals of a day end: what the marks of some events add up to."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.books.events import OverdueTotals
from schemas.overdue.events import DelinquencyChanged
from schemas.values import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the events of a journal say after those of the last day end, up to `through_position`.

    `loans_visited`: loans to which day end has written something. `overdue`: as `overdue_totals` says.
    """

    through_position: int
    loans_visited: int
    overdue: tuple[OverdueTotals, ...] = ()


def overdue_totals(events: Iterable[Event]) -> tuple[OverdueTotals, ...]:
    """Of each currency with a mark, in the order of codes; other events count for nothing."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for event in events:
        if isinstance(event, DelinquencyChanged) and (event.marked or event.cured or event.withdrawn):
            counts = found[event.currency]
            counts[0] += len(event.marked)
            counts[1] += sum(each.overdue_minor for each in event.marked)
            counts[2] += len(event.cured)
            counts[3] += len(event.withdrawn)
    return tuple(_totals(currency, found[currency]) for currency in sorted(found))


def added(totals: Iterable[OverdueTotals]) -> tuple[OverdueTotals, ...]:
    """Totals of several parts, put together."""
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for each in totals:
        numbers = (each.marks, each.marked_minor, each.cures, each.withdrawals)
        found[each.currency] = [sum(pair) for pair in zip(found[each.currency], numbers, strict=True)]
    return tuple(_totals(currency, found[currency]) for currency in sorted(found))


def _totals(currency: str, counts: list[int]) -> OverdueTotals:
    marks, marked_minor, cures, withdrawals = counts
    return OverdueTotals(
        currency=currency, marks=marks, marked_minor=marked_minor, cures=cures, withdrawals=withdrawals
    )
