"""What day end says of itself: control totals that others count again, a dry run, workers beside it."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ledger.application.commands import OpenLoan, RecordPayment
from ledger.application.orders import Order
from ledger.bootstrap import DAY_END, Ledger
from ledger.domain.errors import InvalidDate
from ledger.entrypoints.day_end_workers import day_end_workers
from ledger.journal.database import Database
from ledger.journal.records import Share
from ledger.settings import Settings
from projections.day_proofs import DayProof
from schemas.books.events import OverdueTotals
from schemas.overdue.events import DelinquencyChanged

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
OPENED, DUE, UNTIL = date(2026, 1, 5), date(2026, 1, 20), date(2026, 1, 25)
LOANS = 40


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, database_url=database.url, day_end_chunk=7, principal="operator:ann")


def lend(ledger: Ledger) -> None:
    """Loans that fall due on three days, in two currencies."""
    ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD", "CNY"])
    orders = [
        Order(
            command=OpenLoan(
                loan_id=f"loan-{number}",
                currency="USD" if number % 2 else "CNY",
                principal_minor=100_00 + number,
                opened_on=OPENED,
                due_on=DUE + timedelta(days=number % 3),
            ),
            key=f"open-{number}",
            today=OPENED,
            principal="operator:ann",
        )
        for number in range(LOANS)
    ]
    assert not [each for each in ledger.desk.execute_many(orders) if isinstance(each, Exception)]


def pay(ledger: Ledger, loan: str, amount_minor: int, on: date) -> None:
    command = RecordPayment(loan_id=loan, payment_id=f"{loan}-p", amount_minor=amount_minor, paid_on=on)
    ledger.desk.execute(Order(command=command, key=f"{loan}-p", today=ledger.today(), principal="operator:ann"))


def proofs(ledger: Ledger, last: int = 100) -> list[DayProof]:
    with ledger.queries() as queries:
        return queries.day_proofs(DAY_END, last)


def kinds(ledger: Ledger) -> Counter[str]:
    return Counter(event.type for event in ledger.journal.after(0, 10_000))


def test_totals_of_each_day_are_counted_again_from_projections(settings: Settings) -> None:
    with Ledger(settings, clock=lambda: NOON) as ledger:
        lend(ledger)
        ledger.day_ends.run_until(UNTIL, today=ledger.today())
        pay(ledger, "loan-0", 100_00, DUE)  # was in time: the mark is withdrawn
        pay(ledger, "loan-3", 100_03, UNTIL)  # came late: cured
        ledger.day_ends.run_until(date(2026, 1, 27), today=ledger.today())
        found = proofs(ledger)
    assert [(each.business_date.day, each.loans_visited, each.proved) for each in found] == [
        (21, 14, True),
        (22, 13, True),
        (23, 13, True),
        (24, 0, True),
        (25, 0, True),
        (26, 0, True),
        (27, 0, True),
    ]
    assert found[0].overdue == (
        OverdueTotals(currency="CNY", marks=7, marked_minor=sum(100_00 + n for n in range(0, LOANS, 6)), cures=0,
                      withdrawals=0),
        OverdueTotals(currency="USD", marks=7, marked_minor=sum(100_00 + n for n in range(3, LOANS, 6)), cures=0,
                      withdrawals=0),
    )  # fmt: skip
    assert found[5].overdue == (
        OverdueTotals(currency="CNY", marks=0, marked_minor=0, cures=0, withdrawals=1),
        OverdueTotals(currency="USD", marks=0, marked_minor=0, cures=1, withdrawals=0),
    )
    assert found[0].after_position == 0
    with Ledger(settings) as ledger:
        assert proofs(ledger, 2) == found[-2:]


@pytest.mark.parametrize(
    "forged",
    [
        "update projections.delinquency set overdue_minor = overdue_minor - 1 where loan = 'loan-7'",
        "delete from projections.delinquency where loan = 'loan-7'",
        "update projections.audit_trail set actor = 'operator:ann' where loan = 'loan-7'",
    ],
)
def test_what_is_missing_or_other_shows(settings: Settings, database: Database, forged: str) -> None:
    with Ledger(settings, clock=lambda: NOON) as ledger:
        lend(ledger)
        ledger.day_ends.run_until(UNTIL, today=ledger.today())
        assert all(each.proved for each in proofs(ledger))
        with database.connect() as connection:
            assert connection.execute(forged.encode()).rowcount
        assert [each.business_date.day for each in proofs(ledger) if not each.proved] == [22]


def test_a_dry_run_tells_what_the_run_then_does_and_records_nothing(settings: Settings) -> None:
    with Ledger(settings, clock=lambda: NOON) as ledger:
        lend(ledger)
        before = kinds(ledger)
        told = ledger.preview_day_end(UNTIL)
        assert kinds(ledger) == before
        done = ledger.day_ends.run_until(UNTIL, today=ledger.today())
        assert (told.days, told.loans, told.visits) == (len(done), LOANS, sum(each.loans_visited for each in done))
        recorded = kinds(ledger) - before
        assert told.events == {kind: recorded[kind] for kind in recorded if kind == DelinquencyChanged.TYPE}
        assert sum(each.marked_minor for each in told.overdue) == sum(100_00 + number for number in range(LOANS))
        again = ledger.preview_day_end(UNTIL)
        assert (again.days, again.loans, again.events) == (0, 0, {})
        with pytest.raises(InvalidDate, match="today is 2026-02-03"):
            ledger.preview_day_end(date(2026, 2, 4))


def test_workers_visit_their_shares_and_what_they_do_is_what_one_does(settings: Settings) -> None:
    with Ledger(settings, clock=lambda: NOON) as ledger:
        lend(ledger)
        waiting = ledger.journal.due_streams(UNTIL, 1000)
        shares = [ledger.journal.due_streams(UNTIL, 1000, share=Share(number, 3)) for number in range(3)]
        assert sorted(each for share in shares for each in share) == sorted(waiting)
        assert all(shares)
        seen: list[int] = []
        with day_end_workers(settings, 2) as visit_first:

            def watched(day: date) -> int:
                seen.append(visit_first(day))
                return seen[-1]

            done = ledger.day_ends.run_until(UNTIL, today=ledger.today(), visit_first=watched)
        assert sum(seen) == LOANS == sum(each.loans_visited for each in done)
        marks = [event for event in ledger.journal.after(0, 10_000) if event.type == DelinquencyChanged.TYPE]
        assert sorted(event.key for event in marks) == sorted(f"loan-{number}" for number in range(LOANS))
        assert all(each.proved for each in proofs(ledger))
