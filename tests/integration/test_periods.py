"""Closed accounting periods: nothing is booked in them any more, whatever becomes known, whoever races the closing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment
from ledger.application.orders import Answer, Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import PeriodIsClosed, PeriodNotOver
from ledger.journal.database import Database
from ledger.settings import Settings
from schemas.books.events import PeriodClosed
from schemas.values import MoneyEvent

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


@pytest.fixture
def lent(database: Database, tmp_path: Path) -> Iterator[Ledger]:
    """On February 3: a loan of 100.00 of January 5, due on the 20th; of it 40.00 were paid late. January is closed."""
    with Ledger(Settings(data=tmp_path, database_url=database.url), clock=lambda: NOON) as ledger:
        ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
        opening = OpenLoan(
            loan_id="l1", currency="USD", principal_minor=100_00, opened_on=date(2026, 1, 5), due_on=date(2026, 1, 20)
        )
        send(ledger, opening, date(2026, 1, 5))
        send(ledger, RecordPayment(loan_id="l1", amount_minor=40_00, payment_id="p1"), date(2026, 1, 25))
        ledger.day_ends.run_until(date(2026, 2, 2), today=ledger.today())
        assert ledger.close_period(JANUARY)
        yield ledger


def send(ledger: Ledger, command: LoanCommand, today: date) -> Answer:
    order = Order(command=command, key=f"{command} {today}", today=today, principal="operator:ann")
    return ledger.desk.execute(order)


def booked(answer: Answer) -> set[date]:
    return {event.booking_date for event in answer.events if isinstance(event, MoneyEvent)}


def test_what_is_booked_in_a_closed_period_is_refused(lent: Ledger) -> None:
    before = lent.journal.head().position
    with pytest.raises(PeriodIsClosed, match=r"on 2026-01-31; the books are closed through 2026-01-31"):
        send(lent, RecordPayment(loan_id="l1", amount_minor=1_00), JANUARY)
    assert lent.journal.head().position == before


def test_what_becomes_known_later_keeps_its_value_date_and_is_booked_in_the_open_period(lent: Ledger) -> None:
    backdated = RecordPayment(loan_id="l1", amount_minor=60_00, payment_id="p2", paid_on=date(2026, 1, 19))
    assert booked(send(lent, backdated, lent.today())) == {lent.today()}
    assert booked(send(lent, ReversePayment(loan_id="l1", payment_id="p1", cause="bank_return"), lent.today())) == {
        lent.today()
    }


def test_the_trial_balance_of_a_closed_period_stays_as_it_is(lent: Ledger) -> None:
    with lent.queries() as queries:
        before = queries.trial_balance(JANUARY, booked_through=JANUARY)
    late = RecordPayment(loan_id="l1", amount_minor=60_00, payment_id="p2", paid_on=date(2026, 1, 19))
    send(lent, late, lent.today())
    with lent.queries() as queries:
        assert queries.trial_balance(JANUARY, booked_through=JANUARY) == before
        assert queries.trial_balance(JANUARY).lines != before.lines, "by value date alone, as it is known now"


def test_a_process_that_has_not_heard_of_the_closing_is_refused_all_the_same(lent: Ledger) -> None:
    with Ledger(lent.settings, clock=lent.clock) as other:
        send(other, RecordPayment(loan_id="l1", amount_minor=1_00, payment_id="p2"), date(2026, 2, 2))
        march = datetime(2026, 3, 2, 12, tzinfo=UTC)
        with Ledger(lent.settings, clock=lambda: march) as closer:
            closer.day_ends.run_until(FEBRUARY, today=closer.today())
            assert closer.close_period(FEBRUARY)
        with pytest.raises(PeriodIsClosed, match="closed through 2026-02-28"):
            send(other, RecordPayment(loan_id="l1", amount_minor=1_00, payment_id="p3"), date(2026, 2, 2))
        assert booked(
            send(other, RecordPayment(loan_id="l1", amount_minor=1_00, payment_id="p3"), date(2026, 3, 2))
        ) == {date(2026, 3, 2)}


def test_a_loan_that_comes_in_with_old_dates_is_visited_on_the_first_open_day(lent: Ledger) -> None:
    opening = OpenLoan(
        loan_id="l2", currency="USD", principal_minor=100_00, opened_on=date(2026, 1, 5), due_on=date(2026, 1, 20)
    )
    send(lent, opening, lent.today())
    with Ledger(replace(lent.settings), clock=lent.clock) as other:
        assert other.day_ends.visit_latecomers() == 1
    assert "l2" in str(lent.journal.streams(["loan/l2"]))


def test_a_period_is_closed_once_also_by_two(lent: Ledger) -> None:
    assert not lent.close_period(JANUARY)
    with Ledger(lent.settings, clock=lent.clock) as other:
        assert not other.close_period(JANUARY)
    types = [event.type for event in lent.journal.after(0, 1000)]
    assert types.count(PeriodClosed.TYPE) == 1
    with pytest.raises(PeriodNotOver):
        lent.close_period(FEBRUARY)
