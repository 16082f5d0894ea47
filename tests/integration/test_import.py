"""Importing loan files into a real journal."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ledger.application.import_loans import Imported
from ledger.application.loan_file import InvalidFile, read_loan_file
from ledger.application.loan_store import decoded
from ledger.bootstrap import Ledger
from ledger.domain.errors import InvalidDate
from schemas.books.events import DayClosed
from schemas.overdue.events import DelinquencyChanged

HEADER = "Loan_ID,loan_status,Principal,terms,effective_date,due_date,paid_off_time,past_due_days\n"
ON_TIME = "a1,PAIDOFF,1000,30,9/8/2016,10/7/2016,9/14/2016 19:31,\n"
ONE_DAY_LATE = "b2,COLLECTION_PAIDOFF,300.50,15,9/8/2016,9/22/2016,9/23/2016 00:05,1\n"
STILL_OPEN = "c3,COLLECTION,800,7,9/9/2016,9/15/2016,,\n"


def import_text(ledger: Ledger, text: str, until: date | None = None, *, skip_invalid: bool = False) -> Imported:
    path = ledger.settings.data / "loans.csv"
    path.write_text(text)
    file = read_loan_file(path, "USD", 2)
    return ledger.loan_import("USD").run(file, today=ledger.today(), until=until, skip_invalid=skip_invalid)


def events_of(ledger: Ledger, loan_id: str) -> list[str]:
    name = f"loan/{loan_id}"
    return [type(decoded(event)).__name__ for event in ledger.journal.streams([name])[name]]


def test_a_file_is_replayed_up_to_its_last_date(opened: Ledger) -> None:
    imported = import_text(opened, HEADER + ON_TIME + ONE_DAY_LATE + STILL_OPEN)
    assert (imported.until, imported.opened, imported.paid) == (date(2016, 10, 7), 3, 2)
    assert events_of(opened, "a1") == ["LoanOpened", "PaymentReceived", "LoanPaidOff"]
    assert set(events_of(opened, "c3")) == {"LoanOpened", "DelinquencyChanged"}


def test_a_loan_that_was_paid_one_day_late_was_overdue_for_one_day(opened: Ledger) -> None:
    import_text(opened, HEADER + ONE_DAY_LATE)
    events = [decoded(event) for event in opened.journal.streams(["loan/b2"])["loan/b2"]]
    changes = [event for event in events if isinstance(event, DelinquencyChanged)]
    [overdue] = [marked for change in changes for marked in change.marked]
    [cured] = [cured for change in changes for cured in change.cured]
    assert (overdue.due_on, cured.cured_on, cured.days_past_due) == (date(2016, 9, 22), date(2016, 9, 23), 1)


def test_importing_the_same_file_again_changes_nothing(opened: Ledger) -> None:
    text = HEADER + ON_TIME + ONE_DAY_LATE + STILL_OPEN
    import_text(opened, text)
    head = opened.journal.head()
    again = import_text(opened, text)
    assert (again.opened, again.paid, again.again) == (0, 0, 5)
    assert opened.journal.head() == head


def test_a_later_import_of_the_same_file_goes_on_where_the_first_one_ended(opened: Ledger) -> None:
    text = HEADER + ON_TIME + ONE_DAY_LATE
    first = import_text(opened, text, date(2016, 9, 20))
    rest = import_text(opened, text, date(2016, 9, 30))
    assert (first.opened, first.paid, rest.opened, rest.paid) == (2, 1, 0, 1)


def test_another_file_may_begin_before_the_days_that_are_closed(opened: Ledger) -> None:
    import_text(opened, HEADER + ON_TIME, date(2016, 12, 8))
    import_text(opened, HEADER + STILL_OPEN, date(2016, 12, 8))
    assert set(events_of(opened, "c3")) == {"LoanOpened", "DelinquencyChanged"}


def test_loans_that_come_in_after_their_days_were_closed_get_no_mark_that_was_never_true(opened: Ledger) -> None:
    import_text(opened, HEADER + STILL_OPEN, date(2016, 12, 8))
    import_text(opened, HEADER + ON_TIME + ONE_DAY_LATE)
    assert events_of(opened, "a1") == ["LoanOpened", "PaymentReceived", "LoanPaidOff"]
    marks = [decoded(event) for event in opened.journal.streams(["loan/b2"])["loan/b2"]]
    [mark] = [mark for event in marks if isinstance(event, DelinquencyChanged) for mark in event.marked]
    assert (mark.as_of, mark.days_past_due) == (date(2016, 9, 23), 1)


def test_by_default_no_day_is_closed_that_is_not_over(opened: Ledger) -> None:
    imported = import_text(opened, HEADER + STILL_OPEN.replace("9/15/2016", "9/15/2026"))
    assert imported.until == date(2016, 12, 23)


def test_a_bad_line_keeps_everything_out(opened: Ledger) -> None:
    head = opened.journal.head()
    with pytest.raises(InvalidFile, match=r"line 3, column Principal: found '-5'"):
        import_text(opened, HEADER + ON_TIME + STILL_OPEN.replace("800", "-5"))
    assert opened.journal.head() == head


def test_the_good_lines_come_in_when_asked_for_and_the_bad_ones_are_reported(opened: Ledger) -> None:
    imported = import_text(opened, HEADER + ON_TIME + STILL_OPEN.replace("800", "-5"), skip_invalid=True)
    assert imported.opened == 1
    assert [(finding.line, finding.column) for finding in imported.rejected] == [(3, "Principal")]


def test_a_loan_that_was_imported_with_other_values_is_a_finding(opened: Ledger) -> None:
    import_text(opened, HEADER + ON_TIME)
    with pytest.raises(InvalidFile, match=r"line 2, column Loan_ID: found 'a1'"):
        import_text(opened, HEADER + ON_TIME.replace("1000", "900"))


def test_a_date_to_come_is_refused(opened: Ledger) -> None:
    with pytest.raises(InvalidDate, match=r"2016-12-25.*2016-12-24"):
        import_text(opened, HEADER + ON_TIME, date(2016, 12, 25))


def test_day_end_goes_on_from_the_last_closed_day(opened: Ledger) -> None:
    import_text(opened, HEADER + STILL_OPEN, date(2016, 9, 12))
    done = opened.day_ends.run_until(date(2016, 9, 17), today=opened.today())
    assert [day.business_date.day for day in done] == [13, 14, 15, 16, 17]
    assert [day.loans_visited for day in done] == [0, 0, 0, 1, 0]


def test_a_day_end_that_is_run_twice_marks_once(opened: Ledger) -> None:
    import_text(opened, HEADER + STILL_OPEN, date(2016, 9, 20))
    opened.day_ends.run_until(date(2016, 9, 20), today=opened.today())
    assert set(events_of(opened, "c3")) == {"LoanOpened", "DelinquencyChanged"}


def test_two_day_ends_at_once_close_each_day_and_mark_each_loan_once(opened: Ledger) -> None:
    import_text(opened, HEADER + STILL_OPEN, date(2016, 9, 12))
    with Ledger(opened.settings, clock=opened.clock) as other, ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(each.day_ends.run_until, date(2016, 10, 12), today=opened.today()) for each in (opened, other)
        ]
        assert all(done.result() for done in both)
    closed = [decoded(event) for event in opened.journal.streams(["book/main"])["book/main"]]
    assert len([event for event in closed if isinstance(event, DayClosed)]) == 4 + 30
    assert set(events_of(opened, "c3")) == {"LoanOpened", "DelinquencyChanged"}
