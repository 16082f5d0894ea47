from datetime import date, timedelta

import pytest

from ledger.domain.calendars import easter
from ledger.domain.errors import CalendarMissing
from ledger.domain.schedule import build
from ledger.domain.terms import BusinessDay
from ledger.policies.open_days import UnreadableCalendar, calendar_names, open_days, read_edition
from tests.terms_builders import column, terms

EDITION = 'source = "a"\nconfidence = "b"\nweekend = [6, 7]\n'


@pytest.mark.parametrize(
    ("calendar", "day", "is_open"),
    [
        ("cn", "2026-02-14", True),  # a Saturday that works for the Spring Festival
        ("cn", "2026-02-15", False),
        ("cn", "2026-02-23", False),
        ("cn", "2026-02-24", True),
        ("cn", "2026-02-28", True),
        ("cn", "2026-03-01", False),
        ("cn", "2026-10-10", True),
        ("cn", "2025-10-08", False),
        ("cn", "2025-10-11", True),
        ("cn", "2017-01-02", False),
        ("cn", "2017-04-01", True),
        ("cn", "2020-01-31", False),
        ("cn", "2005-12-31", True),
        ("us_federal", "2021-06-18", False),
        ("us_federal", "2020-06-19", True),
        ("us_federal", "2021-12-31", False),  # New Year's Day of 2022 is a Saturday
        ("us_federal", "2026-07-03", False),
        ("us_federal", "2026-11-26", False),
        ("us_federal", "2026-05-25", False),
        ("us_reserve_banks", "2026-07-03", True),
        ("us_reserve_banks", "2027-07-05", False),
        ("target", "2026-04-03", False),
        ("target", "2026-04-06", False),
        ("target", "2026-05-25", True),
        ("target", "2026-12-26", False),
        ("weekends", "2026-10-01", True),
        ("weekends", "2026-10-03", False),
    ],
)
def test_a_day_is_open_or_closed_by_its_calendar(calendar: str, day: str, *, is_open: bool) -> None:
    assert open_days(calendar)(date.fromisoformat(day)) is is_open


@pytest.mark.parametrize("name", calendar_names())
def test_every_calendar_has_open_and_closed_days_in_every_month(name: str) -> None:
    days = [date(2026, 1, 1) + timedelta(number) for number in range(365)]
    found = {(day.month, open_days(name)(day)) for day in days}
    assert len(found) == 24


@pytest.mark.parametrize("day", ["2027-01-01", "2003-12-31"])
def test_a_year_without_a_published_calendar_is_an_error_by_name(day: str) -> None:
    with pytest.raises(
        CalendarMissing, match=rf"{day} is open in the calendar cn, .*2004-01-01 to 2026-12-31"
    ) as found:
        open_days("cn")(date.fromisoformat(day))
    assert found.value.field == "calendar"


def test_a_calendar_that_nobody_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(CalendarMissing, match=r"'atlantis'; there are cn, target, us_federal"):
        open_days("atlantis")


def test_a_loan_beyond_the_published_calendar_is_refused_by_field() -> None:
    with pytest.raises(CalendarMissing, match="2027-01-01"):
        build(terms(business_day=BusinessDay.FOLLOWING, calendar="cn"), open_days)


def test_installments_move_around_the_spring_festival() -> None:
    agreed = terms(term=2, first_due_on=date(2026, 2, 16), business_day=BusinessDay.MODIFIED_FOLLOWING, calendar="cn")
    assert [str(day) for day in column(build(agreed, open_days), "due_on")] == ["2026-02-24", "2026-03-16"]
    before = terms(term=1, first_due_on=date(2026, 2, 16), business_day=BusinessDay.PRECEDING, calendar="cn")
    assert [str(day) for day in column(build(before, open_days), "due_on")] == ["2026-02-14"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "source = ",
        EDITION + "extra = 1",
        EDITION.replace('"a"', '""'),
        EDITION + "closed = [2026-01-01]",
        EDITION + "until = 2026-12-31\nclosed = [2027-01-01]",
        EDITION + 'shift = "sometimes"',
        EDITION + 'day = [{ name = "x", feast = 1 }]',
    ],
)
def test_an_edition_that_cannot_be_read_says_what_is_wrong(text: str) -> None:
    with pytest.raises(UnreadableCalendar, match="asked to read the calendar cn of 2026-01-01"):
        read_edition("cn", "2026-01-01", text)


@pytest.mark.parametrize("day", ["2000-04-23", "2008-03-23", "2038-04-25", "2026-04-05", "1954-04-18"])
def test_easter_of_published_years(day: str) -> None:
    assert str(easter(int(day[:4]))) == day
