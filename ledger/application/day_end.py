"""Day end: visits the loans that need attention on a business date, then closes the date.

Which loans those are says an index that the journal keeps with every append, so it is exact and never lags. A visit
catches up with all missed days at once. Each is one request under its own key, so day end may be stopped, repeated,
or run twice at once without marking anything twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.application.books import BookDesk
from ledger.application.commands import VisitLoan
from ledger.application.desk import Desk, Order
from ledger.domain.errors import InvalidDate
from ledger.journal.errors import StreamConflict
from ledger.journal.journal import Journal
from schemas.errors import LedgerError

Progress = Callable[[int, int], None]
"""Told (done, total) as work goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayEnd:
    """What one day end did."""

    business_date: date
    loans_visited: int


class DayEnds:
    """Runs day ends of one book."""

    def __init__(self, journal: Journal, desk: Desk, book_desk: BookDesk, *, principal: str, chunk: int) -> None:
        self._journal = journal
        self._desk = desk
        self._book_desk = book_desk
        self._principal = principal
        self._chunk = chunk

    def run_until(self, until: date, *, today: date, progress: Progress = lambda done, total: None) -> list[DayEnd]:
        """Close all days that are open, up to and including `until` (today at the latest, else `InvalidDate`)."""
        if until > today:
            raise InvalidDate(f"asked to close days up to {until}; today is {today}. Close a day when it is over")
        days = list(self._open_days(until))
        done = []
        for nth, day in enumerate(days, 1):
            done.append(self.run(day, today=today))
            progress(nth, len(days))
        return done

    def run(self, business_date: date, *, today: date) -> DayEnd:
        """Visit every loan that needs attention on `business_date` or before, then close the date.

        A date that was closed before stays closed; loans that came in since are visited all the same, as of the last
        closed date.
        """
        closed_on = self._book_desk.reader.require().closed_on
        visited = self._visit_all(max(business_date, closed_on or business_date))
        self._book_desk.close_day(business_date, loans_visited=visited, today=today)
        return DayEnd(business_date=business_date, loans_visited=visited)

    def _visit_all(self, business_date: date) -> int:
        visited = 0
        while streams := self._journal.due_streams(business_date, self._chunk):
            orders = [self._visit(stream.removeprefix("loan/"), business_date) for stream in streams]
            for result in self._desk.execute_many(orders):
                if isinstance(result, LedgerError) and not isinstance(result, StreamConflict):
                    raise result
            visited += len(streams)
        return visited

    def _visit(self, loan_id: str, business_date: date) -> Order:
        return Order(
            command=VisitLoan(loan_id=loan_id, business_date=business_date),
            key=f"dayend:{business_date}:{loan_id}",
            today=business_date,
            principal=self._principal,
        )

    def _open_days(self, until: date) -> Iterator[date]:
        closed_on = self._book_desk.reader.require().closed_on
        day = closed_on + timedelta(days=1) if closed_on else self._journal.first_action_on() or until
        if day > until:
            yield until
        while day <= until:
            yield day
            day += timedelta(days=1)
