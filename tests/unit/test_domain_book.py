from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger.domain.book import (
    Book,
    UnknownTimeZone,
    apply,
    close_day,
    close_period,
    open_book,
    require_open,
    skip_event,
)
from ledger.domain.day_totals import Counted
from ledger.domain.errors import (
    AlreadySkipped,
    BookExists,
    InvalidDate,
    InvalidIdentifier,
    PeriodIsClosed,
    PeriodNotOver,
    ReasonMissing,
    UnknownCurrency,
)
from schemas.books.events import BookOpened, DayClosed, DayTotals, EventSkipped, OverdueTotals, PeriodClosed
from schemas.errors import LedgerError
from schemas.values import Event
from tests.loan_builders import a_loan_opened

DAY = date(2026, 3, 8)


def opened(book_id: str = "main", **other: Any) -> BookOpened:
    what: dict[str, Any] = {"time_zone": "Asia/Shanghai", "cut_off": "00:00", "currencies": {"CNY": 2, "JPY": 0}}
    [event] = open_book(None, book_id, journal_id="j1", opened_on=DAY, partitions=12, key_id="0" * 64, **what | other)
    assert isinstance(event, BookOpened)
    return event


def a_book(**other: Any) -> Book:
    book = apply(None, opened(**other))
    assert book
    return book


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_open_book_is_what_its_first_event_says() -> None:
    book = a_book(cut_off="17:30")
    assert (book.book_id, book.time_zone, book.cut_off, book.partitions) == ("main", "Asia/Shanghai", "17:30", 12)
    assert (book.currencies, book.hash_format, book.closed_on) == ({"CNY": 2, "JPY": 0}, "sha256/1", None)


def test_a_journal_holds_one_book() -> None:
    with pytest.raises(BookExists, match="open book other; this journal holds book main"):
        open_book(
            a_book(), "other", journal_id="j", opened_on=DAY, time_zone="UTC", cut_off="00:00", currencies={},
            partitions=1, key_id="",
        )  # fmt: skip


@pytest.mark.parametrize(
    "zone", ["", "Mars/Base", "Asia", "../etc/passwd", "/etc/localtime", "a" * 9999, "\x00", "UTC\n"]
)
def test_a_time_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(UnknownTimeZone, match="use an IANA name"):
        opened(time_zone=zone)


@pytest.mark.parametrize("cut_off", ["", "24:00", "7:30", "12:60", "noon", "12:00\n", "１２:００"])
def test_a_cut_off_that_no_clock_shows_is_refused(cut_off: str) -> None:
    with pytest.raises(InvalidDate, match="like 18:30"):
        opened(cut_off=cut_off)


def test_a_book_needs_a_name() -> None:
    with pytest.raises(InvalidIdentifier, match="name a book 'a/b'"):
        opened("a/b")


@pytest.mark.parametrize(
    ("cut_off", "moment", "expected"),
    [
        ("00:00", "2026-03-07T15:59:59.999999", date(2026, 3, 7)),
        ("00:00", "2026-03-07T16:00:00", date(2026, 3, 8)),
        ("17:30", "2026-03-07T09:29:59.999999", date(2026, 3, 7)),
        ("17:30", "2026-03-07T09:30:00", date(2026, 3, 8)),
        ("17:30", "2026-12-31T09:30:00", date(2027, 1, 1)),
    ],
)
def test_from_the_cut_off_on_the_next_business_date_counts(cut_off: str, moment: str, expected: date) -> None:
    assert a_book(cut_off=cut_off).business_date(at(moment)) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-08T06:59:00", date(2026, 3, 8)),  # 01:59 EST, before the hour that does not exist
        ("2026-03-08T07:00:00", date(2026, 3, 9)),  # 03:00 EDT
        ("2026-11-01T05:59:00", date(2026, 11, 1)),  # 01:59 EDT, for the first time
        ("2026-11-01T06:59:00", date(2026, 11, 1)),  # 01:59 EST, for the second time
        ("2026-11-01T07:00:00", date(2026, 11, 2)),  # 02:00 EST
    ],
)
def test_a_cut_off_at_half_past_two_follows_the_clocks_when_they_change(moment: str, expected: date) -> None:
    assert a_book(time_zone="America/New_York", cut_off="02:00").business_date(at(moment)) == expected


def test_the_business_date_never_goes_back_while_clocks_go_back() -> None:
    book = a_book(time_zone="America/New_York", cut_off="01:30")
    dates = [
        book.business_date(at(f"2026-11-01T{hour:02}:{minute:02}:00")) for hour in (4, 5, 6, 7) for minute in (0, 45)
    ]
    assert dates == sorted(dates)


@pytest.mark.parametrize("cut_off", ["00:00", "00:30", "23:30"])
def test_the_business_date_does_not_go_back_over_midnight_either(cut_off: str) -> None:
    """In St. John's clocks went back at 00:01, to 23:01 of the day before, until 2011."""
    book = a_book(time_zone="America/St_Johns", cut_off=cut_off)
    dates = [book.business_date(at(f"2010-11-07T02:{minute:02}:00")) for minute in range(60)]
    assert dates == sorted(dates)


def test_a_book_knows_the_decimals_of_its_currencies_only() -> None:
    assert a_book().exponent("JPY") == 0
    with pytest.raises(UnknownCurrency, match="asked for USD; book main keeps CNY, JPY"):
        a_book().exponent("USD")


def test_a_day_is_closed_once() -> None:
    book = replace(a_book(), totalled_through=40)
    marks = OverdueTotals(currency="CNY", marks=2, marked_minor=70_00, cures=1, withdrawals=0)
    counted = Counted(through_position=57, loans_visited=3, overdue=(marks,))
    events = close_day(book, DAY, counted=counted, today=DAY)
    assert events == [
        DayClosed(book_id="main", business_date=DAY, loans_visited=3),
        DayTotals(
            book_id="main",
            business_date=DAY,
            after_position=40,
            through_position=57,
            loans_visited=3,
            overdue=(marks,),
        ),
    ]
    closed = apply(apply(book, events[0]), events[1])
    assert closed
    assert (closed.closed_on, closed.totalled_through) == (DAY, 57)
    assert close_day(closed, DAY, counted=counted, today=DAY) == []


def test_a_day_that_has_not_come_is_not_closed() -> None:
    with pytest.raises(InvalidDate, match="close 2026-03-09; today is 2026-03-08"):
        close_day(a_book(), date(2026, 3, 9), counted=Counted(through_position=1, loans_visited=0), today=DAY)


def a_skip(book: Book, projection: str | None = "postings", reason: str = "swapped lines") -> list[Event]:
    return skip_event(book, 7, partition=3, projection=projection, reason=reason, today=DAY)


def test_an_event_is_skipped_for_one_projection_with_a_reason() -> None:
    [event] = a_skip(a_book())
    assert event == EventSkipped(
        book_id="main", position=7, partition=3, reason="swapped lines", skipped_on=DAY, projection="postings"
    )
    book = apply(a_book(), event)
    assert book
    assert book.skipped == {(7, "postings")}


@pytest.mark.parametrize(("first", "again"), [("postings", "postings"), (None, None), (None, "postings")])
def test_what_is_skipped_is_not_skipped_again(first: str | None, again: str | None) -> None:
    book = apply(a_book(), *a_skip(a_book(), first))
    assert book
    with pytest.raises(AlreadySkipped, match=r"position 7 for .*decided before"):
        a_skip(book, again)


@pytest.mark.parametrize(("first", "then"), [("postings", "loan_now"), ("postings", None)])
def test_what_one_projection_skips_another_may_skip_too(first: str, then: str | None) -> None:
    book = apply(a_book(), *a_skip(a_book(), first))
    assert book
    assert len(a_skip(book, then)) == 1


@pytest.mark.parametrize("reason", ["", " ", "\n"])
def test_a_skip_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ReasonMissing, match="position 7 without a reason"):
        a_skip(a_book(), reason=reason)


def test_a_fold_passes_over_what_it_does_not_know() -> None:
    assert apply(None, DayClosed(book_id="main", business_date=DAY, loans_visited=0)) is None


def closed_up_to(day: date, **other: Any) -> Book:
    book = apply(a_book(**other), DayClosed(book_id="main", business_date=day, loans_visited=0))
    assert book
    return book


def test_a_period_is_closed_once_and_with_all_before_it() -> None:
    book = closed_up_to(date(2026, 4, 2))
    events = close_period(book, date(2026, 3, 31), today=date(2026, 4, 3))
    assert events == [PeriodClosed(book_id="main", through=date(2026, 3, 31), closed_on=date(2026, 4, 3))]
    after = apply(book, events[0])
    assert after
    assert close_period(after, date(2026, 3, 31), today=date(2026, 4, 4)) == []
    assert close_period(after, date(2026, 2, 28), today=date(2026, 4, 4)) == []


@pytest.mark.parametrize(
    ("through", "today", "refusal", "why"),
    [
        (date(2026, 3, 30), date(2026, 4, 3), InvalidDate, "last day of a month"),
        (date(2026, 2, 29 - 1), date(2026, 2, 28), PeriodNotOver, "when it is over"),
        (date(2026, 4, 30), date(2026, 4, 3), PeriodNotOver, "when it is over"),
        (date(2026, 4, 30), date(2026, 5, 3), PeriodNotOver, "closed up to 2026-04-02. Run ledger day-end"),
    ],
)
def test_a_period_that_is_not_over_stays_open(through: date, today: date, refusal: type[LedgerError], why: str) -> None:
    with pytest.raises(refusal, match=why):
        close_period(closed_up_to(date(2026, 4, 2)), through, today=today)


def test_a_book_without_a_closed_day_closes_no_period() -> None:
    with pytest.raises(PeriodNotOver, match="no day is closed"):
        close_period(a_book(), date(2026, 3, 31), today=date(2026, 4, 3))


def test_nothing_is_booked_in_a_closed_period() -> None:
    closed = apply(a_book(), PeriodClosed(book_id="main", through=date(2026, 1, 31), closed_on=date(2026, 2, 3)))
    assert closed
    opened_in_it = [a_loan_opened(100_00)]
    require_open(a_book(), opened_in_it)
    with pytest.raises(PeriodIsClosed, match=r"loan-1 on 2026-01-05; the books are closed through 2026-01-31"):
        require_open(closed, opened_in_it)
    require_open(closed, [opened_in_it[0].changed(booking_date=date(2026, 2, 1))])
