"""What a day end would do: the same visits and decisions, and nothing of it is recorded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.application.decider import folded
from ledger.application.loan_store import LoanStore
from ledger.domain import loan as loans
from ledger.domain.day_totals import added, overdue_totals
from ledger.domain.loan import Loan
from ledger.domain.visiting import visit
from ledger.journal.journal import Journal
from ledger.journal.records import Waiting
from schemas.books.events import OverdueTotals
from schemas.errors import LedgerError
from schemas.values import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class DayPreview:
    """`days`: how many would be closed. `visits`: of `loans` loans, each counted once a day. `events`: how many of each
    type. `failing`: streams that cannot be visited."""

    until: date
    days: int
    loans: int
    visits: int
    events: Mapping[str, int]
    overdue: Sequence[OverdueTotals]
    failing: Sequence[str] = ()


def preview(journal: Journal, store: LoanStore, days: Sequence[date], *, until: date, chunk: int) -> DayPreview:
    """Of the days that are open. Loans are taken `chunk` at a time."""
    visits, seen, kinds = 0, 0, Counter[str]()
    overdue: list[OverdueTotals] = []
    failing: list[str] = []
    last: Waiting | None = None
    while waiting := journal.due_streams(until, chunk, last):
        last = waiting[-1]
        for stream, loan in _loaded(store, [each.stream for each in waiting]):
            if isinstance(loan, LedgerError):
                failing.append(stream)
                continue
            try:
                requests = _visits(loan, days)
            except LedgerError:
                failing.append(stream)
                continue
            visits += len(requests)
            seen += 1
            events = [event for request in requests for event in request]
            kinds.update(event.TYPE for event in events)
            overdue += overdue_totals(events)
        overdue = list(added(overdue))
    return DayPreview(
        until=until,
        days=len(days),
        loans=seen,
        visits=visits,
        events=dict(sorted(kinds.items())),
        overdue=overdue,
        failing=failing,
    )


def _loaded(store: LoanStore, streams: Sequence[str]) -> list[tuple[str, Loan | LedgerError | None]]:
    try:
        return [(name, stored.loan) for name, stored in store.load_whole(streams).items()]
    except LedgerError as error:
        if len(streams) == 1:
            return [(streams[0], error)]
    return [found for each in streams for found in _loaded(store, [each])]


def _visits(loan: Loan | None, days: Sequence[date]) -> list[Sequence[Event]]:
    """The events of each visit that a loan needs on these days."""
    found: list[Sequence[Event]] = []
    for day in days:
        due = loans.next_action_on(loan) if loan else None
        if due is None or due > days[-1]:
            break
        if loan and due <= day:
            events = visit(loan, business_date=day)
            loan = folded(loan, events)
            found.append(events)
    return found
