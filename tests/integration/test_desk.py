"""Commands through the desk on a real journal: once per key, all or nothing, never twice."""

import asyncio
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment, VisitLoan
from ledger.application.orders import Answer, Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import (
    AlreadyReversed,
    InvalidDate,
    InvalidIdentifier,
    LoanExists,
    LoanNotFound,
    UnknownCurrency,
)
from ledger.journal.errors import KeyReused
from ledger.journal.lanes import Lane, QueueClosed
from schemas.envelope import UnreadableEvent
from schemas.errors import LedgerError
from schemas.payments.events import PaymentReceived
from schemas.values import Event

TODAY = date(2016, 12, 24)
LOAN = OpenLoan(
    loan_id="l1", currency="USD", principal_minor=100_00, opened_on=date(2016, 9, 8), due_on=date(2016, 10, 7)
)


def order(command: LoanCommand, key: str) -> Order:
    return Order(command=command, key=key, today=TODAY, principal="operator:test")


def payment(amount_minor: int = 40_00, loan_id: str = "l1", paid_on: date | None = None) -> RecordPayment:
    return RecordPayment(loan_id=loan_id, amount_minor=amount_minor, paid_on=paid_on)


def test_the_same_key_gives_the_first_answer_and_records_nothing(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    first = opened.desk.execute(order(payment(), "pay"))
    opened.desk.execute(order(payment(10_00), "pay-2"))
    again = opened.desk.execute(order(payment(), "pay"))
    assert again == msgspec.structs.replace(first, again=True)
    assert opened.journal.head().position == 5


def test_a_key_that_stands_for_another_request_is_refused(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    opened.desk.execute(order(payment(), "pay"))
    with pytest.raises(KeyReused, match=r"RecordPayment on loan l1 with key 'pay'"):
        opened.desk.execute(order(payment(41_00), "pay"))


def test_a_key_belongs_to_the_one_who_used_it(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    opened.desk.execute(order(payment(), "pay"))
    other = replace(order(payment(), "pay"), principal="operator:other")
    assert not opened.desk.execute(other).again


def test_a_refused_command_keeps_no_key(opened: Ledger) -> None:
    with pytest.raises(LoanNotFound):
        opened.desk.execute(order(payment(), "pay"))
    opened.desk.execute(order(LOAN, "open"))
    assert not opened.desk.execute(order(payment(), "pay")).again


def test_a_refusal_fails_only_its_own_command(opened: Ledger) -> None:
    results = opened.desk.execute_many([order(payment(loan_id="no"), "a"), order(LOAN, "b"), order(LOAN, "c")])
    assert [type(result) for result in results] == [LoanNotFound, Answer, LoanExists]


def test_orders_on_one_loan_are_executed_in_their_order(opened: Ledger) -> None:
    orders = [order(LOAN, "open"), *(order(payment(1_00 + n), f"pay-{n}") for n in range(5))]
    results = opened.desk.execute_many(orders)
    amounts = [event.amount_minor for result in results if isinstance(result, Answer) for event in result.events
               if isinstance(event, PaymentReceived)]  # fmt: skip
    assert amounts == [100, 101, 102, 103, 104]


def test_one_key_for_two_loans_in_one_call_is_refused_once(opened: Ledger) -> None:
    results = opened.desk.execute_many([order(LOAN, "k"), order(replace(LOAN, loan_id="l2"), "k")])
    assert [type(result) for result in results] == [Answer, KeyReused]


def test_no_payment_is_lost_when_many_threads_pay_on_one_loan(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    patient = replace(opened.settings, attempts=50)
    with Ledger(patient, clock=opened.clock) as ledger, ThreadPoolExecutor(8) as pool:
        ledger.desk  # noqa: B018 - made once, before the threads
        answers = list(pool.map(lambda n: ledger.desk.execute(order(payment(1_00), f"pay-{n}")), range(40)))
    received = [event for answer in answers for event in answer.events if isinstance(event, PaymentReceived)]
    assert len(received) == 40
    assert min(event.standing.total_due_minor for event in received) == 100_00 - 40 * 1_00


def test_the_same_key_from_many_threads_is_one_payment(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    before = opened.journal.head().position
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: opened.desk.execute(order(payment(), "pay")), range(16)))
    assert len({answer.first_position for answer in answers}) == 1
    assert opened.journal.head().position == before + 2


def test_a_reversed_payment_is_not_reversed_again(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    answer = opened.desk.execute(order(payment(), "pay"))
    [received] = [event for event in answer.events if isinstance(event, PaymentReceived)]
    reversal = ReversePayment(loan_id="l1", payment_id=received.payment_id, cause="bank_return")
    opened.desk.execute(order(reversal, "reverse"))
    with pytest.raises(AlreadyReversed):
        opened.desk.execute(order(reversal, "reverse again"))


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (payment(paid_on=date(2016, 9, 7)), InvalidDate),
        (payment(paid_on=date(2016, 12, 25)), InvalidDate),
        (replace(LOAN, loan_id="l2", currency="EUR"), UnknownCurrency),
    ],
)
def test_a_refusal_writes_nothing(opened: Ledger, command: LoanCommand, error: type[LedgerError]) -> None:
    opened.desk.execute(order(LOAN, "open"))
    before = opened.journal.head()
    with pytest.raises(error):
        opened.desk.execute(order(command, "k"))
    assert opened.journal.head() == before


def test_coroutines_execute_commands_together(opened: Ledger) -> None:
    async def open_all() -> list[Answer]:
        return await asyncio.gather(
            *(opened.desk.execute_async(order(replace(LOAN, loan_id=f"a{n}"), f"open-{n}")) for n in range(50))
        )

    answers = asyncio.run(open_all())
    assert sorted(answer.first_position or 0 for answer in answers) == list(range(2, 52))


def test_a_coroutine_hears_the_refusal_of_its_command(opened: Ledger) -> None:
    with pytest.raises(LoanNotFound):
        asyncio.run(opened.desk.execute_async(order(payment(), "pay")))


def test_a_command_that_breaks_fails_only_its_caller(opened: Ledger) -> None:
    class Broken(LoanCommand):
        def decide(self, *_: object, **__: object) -> list[Event]:
            raise ZeroDivisionError

    broken = opened.desk.submit(order(Broken(loan_id="l2"), "broken"))
    opened.desk.execute(order(LOAN, "open"))
    with pytest.raises(ZeroDivisionError):
        broken.result(10)


@pytest.mark.parametrize("broken", [SystemExit, KeyboardInterrupt, StopIteration])
def test_not_even_a_command_that_ends_programs_ends_the_desk(opened: Ledger, broken: type[BaseException]) -> None:
    class Ending(LoanCommand):
        def decide(self, *_: object, **__: object) -> list[Event]:
            raise broken

    ending = opened.desk.submit(order(Ending(loan_id="l2"), "ending"))
    opened.desk.execute(order(LOAN, "open"))
    assert isinstance(ending.exception(10), broken)
    with pytest.raises(RuntimeError if broken is StopIteration else broken):
        asyncio.run(opened.desk.execute_async(order(Ending(loan_id="l3"), "ending again")))


def test_an_id_that_no_loan_can_have_fails_only_its_own_command(opened: Ledger) -> None:
    wrong = [order(payment(loan_id="a\0b"), f"wrong-{n}") for n in range(3)]
    right = [order(replace(LOAN, loan_id=f"r{n}"), f"right-{n}") for n in range(40)]
    results = opened.desk.execute_many([*right[:20], *wrong, *right[20:]])
    assert [type(result) for result in results] == [Answer] * 20 + [InvalidIdentifier] * 3 + [Answer] * 20


def test_what_fails_as_nothing_should_leaves_nobody_waiting(opened: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.desk.execute(order(LOAN, "open"))
    with monkeypatch.context() as patched:
        patched.setattr(opened.loans, "kept", lambda _: 1 / 0)
        futures = [opened.desk.submit(order(payment(loan_id=f"x{n}"), f"x-{n}")) for n in range(20)]
        futures[7].cancel()
        wait(futures, 10)
    assert all(future.done() for future in futures)
    assert opened.desk.execute(order(payment(), "pay")).events


def test_event_loops_that_ended_are_forgotten(opened: Ledger) -> None:
    async def give_up(number: int) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(
                opened.desk.execute_async(order(replace(LOAN, loan_id=f"g{number}"), f"g-{number}")), 0
            )

    for number in range(5):
        asyncio.run(give_up(number))
    assert len(opened.desk._mailboxes) <= 2  # the last one is seen to have ended when the next begins


def test_somebody_who_waits_is_answered_before_bulk_work_that_came_earlier(opened: Ledger) -> None:
    bulk = [opened.desk.submit(order(replace(LOAN, loan_id=f"b{n}"), f"bulk-{n}"), Lane.BULK) for n in range(1000)]
    person = opened.desk.execute(order(LOAN, "open"))
    last = max(each.result(60).first_position or 0 for each in bulk)
    assert (person.first_position or 0) < last - 300


def test_a_desk_that_is_closed_finishes_what_waits_and_takes_nothing_more(opened: Ledger) -> None:
    futures = [opened.desk.submit(order(replace(LOAN, loan_id=f"c{n}"), f"c-{n}")) for n in range(100)]
    opened.desk.close()
    assert all(future.result(0).first_position for future in futures)
    with pytest.raises(QueueClosed):
        opened.desk.execute(order(LOAN, "too-late"))


def test_a_key_is_known_again_even_when_the_command_would_change_nothing_now(opened: Ledger) -> None:
    opened.desk.execute(order(LOAN, "open"))
    visit = order(VisitLoan(loan_id="l1", business_date=TODAY), "visit")
    first = opened.desk.execute(visit)
    assert first.events
    assert opened.desk.execute(visit) == msgspec.structs.replace(first, again=True)


def test_a_loan_that_cannot_be_read_fails_only_its_own_commands(opened: Ledger) -> None:
    opened.desk.execute_many([order(replace(LOAN, loan_id=name), f"open-{name}") for name in ("l1", "l2", "l3")])
    with opened.database.connect() as superuser:
        superuser.execute("alter table journal.event disable trigger all")
        superuser.execute("update journal.event set state = 'broken' where stream = 'loan/l2'")
    with Ledger(opened.settings, clock=opened.clock) as other:
        results = other.desk.execute_many([order(payment(loan_id=name), f"pay-{name}") for name in ("l1", "l2", "l3")])
    assert [type(result) for result in results] == [Answer, UnreadableEvent, Answer]
