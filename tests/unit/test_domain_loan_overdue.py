"""Day end and what payments make of its marks: overdue, cured, withdrawn, open again."""

from datetime import date, timedelta

import pytest

from schemas.loans.events import LoanPaidOff
from schemas.overdue.events import CuredInstallment, DelinquencyChanged, MarkedInstallment, WithdrawnMark
from schemas.values import ABSENT, Event
from tests.loan_builders import DUE, OPENED, Life, a_loan, days, names


def an_overdue_life() -> Life:
    """100.00 USD, marked on the day after its due date."""
    life = Life()
    life.day_end(days(1))
    return life


def the_change(events: list[Event]) -> DelinquencyChanged:
    [event] = [event for event in events if isinstance(event, DelinquencyChanged)]
    return event


def the_overdue(events: list[Event]) -> MarkedInstallment:
    [marked] = the_change(events).marked
    return marked


def the_cured(events: list[Event]) -> CuredInstallment:
    [cured] = the_change(events).cured
    return cured


@pytest.mark.parametrize("on", [OPENED, days(-1), DUE])
def test_nothing_is_overdue_up_to_the_due_date(on: date) -> None:
    assert Life().day_end(on) == []


def test_an_unpaid_installment_is_overdue_on_the_day_after_its_due_date() -> None:
    event = the_change(Life().day_end(days(1)))
    assert event.marked == (
        MarkedInstallment(
            installment=1,
            due_on=DUE,
            in_time_until=DUE,
            overdue_minor=100_00,
            as_of=days(1),
            days_past_due=1,
            bucket="M1",
        ),
    )
    assert (event.as_of, event.days_past_due, event.bucket, event.value_date) == (days(1), 1, "M1", days(1))
    assert (event.bucket_before, event.rule, event.cause) == ("M0", "as_agreed@1900-01-01", "time")
    assert (event.cure_minor, event.cure_by) == (100_00, days(30))
    assert (event.standing.status, event.standing.overdue_minor) == ("overdue", 100_00)


def test_missed_days_are_made_up_in_one_visit_with_the_value_date_of_the_first() -> None:
    event = the_change(Life().day_end(days(95)))
    assert (event.value_date, event.days_past_due, event.bucket) == (days(1), 95, "M4")


def test_only_what_is_missing_is_overdue() -> None:
    life = Life()
    life.pays(30_00, DUE)
    assert the_overdue(life.day_end(days(1))).overdue_minor == 70_00


def test_day_end_marks_once() -> None:
    life = an_overdue_life()
    assert life.day_end(days(1)) == life.day_end(days(30)) == []
    assert life.next_action_on == days(31)


def test_a_loan_moves_from_bucket_to_bucket_as_time_passes() -> None:
    life, moves = an_overdue_life(), []
    while on := life.next_action_on:
        [event] = life.day_end(on)
        assert isinstance(event, DelinquencyChanged)
        assert (event.marked, event.cured, event.withdrawn) == ((), (), ())
        assert event.value_date == on
        moves.append(((on - DUE).days, event.bucket_before, event.bucket, event.days_past_due, event.cure_by))
    assert moves == [
        (31, "M1", "M2", 31, days(60)),
        (61, "M2", "M3", 61, days(90)),
        (91, "M3", "M4", 91, days(120)),
        (121, "M4", "M5", 121, days(150)),
        (151, "M5", "M6", 151, days(180)),
        (181, "M6", "M7", 181, ABSENT),
    ]
    assert life.day_end(days(4000)) == []


def test_who_pays_the_oldest_installment_comes_back_to_the_bucket_of_the_next_one() -> None:
    life = Life(a_loan(100, 100))
    life.day_end(days(62))
    event = the_change(life.pays(100, days(62)))
    assert (event.bucket_before, event.bucket, event.days_past_due) == ("M3", "M2", 32)
    assert (event.cause, event.because_of, event.cure_minor) == ("payment", "p1", 100)


def test_a_visit_leaves_one_event_of_a_family_whatever_it_finds() -> None:
    life = Life(a_loan(100, 100, 100))
    [event] = life.day_end(days(61))
    assert isinstance(event, DelinquencyChanged)
    assert [marked.days_past_due for marked in event.marked] == [61, 31, 1]
    assert (event.days_past_due, event.bucket, event.cure_minor) == (61, "M3", 300)


def test_each_installment_is_marked_in_its_own_time() -> None:
    life = Life(a_loan(100, 100))
    assert [names(life.day_end(days(after))) for after in (1, 30, 31)] == [
        ["DelinquencyChanged"],
        [],
        ["DelinquencyChanged"],
    ]
    assert life.standing.overdue_minor == 200


def test_a_payment_on_the_due_date_that_is_entered_before_day_end_leaves_no_mark() -> None:
    life = Life()
    assert names(life.pays(100_00, DUE)) == ["PaymentReceived", "LoanPaidOff"]
    assert life.day_end(days(1)) == []


def test_late_money_cures_on_its_value_date() -> None:
    life = an_overdue_life()
    events = life.pays(100_00, days(31), today=days(40))
    cured, paid_off = the_cured(events), events[-1]
    assert (cured.cured_on, cured.days_past_due) == (days(31), 31)
    assert isinstance(paid_off, LoanPaidOff)
    assert (paid_off.paid_off_on, life.standing.status) == (days(31), "paid_off")


def test_one_unit_short_cures_nothing() -> None:
    life = an_overdue_life()
    assert names(life.pays(99_99, days(3))) == ["PaymentReceived"]
    assert (life.standing.status, life.standing.overdue_minor) == ("overdue", 1)


def test_a_late_payment_before_any_day_end_is_marked_and_cured_at_once() -> None:
    life = Life()
    events = life.pays(100_00, days(2))
    assert names(events) == ["PaymentReceived", "DelinquencyChanged", "LoanPaidOff"]
    assert the_cured(events).cured_on == days(2)
    assert (the_overdue(events).overdue_minor, the_overdue(events).days_past_due) == (100_00, 2)
    assert life.day_end(days(2)) == []


def test_a_mark_for_late_money_that_is_known_later_is_of_the_day_on_which_the_money_came() -> None:
    """One day late and known after forty: nobody was ever in bucket m2."""
    event = the_overdue(Life().pays(100_00, days(1), today=days(40)))
    assert (event.as_of, event.days_past_due, event.bucket) == (days(1), 1, "M1")


def test_a_late_part_payment_before_any_day_end_is_marked_and_stays_overdue() -> None:
    life = Life()
    assert names(life.pays(40_00, days(2))) == ["PaymentReceived", "DelinquencyChanged"]
    assert (life.standing.status, life.standing.overdue_minor) == ("overdue", 60_00)


def test_a_backdated_payment_withdraws_a_mark_that_was_never_true() -> None:
    life = an_overdue_life()
    event = the_change(life.pays(100_00, DUE, payment_id="wx-1", today=days(3)))
    assert event.withdrawn == (WithdrawnMark(installment=1, due_on=DUE, covered_on=DUE),)
    assert (event.value_date, event.cause, event.because_of) == (days(1), "payment", "wx-1")
    assert (event.bucket_before, event.bucket, event.days_past_due) == ("M1", "M0", 0)
    assert life.loan.marks == ()


def test_a_backdated_payment_that_completes_later_money_withdraws_a_cure_too() -> None:
    life = an_overdue_life()
    life.pays(100_00, days(5))
    assert names(life.pays(100_00, DUE, today=days(6))) == [
        "PaymentReceived",
        "AllocationsRestated",
        "DelinquencyChanged",
        "LoanPaidOff",
    ]
    assert (life.standing.credit_minor, life.loan.paid_off_on) == (100_00, DUE)


def test_a_backdated_part_corrects_the_date_of_the_cure() -> None:
    life = an_overdue_life()
    life.pays(100_00, days(9))
    events = life.pays(100_00, days(4), today=days(10))
    cured, paid_off = the_cured(events), events[-1]
    assert (cured.cured_on, cured.days_past_due) == (days(4), 4)
    assert isinstance(paid_off, LoanPaidOff)
    assert paid_off.paid_off_on == days(4)


def test_a_bounced_payment_marks_again_what_it_had_cured() -> None:
    life = an_overdue_life()
    life.pays(100_00, days(5), payment_id="p1")
    events = life.reverses("p1", today=days(8))
    assert names(events) == ["PaymentReversed", "DelinquencyChanged", "LoanReopened"]
    assert (the_overdue(events).as_of, the_overdue(events).days_past_due) == (days(8), 8)
    assert (the_change(events).cause, the_change(events).because_of) == ("payment_reversed", "p1")
    assert (life.standing.status, life.standing.overdue_minor) == ("overdue", 100_00)


def test_a_payment_on_time_that_bounces_after_the_due_date_is_overdue_at_once() -> None:
    life = Life()
    life.pays(100_00, DUE, payment_id="p1")
    assert names(life.reverses("p1", today=days(1))) == ["PaymentReversed", "DelinquencyChanged", "LoanReopened"]


def test_a_payment_on_time_that_bounces_by_the_due_date_waits_for_day_end() -> None:
    life = Life()
    life.pays(100_00, OPENED, payment_id="p1")
    assert names(life.reverses("p1", today=DUE)) == ["PaymentReversed", "LoanReopened"]
    assert life.next_action_on == days(1)


def test_the_next_date_is_the_day_after_the_first_due_date_that_is_open() -> None:
    life = Life(a_loan(100, 100, 100))
    assert life.next_action_on == days(1)
    life.pays(100, OPENED)
    assert life.next_action_on == DUE + timedelta(31)
    life.day_end(days(31))
    assert life.next_action_on == DUE + timedelta(61)


def test_every_event_of_a_request_says_how_the_loan_stands_after_all_of_them() -> None:
    life = Life()
    standings = {
        event.standing for event in life.pays(100_00, days(2)) if isinstance(event, DelinquencyChanged | LoanPaidOff)
    }
    assert {standing.status for standing in standings} == {"paid_off"}
