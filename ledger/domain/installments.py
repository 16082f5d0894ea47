"""How each method spreads principal and interest over the installments.

All methods give two lists in minor units: principal and interest by installment. Interest of a period is on what is
owed in it, rounded once. Principal is what the method says, and never more than what is owed; the last installment
takes what is left. A loan therefore ends early where rounding up has repaid it before its last installment.
"""

from collections.abc import Callable

from ledger.domain.equal_amounts import level_amounts
from ledger.domain.equal_parts import principal_beside, principal_parts
from ledger.domain.errors import InvalidTerms
from ledger.domain.frame import Frame, require_covered
from ledger.domain.interest import read_rate
from ledger.domain.rounding import rounded
from ledger.domain.terms import InstallmentRounding, Method, Revolving, Rounding

Rows = tuple[list[int], list[int]]
"""Principal and interest by installment."""


def equal_installments(frame: Frame) -> Rows:
    """等额本息: one amount for principal and interest together; interest is on what is owed.

    Where the rate changes or more is paid out, the amount is worked out anew from the installment after it on, or is
    one amount that knows of all changes (`installment_changes`).
    """
    terms, periods, count = frame.terms, frame.periods, frame.count
    rows: Rows = ([], [])
    owed = _interest_first(frame, rows)
    starts = [terms.principal_grace]
    if terms.installment_changes == "recalculated":
        starts += [k for k in periods.changes if k > terms.principal_grace]
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        amounts = level_amounts(frame, owed, start, stop)
        owed = _repay(frame, owed, start, amounts, rows)
    return rows


def given_installments(frame: Frame) -> Rows:
    """An agreed amount for principal and interest together; how many there are follows."""
    rows: Rows = ([], [])
    _repay(frame, frame.owed_minor, 0, [frame.terms.installment_minor or 0] * frame.count, rows)
    return rows


def equal_principal(frame: Frame) -> Rows:
    """等额本金: principal in equal parts, interest on what is owed.

    What is paid out later is spread, together with what is left, over the installments after it.
    """
    parts, interests, owed = principal_parts(frame), [], frame.owed_minor
    for k in range(frame.count):
        interests.append(frame.interest(k, owed))
        owed += frame.periods.added[k] - parts[k]
    return parts, interests


def interest_only(frame: Frame) -> Rows:
    """先息后本: interest each time, all principal with the last installment."""
    owed, interests = frame.owed_minor, []
    for k in range(frame.count):
        interests.append(frame.interest(k, owed))
        owed += frame.periods.added[k]
    return [0] * (frame.count - 1) + [owed], interests


def bullet(frame: Frame) -> Rows:
    """到期一次还本付息: principal and the simple interest of all periods in one installment, rounded once."""
    owed, interest = frame.owed_minor, 0
    for k in range(frame.count):
        interest += owed * frame.periods.weights[k] + frame.periods.extras[k]
        owed += frame.periods.added[k]
    return [owed], [frame.charge(interest)]


def flat(frame: Frame) -> Rows:
    """Interest (or a fee) on all that was paid out, whatever has been repaid; principal in equal parts.

    With a rounding of the installment it is the sum of both that is equal, and principal is what interest leaves.
    """
    out, interests = frame.owed_minor, []
    for k in range(frame.count):
        interests.append(frame.interest(k, out))
        out += frame.periods.added[k]
    if frame.terms.rounding.installment is InstallmentRounding.NONE:
        return principal_parts(frame), interests
    return principal_beside(frame, interests), interests


def explicit(frame: Frame) -> Rows:
    """The agreed lines; interest that they leave open is on what is owed."""
    owed, interests = frame.owed_minor, []
    for k, line in enumerate(frame.terms.lines):
        interests.append(frame.interest(k, owed) if line.interest_minor is None else line.interest_minor)
        owed += frame.periods.added[k]
        if line.principal_minor > owed:
            raise InvalidTerms(
                f"asked for a principal of {line.principal_minor} minor units on {line.due_on}, when {owed} are owed; "
                "pay it back after it is paid out",
                f"lines[{k}].principal_minor",
            )
        owed -= line.principal_minor
    return [line.principal_minor for line in frame.terms.lines], interests


def revolving(frame: Frame) -> Rows:
    """循环: as if all were drawn at first, and each time the minimum were paid; the last installment takes the rest."""
    rows: Rows = ([], [])
    owed, terms = frame.owed_minor, frame.terms.revolving
    assert terms, "checked before"
    for k in range(frame.count):
        interest = frame.interest(k, owed)
        least = minimum_minor(terms, frame.terms.rounding.mode, owed, interest)
        principal = owed if k == frame.count - 1 else max(0, least - interest)
        rows[0].append(principal)
        rows[1].append(interest)
        owed -= principal
    return rows


METHODS: dict[Method, Callable[[Frame], Rows]] = {
    Method.EQUAL_INSTALLMENT: equal_installments,
    Method.EQUAL_PRINCIPAL: equal_principal,
    Method.INTEREST_ONLY: interest_only,
    Method.BULLET: bullet,
    Method.FLAT_INTEREST: flat,
    Method.FLAT_FEE: flat,
    Method.GIVEN_INSTALLMENT: given_installments,
    Method.EXPLICIT: explicit,
    Method.REVOLVING: revolving,
}


def minimum_minor(revolving: Revolving, mode: Rounding, principal_minor: int, charged_minor: int) -> int:
    """What a statement asks for of a balance of principal, and of interest and fees: those, and a share of principal;
    in all no less than the agreed least amount, and no more than the balance."""
    top, bottom = read_rate(revolving.minimum_share, "revolving.minimum_share")
    asked = charged_minor + rounded(mode, principal_minor * top, bottom)
    return min(max(asked, revolving.minimum_minor), principal_minor + charged_minor)


def _interest_first(frame: Frame, rows: Rows) -> int:
    """Interest of the installments that have no principal; returns what is owed after them."""
    owed = frame.owed_minor
    for k in range(frame.terms.principal_grace):
        rows[0].append(0)
        rows[1].append(frame.interest(k, owed))
        owed += frame.periods.added[k]
    return owed


def _repay(frame: Frame, owed: int, start: int, amounts: list[int], rows: Rows) -> int:
    """Pay an amount each time, first interest, then principal; returns what is owed after the amounts."""
    periods, charge, kept = frame.periods, frame.charge, frame.terms.balloon_minor
    principals, interests = rows
    if start == 0 and frame.terms.odd_days == "added":
        amounts = [amounts[0] + _odd_interest(frame), *amounts[1:]]
    last = frame.count if frame.terms.term is not None else 0
    for amount, weight, extra, more in zip(
        amounts, periods.weights[start:], periods.extras[start:], periods.added[start:], strict=False
    ):
        interest = charge(owed * weight + extra)
        interests.append(interest)
        principal = amount - interest
        owed += more
        if owed <= kept or principal > owed - kept:
            principal = max(owed - kept, 0)
        elif principal < 0 and len(interests) != last:
            require_covered(frame, len(interests) - 1, amount, interest)
        owed -= principal
        principals.append(principal)
    if len(principals) == last:
        principals[-1] += owed
        return 0
    return owed


def _odd_interest(frame: Frame) -> int:
    """What the first period's interest is more than that of a whole one; less than 0 if it is shorter."""
    return frame.interest(0, frame.owed_minor) - frame.charge(frame.owed_minor * frame.periods.regular_weight)
