"""Principal in equal parts, alone or beside interest that makes the installments equal, and where the residue goes."""

from ledger.domain.frame import Frame, require_covered
from ledger.domain.rounding import rounded
from ledger.domain.terms import Residue, Rounding


def principal_parts(frame: Frame) -> list[int]:
    """Equal parts of principal after the grace, with the balloon on the last."""
    parts, left = [0] * frame.terms.principal_grace, frame.owed_minor - frame.terms.balloon_minor
    added, count = frame.periods.added, frame.count
    left += sum(added[: len(parts)])
    starts = [len(parts), *(k for k in frame.periods.changes if k > len(parts) and added[k])]
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        left += added[start]
        cut = _equal_parts(frame, max(left, 0), count - start)[: stop - start]
        parts += cut
        left -= sum(cut)
    parts[-1] += frame.terms.balloon_minor + left
    return parts


def principal_beside(frame: Frame, interests: list[int]) -> list[int]:
    """Principal beside interest in equal installments."""
    terms, periods, count = frame.terms, frame.periods, frame.count
    owed, grace = frame.owed_minor + sum(periods.added), terms.principal_grace
    left = owed - terms.balloon_minor
    mode, multiple = frame.installment_rounding
    residue, charged = terms.rounding.residue, interests[grace:]
    total = left + sum(charged)
    amount = rounded(Rounding.DOWN if residue is Residue.SPREAD else mode, total, count - grace, multiple)
    raised = (total - amount * (count - grace)) // multiple if residue is Residue.SPREAD else 0
    parts = [amount + (multiple if k < raised else 0) - interest for k, interest in enumerate(charged)]
    for k, part in enumerate(parts):
        if part < 0:
            require_covered(frame, grace + k, amount, charged[k])
    over = left - sum(parts)
    if residue is Residue.FIRST and parts[0] + over >= 0:
        parts[0] += over
    else:
        parts = _up_to(parts, left)
    parts[-1] += terms.balloon_minor
    return [0] * grace + parts


def _equal_parts(frame: Frame, total: int, count: int) -> list[int]:
    mode, multiple = frame.installment_rounding
    residue = frame.terms.rounding.residue
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


def _up_to(parts: list[int], total: int) -> list[int]:
    """Parts in order until they have used up the total; the last takes what is left."""
    cut = []
    for part in parts:
        cut.append(min(part, total))
        total -= cut[-1]
    cut[-1] += total
    return cut
