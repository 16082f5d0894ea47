"""Events of a book: one journal, one lender or group of legal entities."""

from datetime import date
from typing import Annotated

from msgspec import Meta

from schemas.values import ABSENT, Absent, AmountMinor, Count, Currency, Event, Identifier, Text, Value, Word

Exponent = Annotated[int, Meta(ge=0, le=4, description="digits after the decimal point, ISO 4217")]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Position = Annotated[int, Meta(ge=1)]
PartitionNumber = Annotated[int, Meta(ge=0, le=1023)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class BookEvent(Event, frozen=True):
    """A fact about the book as a whole."""

    STREAM = "book/{book_id}"

    book_id: Identifier

    @property
    def subject(self) -> str:
        return self.book_id


class BookOpened(BookEvent, frozen=True):
    """The first event of every book. What it says holds for life, and every process checks it at its start.

    `time_zone` and `cut_off` turn an instant into a business date: from the cut-off on, the next date counts
    (`00:00`: the calendar day). `currencies` maps ISO 4217 codes to their minor-unit exponents. `key_id` names
    the secret key of the idempotency keys without telling it.
    """

    TYPE = "ledger.book.opened.v1"
    FAMILY = "ledger.books"

    journal_id: Text
    opened_on: date
    time_zone: Text
    cut_off: ClockTime
    currencies: dict[Currency, Exponent]
    partitions: Annotated[int, Meta(ge=1, le=1024)]
    hash_format: Text
    key_id: Digest

    @property
    def value_date(self) -> date:
        return self.opened_on


class DayClosed(BookEvent, frozen=True):
    """Day end has looked at every loan that needed attention on or before this business date."""

    TYPE = "ledger.book.day_closed.v1"
    FAMILY = "ledger.books"

    business_date: date
    loans_visited: Count

    @property
    def value_date(self) -> date:
        return self.business_date


class OverdueTotals(Value, frozen=True):
    """Marks of one currency: how many were set and the sum of what they say was missing, how many were cured, how many
    withdrawn."""

    currency: Currency
    marks: Count
    marked_minor: AmountMinor
    cures: Count
    withdrawals: Count


class DayTotals(BookEvent, frozen=True):
    """Control totals of a day end, recorded with its `DayClosed`: anybody who reads the events can count them again.

    They are about the events after `after_position`, up to and including `through_position`; the totals of the next day
    begin there, so that each event counts once. `loans_visited`: loans to which day end has written something.
    `overdue`: all marks, whoever caused them, by currency in the order of its code; a currency without any is left out.
    """

    TYPE = "ledger.book.day_totals.v1"
    FAMILY = "ledger.books"

    business_date: date
    after_position: Count
    through_position: Position
    loans_visited: Count
    overdue: tuple[OverdueTotals, ...] = ()

    @property
    def value_date(self) -> date:
        return self.business_date


class PeriodClosed(BookEvent, frozen=True):
    """The books of account are closed through a date, the last one of a month: nothing is booked on it or before any
    more. What becomes known later keeps its value date and is booked on the day on which it became known."""

    TYPE = "ledger.book.period_closed.v1"
    FAMILY = "ledger.books"

    through: date
    closed_on: date

    @property
    def value_date(self) -> date:
        return self.through


class EventSkipped(BookEvent, frozen=True):
    """A projection passes over an event that it could not apply, because a person said so.

    The event stays in the journal and on Kafka; only what the projection shows lacks it from now on, also when it is
    built again. Without `projection` all of them pass over it. Who decided it is the actor of the envelope.
    """

    TYPE = "ledger.projection.event_skipped.v1"
    FAMILY = "ledger.books"

    position: Position
    partition: PartitionNumber
    reason: Reason
    skipped_on: date
    projection: Word | Absent = ABSENT

    @property
    def value_date(self) -> date:
        return self.skipped_on
