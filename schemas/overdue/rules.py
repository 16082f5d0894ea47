"""What overdue means for a loan: rules that are set for it, and carried by the event that sets them."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from schemas.loans.servicing import Rate
from schemas.values import ABSENT, Absent, AmountMinor, Count, Text, Value

FirstDay = Annotated[int, Meta(ge=0, le=1)]


class CounterRule(Value, frozen=True):
    """How one counter of days past due counts.

    `grace_days`: days after the due date in which money is still in time; unless `counts_grace`, they do not count
    either. `first_day`: the number of the due date itself, 0 or 1. `tolerance_minor`: so much may be missing; with
    `tolerance_share` too, more than that share of the principal must be missing as well.
    """

    grace_days: Count = 0
    counts_grace: bool = True
    first_day: FirstDay = 0
    tolerance_minor: AmountMinor = 0
    tolerance_share: Rate | Absent = ABSENT


class OverdueRules(Value, frozen=True):
    """`policy`: id and version of where these values come from. `calendar`: where the last day in time is closed, the
    next open one takes its place.

    `contractual` decides on marks and buckets; `bureau` is what a credit bureau is told; `regulatory` is what decides
    on classification and default.
    """

    policy: Text
    calendar: Text | Absent = ABSENT
    contractual: CounterRule = CounterRule()
    bureau: CounterRule = CounterRule()
    regulatory: CounterRule = CounterRule()


class MovedDay(Value, frozen=True):
    """A closed day that would be the last one in time, and the open one that is."""

    closed_on: date
    open_on: date
