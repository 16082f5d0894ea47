"""What becomes of the installments that have not fallen due, when more or less is owed than was planned for them.

Principal moves between them, and their sum stays what is owed. An installment that falls due asks for the amount that
was agreed, so that interest which is other than planned changes its principal; the last ones take the difference.
"""

from collections.abc import Sequence
from datetime import date

from ledger.domain.schedule import build
from ledger.domain.tally import Part
from ledger.domain.terms import Method, Terms
from ledger.domain.working import Work
from schemas.errors import LedgerError

Planned = list[tuple[int, int]]
"""(index of a part, principal in minor units)."""


def from_the_end(work: Work, amount_minor: int, first: int) -> Planned:
    """Take an amount of principal off the parts from the last one back to `first`: what each gives."""
    taken: Planned = []
    for index in range(len(work.parts) - 1, first - 1, -1):
        part_minor = min(amount_minor, work.parts[index].principal_minor)
        if part_minor:
            taken.append((index, part_minor))
            amount_minor -= part_minor
    return taken


def evenly(work: Work, amount_minor: int, first: int) -> Planned:
    """Share an amount out over the parts from `first` on, as equally as their principal allows."""
    taken: dict[int, int] = {}
    open_minor = {index: work.parts[index].principal_minor for index in range(first, len(work.parts))}
    while amount_minor and any(open_minor.values()):
        takers = [index for index, left in open_minor.items() if left]
        each, odd = divmod(amount_minor, len(takers))
        for place, index in enumerate(takers):
            part_minor = min(open_minor[index], each + (place < odd))
            taken[index] = taken.get(index, 0) + part_minor
            open_minor[index] -= part_minor
            amount_minor -= part_minor
    return [(index, part_minor) for index, part_minor in taken.items() if part_minor]


def give_room(work: Work, index: int, principal_minor: int, source: str, on: date) -> None:
    """Let a part ask for at least so much principal, taken from the end, as far as there is any."""
    part = work.parts[index]
    missing_minor = principal_minor - part.principal_minor
    if missing_minor > 0:
        given = from_the_end(work, missing_minor, index + 1)
        grown = (index, part.principal_minor + sum(minor for _, minor in given))
        work.move_principal(source, on, [grown, *_less(work, given)])


def hold_amount(work: Work, index: int, source: str, on: date) -> None:
    """A part falls due and its interest is known: its principal is what the agreed amount leaves."""
    part, last = work.parts[index], len(work.parts) - 1
    if index == last or not any(later.principal_minor for later in work.parts[index + 1 :]):
        return
    wanted_minor = max(part.amount_minor - part.charged_interest_minor - part.repaid_minor, 0)
    if wanted_minor > part.principal_minor:
        give_room(work, index, wanted_minor, source, on)
    elif wanted_minor < part.principal_minor:
        more_minor = part.principal_minor - wanted_minor
        moved = (last, work.parts[last].principal_minor + more_minor)
        work.move_principal(source, on, [(index, wanted_minor), moved])


def respread(work: Work, source: str, on: date, *, since: date, first: int) -> None:
    """Work out anew, with interest since a day, what each part from `first` on asks for; their principal stays the
    same in all. Where the terms cannot be worked out for so little, it is shared out equally."""
    total_minor = sum(part.principal_minor for part in work.parts[first:])
    planned = _planned(work, first, total_minor, since) if total_minor else None
    if planned is None:
        planned = [(minor, 0) for minor in _equal(total_minor, len(work.parts) - first)]
    moved: Planned = []
    for index, (principal_minor, interest_minor) in enumerate(planned, first):
        moved.append((index, principal_minor))
        work.change(index, amount_minor=work.parts[index].repaid_minor + principal_minor + interest_minor)
    work.move_principal(source, on, moved)


def _planned(work: Work, first: int, total_minor: int, on: date) -> list[tuple[int, int]] | None:
    """Principal and interest by part."""
    terms = work.agreement.terms
    if terms is None or not work.agreement.bears_interest or terms.method in {Method.EXPLICIT, Method.BULLET}:
        return None
    count = len(work.parts) - first
    try:
        lines = build(_terms_of_the_rest(terms, total_minor, on, work.parts[first:], first)).lines
    except LedgerError:
        return None
    empty = (0, 0)
    found = [(line.principal_minor, line.interest_minor) for line in lines][:count]
    found += [empty] * (count - len(found))
    rest_minor = total_minor - sum(principal for principal, _ in found)
    found[-1] = (found[-1][0] + rest_minor, found[-1][1])
    return None if any(principal < 0 for principal, _ in found) else found


def _terms_of_the_rest(terms: Terms, total_minor: int, on: date, rest: Sequence[Part], fallen: int) -> Terms:
    count = len(rest)
    steps = tuple(step for step in terms.rate_steps if step.since > on)
    begun = [step.annual_rate for step in terms.rate_steps if step.since <= on]
    return Terms(
        principal_minor=total_minor,
        currency=terms.currency,
        disbursed_on=on,
        annual_rate=begun[-1] if begun else terms.annual_rate,
        term=None if terms.method is Method.GIVEN_INSTALLMENT else count,
        every=terms.every,
        method=terms.method,
        day_count=terms.day_count,
        first_due_on=rest[0].due_on,
        rounding=terms.rounding,
        installment_period=terms.installment_period,
        installment_minor=terms.installment_minor,
        rate_steps=steps,
        principal_grace=min(max(0, terms.principal_grace - fallen), count - 1),
        month_end=terms.month_end,
        negative_amortisation=terms.negative_amortisation,
    )


def _equal(total_minor: int, count: int) -> list[int]:
    each, odd = divmod(total_minor, count) if count else (0, 0)
    return [each + (place < odd) for place in range(count)]


def _less(work: Work, taken: Planned) -> Planned:
    return [(index, work.parts[index].principal_minor - minor) for index, minor in taken]
