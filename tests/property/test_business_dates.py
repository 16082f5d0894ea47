"""The business date of any instant, in any zone, with any cut-off: it only ever goes forward."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.book import Book

ZONES = sorted(available_timezones() - {"localtime", "posixrules"})
BOOK = Book(
    book_id="main",
    journal_id="j",
    opened_on=datetime(2000, 1, 1, tzinfo=UTC).date(),
    time_zone="UTC",
    cut_off="00:00",
    currencies={},
    partitions=12,
    hash_format="sha256/1",
    key_id="",
)

books = st.builds(
    lambda zone, minutes: replace(BOOK, time_zone=zone, cut_off=f"{minutes // 60:02}:{minutes % 60:02}"),
    st.sampled_from(ZONES),
    st.integers(0, 24 * 60 - 1),
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - by contract


@given(book=books, moment=moments, later=st.timedeltas(timedelta(0), timedelta(hours=30)))
def test_the_business_date_never_goes_back(book: Book, moment: datetime, later: timedelta) -> None:
    assert book.business_date(moment) <= book.business_date(moment + later)


@given(book=books, moment=moments)
def test_the_business_date_is_the_local_date_or_the_next_one(book: Book, moment: datetime) -> None:
    assert abs(book.business_date(moment) - moment.date()) <= timedelta(days=2)


@given(moment=moments, zone=st.sampled_from(ZONES))
def test_without_a_cut_off_it_is_the_local_calendar_day(moment: datetime, zone: str) -> None:
    book = replace(BOOK, time_zone=zone)
    with_latest = replace(book, cut_off="23:59")
    assert with_latest.business_date(moment) - book.business_date(moment) in (timedelta(0), timedelta(days=1))
