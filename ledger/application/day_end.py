"""Day end: visits the loans that need attention on a business date, then closes the date.

Which loans those are says an index that the journal keeps with every append, so it is exact and never lags. A visit
catches up with all missed days at once. Each is one request under its own key, so day end may be stopped, repeated,
or run twice at once without marking anything twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.application.books import BookDesk
from ledger.application.commands import VisitLoan
from ledger.application.desk import Desk
from ledger.application.orders import Order
from ledger.domain.day_totals import Counted, overdue_totals
from ledger.domain.errors import InvalidDate
from ledger.journal.journal import Journal
from ledger.journal.records import ALL_STREAMS, Share
from schemas.errors import Corrupt, LedgerError, Misconfigured, Unavailable
from schemas.overdue.events import DelinquencyEvent
from schemas.registry import REGISTRY, types_of

Progress = Callable[[int, int], None]
"""Told (visits done, visits that are known of) as work goes on."""

Seen = Callable[[int], None]
"""Told how many loans were looked at since the last time."""

VisitFirst = Callable[[date], int]
"""Visits loans that wait on a date, by other processes; how many that were. What it leaves is visited all the same."""

_NAMED = 10
"""How many loans that cannot be visited an error names; it counts all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayEnd:
    """What one day end did. `closed`: the date had been open until then."""

    business_date: date
    loans_visited: int
    closed: bool


class DayEndStuck(Corrupt):
    code = "day_end_stuck"


class DayIncomplete(Corrupt):
    code = "day_incomplete"


class DayEnds:
    """Runs day ends of one book."""

    def __init__(self, journal: Journal, desk: Desk, book_desk: BookDesk, *, principal: str, chunk: int) -> None:
        self._journal = journal
        self._desk = desk
        self._book_desk = book_desk
        self._principal = principal
        self._chunk = chunk

    def run_until(
        self,
        until: date,
        *,
        today: date,
        progress: Progress = lambda done, total: None,
        visit_first: VisitFirst = lambda day: 0,
    ) -> list[DayEnd]:
        """Close all days that are open, up to and including `until`; a date to come raises `InvalidDate`.

        A loan that cannot be visited leaves its day and the later ones open, and raises `DayIncomplete` at the end; on
        those days too, all other loans are visited.
        """
        days = self.open_days(until, today=today)
        done: list[DayEnd] = []
        incomplete: DayIncomplete | None = None
        seen = _counter(progress, self._journal.count_due(until))
        for day in days:
            try:
                if incomplete:
                    self._visit_all(day, seen)
                else:
                    done.append(self.run(day, today=today, visit_first=visit_first, seen=seen))
            except DayIncomplete as found:
                incomplete = incomplete or found
        if incomplete:
            raise incomplete
        self.visit_latecomers()
        return done

    def open_days(self, until: date, *, today: date) -> list[date]:
        """The days after the last closed one, or from the first that needs attention, up to `until`, which may not be
        to come (`InvalidDate`)."""
        if until > today:
            raise InvalidDate(f"asked to close days up to {until}; today is {today}. Give today or an earlier date")
        closed_on = self._book_desk.reader.require().closed_on
        first = closed_on + timedelta(days=1) if closed_on else min(self._journal.first_action_on() or until, until)
        return [first + timedelta(days=n) for n in range((until - first).days + 1)]

    def run(
        self,
        business_date: date,
        *,
        today: date,
        visit_first: VisitFirst = lambda day: 0,
        seen: Seen = lambda count: None,
    ) -> DayEnd:
        """Visit every loan that needs attention on `business_date` or before, then close the date if it is open."""
        visited = visit_first(business_date)
        seen(visited)
        visited += self._visit_all(business_date, seen)
        closed = self._book_desk.close_day(business_date, counted=self._count(), today=today)
        return DayEnd(business_date=business_date, loans_visited=visited, closed=closed)

    def visit_latecomers(self) -> int:
        """Visit loans that came in with dates from before the last closed date, as of that date; where its accounting
        period is closed, as of the first day of the next one."""
        book = self._book_desk.reader.require()
        if book.closed_on is None:
            return 0
        first_open = book.closed_through + timedelta(days=1) if book.closed_through else book.closed_on
        return self._visit_all(max(book.closed_on, first_open))

    def _count(self) -> Counted:
        """What the journal says of all that happened since the totals of the last day end, whoever has closed it."""
        after, through = self._book_desk.reader.require().totalled_through, self._journal.head().position
        marks = self._journal.states_of(types_of(DelinquencyEvent), after, through)
        return Counted(
            through_position=through,
            loans_visited=self._journal.streams_written_by(self._principal, after, through),
            overdue=overdue_totals(REGISTRY.decode_recorded(*each) for each in marks),
        )

    def _visit_all(self, business_date: date, seen: Seen = lambda count: None) -> int:
        """Visit the loans that wait until none does; how many visits that took."""
        visited, before = 0, None
        while first := next(iter(self._journal.due_streams(business_date, 1)), None):
            if first == before:
                raise DayEndStuck(
                    f"asked day end of {business_date} to visit {first.stream}; its visit changes nothing. "
                    "Run ledger doctor"
                )
            before = first
            visited += self._walk(business_date, seen=seen)
        return visited

    def visit_share(self, business_date: date, share: Share) -> int:
        """Visit the loans of a share that wait; for a process beside the one that closes the day. Raises as `run` does
        for loans that cannot be visited."""
        return self._walk(business_date, share)

    def _walk(self, business_date: date, share: Share = ALL_STREAMS, seen: Seen = lambda count: None) -> int:
        """Visit each loan that waits, from the longest waiting one on. One that cannot be visited is passed over, and
        named at the end; what stands in the way of all of them is raised at once."""
        visited, failed, last = 0, 0, None
        named: dict[str, LedgerError] = {}
        while waiting := self._journal.due_streams(business_date, self._chunk, last, share):
            last = waiting[-1]
            orders = [self._visit(each.stream.removeprefix("loan/"), business_date) for each in waiting]
            for (_, stream), result in zip(waiting, self._desk.execute_many(orders), strict=True):
                if isinstance(result, Unavailable | Misconfigured):
                    raise result
                if isinstance(result, LedgerError):
                    failed += 1
                    if len(named) < _NAMED:
                        named[stream] = result
                else:
                    visited += 1
            seen(len(waiting))
        if failed:
            more = " ..." if failed > len(named) else ""
            raise DayIncomplete(
                f"asked to close {business_date}; {visited} loans were visited, {failed} cannot be: "
                f"{', '.join(named)}{more}. The first one: {next(iter(named.values()))}. The day stays open; see to "
                "them, then run day end again"
            )
        return visited

    def _visit(self, loan_id: str, business_date: date) -> Order:
        return Order(
            command=VisitLoan(loan_id=loan_id, business_date=business_date),
            key=f"dayend:{business_date}:{loan_id}",
            today=business_date,
            principal=self._principal,
        )


def _counter(progress: Progress, known: int) -> Seen:
    """Adds up what was looked at; loans may come to wait again on a later day, beyond those that are known of."""
    done = 0

    def seen(count: int) -> None:
        nonlocal done
        done += count
        progress(done, max(known, done))

    return seen
