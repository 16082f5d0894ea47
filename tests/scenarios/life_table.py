"""Reads a scenario: a heading, a blank line, and a table of days; and replays it through the rules.

    day         does                                events                                   due      credit  status
    2026-01-05  lends 1,000.00 until 2026-02-05     LoanOpened                          1,000.00        0.00  active

Columns begin where their headings do; amounts are written to the right. What can be done:

    lends AMOUNT until DATE
    pays AMOUNT [on DATE] [as ID]       value date and name of the payment where the table needs them
    reverses ID [for CAUSE]             bank_return unless told
    day end
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.domain import counting
from ledger.domain.delinquency import COUNTERS, Pause
from ledger.domain.due_dates import OpenDays
from ledger.domain.loan import apply
from ledger.domain.money import format_minor, parse_minor
from schemas.errors import LedgerError
from schemas.loans.events import LoanPaidOff
from schemas.overdue.events import DelinquencyChanged
from schemas.overdue.rules import CounterRule, OverdueRules
from schemas.values import Event
from tests.loan_builders import Life, a_bullet

HEADINGS = ("day", "does", "events", "due", "credit", "status")
_COLUMN = re.compile(r"\s{2,}")
_LENDS = re.compile(r"lends (\S+) until (\S+)")
_PAYS = re.compile(r"pays (\S+)(?: on (\S+))?(?: as (\S+))?")
_ALLOWS = re.compile(r"allows (\d+) days of grace")
_STOPS = re.compile(r"(pause|freeze) (\S+) from (\S+) to (\S+)")
_RESUMES = re.compile(r"resume (\S+) until (\S+)")
_REVERSES = re.compile(r"reverses (\S+)(?: for (\S+))?")


@dataclass(frozen=True)
class Line:
    """One line of a table: what is done on a day, and what must come of it."""

    day: date
    does: str
    expected: tuple[str, ...]


class Table:
    """A scenario from its text."""

    def __init__(self, text: str) -> None:
        self.heading, _, body = text.strip().partition("\n\n")
        header, *rows = body.splitlines()
        assert tuple(header.split()) == HEADINGS, header
        starts = [header.index(heading) for heading in HEADINGS[:3]]
        self.lines = [_line(row, starts) for row in rows if row.strip()]

    def replay(self) -> list[tuple[str, ...]]:
        """What really comes of it: events, due, credit and status of each line."""
        life = Life()
        return [_do(life, line) for line in self.lines]


def _line(row: str, starts: Sequence[int]) -> Line:
    day, does, rest = row[: starts[1]].strip(), row[starts[1] : starts[2]].strip(), row[starts[2] :].rstrip()
    *events, due, credit, status = _COLUMN.split(rest.strip())
    return Line(date.fromisoformat(day), does, (" ".join(events), due, credit, status))


def _do(life: Life, line: Line) -> tuple[str, ...]:
    try:
        happened = ", ".join(_named(event) for event in events(life, line.day, line.does))
    except LedgerError as refusal:
        happened = f"refused {refusal.code}"
    standing = life.standing
    amounts = format_minor(standing.total_due_minor, 2), format_minor(standing.credit_minor, 2)
    return happened, *amounts, standing.status


def events(life: Life, day: date, does: str) -> list[Event]:
    """What comes of something that is done on a day."""
    if found := _LENDS.fullmatch(does):
        return _lend(life, _minor(found[1]), day, date.fromisoformat(found[2]))
    if found := _PAYS.fullmatch(does):
        on = date.fromisoformat(found[2]) if found[2] else day
        return life.pays(_minor(found[1]), on, payment_id=found[3] or "", today=day)
    if found := _REVERSES.fullmatch(does):
        return life.reverses(found[1], day, found[2] or "bank_return")
    if (counted := _counting(life, day, does)) is not None:
        return counted
    assert does == "day end", f"{does!r} is nothing that a scenario can do"
    return life.day_end(day)


def _counting(life: Life, day: date, does: str) -> list[Event] | None:
    """What comes of other rules or a pause; None: it is neither."""
    if found := _ALLOWS.fullmatch(does):
        rules = OverdueRules(policy="test@2026-01-01", contractual=CounterRule(grace_days=int(found[1])))
        return life.records(counting.set_rules(life.loan, rules, _no_calendar, since=date.min, today=day))
    if found := _STOPS.fullmatch(does):
        since, until = date.fromisoformat(found[3]), date.fromisoformat(found[4])
        wish = Pause(pause_id=found[2], counters=COUNTERS, how=found[1], since=since, until=until)
        return life.records(counting.pause(life.loan, wish, "relief", "", today=day))
    if found := _RESUMES.fullmatch(does):
        return life.records(counting.resume(life.loan, found[1], until=date.fromisoformat(found[2]), today=day))
    return None


def _no_calendar(name: str) -> OpenDays:
    raise AssertionError(f"no scenario needs the calendar {name}")


def _lend(life: Life, principal_minor: int, opened_on: date, due_on: date) -> list[Event]:
    opened = a_bullet(principal_minor, opened_on=opened_on, due_on=due_on)
    loan = apply(None, opened)
    assert loan
    life.loan, life.requests = loan, [[opened]]
    return [opened]


def _named(event: Event) -> str:
    """An event with the one thing that a reader wants to know of it."""
    name = type(event).__name__
    match event:
        case DelinquencyChanged():
            return ", ".join(_lateness(event))
        case LoanPaidOff():
            return f"{name} {event.paid_off_on}"
    return name


def _lateness(event: DelinquencyChanged) -> Iterator[str]:
    for marked in event.marked:
        yield f"Overdue {marked.bucket} {format_minor(marked.overdue_minor, 2)}"
    for cured in event.cured:
        yield f"Cured {cured.cured_on}"
    for _ in event.withdrawn:
        yield "Withdrawn"
    if not (event.marked or event.cured or event.withdrawn):
        yield f"Moved {event.bucket_before} {event.bucket}"


def _minor(text: str) -> int:
    return parse_minor(text, "USD", 2)
