"""What changes hands over the life of a loan, and whether there is one rate that makes both sides equal."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import NamedTuple

from ledger.domain.errors import InvalidAmount, NoAnnualRate, SeveralAnnualRates
from schemas.values import State

_on = attrgetter("on")


class Flow(State, frozen=True):
    """An amount that changes hands, in minor units (0 or more)."""

    on: date
    amount_minor: int


class Side(NamedTuple):
    """Advances or payments that are more than nothing, by date."""

    on: list[date]
    amounts: list[int]


def side(flows: Iterable[Flow]) -> Side:
    """The flows in the order of their dates. Raises `InvalidAmount` for one that is less than nothing."""
    ordered = sorted(flows, key=_on)
    amounts = [flow.amount_minor for flow in ordered]
    if min(amounts, default=1) <= 0:
        if any(flow.amount_minor < 0 for flow in ordered):
            raise InvalidAmount(
                "asked for an annual rate; an advance or a payment is negative. Give it on the other side"
            )
        ordered = [flow for flow in ordered if flow.amount_minor]
        amounts = [amount for amount in amounts if amount]
    return Side([flow.on for flow in ordered], amounts)


def require_one_rate(advances: Side, payments: Side) -> None:
    """Refuse flows that have no rate, or that may have several.

    Discounted flows have at most as many roots above a rate of 0 as the balance of what was paid and advanced so far
    changes its sign (Laguerre 1883; Norstrom 1972), and as many below 0 as the balance of what is still to come does.
    """
    if not advances.on or not payments.on:
        missing = "paid back" if advances.on else "advanced"
        raise NoAnnualRate(
            f"asked for the annual rate of a loan of which nothing is {missing}. Give advances and payments"
        )
    if len(advances.on) == 1 and payments.on[0] > advances.on[0]:
        return
    net = _net(advances, payments)
    if not net or net[0] > 0:
        raise NoAnnualRate(
            f"asked for the annual rate of a loan in which the borrower pays first, or as much as is advanced, on "
            f"{min(advances.on[0], payments.on[0])}. Give the amount that is really advanced"
        )
    if net[-1] < 0:
        raise NoAnnualRate("asked for the annual rate of a loan in which the last flow is an advance, never paid back")
    if _may_have_several(net):
        raise SeveralAnnualRates(
            "asked for the annual rate of flows in which lender and borrower take turns in owing; several rates may "
            "solve them, so none is the rate. Split them into loans that each end before the next"
        )


def without_first_payments(advances: Side, payments: Side) -> tuple[Side, Side]:
    """The same flows, with what is paid on the day of the first advance taken off it: that is what is really lent."""
    first = advances.on[0]
    if payments.on[0] > first:
        return advances, payments
    paid, lent = payments.on.count(first), advances.on.count(first)
    net = sum(advances.amounts[:lent]) - sum(payments.amounts[:paid])
    return (
        Side([first, *advances.on[lent:]], [net, *advances.amounts[lent:]]),
        Side(payments.on[paid:], payments.amounts[paid:]),
    )


def _may_have_several(net: list[int]) -> bool:
    total = sum(net)
    so_far, to_come = list(accumulate(net)), list(accumulate(reversed(net)))
    if total > 0:
        return _changes(so_far) > 1
    if total == 0:
        return _changes(so_far) > 0
    return _changes(so_far) > 0 or _changes(to_come) > 1


def _net(advances: Side, payments: Side) -> list[int]:
    """What is paid less what is advanced on each date on which they differ."""
    amounts: dict[date, int] = defaultdict(int)
    for on, amount_minor in zip(*payments, strict=True):
        amounts[on] += amount_minor
    for on, amount_minor in zip(*advances, strict=True):
        amounts[on] -= amount_minor
    return [amounts[on] for on in sorted(amounts) if amounts[on]]


def _changes(balances: Iterable[int]) -> int:
    signs = [balance > 0 for balance in balances if balance]
    return sum(before != after for before, after in pairwise(signs))
