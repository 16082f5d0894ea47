"""Loading loans: from memory, from snapshots, from events; always the same loan."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment
from ledger.application.loan_store import FORMAT, LoanStore
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import PaymentExists
from ledger.domain.loan import Loan
from ledger.journal.records import RecordedEvent, Snapshot
from ledger.journal.stream_loader import StoredEvent, StoredStream
from schemas.packed import KeptElsewhere
from schemas.payments.events import PaymentReversed

STREAM = "loan/l1"
TODAY = date(2026, 1, 10)


def order(command: LoanCommand, key: str) -> Order:
    return Order(command=command, key=key, today=TODAY, principal="operator:test")


def as_stored(event: RecordedEvent) -> StoredEvent:
    return StoredEvent(event.version, event.type, event.state)


def about(payment_id: str) -> dict[str, Any]:
    return {"loan_id": "l1", "payment_id": payment_id}


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

        def make(ledger: Ledger, capacity_bytes: int = 1 << 20) -> LoanStore:
            store = LoanStore(ledger.journal, capacity_bytes=capacity_bytes, snapshot_every=10)
            return opened_stores.enter_context(closing(store))

        yield make


def the_snapshot(ledger: Ledger) -> Snapshot:
    ledger.desk.close()
    [snapshot] = ledger.journal.snapshots([STREAM], FORMAT)
    return snapshot


def test_a_snapshot_is_kept_every_so_many_versions(paid: Ledger) -> None:
    """It is written beside the work, so a few versions late; never more than one interval."""
    assert 25 - 10 < the_snapshot(paid).version <= 25


def test_a_loan_that_alone_is_busy_does_not_wait_for_others(paid: Ledger) -> None:
    """While its desk still works: snapshots are written some at a time, but none waits for two intervals."""
    [snapshot] = paid.journal.snapshots([STREAM], FORMAT)
    assert snapshot.version >= 20


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


@pytest.fixture
def long_paid(paid: Ledger) -> Ledger:
    """A loan with 325 events, most of them in blocks beside its snapshot."""
    pay(paid, 300, first=25)
    paid.desk.close()
    return paid


def blocks_of(ledger: Ledger) -> list[tuple[int, str]]:
    """Numbers of the blocks, and the transactions that wrote them."""
    with ledger.database.connect("ledger_writer") as connection:
        return connection.execute(b"select nth, xmin::text from journal.snapshot_block order by nth").fetchall()


def test_earlier_facts_of_a_long_life_stay_in_the_journal(long_paid: Ledger, a_store: StoreMaker) -> None:
    lean = a_store(long_paid).load([STREAM])[STREAM]
    whole = a_store(long_paid).load_whole([STREAM])[STREAM]
    assert lean.loan
    assert whole.loan
    assert lean.memory_bytes < 20_000 < whole.memory_bytes
    assert len(lean.loan.history) == len(whole.loan.history.transactions()) == 325
    with pytest.raises(KeptElsewhere):
        lean.loan.history.transactions()


def test_each_block_is_written_once(long_paid: Ledger) -> None:
    before = blocks_of(long_paid)
    with Ledger(long_paid.settings, clock=long_paid.clock) as other:
        pay(other, 100, first=325)
    assert blocks_of(long_paid)[: len(before)] == before
    assert [nth for nth, _ in blocks_of(long_paid)] == list(range(25))


def test_a_command_about_an_early_fact_finds_it(long_paid: Ledger) -> None:
    """In a process that has not seen the loan: once reversed, once for what is there already."""
    with Ledger(long_paid.settings, clock=long_paid.clock) as other:
        [reversed_, *_] = other.desk.execute(order(ReversePayment(**about("p3"), cause="bank_return"), "back")).events
        assert isinstance(reversed_, PaymentReversed)
        assert reversed_.paid_on == TODAY
        with pytest.raises(PaymentExists):
            other.desk.execute(order(RecordPayment(**about("p4"), amount_minor=1), "again"))
        assert other.loan("l1").known.owed_minor == 100_00 - 323


def test_a_fact_that_comes_before_the_early_ones_is_folded_with_all_of_them(long_paid: Ledger) -> None:
    """Payments of one day are taken by their ids, the shortest first."""
    with Ledger(long_paid.settings, clock=long_paid.clock) as other:
        other.desk.execute(order(RecordPayment(**about("z"), amount_minor=1), "late"))
        assert other.loan("l1").known.owed_minor == 100_00 - 325


def test_an_event_since_the_snapshot_may_be_about_an_early_fact(long_paid: Ledger, a_store: StoreMaker) -> None:
    with Ledger(replace(long_paid.settings, snapshot_every=1000), clock=long_paid.clock) as other:
        other.desk.execute(order(ReversePayment(**about("p3"), cause="bank_return"), "back"))
    found = a_store(long_paid).load([STREAM])[STREAM]
    assert found.snapshot_version < found.head.version
    assert found.loan
    assert found.loan.known.owed_minor == 100_00 - 323


def test_blocks_that_other_code_wrote_over_are_done_without(long_paid: Ledger, a_store: StoreMaker) -> None:
    store = a_store(long_paid)
    lean = store.load([STREAM])[STREAM]
    with long_paid.database.connect("ledger_writer") as connection:
        connection.execute(b"update journal.snapshot_block set format = 'another' where nth = 1")
    whole = store.using(lean, lambda stored: stored.loan and stored.loan.history.transactions())
    assert whole
    assert [each.id for each in whole[1:]] == [f"p{number}" for number in range(1, 325)]


def test_what_stands_beside_a_snapshot_is_not_kept_in_memory_too(long_paid: Ledger, a_store: StoreMaker) -> None:
    store = a_store(long_paid)
    before = store.fold(
        STREAM, StoredStream(None, [as_stored(each) for each in long_paid.journal.streams([STREAM])[STREAM]])
    )
    store.save_snapshots(rest=True)
    after = store.kept(STREAM)
    assert before.loan
    assert after
    assert after.loan
    assert after.memory_bytes < before.memory_bytes
    assert (after.snapshot_version, after.snapshot_blocks) == (325, before.loan.history.earlier.block_count)
    assert store.using(after, lambda stored: stored.loan and stored.loan.history.transactions())


def test_a_snapshot_that_is_late_leaves_a_loan_alone_that_rests_on_a_newer_one(
    long_paid: Ledger, a_store: StoreMaker
) -> None:
    """The loan was read anew from what another process wrote, while an older state waited to be written."""
    store = a_store(long_paid)
    events = [as_stored(each) for each in long_paid.journal.streams([STREAM])[STREAM]]
    store.fold(STREAM, StoredStream(None, events[:60]))
    store.forget([STREAM])
    newer = store.load([STREAM])[STREAM]
    store.save_snapshots(rest=True)
    assert store.kept(STREAM) == newer
    assert newer.snapshot_version > 60


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
    loan = a_store(paid).load_whole([STREAM])[STREAM].loan
    assert loan
    assert [each.id for each in loan.history.transactions()[1:]] == [f"p{number}" for number in range(1, 45)]


def test_memory_holds_no_more_than_it_may(opened: Ledger, a_store: StoreMaker) -> None:
    store = a_store(opened, capacity_bytes=10 * 4_000)
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
