"""Equal installments: the exact amount, its rounding, and where the residue goes.

The amount follows from the balance equation B[k] = B[k-1] (1 + f[k]) - A with B[n] = 0, where f[k] is the interest of
period k on one unit: A = P prod(1 + f) / sum over the installments of prod(1 + f of the periods after it). Where all
periods are the same it is A = P i (1+i)^n / ((1+i)^n - 1). All of it is in whole numbers, so rounding is never wrong
because of digits that are missing.

Sources: S. G. Kellison, The Theory of Interest, chapters 3 and 5; with periods by days, EMICalculation-Part1.feature
of Apache Fineract.
"""

from ledger.domain.frame import Frame
from ledger.domain.rounding import rounded
from ledger.domain.terms import Residue, Rounding

Ratio = tuple[int, int]


def level_amounts(frame: Frame, owed: int, start: int, stop: int) -> list[int]:
    """The amounts of installments `start` to `stop` - 1, worked out as if nothing changed after `stop`."""
    terms = frame.terms
    top, bottom = _level(frame, owed, start)
    mode, multiple = frame.installment_rounding
    if terms.rounding.residue is Residue.SPREAD:
        mode = Rounding.DOWN
    amount = rounded(mode, max(top, 0), bottom, multiple)
    if terms.rounding.residue is Residue.LAST:
        return [amount] * (stop - start)
    if terms.rounding.residue is Residue.EVENED:
        return [_evened(frame, owed, start, amount)] * (stop - start)
    amounts = _with_residue(frame, start, top, bottom, amount)
    if amounts[0] < frame.interest(start, owed):
        amounts = [amount] * len(amounts)
    return amounts[: stop - start]


def level_ratio(owed_minor: int, weights: list[int], denominator: int, left_minor: int = 0) -> Ratio:
    """The exact amount that, paid at the end of each period, leaves `left_minor` after the last one.

    `weights` / `denominator`: interest of each period on one unit. Returns numerator and denominator.

    >>> top, bottom = level_ratio(12_000_00, [18] * 12, 1200)
    >>> top * 10**8 // bottom  # 1,100.159914874747...
    11001599148747
    """
    count, first = len(weights), weights[0]
    if first == 0 and not any(weights):
        return owed_minor - left_minor, count
    if weights.count(first) == count:
        grown, flat = (denominator + first) ** count, denominator**count
        return first * (owed_minor * grown - left_minor * flat), (grown - flat) * denominator
    grown, payments = 1, 0
    for weight in reversed(weights):
        payments = payments * denominator + grown
        grown *= denominator + weight
    return owed_minor * grown - left_minor * denominator**count, payments * denominator


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
    weights = periods.weights[start:]
    known = frame.count
    if frame.terms.installment_changes == "recalculated" and periods.changes:
        rate, known = periods.rates[start], start + 1
        weights = [weights[0], *(rate * share for share in periods.shares[start + 1 :])]
    for k, weight in enumerate(weights, start):
        coming = k < known
        owed += charge(max(owed, 0) * weight + (periods.extras[k] if coming else 0)) - amount
        owed += periods.added[k] if coming else 0
    return owed - frame.terms.balloon_minor


def _with_residue(frame: Frame, start: int, top: int, bottom: int, amount: int) -> list[int]:
    """Equal amounts, and what their rounding leaves over put on the first or spread from the first on.

    An amount on an earlier installment repays more than the same on a later one, so the residue is taken at its value
    on the day it is paid. What interest's own rounding leaves is with the last installment, and so is all of it where
    the first installment would not cover its interest.
    """
    weights, denominator = _known_weights(frame, start)
    values, grown = [], 1
    for weight in reversed(weights[1:]):
        values.append(grown)
        grown = grown * (denominator + weight)
    values.append(grown)
    scaled = [value * denominator**k for k, value in enumerate(reversed(values))]
    missing, each = (top - amount * bottom) * sum(scaled), bottom
    count = len(weights)
    if frame.terms.rounding.residue is Residue.FIRST:
        sign = 1 if missing >= 0 else -1
        first = amount + sign * rounded(frame.terms.rounding.mode, abs(missing), each * scaled[0])
        return [first] + [amount] * (count - 1)
    _, multiple = frame.installment_rounding
    raised = 0
    while raised < count and missing >= multiple * each * scaled[raised]:
        missing -= multiple * each * scaled[raised]
        raised += 1
    return [amount + multiple] * raised + [amount] * (count - raised)


def _level(frame: Frame, owed: int, start: int) -> Ratio:
    """The exact amount of the installments from `start` on."""
    weights, denominator = _known_weights(frame, start)
    periods, left = frame.periods, frame.terms.balloon_minor
    by_days = frame.terms.installment_period == "day_count"
    scale = denominator if not by_days else 1
    known = frame.count if frame.terms.installment_changes == "level" else start + 1
    top, bottom = level_ratio(owed, weights, denominator, left)
    for k in range(start, known):
        if paid_out := periods.added[k] * (periods.denominator if by_days else scale):
            coming = paid_out + (periods.extras[k] if by_days else 0)
            after = weights[k - start + 1 :]
            more = _value_at_end(coming, after, denominator)
            payments = level_ratio(1, weights, denominator)
            top, bottom = _sum((top, bottom), _payment_for(more, weights, denominator, payments))
    return top, bottom


def _value_at_end(amount: int, weights: list[int], denominator: int) -> Ratio:
    """What an amount over `denominator` has grown to after periods."""
    grown = 1
    for weight in weights:
        grown *= denominator + weight
    return amount * grown, denominator ** (len(weights) + 1)


def _payment_for(value: Ratio, weights: list[int], denominator: int, for_one: Ratio) -> Ratio:
    """The level amount that a value after the last period is worth."""
    grown, flat = _value_at_end(denominator, weights, denominator)
    return value[0] * for_one[0] * flat, value[1] * for_one[1] * grown


def _sum(one: Ratio, other: Ratio) -> Ratio:
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _known_weights(frame: Frame, start: int) -> tuple[list[int], int]:
    """Interest on one unit of the periods from `start` on, as the amount of an installment takes it."""
    terms, periods = frame.terms, frame.periods
    level = terms.installment_changes == "level"
    if terms.installment_period == "period":
        top, below = frame.rhythm.every.share
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
