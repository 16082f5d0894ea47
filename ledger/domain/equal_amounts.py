"""Equal installments: the exact amount, its rounding, and where the residue goes.

The amount follows from the balance equation B[k] = B[k-1] (1 + f[k]) - A with B[n] = 0, where f[k] is the interest of
period k on one unit: A = P prod(1 + f) / sum over the installments of prod(1 + f of the periods after it). Where all
periods are the same it is A = P i (1+i)^n / ((1+i)^n - 1). All of it is in whole numbers, so rounding is never wrong
because of digits that are missing.

Sources: S. G. Kellison, The Theory of Interest, chapters 3 and 5; with periods by days, EMICalculation-Part1.feature
of Apache Fineract.
"""

from collections.abc import Sequence

from ledger.domain import daycount
from ledger.domain.frame import Frame
from ledger.domain.rounding import rounded
from ledger.domain.terms import Residue, Rounding

Ratio = tuple[int, int]

_WHOLE = 1 << 256
"""Present values are whole numbers of this; they only say which installments take the residue."""


def level_amounts(frame: Frame, owed: int, start: int, stop: int) -> list[int]:
    """The amounts of installments `start` to `stop` - 1, worked out as if nothing changed after `stop`."""
    terms = frame.terms
    top, bottom = exact = _level(frame, owed, start)
    mode, multiple = frame.installment_rounding
    if terms.rounding.residue is Residue.SPREAD:
        mode = Rounding.DOWN
    amount = rounded(mode, max(top, 0), bottom, multiple)
    if terms.rounding.residue is Residue.LAST:
        return [amount] * (stop - start)
    if terms.rounding.residue is Residue.EVENED:
        return [_evened(frame, owed, start, amount)] * (stop - start)
    amounts = _with_residue(frame, start, exact, amount)
    if amounts[0] < frame.interest(start, owed):
        amounts = [amount] * len(amounts)
    return amounts[: stop - start]


def level_ratio(
    owed_minor: int, weights: list[int], denominator: int, left_minor: int = 0, coming: Sequence[int] = ()
) -> Ratio:
    """The exact amount that, paid at the end of each period, leaves `left_minor` after the last one.

    `weights` / `denominator`: interest of each period on one unit. `coming` / `denominator`: what is paid out within
    each period, with its interest to the end of that. Returns numerator and denominator.

    >>> top, bottom = level_ratio(12_000_00, [18] * 12, 1200)
    >>> top * 10**8 // bottom  # 1,100.159914874747...
    11001599148747
    """
    count, first = len(weights), weights[0]
    if not coming and weights.count(first) == count:
        if first == 0:
            return owed_minor - left_minor, count
        grown, flat = (denominator + first) ** count, denominator**count
        return first * (owed_minor * grown - left_minor * flat), (grown - flat) * denominator
    grown, payments, arrived = 1, 0, 0
    for k in range(count - 1, -1, -1):
        payments = payments * denominator + grown
        if coming:
            arrived = arrived * denominator + coming[k] * grown
        grown *= denominator + weights[k]
    return owed_minor * grown + arrived - left_minor * denominator**count, payments * denominator


def _evened(frame: Frame, owed: int, start: int, amount: int) -> int:
    """The amount, moved by an equal share of what the last installment differs from it by.

    It is moved while the last differs by more minor units than half the number of installments, and as long as that
    makes it differ less, three times at most (Apache Fineract, EmiAdjustment.java).
    """
    count, gap = frame.count - start, _gap(frame, owed, start, amount)
    mode, multiple = frame.installment_rounding
    for _ in range(3):
        share = rounded(mode, abs(gap), count, multiple)
        moved = amount + (share if gap > 0 else -share)
        if abs(gap) <= count // 2 or moved == amount or count == 1:
            break
        moved_gap = _gap(frame, owed, start, moved)
        if abs(moved_gap) >= abs(gap):
            break
        amount, gap = moved, moved_gap
    return amount


def _gap(frame: Frame, owed: int, start: int, amount: int) -> int:
    """What the last installment is more than the others, if nothing changes after `start` that is not known."""
    periods, charge = frame.periods, frame.charge
    weights, known = periods.weights[start:], _known_until(frame, start)
    if frame.terms.installment_changes == "recalculated" and periods.changes:
        rate = periods.rates[start]
        weights = [weights[0], *(rate * share for share in periods.shares[start + 1 :])]
    for k, weight in enumerate(weights, start):
        coming = k < known
        owed += charge(max(owed, 0) * weight + (periods.extras[k] if coming else 0)) - amount
        owed += periods.added[k] if coming else 0
    return owed - frame.terms.balloon_minor


def _with_residue(frame: Frame, start: int, exact: Ratio, amount: int) -> list[int]:
    """Equal amounts, and what their rounding leaves over put on the first or spread from the first on.

    An amount on an earlier installment repays more than the same on a later one, so the residue is taken at its value
    on the day it is paid. What interest's own rounding leaves is with the last installment, and so is all of it where
    the first installment would not cover its interest.
    """
    values = _present_values(*_known_weights(frame, start))
    missing, count = (exact[0] - amount * exact[1]) * sum(values) // exact[1], len(values)
    mode, multiple = frame.terms.rounding.mode, frame.terms.rounding.multiple_minor
    if frame.terms.rounding.residue is Residue.FIRST:
        share = rounded(mode, abs(missing), values[0])
        return [amount + (share if missing > 0 else -share)] + [amount] * (count - 1)
    raised = 0
    while raised < count and missing >= multiple * values[raised] > 0:
        missing -= multiple * values[raised]
        raised += 1
    return [amount + multiple] * raised + [amount] * (count - raised)


def _present_values(weights: list[int], denominator: int) -> list[int]:
    """What one unit at the end of each period is worth at the beginning, in parts of `_WHOLE`."""
    value, values = _WHOLE, []
    for weight in weights:
        value = value * denominator // (denominator + weight)
        values.append(value)
    return values


def _level(frame: Frame, owed: int, start: int) -> Ratio:
    """The exact amount of the installments from `start` on."""
    weights, denominator = _known_weights(frame, start)
    left = min(frame.terms.balloon_minor, owed + sum(frame.periods.added[start : _known_until(frame, start)]))
    return level_ratio(owed, weights, denominator, left, _coming(frame, start, denominator))


def _coming(frame: Frame, start: int, denominator: int) -> list[int]:
    """What is paid out later, period by period, as far as the amount knows of it; empty where nothing is."""
    periods, stop = frame.periods, _known_until(frame, start)
    if not periods.changes:
        return []
    coming = [added * denominator for added in periods.added[start:stop]]
    if frame.terms.installment_period == "day_count":
        coming = [paid + extra for paid, extra in zip(coming, periods.extras[start:stop], strict=True)]
    return coming + [0] * (frame.count - stop) if any(coming) else []


def _known_until(frame: Frame, start: int) -> int:
    """The first period of which the amount does not know what is paid out in it."""
    return frame.count if frame.terms.installment_changes == "level" else start + 1


def _known_weights(frame: Frame, start: int) -> tuple[list[int], int]:
    """Interest on one unit of the periods from `start` on, as the amount of an installment takes it."""
    terms, periods = frame.terms, frame.periods
    level = terms.installment_changes == "level"
    if terms.installment_period != "day_count":
        top, below = _equal_share(frame)
        rates = periods.rates[start:] if level else [periods.rates[start]] * (frame.count - start)
        free = [0 if share == 0 else top for share in periods.shares[start:]]
        return [rate * share for rate, share in zip(rates, free, strict=True)], periods.rate_denominator * below
    weights = periods.weights[start:]
    if periods.changes and not level:
        rate = periods.rates[start]
        weights = [weights[0], *(rate * share for share in periods.shares[start + 1 :])]
    if terms.odd_days == "added" and start == 0:
        weights[0] = periods.regular_weight
    return weights, periods.denominator


def _equal_share(frame: Frame) -> Ratio:
    """The share of a year of every period, where all are taken as equal."""
    every = frame.rhythm.every
    if frame.terms.installment_period == "period":
        return every.share
    days = 30 * every.count if every.monthly else every.days
    return days, 360 if daycount.denominator(frame.terms.day_count) == 360 else 365
