"""Day end of a whole book: what cannot be visited keeps its day open, and nobody else waiting."""

from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest

from ledger.application.commands import OpenLoan
from ledger.application.counting_commands import SetOverdueRules
from ledger.application.day_end import DayEnd, DayEndStuck, DayIncomplete
from ledger.application.loan_store import decoded
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import InvalidDate
from ledger.journal.database import Database
from ledger.journal.records import Share
from ledger.settings import Settings
from schemas.books.events import DayClosed
from schemas.errors import Misconfigured
from schemas.overdue.events import DelinquencyChanged

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
DUE, DAY = date(2026, 1, 20), date(2026, 1, 21)


def a_ledger(database: Database, data: Path) -> Ledger:
    return Ledger(Settings(data=data, database_url=database.url, day_end_chunk=2), clock=lambda: NOON)


def rewrite(database: Database, loan: str, state: bytes) -> bytes:
    """Give the first event of a loan other bytes, past everything that forbids it; what it had."""
    with database.connect() as connection:
        connection.execute("alter table journal.event disable trigger all")
        [(before,)] = connection.execute(
            "select state from journal.event where stream = %s and streamversion = 1", (f"loan/{loan}",)
        ).fetchall()
        connection.execute(
            "update journal.event set state = %s where stream = %s and streamversion = 1", (state, f"loan/{loan}")
        )
    return bytes(before)


def lend(ledger: Ledger, due: dict[str, date]) -> None:
    ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
    for loan, due_on in due.items():
        opening = OpenLoan(
            loan_id=loan, currency="USD", principal_minor=100_00, opened_on=date(2026, 1, 5), due_on=due_on
        )
        ledger.desk.execute(Order(command=opening, key=loan, today=date(2026, 1, 5), principal="operator:ann"))


def marked(ledger: Ledger) -> list[tuple[str, str]]:
    """Loans that are marked overdue, each with the date from which that counts."""
    marks = [event for event in ledger.journal.after(0, 1000) if event.type == DelinquencyChanged.TYPE]
    return sorted((mark.key, orjson.loads(mark.state)["valuedate"]) for mark in marks)


def test_a_loan_that_cannot_be_read_keeps_its_day_open_and_no_other_loan_waiting(
    database: Database, tmp_path: Path
) -> None:
    with a_ledger(database, tmp_path) as ledger:
        lend(ledger, {"l0": DUE, "l1": DUE, "l2": DUE, "l3": DUE, "l4": DAY})
    before = rewrite(database, "l1", b"{}")
    with a_ledger(database, tmp_path) as ledger:
        with pytest.raises(DayIncomplete, match=r"close 2026-01-21; 3 loans were visited, 1 cannot be: loan/l1\. The"):
            ledger.day_ends.run_until(date(2026, 1, 22), today=ledger.today())
        others = [("l0", "2026-01-21"), ("l2", "2026-01-21"), ("l3", "2026-01-21"), ("l4", "2026-01-22")]
        assert marked(ledger) == others
        assert DayClosed.TYPE not in [event.type for event in ledger.journal.after(0, 1000)]
    rewrite(database, "l1", before)
    with a_ledger(database, tmp_path) as ledger:
        done = ledger.day_ends.run_until(date(2026, 1, 22), today=ledger.today())
        assert [(each.business_date, each.loans_visited, each.closed) for each in done] == [
            (date(2026, 1, 21), 1, True),
            (date(2026, 1, 22), 0, True),
        ]
        assert marked(ledger) == sorted([*others, ("l1", "2026-01-21")])


def test_what_stands_in_the_way_of_all_loans_is_no_matter_of_one(database: Database, tmp_path: Path) -> None:
    with a_ledger(database, tmp_path) as ledger:
        lend(ledger, {"l0": DUE, "l1": DUE, "l2": DUE})
        with database.connect() as connection:
            connection.execute("alter function journal.append rename to appended")
        with pytest.raises(Misconfigured, match="found no journal of this version"):
            ledger.day_ends.run_until(DAY, today=ledger.today())
        assert marked(ledger) == []


def test_a_loan_that_waits_whatever_its_visits_do_stops_day_end_with_its_name(
    database: Database, tmp_path: Path
) -> None:
    with a_ledger(database, tmp_path) as ledger:
        lend(ledger, {"l0": DAY, "l1": DUE})
        ledger.day_ends.run(DAY, today=ledger.today())
        with database.connect() as connection:
            connection.execute("alter table journal.stream disable trigger all")
            connection.execute("update journal.stream set next_action_on = %s where stream = 'loan/l1'", (DAY,))
        with pytest.raises(DayEndStuck, match="visit loan/l1; its visit changes nothing"):
            ledger.day_ends.run(DAY, today=ledger.today())


def test_rules_that_change_in_the_middle_count_for_whoever_comes_after(database: Database, tmp_path: Path) -> None:
    """Half of the loans are visited, then all get days of grace, then the day end goes on: no mark is left of it."""
    loans = [f"l{number}" for number in range(12)]
    with a_ledger(database, tmp_path) as ledger:
        lend(ledger, dict.fromkeys(loans, DUE))
        half = ledger.day_ends.visit_share(DAY, Share(0, 2))
        assert 0 < half < len(loans) == half + len(ledger.journal.due_streams(DAY, 100))
        for loan in loans:
            command = SetOverdueRules(loan_id=loan, policy="grace_of_3_days")
            ledger.desk.execute(Order(command=command, key=f"r-{loan}", today=DAY, principal="operator:ann"))
        assert ledger.day_ends.run(DAY, today=ledger.today()).loans_visited == 0
        changes = [
            event for event in map(decoded, ledger.journal.after(0, 1000)) if isinstance(event, DelinquencyChanged)
        ]
        assert sum(len(change.marked) for change in changes) == sum(len(change.withdrawn) for change in changes) == half
        assert {change.because_of for change in changes if change.withdrawn} == {"grace_of_3_days@1900-01-01"}
        ledger.day_ends.run_until(date(2026, 1, 24), today=ledger.today())
        states = [ledger.loan(loan) for loan in loans]
        assert all(state.mark(1) for state in states)
        with ledger.queries() as queries:
            found = queries.day_proofs("service:day-end", 10)
            assert [row.days_past_due for row in queries.delinquency(date(2026, 1, 24))] == [1] * len(loans)
        assert all(each.proved for each in found)
        assert [sum(each.marks for each in day.overdue) for day in found] == [half, 0, 0, len(loans)]


def test_a_day_that_comes_out_of_order_or_again_is_closed_once(database: Database, tmp_path: Path) -> None:
    with a_ledger(database, tmp_path) as ledger:
        lend(ledger, {"l0": DUE, "l1": DAY})
        assert ledger.day_ends.run(date(2026, 1, 22), today=ledger.today()).closed
        for day in (DAY, date(2026, 1, 22)):
            done = ledger.day_ends.run(day, today=ledger.today())
            assert (done.loans_visited, done.closed) == (0, False)
        assert marked(ledger) == [("l0", "2026-01-21"), ("l1", "2026-01-22")]
        with pytest.raises(InvalidDate, match="today is 2026-02-03"):
            ledger.day_ends.run_until(date(2026, 2, 4), today=ledger.today())
        with pytest.raises(InvalidDate, match="today is 2026-02-03"):
            ledger.day_ends.run(date(2026, 2, 4), today=ledger.today())


@pytest.mark.parametrize(
    ("zone", "cut_off", "moments"),
    [
        # Clocks go forward on 2026-03-08 at 02:00: that day begins at 05:00 UTC and ends at 04:00.
        (
            "America/New_York",
            "00:00",
            [("2026-03-08T04:59:59", "2026-03-06", False), ("2026-03-08T05:00:00", "2026-03-07", False),
             ("2026-03-09T03:59:59", "2026-03-07", False), ("2026-03-09T04:00:00", "2026-03-08", False),
             ("2026-03-10T03:59:59", "2026-03-08", False), ("2026-03-10T04:00:00", "2026-03-09", True)],
        ),
        # With a cut-off at 02:30, which that day does not have, the next date begins when the clocks have moved.
        (
            "America/New_York",
            "02:30",
            [("2026-03-08T06:59:59", "2026-03-07", False), ("2026-03-09T06:29:59", "2026-03-08", False),
             ("2026-03-09T06:30:00", "2026-03-09", True)],
        ),
        (
            "Asia/Shanghai",
            "00:00",
            [("2026-03-08T15:59:59", "2026-03-07", False), ("2026-03-08T16:00:00", "2026-03-08", False),
             ("2026-03-09T15:59:59", "2026-03-08", False), ("2026-03-09T16:00:00", "2026-03-09", True)],
        ),
        (
            "Pacific/Kiritimati",
            "00:00",
            [("2026-03-08T09:59:59", "2026-03-07", False), ("2026-03-08T10:00:00", "2026-03-08", False),
             ("2026-03-09T10:00:00", "2026-03-09", True)],
        ),
    ],
)  # fmt: skip
def test_a_loan_is_overdue_when_the_day_after_its_due_date_is_over_in_the_zone_of_the_book(
    database: Database, tmp_path: Path, zone: str, cut_off: str, moments: list[tuple[str, str, bool]]
) -> None:
    now, closed = [datetime(2026, 1, 5, 12, tzinfo=UTC)], list[DayEnd]()
    settings = Settings(data=tmp_path, database_url=database.url)
    with Ledger(settings, clock=lambda: now[0]) as ledger:
        ledger.init("main", time_zone=zone, cut_off=cut_off, currencies=["USD"])
        opening = OpenLoan(
            loan_id="l", currency="USD", principal_minor=1_00, opened_on=date(2026, 1, 5), due_on=date(2026, 3, 8)
        )
        ledger.desk.execute(Order(command=opening, key="l", today=date(2026, 1, 5), principal="operator:ann"))
        for moment, closed_on, is_marked in moments:
            now[0] = datetime.fromisoformat(moment).replace(tzinfo=UTC)
            closed += ledger.day_ends.run_until(ledger.yesterday(), today=ledger.today())
            assert str(closed[-1].business_date) == closed_on, moment
            assert bool(marked(ledger)) == is_marked, moment
