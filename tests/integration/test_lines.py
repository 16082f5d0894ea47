"""Draws from a credit line on a real journal: with the loan in one request, and never together over the limit."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ledger.application.commands import LoanCommand, RecordPayment
from ledger.application.joint_desk import JointCommand, JointOrder
from ledger.application.line_commands import CloseLine, DrawLoan, DrawMore, FreezeLine, OpenLine
from ledger.application.loan_commands import AgreeLoan, DisburseLoan
from ledger.application.orders import Answer, Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import (
    DrawnFromLine,
    InvalidAmount,
    InvalidIdentifier,
    LimitExceeded,
    LineIsFrozen,
    LineNotFound,
    LoanExists,
    LoanNotFound,
)
from ledger.domain.lines import available_minor, used_minor
from ledger.domain.terms import Terms
from ledger.journal.errors import StreamConflict
from schemas.errors import LedgerError
from tests.agreement_builders import revolving_terms
from tests.integration.conftest import NOW

TODAY = NOW.date()
OPEN = OpenLine(line_id="cl", currency="USD", limit_minor=300_00, party_id="b-1")


@pytest.fixture
def lined(opened: Ledger) -> Ledger:
    """A line of 300.00."""
    send(opened, OPEN)
    return opened


def send(ledger: Ledger, command: JointCommand, key: str | None = None) -> Answer:
    order = JointOrder(command=command, key=key or repr(command), today=TODAY, principal="operator:ann")
    return ledger.joint_desk.execute(order)


def order(ledger: Ledger, command: LoanCommand) -> None:
    ledger.desk.execute(Order(command=command, key=repr(command), today=TODAY, principal="operator:ann"))


def pay(ledger: Ledger, loan_id: str, amount_minor: int) -> None:
    order(ledger, RecordPayment(loan_id=loan_id, amount_minor=amount_minor, payment_id=f"p-{amount_minor}"))


def a_draw(loan_id: str, amount_minor: int) -> DrawLoan:
    terms = Terms(
        principal_minor=amount_minor, currency="USD", disbursed_on=date(2016, 12, 24), annual_rate="0", term=3
    )
    return DrawLoan(
        line_id="cl", currency="USD", loan_id=loan_id, terms=terms.as_plain(), policy="as_scheduled",
        cost_table_hash="0" * 64,
    )  # fmt: skip


def used(ledger: Ledger) -> int:
    return used_minor(ledger.line("cl")[1])


def test_a_draw_and_its_loan_stand_in_one_request(lined: Ledger) -> None:
    answer = send(lined, a_draw("l1", 100_00))
    assert [event.TYPE for event in answer.events] == [
        "ledger.line.drawn.v1",
        "ledger.loan.agreed.v1",
        "ledger.loan.disbursed.v1",
    ]
    line, loans = lined.line("cl")
    assert (line.loans, used_minor(loans), available_minor(line, loans)) == (("l1",), 100_00, 200_00)
    assert lined.loan("l1").parties[0].party_id == "b-1"


def test_a_draw_over_the_limit_leaves_neither_draw_nor_loan(lined: Ledger) -> None:
    send(lined, a_draw("l1", 250_00))
    before = lined.journal.head().position
    with pytest.raises(LimitExceeded, match="25000 are used and 5000 are left"):
        send(lined, a_draw("l2", 50_01))
    assert lined.journal.head().position == before
    pay(lined, "l1", 1_00)
    send(lined, a_draw("l2", 51_00))
    assert used(lined) == 300_00


def test_the_same_key_draws_once(lined: Ledger) -> None:
    first = send(lined, a_draw("l1", 300_00), "k")
    again = send(lined, a_draw("l1", 300_00), "k")
    assert (again.first_position, again.again) == (first.first_position, True)


def test_draws_at_once_never_pass_the_limit_together(lined: Ledger) -> None:
    def tried(number: int) -> bool:
        try:
            send(lined, a_draw(f"l{number}", 40_00))
        except (LimitExceeded, StreamConflict):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        drawn = sum(pool.map(tried, range(16)))
    assert used(lined) == drawn * 40_00 <= 300_00
    assert drawn > 0


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (OPEN, LedgerError),
        (FreezeLine(line_id="no", frozen=True, reason="r"), LineNotFound),
        (FreezeLine(line_id="no\0", frozen=True, reason="r"), InvalidIdentifier),
    ],
)
def test_what_is_wrong_is_refused_by_name(lined: Ledger, command: JointCommand, refusal: type[LedgerError]) -> None:
    with pytest.raises(refusal):
        send(lined, command, "another key")


def test_a_frozen_line_is_not_drawn_and_a_loan_is_not_drawn_twice(lined: Ledger) -> None:
    send(lined, a_draw("l1", 100_00))
    with pytest.raises(LoanExists):
        send(lined, a_draw("l1", 100_00), "again")
    send(lined, FreezeLine(line_id="cl", frozen=True, reason="dispute"))
    with pytest.raises(LineIsFrozen):
        send(lined, a_draw("l2", 1_00))


def test_a_line_is_closed_once_all_is_paid_back(lined: Ledger) -> None:
    send(lined, a_draw("l1", 100_00))
    with pytest.raises(LedgerError, match="l1 still owes"):
        send(lined, CloseLine(line_id="cl", reason="asked"), "early")
    pay(lined, "l1", 200_00)
    send(lined, CloseLine(line_id="cl", reason="asked"))
    assert lined.line("cl")[0].closed_on == TODAY


def a_revolving(ledger: Ledger, loan_id: str, party_id: str = "b-1") -> None:
    terms = revolving_terms(200_00, TODAY, is_free=True)
    command = AgreeLoan(
        loan_id=loan_id, currency="USD", terms=terms.as_plain(), policy="by_the_day", product="card",
        cost_table_hash="0" * 64, parties=(("borrower", party_id),),
    )  # fmt: skip
    order(ledger, command)


def test_a_balance_that_revolves_is_drawn_paid_back_and_drawn_again(lined: Ledger) -> None:
    a_revolving(lined, "r1")
    send(lined, a_draw("l1", 150_00))
    answer = send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=150_00))
    assert [event.TYPE for event in answer.events] == ["ledger.line.drawn.v1", "ledger.loan.disbursed.v1"]
    assert answer.events[0].subject == "cl"
    with pytest.raises(LimitExceeded, match="30000 are used and 0 are left"):
        send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=1))
    pay(lined, "r1", 100_00)
    send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=30_00))
    line, loans = lined.line("cl")
    assert (line.loans, used_minor(loans)) == (("l1", "r1"), 230_00)


def test_its_own_limit_holds_below_that_of_the_line(lined: Ledger) -> None:
    a_revolving(lined, "r1")
    with pytest.raises(InvalidAmount, match="20000 are left"):
        send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=200_01))
    assert lined.line("cl")[0].loans == ()


def test_a_frozen_line_keeps_a_balance_from_being_drawn_and_nothing_else_pays_it_out(lined: Ledger) -> None:
    a_revolving(lined, "r1")
    with pytest.raises(DrawnFromLine):
        order(lined, DisburseLoan(loan_id="r1", amount_minor=1_00))
    send(lined, FreezeLine(line_id="cl", frozen=True, reason="dispute"))
    with pytest.raises(LineIsFrozen):
        send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=1_00))


def test_only_its_borrower_draws_and_from_one_line_only(lined: Ledger) -> None:
    a_revolving(lined, "r1")
    a_revolving(lined, "r2", party_id="b-2")
    send(lined, a_draw("l1", 1_00))
    send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=1_00))
    send(lined, OpenLine(line_id="other", currency="USD", limit_minor=300_00, party_id="b-1"))
    for line_id, loan_id, why in (
        ("cl", "r2", "is not its borrower"),
        ("other", "r1", "drawn from another line"),
        ("cl", "l1", "does not revolve"),
    ):
        with pytest.raises(DrawnFromLine, match=why):
            send(lined, DrawMore(line_id=line_id, loan_id=loan_id, amount_minor=1_00))
    with pytest.raises(LoanNotFound):
        send(lined, DrawMore(line_id="cl", loan_id="none", amount_minor=1_00))


def test_draws_of_one_balance_at_once_never_pass_the_limit(lined: Ledger) -> None:
    a_revolving(lined, "r1")

    def tried(number: int) -> bool:
        try:
            send(lined, DrawMore(line_id="cl", loan_id="r1", amount_minor=40_00), f"k{number}")
        except (InvalidAmount, StreamConflict):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        drawn = sum(pool.map(tried, range(16)))
    assert 0 < used(lined) == drawn * 40_00 <= 200_00
