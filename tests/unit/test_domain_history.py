from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.history import NO_TRANSACTIONS, History
from ledger.domain.transactions import PAYMENT, Transaction
from schemas.packed import KeptElsewhere

DAY = date(2026, 3, 1)


def history_of(count: int) -> tuple[History, list[Transaction]]:
    payments = [Transaction(f"p{n}", PAYMENT, DAY, n + 1, "x") for n in range(count)]
    history = NO_TRANSACTIONS
    for payment in payments:
        history = history.with_transaction(payment)
    return history, payments


def lean(history: History) -> History:
    """All of its blocks kept elsewhere."""
    return history.without_earlier(history.earlier.block_count)


@given(count=st.integers(0, 300))
def test_what_is_packed_is_what_was_put_in(count: int) -> None:
    history, payments = history_of(count)
    assert len(history) == count
    assert list(history.transactions()) == payments


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_each_payment_is_found_by_its_id_and_nothing_else_is(count: int) -> None:
    history, payments = history_of(count)
    assert [history.find(payment.id) for payment in payments] == payments
    assert history.find(f"p{count}") is None


def test_a_part_of_an_id_is_not_an_id() -> None:
    history, _ = history_of(128)
    assert history.find("p") is None


@given(count=st.integers(0, 300), more=st.integers(0, 300))
def test_what_was_kept_elsewhere_comes_back(count: int, more: int) -> None:
    whole, _ = history_of(count + more)
    before, _ = history_of(count)
    history = lean(before)
    for payment in whole.transactions()[count:]:
        history = history.with_transaction(payment)
    assert len(history) == len(whole)
    assert history.with_earlier(map(bytes, before.earlier.blocks)) == whole


def test_blocks_that_are_kept_elsewhere_already_are_left_out_once() -> None:
    whole, _ = history_of(200)
    some = whole.without_earlier(3).without_earlier(2)
    assert (some.earlier.elsewhere, some.earlier.block_count) == (3, whole.earlier.block_count)
    assert some.with_earlier(map(bytes, whole.earlier.blocks[:3])) == whole
    assert some.memory_bytes < whole.memory_bytes


def test_whoever_looks_at_what_is_kept_elsewhere_is_told_so() -> None:
    history = lean(history_of(200)[0])
    with pytest.raises(KeptElsewhere):
        history.transactions()
    with pytest.raises(KeptElsewhere):
        history.find("p1")


def test_what_nobody_may_miss_is_found_without_looking_elsewhere() -> None:
    history = lean(history_of(200)[0])
    assert history.find("p199") == Transaction("p199", PAYMENT, DAY, 200, "x")
    assert history.find("no such payment") is None
    assert [each.id for each in history.since(184)] == [f"p{n}" for n in range(184, 200)]


def test_the_history_before_is_left_as_it_was() -> None:
    before, payments = history_of(63)
    before.with_transaction(Transaction("next", PAYMENT, DAY, 1))
    assert list(before.transactions()) == payments
