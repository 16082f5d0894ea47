"""How each method spreads principal and interest over the installments.

All methods give two lists in minor units: principal and interest by installment. Interest of a period is on what is
owed in it, rounded once. Principal is what the method says, and never more than what is owed; the last installment
takes what is left. A loan therefore ends early where rounding up has repaid it before its last installment.

Sources: annuity with unequal periods, from the balance equation B[k] = B[k-1] (1 + f[k]) - A solved for B[n] = 0 (S.
G. Kellison, The Theory of Interest, chapters 3 and 5): A = P prod(1 + f) / sum of prod(1 + f) after each
installment; with equal periods it is A = P i (1+i)^n / ((1+i)^n - 1). EMICalculation-Part1.feature of Apache Fineract
has the same with days.
"""

from collections.abc import Callable
from datetime import date

from ledger.domain.due_dates import Rhythm
from ledger.domain.errors import InterestNotCovered
from ledger.domain.periods import Periods
from ledger.domain.rounding import Rounder, installment_mode, rounded, rounder
from ledger.domain.terms import Method, Residue, Rounding, Terms
from schemas.values import State

Rows = tuple[list[int], list[int]]
"""Principal and interest by installment."""

Ratio = tuple[int, int]


class Loan(State, frozen=True):
    """What the methods work on. `owed_minor`: at the beginning, without the down payment."""

    terms: Terms
    rhythm: Rhythm
    periods: Periods
    count: int
    owed_minor: int
    charge: Rounder

    def interest(self, number: int, owed_minor: int) -> int:
        """Of one period, in minor units."""
        return self.charge(owed_minor * self.periods.weights[number] + self.periods.extras[number])


def equal_installments(loan: Loan) -> Rows:
    """等额本息: one amount for principal and interest together; interest is on what is owed.

    Where the rate changes or more is paid out, the amount is worked out anew from the installment after it on, or is
    one amount that knows of all changes (`installment_changes`).
    """
    terms, periods, count = loan.terms, loan.periods, loan.count
    rows: Rows = ([], [])
    owed = _interest_first(loan, rows)
    starts = [terms.principal_grace]
    if terms.installment_changes == "recalculated":
        starts += [k for k in periods.changes if k > terms.principal_grace]
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        amounts = _level_amounts(loan, owed, start, stop)
        owed = _repay(loan, owed, start, amounts, rows)
    return rows


def given_installments(loan: Loan) -> Rows:
    """An agreed amount for principal and interest together; how many there are follows."""
    rows: Rows = ([], [])
    _repay(loan, loan.owed_minor, 0, [loan.terms.installment_minor or 0] * loan.count, rows)
    return rows


def equal_principal(loan: Loan) -> Rows:
    """等额本金: principal in equal parts, interest on what is owed.

    What is paid out later is spread, together with what is left, over the installments after it.
    """
    parts, interests, owed = _principal_parts(loan), [], loan.owed_minor
    for k in range(loan.count):
        interests.append(loan.interest(k, owed))
        owed += loan.periods.added[k] - parts[k]
    return parts, interests


def interest_only(loan: Loan) -> Rows:
    """先息后本: interest each time, all principal with the last installment."""
    owed, interests = loan.owed_minor, []
    for k in range(loan.count):
        interests.append(loan.interest(k, owed))
        owed += loan.periods.added[k]
    return [0] * (loan.count - 1) + [owed], interests


def bullet(loan: Loan) -> Rows:
    """到期一次还本付息: principal and the simple interest of all periods in one installment, rounded once."""
    owed, interest = loan.owed_minor, 0
    for k in range(loan.count):
        interest += owed * loan.periods.weights[k] + loan.periods.extras[k]
        owed += loan.periods.added[k]
    return [owed], [loan.charge(interest)]


def flat(loan: Loan) -> Rows:
    """Interest (or a fee) on all that was paid out, whatever has been repaid; principal in equal parts.

    With a rounding of the installment it is the sum of both that is equal, and principal is what interest leaves.
    """
    out, interests = loan.owed_minor, []
    for k in range(loan.count):
        interests.append(loan.interest(k, out))
        out += loan.periods.added[k]
    if not _rounds_installments(loan.terms):
        return _principal_parts(loan), interests
    return _flat_principal(loan, interests), interests


def explicit(loan: Loan) -> Rows:
    """The agreed lines; interest that they leave open is on what is owed."""
    owed, interests = loan.owed_minor, []
    for k, line in enumerate(loan.terms.lines):
        interests.append(loan.interest(k, owed) if line.interest_minor is None else line.interest_minor)
        owed += loan.periods.added[k] - line.principal_minor
    return [line.principal_minor for line in loan.terms.lines], interests


METHODS: dict[Method, Callable[[Loan], Rows]] = {
    Method.EQUAL_INSTALLMENT: equal_installments,
    Method.EQUAL_PRINCIPAL: equal_principal,
    Method.INTEREST_ONLY: interest_only,
    Method.BULLET: bullet,
    Method.FLAT_INTEREST: flat,
    Method.FLAT_FEE: flat,
    Method.GIVEN_INSTALLMENT: given_installments,
    Method.EXPLICIT: explicit,
}


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


def _interest_first(loan: Loan, rows: Rows) -> int:
    """Interest of the installments that have no principal; returns what is owed after them."""
    owed = loan.owed_minor
    for k in range(loan.terms.principal_grace):
        rows[0].append(0)
        rows[1].append(loan.interest(k, owed))
        owed += loan.periods.added[k]
    return owed


def _repay(loan: Loan, owed: int, start: int, amounts: list[int], rows: Rows) -> int:
    """Pay an amount each time, first interest, then principal; returns what is owed after the amounts."""
    periods, charge, kept = loan.periods, loan.charge, loan.terms.balloon_minor
    principals, interests = rows
    if start == 0 and loan.terms.odd_days == "added":
        amounts = [amounts[0] + _odd_interest(loan), *amounts[1:]]
    last = loan.count if loan.terms.term is not None else 0
    for amount, weight, extra, more in zip(
        amounts, periods.weights[start:], periods.extras[start:], periods.added[start:], strict=False
    ):
        interest = charge(owed * weight + extra)
        interests.append(interest)
        principal = amount - interest
        owed += more
        if principal < 0:
            if len(interests) != last:
                _require_flag(loan, len(interests) - 1, amount, interest)
        elif principal > owed - kept:
            principal = max(owed - kept, 0)
        owed -= principal
        principals.append(principal)
    if len(principals) == last:
        principals[-1] += owed
        return 0
    return owed


def _odd_interest(loan: Loan) -> int:
    """What the first period's interest is more than that of a whole one; less than 0 if it is shorter."""
    return loan.interest(0, loan.owed_minor) - loan.charge(loan.owed_minor * loan.periods.regular_weight)


def _require_flag(loan: Loan, number: int, amount: int, interest: int) -> None:
    if not loan.terms.negative_amortisation:
        due_on: date = loan.periods.due_on[number]
        given = loan.terms.method is Method.GIVEN_INSTALLMENT
        raise InterestNotCovered(
            f"asked for an installment of {amount} minor units on {due_on}, which does not cover the interest of "
            f"{interest} due with it; agree on a larger one, or set negative_amortisation to let the loan grow",
            "installment_minor" if given else "negative_amortisation",
        )


def _level_amounts(loan: Loan, owed: int, start: int, stop: int) -> list[int]:
    """The amounts of installments `start` to `stop` - 1, worked out as if nothing changed after `stop`."""
    terms = loan.terms
    top, bottom = _level(loan, owed, start)
    mode, multiple = _installment_rounding(terms)
    if terms.rounding.residue is Residue.LAST:
        return [rounded(mode, max(top, 0), bottom, multiple)] * (stop - start)
    if terms.rounding.residue is Residue.SPREAD:
        mode = Rounding.DOWN
    amount = rounded(mode, max(top, 0), bottom, multiple)
    amounts = _with_residue(loan, start, top, bottom, amount)
    if amounts[0] < loan.interest(start, owed):
        amounts = [amount] * len(amounts)
    return amounts[: stop - start]


def _with_residue(loan: Loan, start: int, top: int, bottom: int, amount: int) -> list[int]:
    """Equal amounts, and what their rounding leaves over put on the first or spread from the first on.

    An amount on an earlier installment repays more than the same on a later one, so the residue is taken at its value
    on the day it is paid. What interest's own rounding leaves is with the last installment, and so is all of it where
    the first installment would not cover its interest.
    """
    weights, denominator = _known_weights(loan, start)
    values, grown = [], 1
    for weight in reversed(weights[1:]):
        values.append(grown)
        grown = grown * (denominator + weight)
    values.append(grown)
    scaled = [value * denominator**k for k, value in enumerate(reversed(values))]
    missing, each = (top - amount * bottom) * sum(scaled), bottom
    count = len(weights)
    if loan.terms.rounding.residue is Residue.FIRST:
        sign = 1 if missing >= 0 else -1
        first = amount + sign * rounded(loan.terms.rounding.mode, abs(missing), each * scaled[0])
        return [first] + [amount] * (count - 1)
    _, multiple = _installment_rounding(loan.terms)
    raised = 0
    while raised < count and missing >= multiple * each * scaled[raised]:
        missing -= multiple * each * scaled[raised]
        raised += 1
    return [amount + multiple] * raised + [amount] * (count - raised)


def _level(loan: Loan, owed: int, start: int) -> Ratio:
    """The exact amount of the installments from `start` on."""
    weights, denominator = _known_weights(loan, start)
    periods, left = loan.periods, loan.terms.balloon_minor
    by_days = loan.terms.installment_period == "day_count"
    scale = denominator if not by_days else 1
    known = loan.count if loan.terms.installment_changes == "level" else start + 1
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


def _known_weights(loan: Loan, start: int) -> tuple[list[int], int]:
    """Interest on one unit of the periods from `start` on, as the amount of an installment takes it."""
    terms, periods = loan.terms, loan.periods
    level = terms.installment_changes == "level"
    if terms.installment_period == "period":
        top, below = loan.rhythm.every.share
        rates = periods.rates[start:] if level else [periods.rates[start]] * (loan.count - start)
        free = [0 if share == 0 else top for share in periods.shares[start:]]
        return [rate * share for rate, share in zip(rates, free, strict=True)], periods.rate_denominator * below
    weights = periods.weights[start:]
    if periods.changes and not level:
        rate = periods.rates[start]
        weights = [weights[0], *(rate * share for share in periods.shares[start + 1 :])]
    if terms.odd_days == "added" and start == 0:
        weights[0] = periods.regular_weight
    return weights, periods.denominator


def _principal_parts(loan: Loan) -> list[int]:
    """Equal parts of principal after the grace, with the balloon on the last."""
    parts, left = [0] * loan.terms.principal_grace, loan.owed_minor - loan.terms.balloon_minor
    added, count = loan.periods.added, loan.count
    left += sum(added[: len(parts)])
    starts = [len(parts), *(k for k in loan.periods.changes if k > len(parts) and added[k])]
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        left += added[start]
        cut = _equal_parts(loan.terms, max(left, 0), count - start)[: stop - start]
        parts += cut
        left -= sum(cut)
    parts[-1] += loan.terms.balloon_minor + left
    return parts


def _equal_parts(terms: Terms, total: int, count: int) -> list[int]:
    mode, multiple = _installment_rounding(terms)
    residue = terms.rounding.residue
    part = rounded(Rounding.DOWN if residue is Residue.SPREAD else mode, total, count, multiple)
    if residue is Residue.SPREAD:
        raised, rest = divmod(total - part * count, multiple)
        parts = [part + multiple] * raised + [part] * (count - raised)
        parts[-1] += rest
        return parts
    over = total - part * (count - 1)
    if residue is Residue.FIRST and over >= 0:
        return [over] + [part] * (count - 1)
    return _up_to([part] * count, total)


def _flat_principal(loan: Loan, interests: list[int]) -> list[int]:
    """Principal beside interest in equal installments."""
    terms, periods, count = loan.terms, loan.periods, loan.count
    owed, grace = loan.owed_minor + sum(periods.added), terms.principal_grace
    left = owed - terms.balloon_minor
    mode, multiple = _installment_rounding(terms)
    residue, charged = terms.rounding.residue, interests[grace:]
    total = left + sum(charged)
    amount = rounded(Rounding.DOWN if residue is Residue.SPREAD else mode, total, count - grace, multiple)
    raised = (total - amount * (count - grace)) // multiple if residue is Residue.SPREAD else 0
    parts = [amount + (multiple if k < raised else 0) - interest for k, interest in enumerate(charged)]
    for k, part in enumerate(parts):
        if part < 0:
            _require_flag(loan, grace + k, amount, charged[k])
    over = left - sum(parts)
    if residue is Residue.FIRST and parts[0] + over >= 0:
        parts[0] += over
    else:
        parts = _up_to(parts, left)
    parts[-1] += terms.balloon_minor
    return [0] * grace + parts


def _up_to(parts: list[int], total: int) -> list[int]:
    """Parts in order until they have used up the total; the last takes what is left."""
    cut = []
    for part in parts:
        cut.append(min(part, total))
        total -= cut[-1]
    cut[-1] += total
    return cut


def _rounds_installments(terms: Terms) -> bool:
    return terms.rounding.installment.value != "none"


def _installment_rounding(terms: Terms) -> tuple[Rounding, int]:
    return installment_mode(terms.rounding.installment, terms.rounding.mode), terms.rounding.multiple_minor


def charge_of(terms: Terms, periods: Periods) -> Rounder:
    """Rounds the interest of a period."""
    return rounder(terms.rounding.mode, periods.denominator, terms.rounding.interest_multiple_minor)
