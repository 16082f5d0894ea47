"""Internal rates of return of an independent library (pyxirr, in floats): ours are the same as far as floats go."""

from datetime import date, timedelta
from decimal import Decimal

import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.annual_rates import aprc, irr
from ledger.domain.flows import Flow
from tests.flow_builders import flows, monthly, once

NEAR = Decimal("1E-9")
START = date(2025, 1, 10)
AFTER_A_LEAP_DAY = date(2025, 3, 10)  # the years counted back from the next 1,000 days have 365 each

principals = st.integers(1_000_00, 10**10)
costs = st.integers(1, 60)


@given(principal_minor=principals, percent=costs, count=st.integers(2, 60))
def test_the_rate_per_period_is_that_of_the_peer(principal_minor: int, percent: int, count: int) -> None:
    each_minor = principal_minor * (100 + percent) // 100 // count + 1
    ours = irr(once(START, principal_minor), flows(monthly(date(2025, 2, 10), count), each_minor), "1m")
    theirs = pyxirr.irr([-principal_minor, *[each_minor] * count])
    assert theirs is not None
    assert abs(ours.per_period - Decimal(theirs)) < NEAR


@given(principal_minor=principals, percent=costs, days=st.lists(st.integers(20, 700), min_size=1, max_size=12))
def test_the_rate_by_days_is_that_of_the_peer_in_years_of_365(
    principal_minor: int, percent: int, days: list[int]
) -> None:
    each_minor = principal_minor * (100 + percent) // 100 // len(days) + 1
    paid = [Flow(on=AFTER_A_LEAP_DAY + timedelta(days=number), amount_minor=each_minor) for number in days]
    theirs = pyxirr.xirr([AFTER_A_LEAP_DAY, *[flow.on for flow in paid]], [-principal_minor, *[each_minor] * len(days)])
    assert theirs is not None
    ours = aprc(once(AFTER_A_LEAP_DAY, principal_minor), paid, "1d")
    assert abs(ours - Decimal(theirs)) < NEAR * max(Decimal(1), 1 + ours)


def test_a_negative_rate_is_that_of_the_peer() -> None:
    ours = irr(once(START, 1200_00), flows(monthly(date(2025, 2, 10), 12), 90_00), "1m")
    theirs = pyxirr.irr([-1200_00, *[90_00] * 12])
    assert theirs is not None
    assert abs(ours.per_period - Decimal(theirs)) < NEAR
