"""Day end of a whole book: what cannot be visited keeps its day open, and nobody else waiting."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.application.commands import OpenLoan
from ledger.application.day_end import DayIncomplete
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.journal.database import Database
from ledger.settings import Settings

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


def test_a_loan_that_cannot_be_read_keeps_the_day_open_and_the_others_are_marked(
    database: Database, tmp_path: Path
) -> None:
    loans = [f"l{number}" for number in range(5)]
    with a_ledger(database, tmp_path) as ledger:
        ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
        for loan in loans:
            opening = OpenLoan(
                loan_id=loan, currency="USD", principal_minor=100_00, opened_on=date(2026, 1, 5), due_on=DUE
            )
            ledger.desk.execute(Order(command=opening, key=loan, today=date(2026, 1, 5), principal="operator:ann"))
    before = rewrite(database, "l1", b"{}")
    with a_ledger(database, tmp_path) as ledger:
        with pytest.raises(DayIncomplete, match=r"4 loans were visited, 1 cannot be, loan/l1 first"):
            ledger.day_ends.run_until(DAY, today=ledger.today())
        assert [each.stream for each in ledger.journal.due_streams(DAY, 10)] == ["loan/l1"]
        assert ledger.book.closed_on != DAY
    rewrite(database, "l1", before)
    with a_ledger(database, tmp_path) as ledger:
        [done] = [each for each in ledger.day_ends.run_until(DAY, today=ledger.today()) if each.loans_visited]
        assert (done.business_date, done.loans_visited, done.closed) == (DAY, 1, True)
        assert not ledger.journal.due_streams(DAY, 10)
