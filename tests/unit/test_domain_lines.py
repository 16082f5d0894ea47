"""Credit lines: what may be drawn, and what is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ledger.domain import lines
from ledger.domain.errors import (
    InvalidAmount,
    InvalidIdentifier,
    LimitExceeded,
    LineClosedAlready,
    LineExists,
    LineIsFrozen,
    LineStillOwes,
    WrongCurrency,
)
from ledger.domain.lines import Line
from schemas.errors import LedgerError
from schemas.loans.lines import LineDrawn
from schemas.values import Event
from tests.loan_builders import Life, a_loan, days

TODAY = date(2026, 1, 5)


def after(line: Line | None, events: list[Event]) -> Line:
    for event in events:
        line = lines.apply(line, event)
    assert line
    return line


def a_line(limit_minor: int = 300_00, **changed: Any) -> Line:
    opened = lines.open_line(
        None, "cl", product="installments", party_id="b", limit_minor=limit_minor, currency="USD", today=TODAY
    )
    return after(None, opened).changed(**changed)


def draws(line: Line, amount_minor: int, *lent_minor: int, currency: str = "USD") -> list[Event]:
    """A draw beside loans that owe so much."""
    return lines.draw(
        line,
        [a_loan(each) for each in lent_minor],
        loan_id="new",
        disbursement_id="d",
        amount_minor=amount_minor,
        currency=currency,
        today=TODAY,
    )


def test_a_draw_takes_all_that_is_left_and_no_more() -> None:
    [event] = draws(a_line(), 120_00, 100_00, 80_00)
    assert isinstance(event, LineDrawn)
    assert (event.used_minor, event.limit_minor) == (300_00, 300_00)
    with pytest.raises(LimitExceeded, match="of its limit of 30000, 18000 are used and 12000 are left"):
        draws(a_line(), 120_01, 100_00, 80_00)


def test_what_is_paid_back_can_be_drawn_again() -> None:
    life = Life(loan=a_loan(300_00), requests=[])
    assert lines.available_minor(a_line(), [life.loan]) == 0
    life.pays(50_00, days(-1))
    assert lines.available_minor(a_line(), [life.loan]) == 50_00
    life.reverses("p1", days(0))
    assert lines.available_minor(a_line(), [life.loan]) == 0


def test_a_limit_below_what_is_used_lets_nothing_be_drawn() -> None:
    line = after(a_line(), lines.change_limit(a_line(), 50_00, reason="income fell", today=TODAY))
    assert lines.available_minor(line, [a_loan(100_00)]) == 0
    with pytest.raises(LimitExceeded, match="10000 are used and 0 are left"):
        draws(line, 1, 100_00)


def test_a_frozen_line_is_thawed_and_drawn_again() -> None:
    line = after(a_line(), lines.freeze(a_line(), reason="dispute", today=TODAY))
    assert lines.freeze(line, reason="again", today=TODAY) == []
    with pytest.raises(LineIsFrozen, match="frozen since 2026-01-05"):
        draws(line, 1_00)
    line = after(line, lines.unfreeze(line, reason="settled", today=TODAY))
    assert draws(line, 1_00)
    assert lines.unfreeze(line, reason="again", today=TODAY) == []


def test_a_line_is_closed_once_nothing_is_owed_and_for_ever() -> None:
    with pytest.raises(LineStillOwes, match="loan loan-1 still owes"):
        lines.close_line(a_line(), [a_loan(100_00)], reason="asked", today=TODAY)
    line = after(a_line(), lines.close_line(a_line(), [], reason="asked", today=TODAY))
    assert lines.close_line(line, [], reason="again", today=TODAY) == []
    with pytest.raises(LineClosedAlready):
        draws(line, 1_00)


def test_a_line_knows_each_of_its_loans_once() -> None:
    line = after(a_line(), draws(a_line(), 1_00) * 2)
    assert line.loans == ("new",)


@pytest.mark.parametrize(
    ("decide", "refusal"),
    [
        (lambda: lines.open_line(a_line(), "cl", product="p", party_id="b", limit_minor=1, currency="USD", today=TODAY),
         LineExists),
        (lambda: lines.open_line(None, "a b", product="p", party_id="b", limit_minor=1, currency="USD", today=TODAY),
         InvalidIdentifier),
        (lambda: lines.open_line(None, "cl", product="p", party_id="b", limit_minor=0, currency="USD", today=TODAY),
         InvalidAmount),
        (lambda: lines.change_limit(a_line(), -1, reason="r", today=TODAY), InvalidAmount),
        (lambda: draws(a_line(), 0), InvalidAmount),
        (lambda: draws(a_line(), 1, currency="EUR"), WrongCurrency),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_refused_by_name(decide: Callable[[], object], refusal: type[LedgerError]) -> None:
    with pytest.raises(refusal):
        decide()
