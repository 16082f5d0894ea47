"""Loading loans: from memory, from snapshots, from events; always the same loan."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from ledger.application.commands import OpenLoan, RecordPayment
from ledger.application.loan_store import FORMAT, LoanStore
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import PaymentExists
from ledger.domain.loan import Loan
from ledger.journal.records import Snapshot

STREAM = "loan/l1"
TODAY = date(2026, 1, 10)


def order(command: OpenLoan | RecordPayment, key: str) -> Order:
    return Order(command=command, key=key, today=TODAY, principal="operator:test")


def pay(ledger: Ledger, count: int, *, first: int = 1) -> None:
    for number in range(first, first + count):
        command = RecordPayment(loan_id="l1", amount_minor=1, payment_id=f"p{number}")
        ledger.desk.execute(order(command, f"pay-{number}"))


@pytest.fixture
def paid(opened: Ledger) -> Ledger:
    """A loan with 25 events, in a ledger that makes a snapshot every 10 versions."""
    opened.settings = replace(opened.settings, snapshot_every=10)
    opening = OpenLoan(loan_id="l1", currency="USD", principal_minor=100_00, opened_on=TODAY, due_on=date(2026, 2, 1))
    opened.desk.execute(order(opening, "open"))
    pay(opened, 24)
    return opened


StoreMaker = Callable[..., LoanStore]


@pytest.fixture
def a_store() -> Iterator[StoreMaker]:
    """Makes stores that know nothing yet."""
    with ExitStack() as opened_stores:

        def make(ledger: Ledger, capacity: int = 1000) -> LoanStore:
            store = LoanStore(ledger.journal, capacity=capacity, snapshot_every=10)
            return opened_stores.enter_context(closing(store))

        yield make


def the_snapshot(ledger: Ledger) -> Snapshot:
    ledger.desk.close()
    [snapshot] = ledger.journal.snapshots([STREAM], FORMAT)
    return snapshot


def test_a_snapshot_is_kept_every_so_many_versions(paid: Ledger) -> None:
    """It is written beside the work, so a few versions late; never more than one interval."""
    assert 25 - 10 < the_snapshot(paid).version <= 25


def test_a_loan_from_a_snapshot_is_the_loan_from_all_events(paid: Ledger, a_store: StoreMaker) -> None:
    snapshot = the_snapshot(paid)
    with_snapshot = a_store(paid).load([STREAM])[STREAM]
    paid.journal.save_snapshots([replace(snapshot, format="another")])
    from_events = a_store(paid).load([STREAM])[STREAM]
    assert with_snapshot.snapshot_version == snapshot.version
    assert from_events.snapshot_version == 0
    assert with_snapshot.loan
    assert from_events.loan
    same = from_events.loan.changed(footholds=with_snapshot.loan.footholds)  # these only save time
    assert (with_snapshot.loan, with_snapshot.head) == (same, from_events.head)


def test_the_state_in_a_snapshot_is_the_fold_of_the_events_up_to_it(paid: Ledger, a_store: StoreMaker) -> None:
    snapshot = the_snapshot(paid)
    loan = msgspec.msgpack.decode(snapshot.state, type=Loan)
    assert len(loan.history) == snapshot.version
    whole = a_store(paid).load([STREAM])[STREAM].loan
    assert whole
    assert loan.history.transactions() == whole.history.transactions()[: snapshot.version]


def test_a_snapshot_never_takes_the_place_of_a_newer_one(paid: Ledger) -> None:
    snapshot = the_snapshot(paid)
    paid.journal.save_snapshots([replace(snapshot, version=3)])
    assert the_snapshot(paid).version == snapshot.version


def test_what_another_process_recorded_is_found_before_a_command_is_refused(paid: Ledger) -> None:
    """From memory the payment is there; the other process has reversed nothing, but taken one more."""
    with Ledger(paid.settings, clock=paid.clock) as other:
        pay(other, 1, first=25)
        with pytest.raises(PaymentExists):
            paid.desk.execute(order(RecordPayment(loan_id="l1", amount_minor=1, payment_id="p25"), "another-key"))


def test_two_processes_that_take_turns_on_one_loan_lose_nothing(paid: Ledger, a_store: StoreMaker) -> None:
    with Ledger(paid.settings, clock=paid.clock) as other:
        for number in range(25, 45):
            pay(paid if number % 2 else other, 1, first=number)
    loan = a_store(paid).load([STREAM])[STREAM].loan
    assert loan
    assert [each.id for each in loan.history.transactions()[1:]] == [f"p{number}" for number in range(1, 45)]


def test_memory_holds_no_more_than_it_may(opened: Ledger, a_store: StoreMaker) -> None:
    store = a_store(opened, capacity=10)
    orders = [
        order(
            OpenLoan(loan_id=f"m{n}", currency="USD", principal_minor=100, opened_on=TODAY, due_on=TODAY), f"open-{n}"
        )
        for n in range(25)
    ]
    opened.desk.execute_many(orders)
    names = [f"loan/m{n}" for n in range(25)]
    store.load(names)
    assert all(store.kept(name) for name in names[-5:])
    assert not store.kept(names[0])


def test_a_loan_that_does_not_exist_is_not_remembered_as_missing(opened: Ledger, a_store: StoreMaker) -> None:
    store = a_store(opened)
    assert store.load(["loan/no"])["loan/no"].loan is None
    assert not store.kept("loan/no")


def test_many_threads_on_many_loans_and_one_hot_loan_are_all_answered(paid: Ledger, a_store: StoreMaker) -> None:
    def pays(number: int) -> bool:
        command = RecordPayment(loan_id="l1", amount_minor=1, payment_id=f"q{number}")
        return not paid.desk.execute(order(command, f"hot-{number}")).again

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(pays, range(200)))
    loan = a_store(paid).load([STREAM])[STREAM].loan
    assert loan
    assert len(loan.history) == 225
