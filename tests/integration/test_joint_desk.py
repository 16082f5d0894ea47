"""Commands about several loans: all of it or nothing, on what the journal holds, once per key."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

import msgspec
import pytest

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment
from ledger.application.joint_commands import MovePayment
from ledger.application.joint_desk import JointCommand, JointOrder, Read
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain import payments
from ledger.domain.errors import (
    AlreadyReversed,
    InvalidDate,
    InvalidIdentifier,
    LoanNotFound,
    PaymentNotFound,
    SameLoan,
    WrongCurrency,
)
from ledger.domain.loan import Loan
from ledger.journal.errors import KeyReused, StreamConflict
from schemas.errors import LedgerError
from schemas.payments.events import PaymentReceived, PaymentReversed
from schemas.values import Basis, Event

TODAY = date(2016, 12, 24)
MOVE = MovePayment(payment_id="p1", from_loan_id="l1", to_loan_id="l2", method="wallet")


@pytest.fixture
def paid(opened: Ledger) -> Ledger:
    """Two loans of 100.00; the first one is paid in half, on its due date."""
    for loan_id in ("l1", "l2"):
        send(opened, OpenLoan(loan_id=loan_id, currency="USD", principal_minor=100_00, opened_on=date(2016, 9, 8),
                              due_on=date(2016, 10, 7)))  # fmt: skip
    send(opened, RecordPayment(loan_id="l1", amount_minor=50_00, payment_id="p1", paid_on=date(2016, 10, 7)))
    return opened


def send(ledger: Ledger, command: LoanCommand) -> None:
    order = Order(command=command, key=repr(command), today=TODAY, principal="operator:ann")
    ledger.desk.execute(order)


def ordered(command: JointCommand, key: str = "k") -> JointOrder:
    return JointOrder(command=command, key=key, today=TODAY, principal="operator:ann")


def owed_minor(ledger: Ledger, loan_id: str) -> int:
    return ledger.loan(loan_id).known.principal_minor


def test_a_payment_that_is_moved_counts_on_the_other_loan_from_the_day_it_came(paid: Ledger) -> None:
    answer = paid.joint_desk.execute(ordered(MOVE))
    [reversal] = [event for event in answer.events if isinstance(event, PaymentReversed)]
    [payment] = [event for event in answer.events if isinstance(event, PaymentReceived)]
    assert (reversal.loan_id, reversal.cause) == ("l1", "misdirected")
    assert (payment.loan_id, payment.paid_on, payment.amount_minor) == ("l2", date(2016, 10, 7), 50_00)
    assert (owed_minor(paid, "l1"), owed_minor(paid, "l2")) == (100_00, 50_00)


def test_both_sides_stand_in_one_request(paid: Ledger) -> None:
    answer = paid.joint_desk.execute(ordered(MOVE))
    assert answer.first_position
    assert answer.last_position
    recorded = paid.journal.between(answer.first_position, answer.last_position)
    assert {event.stream for event in recorded} == {"loan/l1", "loan/l2"}
    [(_, first, last)] = paid.journal.find_commands([paid.keys.command_id("main", "operator:ann", "k")]).values()
    assert (first, last) == (answer.first_position, answer.last_position)


def test_the_same_key_gives_the_first_answer_although_it_would_be_refused_now(paid: Ledger) -> None:
    first = paid.joint_desk.execute(ordered(MOVE))
    assert paid.joint_desk.execute(ordered(MOVE)) == msgspec.structs.replace(first, again=True)
    with pytest.raises(AlreadyReversed):
        paid.joint_desk.execute(ordered(MOVE, "another key"))


def test_a_key_that_stands_for_another_request_is_refused(paid: Ledger) -> None:
    paid.joint_desk.execute(ordered(MOVE))
    with pytest.raises(KeyReused, match=r"MovePayment with key 'k'"):
        paid.joint_desk.execute(ordered(replace(MOVE, paid_on=date(2016, 10, 8))))


@pytest.mark.parametrize(
    ("move", "refusal"),
    [
        (replace(MOVE, to_loan_id="l1"), SameLoan),
        (replace(MOVE, to_loan_id="no"), LoanNotFound),
        (replace(MOVE, to_loan_id="no\0"), InvalidIdentifier),
        (replace(MOVE, payment_id="p2"), PaymentNotFound),
        (replace(MOVE, paid_on=date(2016, 9, 1)), InvalidDate),
    ],
)
def test_what_cannot_be_moved_changes_neither_loan(paid: Ledger, move: MovePayment, refusal: type[LedgerError]) -> None:
    before = paid.journal.head().position
    with pytest.raises(refusal):
        paid.joint_desk.execute(ordered(move))
    assert paid.journal.head().position == before


@dataclass(frozen=True, kw_only=True, slots=True)
class PayIfOtherOwes(JointCommand):
    """Pays 10.00 on one loan, as long as both together owe 150.00 or more. Rests on a loan that it does not change."""

    loan_id: str
    other_id: str
    meanwhile: tuple[str, ...] = ()

    def streams(self, read: Read) -> Collection[str]:
        return [f"loan/{self.loan_id}", f"loan/{self.other_id}"] if read else [f"loan/{self.loan_id}"]

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        mine, other = read[f"loan/{self.loan_id}"], read[f"loan/{self.other_id}"]
        assert isinstance(mine, Loan)
        assert isinstance(other, Loan)
        if mine.known.principal_minor + other.known.principal_minor < 150_00:
            raise WrongCurrency("less is owed")
        paid = payments.receive_payment(mine, fallback_id, 10_00, "USD", paid_on=today, today=today, method="wallet")
        return {f"loan/{self.loan_id}": paid}


def test_two_that_would_be_wrong_together_are_not_both_recorded(paid: Ledger) -> None:
    """Write skew: each changes what the other only reads."""
    commands = [PayIfOtherOwes(loan_id="l1", other_id="l2"), PayIfOtherOwes(loan_id="l2", other_id="l1")]

    def tried(nth: int) -> bool:
        try:
            paid.joint_desk.execute(ordered(commands[nth % 2], f"k{nth}"))
        except (WrongCurrency, StreamConflict):
            return False
        return True

    send(paid, RecordPayment(loan_id="l2", amount_minor=5_00, payment_id="less"))  # leaves 145.00: none may pay
    with pytest.raises(WrongCurrency):
        paid.joint_desk.execute(ordered(commands[0], "first"))
    send(paid, OpenLoan(loan_id="l3", currency="USD", principal_minor=100_00, due_on=TODAY))
    commands[:] = [PayIfOtherOwes(loan_id="l2", other_id="l3"), PayIfOtherOwes(loan_id="l3", other_id="l2")]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(tried, range(24)))
    assert owed_minor(paid, "l2") + owed_minor(paid, "l3") == 195_00 - 10_00 * sum(results)
    assert owed_minor(paid, "l2") + owed_minor(paid, "l3") >= 140_00
