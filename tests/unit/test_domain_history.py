from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.allocation import Payment
from ledger.domain.history import NO_PAYMENTS, History

DAY = date(2026, 3, 1)


def history_of(count: int) -> tuple[History, list[Payment]]:
    payments = [Payment(payment_id=f"p{n}", amount_minor=n + 1, paid_on=DAY, received_at="x") for n in range(count)]
    history = NO_PAYMENTS
    for payment in payments:
        history = history.with_payment(payment)
    return history, payments


@given(count=st.integers(0, 300))
def test_what_is_packed_is_what_was_put_in(count: int) -> None:
    history, payments = history_of(count)
    assert len(history) == count
    assert list(history.payments()) == payments


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_each_payment_is_found_by_its_id_and_nothing_else_is(count: int) -> None:
    history, payments = history_of(count)
    assert [history.find(payment.payment_id) for payment in payments] == payments
    assert history.find(f"p{count}") is None


def test_a_part_of_an_id_is_not_an_id() -> None:
    history, _ = history_of(128)
    assert history.find("p") is None


def test_the_history_before_is_left_as_it_was() -> None:
    before, payments = history_of(63)
    before.with_payment(Payment(payment_id="next", amount_minor=1, paid_on=DAY))
    assert list(before.payments()) == payments
