"""Flows of loans: what is advanced and paid, in minor units, on regular dates."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from ledger.domain.flows import Flow


def flows(dates: Sequence[date], amount_minor: int) -> list[Flow]:
    return [Flow(on=on, amount_minor=amount_minor) for on in dates]


def once(on: date, amount_minor: int) -> list[Flow]:
    return flows([on], amount_minor)


def monthly(first: date, count: int, *, step: int = 1) -> list[date]:
    """Every `step` months on the day of the first; on the last day of a month that does not have it."""
    dates = []
    for number in range(count):
        year, month = divmod(12 * first.year + first.month - 1 + number * step, 12)
        dates.append(date(year, month + 1, min(first.day, monthrange(year, month + 1)[1])))
    return dates


def daily(first: date, count: int, *, step: int) -> list[date]:
    return [first + timedelta(days=number * step) for number in range(count)]
