"""Credit lines: a limit under which a borrower draws, with a loan of its own each time or with one that revolves.

open         drawn up to the limit: principal that all its loans owe together, so what is paid back can be drawn again
frozen       nothing is drawn; payments go on
closed       for ever, once nothing is owed

A draw rests on the line and on every loan of it, so two at once never pass the limit together. The line knows no
balance of its own: what is owed is told by the loans.
"""

from collections.abc import Sequence
from datetime import date

from ledger.domain.errors import (
    DrawnFromLine,
    InvalidAmount,
    LimitExceeded,
    LineClosedAlready,
    LineExists,
    LineIsFrozen,
    LineStillOwes,
    WrongCurrency,
)
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.loan import Loan, settled
from ledger.domain.money import require_positive
from schemas.loans.lines import (
    LineClosed,
    LineDrawn,
    LineFrozen,
    LineLimitChanged,
    LineOpened,
    LineUnfrozen,
)
from schemas.values import Event, State


class Line(State, frozen=True):
    """State of a line. `loans`: of all draws, in their order, each once."""

    line_id: str
    currency: str
    product: str
    party_id: str
    limit_minor: int
    opened_on: date
    loans: tuple[str, ...] = ()
    frozen_on: date | None = None
    closed_on: date | None = None


def open_line(
    existing: Line | None,
    line_id: str,
    *,
    product: str,
    party_id: str,
    limit_minor: int,
    currency: str,
    today: date,
) -> list[Event]:
    """Let a borrower draw up to `limit_minor` (> 0)."""
    require_identifier(line_id, "line")
    require_identifier(party_id, "party")
    require_word(product, "product")
    require_positive(limit_minor, currency, "a limit", "A line lends something")
    if existing:
        raise LineExists(f"asked to open line {line_id}, which was opened on {existing.opened_on}; choose another id")
    return [
        LineOpened(
            line_id=line_id,
            currency=currency,
            product=product,
            party_id=party_id,
            limit_minor=limit_minor,
            opened_on=today,
        )
    ]


def change_limit(line: Line, limit_minor: int, *, reason: str, today: date) -> list[Event]:
    """Another limit holds from today on; 0 or more."""
    _require_open(line, "change the limit")
    if limit_minor < 0:
        raise InvalidAmount(f"asked to change the limit of line {line.line_id} to {limit_minor}; give 0 or more")
    if limit_minor == line.limit_minor:
        return []
    return [
        LineLimitChanged(
            line_id=line.line_id, currency=line.currency, limit_minor=limit_minor, changed_on=today, reason=reason
        )
    ]


def freeze(line: Line, *, reason: str, today: date) -> list[Event]:
    """Let nothing be drawn; a line that is frozen stays so."""
    _require_open(line, "freeze")
    if line.frozen_on:
        return []
    return [LineFrozen(line_id=line.line_id, currency=line.currency, frozen_on=today, reason=reason)]


def unfreeze(line: Line, *, reason: str, today: date) -> list[Event]:
    """Let it be drawn again."""
    _require_open(line, "unfreeze")
    if line.frozen_on is None:
        return []
    return [LineUnfrozen(line_id=line.line_id, currency=line.currency, unfrozen_on=today, reason=reason)]


def draw(
    line: Line,
    loans: Sequence[Loan],
    *,
    loan_id: str,
    disbursement_id: str,
    amount_minor: int,
    currency: str,
    today: date,
) -> list[Event]:
    """Record that `amount_minor` (> 0) is drawn with a loan. `loans`: all of the line, as they were before."""
    asked = f"draw {amount_minor} {currency} (minor units) from line {line.line_id}"
    _require_open(line, asked)
    require_positive(amount_minor, currency, "a draw", "To pay back, pay the loan")
    if currency != line.currency:
        raise WrongCurrency(f"asked to {asked}; the line is in {line.currency}. Draw in that")
    if line.frozen_on:
        raise LineIsFrozen(f"asked to {asked}, which is frozen since {line.frozen_on}. Unfreeze it first")
    used = used_minor(loans)
    if used + amount_minor > line.limit_minor:
        raise LimitExceeded(
            f"asked to {asked}; of its limit of {line.limit_minor}, {used} are used and {available_minor(line, loans)} "
            "are left. Draw no more than that"
        )
    return [
        LineDrawn(
            line_id=line.line_id,
            currency=line.currency,
            loan_id=loan_id,
            disbursement_id=disbursement_id,
            amount_minor=amount_minor,
            used_minor=used + amount_minor,
            limit_minor=line.limit_minor,
            drawn_on=today,
        )
    ]


def require_drawable(line: Line, loan: Loan, asked: str) -> None:
    """A loan that revolves is drawn by the borrower of a line, and from the line that it was first drawn from."""
    if loan.agreement.revolving is None:
        raise DrawnFromLine(f"asked to {asked}; it does not revolve. Draw with a new loan, by its terms")
    if loan.loan_id in line.loans:
        return
    roles = {(party.party_id, party.role) for party in loan.parties if party.until is None}
    if (line.party_id, "borrower") not in roles:
        raise DrawnFromLine(f"asked to {asked}; {line.party_id}, whose line it is, is not its borrower")
    if loan.history.transactions():
        raise DrawnFromLine(f"asked to {asked}; it was drawn from another line before. Draw it from that")


def close_line(line: Line, loans: Sequence[Loan], *, reason: str, today: date) -> list[Event]:
    """End a line of which nothing is owed."""
    if line.closed_on:
        return []
    owing = [loan.loan_id for loan in map(settled, loans) if loan.known.owed_minor]
    if owing:
        raise LineStillOwes(f"asked to close line {line.line_id}; loan {owing[0]} still owes. Have it paid off first")
    return [LineClosed(line_id=line.line_id, currency=line.currency, closed_on=today, reason=reason)]


def used_minor(loans: Sequence[Loan]) -> int:
    """Principal that loans owe together."""
    return sum(settled(loan).known.principal_minor for loan in loans)


def available_minor(line: Line, loans: Sequence[Loan]) -> int:
    """What may still be drawn."""
    if line.frozen_on or line.closed_on:
        return 0
    return max(0, line.limit_minor - used_minor(loans))


def apply(line: Line | None, event: Event) -> Line | None:  # noqa: PLR0911 - one line for each kind of event
    """Fold one recorded event; total, decides nothing."""
    if isinstance(event, LineOpened):
        return Line(
            line_id=event.line_id,
            currency=event.currency,
            product=event.product,
            party_id=event.party_id,
            limit_minor=event.limit_minor,
            opened_on=event.opened_on,
        )
    if line is None:
        return None
    match event:
        case LineLimitChanged():
            return line.changed(limit_minor=event.limit_minor)
        case LineFrozen():
            return line.changed(frozen_on=event.frozen_on)
        case LineUnfrozen():
            return line.changed(frozen_on=None)
        case LineDrawn():
            return line if event.loan_id in line.loans else line.changed(loans=(*line.loans, event.loan_id))
        case LineClosed():
            return line.changed(closed_on=event.closed_on)
    return line


def _require_open(line: Line, asked: str) -> None:
    if line.closed_on:
        raise LineClosedAlready(f"asked to {asked}; line {line.line_id} is closed since {line.closed_on}. Open another")
