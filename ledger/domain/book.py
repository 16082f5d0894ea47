"""A book: one journal, with what holds for its whole life, how far its days are closed, and what was skipped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.domain.day_totals import Counted
from ledger.domain.errors import (
    AlreadySkipped,
    BookExists,
    InvalidDate,
    PeriodIsClosed,
    PeriodNotOver,
    ReasonMissing,
    UnknownCurrency,
    shown,
)
from ledger.domain.identifiers import require_identifier
from schemas.books.events import BookOpened, DayClosed, DayTotals, EventSkipped, PeriodClosed
from schemas.errors import BadInput
from schemas.values import ABSENT, Event, MoneyEvent

_CLOCK_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class UnknownTimeZone(BadInput):
    code = "unknown_time_zone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """State of a book. `closed_on` is the last business date on which day end has finished, `closed_through` the
    last day of the last accounting period that is closed. `totalled_through`: the position up to which the control
    totals of day ends have counted. `skipped`: positions that projections pass over, each with the name of the one that
    does (None: all)."""

    book_id: str
    journal_id: str
    opened_on: date
    time_zone: str
    cut_off: str
    currencies: Mapping[str, int]
    partitions: int
    hash_format: str
    key_id: str
    closed_on: date | None = None
    closed_through: date | None = None
    totalled_through: int = 0
    skipped: frozenset[tuple[int, str | None]] = frozenset()

    def exponent(self, currency: str) -> int:
        """Decimals of a currency of this book, else `UnknownCurrency`."""
        if currency not in self.currencies:
            known = ", ".join(sorted(self.currencies))
            raise UnknownCurrency(f"asked for {currency}; book {self.book_id} keeps {known}. Use one of these")
        return self.currencies[currency]

    def is_as_asked(self, book_id: str, time_zone: str, cut_off: str, currencies: Mapping[str, int]) -> bool:
        """Whether opening a book with these answers would open this one again."""
        asked = (book_id, time_zone, cut_off, dict(currencies))
        return asked == (self.book_id, self.time_zone, self.cut_off, dict(self.currencies))

    def business_date(self, moment: datetime) -> date:
        """The business date of an instant: the local date, or the next one from the cut-off on."""
        return _business_date(self.time_zone, self.cut_off, moment.replace(second=0, microsecond=0))


def open_book(
    existing: Book | None,
    book_id: str,
    *,
    journal_id: str,
    opened_on: date,
    time_zone: str,
    cut_off: str,
    currencies: Mapping[str, int],
    partitions: int,
    key_id: str,
) -> list[Event]:
    """Say for life what the book is. `currencies` maps ISO 4217 codes to their minor-unit exponents."""
    if existing:
        raise BookExists(
            f"asked to open book {book_id}; this journal holds book {existing.book_id} already, in time zone "
            f"{existing.time_zone}, cut-off {existing.cut_off}, with {', '.join(existing.currencies)}. "
            "What a book is never changes: use another database for another book"
        )
    require_identifier(book_id, "book")
    _require_clock_time(cut_off)
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, a name too long
        raise UnknownTimeZone(f"asked for time zone {shown(time_zone)}; use an IANA name like Asia/Shanghai") from error
    return [
        BookOpened(
            book_id=book_id,
            journal_id=journal_id,
            opened_on=opened_on,
            time_zone=time_zone,
            cut_off=cut_off,
            currencies=dict(currencies),
            partitions=partitions,
            hash_format="sha256/1",
            key_id=key_id,
        )
    ]


def _require_clock_time(text: str) -> None:
    if not _CLOCK_TIME.fullmatch(text):
        raise InvalidDate(f"asked for a cut-off at {shown(text)}; write hours and minutes, like 18:30")


def close_day(book: Book, business_date: date, *, counted: Counted, today: date) -> list[Event]:
    """Day end is through with a date. A date that is closed already stays as it is: no event.

    `counted`: what was recorded since the totals of the day end before.
    """
    if business_date > today:
        raise InvalidDate(f"asked to close {business_date}; today is {today}. Give today or an earlier date")
    if book.closed_on and business_date <= book.closed_on:
        return []
    visited = counted.loans_visited
    return [
        DayClosed(book_id=book.book_id, business_date=business_date, loans_visited=visited),
        DayTotals(
            book_id=book.book_id,
            business_date=business_date,
            after_position=book.totalled_through,
            through_position=counted.through_position,
            loans_visited=visited,
            overdue=counted.overdue,
        ),
    ]


def close_period(book: Book, through: date, *, today: date) -> list[Event]:
    """Close the books of account through the last day of a month that is over, with every month before it.

    One that is closed already stays as it is: no event. Raises `InvalidDate` for a day that ends no month, and
    `PeriodNotOver` while the month, or day end in it, goes on.
    """
    following = through + timedelta(days=1)
    if following.day != 1:
        raise InvalidDate(f"asked to close the period through {through}; give the last day of a month")
    if through >= today:
        raise PeriodNotOver(f"asked to close the period through {through}; today is {today}. Close it when it is over")
    if book.closed_through and through <= book.closed_through:
        return []
    if book.closed_on is None or book.closed_on < through:
        last = f"days are closed up to {book.closed_on}" if book.closed_on else "no day is closed"
        raise PeriodNotOver(f"asked to close the period through {through}; {last}. Run ledger day-end first")
    return [PeriodClosed(book_id=book.book_id, through=through, closed_on=today)]


def require_open(book: Book, events: Sequence[Event]) -> None:
    """Raise `PeriodIsClosed` for an event that is booked on a day of a closed period."""
    through = book.closed_through
    if through is None:
        return
    for event in events:
        if isinstance(event, MoneyEvent) and event.booking_date <= through:
            raise PeriodIsClosed(
                f"asked to book {event.TYPE} of loan {event.loan_id} on {event.booking_date}; the books are closed "
                f"through {through}. Record it on an open day; its value date may be as early as it is"
            )


def skip_event(
    book: Book, position: int, *, partition: int, projection: str | None, reason: str, today: date
) -> list[Event]:
    """Have a projection (None: all) pass over the event at a position, for a reason that a person gives.

    Raises `ReasonMissing`, or `AlreadySkipped` where that was decided before. Whether the event stands in anybody's way
    is not the book's business.
    """
    if not reason.strip():
        raise ReasonMissing(
            f"asked to skip the event at position {position} without a reason; auditors will read it: say why"
        )
    if {(position, projection), (position, None)} & book.skipped:
        whose = projection or "all projections"
        raise AlreadySkipped(
            f"asked to skip the event at position {position} for {whose}; that was decided before; nothing is to do"
        )
    return [
        EventSkipped(
            book_id=book.book_id,
            position=position,
            partition=partition,
            reason=reason,
            skipped_on=today,
            projection=projection or ABSENT,
        )
    ]


def apply(book: Book | None, event: Event) -> Book | None:
    """Fold one recorded event; total, decides nothing."""
    match event:
        case BookOpened():
            return Book(
                book_id=event.book_id,
                journal_id=event.journal_id,
                opened_on=event.opened_on,
                time_zone=event.time_zone,
                cut_off=event.cut_off,
                currencies=event.currencies,
                partitions=event.partitions,
                hash_format=event.hash_format,
                key_id=event.key_id,
            )
        case DayClosed():
            return book and replace(book, closed_on=event.business_date)
        case DayTotals():
            return book and replace(book, totalled_through=event.through_position)
        case PeriodClosed():
            return book and replace(book, closed_through=event.through)
        case EventSkipped():
            return book and replace(book, skipped=book.skipped | {(event.position, event.projection or None)})
    return book


@lru_cache(maxsize=1024)
def _business_date(time_zone: str, cut_off_at: str, moment: datetime) -> date:
    """Of a whole minute: days are cut, and clocks changed, at no other instants."""
    zone = ZoneInfo(time_zone)
    local, cut_off = moment.astimezone(zone), time.fromisoformat(cut_off_at)
    # Where clocks go back a local time comes twice. The first one cuts, or the business date would go back too;
    # and clocks that go back over midnight may have passed the next day's cut already.
    next_cut = datetime.combine(local.date() + timedelta(days=cut_off == time(0)), cut_off)
    passed = [
        local.replace(tzinfo=None) >= cut or moment >= cut.replace(tzinfo=zone).astimezone(UTC)
        for cut in (next_cut, next_cut + timedelta(days=1))
    ]
    return local.date() + timedelta(days=sum(passed))
