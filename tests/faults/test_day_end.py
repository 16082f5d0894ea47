"""Day ends that are killed, that run twice at once, that race payments: every fact has one mark, every day its end."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ledger.application.commands import OpenLoan, RecordPayment
from ledger.application.loan_store import decoded
from ledger.application.orders import Order
from ledger.bootstrap import DAY_END, Ledger
from ledger.journal.database import Database
from ledger.journal.inspection import inspect
from ledger.settings import Settings
from schemas.books.events import DayClosed
from schemas.overdue.events import DelinquencyChanged
from schemas.payments.events import PaymentReceived
from schemas.values import Event
from tests.faults.site import wait_until

OPENED, FIRST_DUE = date(2026, 1, 5), date(2026, 1, 20)
DAYS, LOANS = 10, 150
"""Days on which so many loans fall due."""
LAST = FIRST_DUE + timedelta(days=DAYS)
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, database_url=database.url, day_end_chunk=5, principal="operator:ann")


@contextmanager
def lent(settings: Settings, days: int = DAYS, loans: int = LOANS) -> Iterator[Ledger]:
    """A ledger with loans, of which some fall due on each of the days."""
    with Ledger(settings, clock=lambda: NOON) as ledger:
        ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
        orders = [
            Order(
                command=OpenLoan(
                    loan_id=f"loan-{day}-{number}",
                    currency="USD",
                    principal_minor=100_00,
                    opened_on=OPENED,
                    due_on=FIRST_DUE + timedelta(days=day),
                ),
                key=f"open-{day}-{number}",
                today=OPENED,
                principal="operator:ann",
            )
            for day in range(days)
            for number in range(loans)
        ]
        assert not [each for each in ledger.desk.execute_many(orders) if isinstance(each, Exception)]
        yield ledger


def started(settings: Settings, until: date, *more: str) -> "subprocess.Popen[bytes]":
    rest = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    ours = {
        "LEDGER_DATA": str(settings.data),
        "LEDGER_DATABASE_URL": str(settings.database_url),
        "LEDGER_DAY_END_CHUNK": str(settings.day_end_chunk),
    }
    arguments = [sys.executable, "-m", "ledger", "day-end", "--until", str(until), "--json", *more]
    return subprocess.Popen(
        arguments, env=rest | ours, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finished(process: "subprocess.Popen[bytes]") -> None:
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()


def reached(ledger: Ledger, position: int) -> None:
    """Wait, looking often: what follows must come in the middle."""
    deadline = time.monotonic() + 60
    while ledger.journal.head().position < position:
        assert time.monotonic() < deadline, "waited 60 s in vain"
        time.sleep(0.001)


def workers_of(process: "subprocess.Popen[bytes]") -> list[int]:
    """Process ids of those that visit loans beside it."""
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        lines = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    except FileNotFoundError:
        return []
    return [pid for pid, line in lines.items() if b"spawn_main" in line]


def marks(ledger: Ledger) -> list[str]:
    return sorted(
        event.loan_id
        for event in map(decoded, ledger.journal.after(0, 100_000))
        if isinstance(event, DelinquencyChanged)
        for _ in event.marked
    )


def require_exact(ledger: Ledger, days: int) -> None:
    """Each loan has one mark, each day is closed once, and the totals prove both."""
    assert marks(ledger) == sorted(f"loan-{day}-{number}" for day in range(days) for number in range(LOANS))
    events = ledger.journal.after(0, 100_000)
    assert len([event for event in events if event.type == DayClosed.TYPE]) == days
    with ledger.queries() as queries:
        proofs = queries.day_proofs(DAY_END, 100)
    assert [each.business_date for each in proofs] == [FIRST_DUE + timedelta(days=n + 1) for n in range(days)]
    assert [each.loans_visited for each in proofs] == [LOANS] * days
    assert all(each.proved for each in proofs)
    assert [check.found for check in inspect(ledger.database) if not check.ok] == []


def test_day_ends_that_are_killed_twenty_times_leave_what_one_leaves(settings: Settings) -> None:
    """Each day one is killed with its workers, and then one of the workers of the next one."""
    chance, kills = random.Random(8), 0
    with lent(settings) as ledger:
        for day in range(DAYS):
            until = FIRST_DUE + timedelta(days=day + 1)
            for kill_worker in (False, True):
                goal = ledger.journal.head().position + chance.randrange(1, LOANS // 3)
                process = started(settings, until, "--workers", "2")
                reached(ledger, goal)
                if kill_worker:
                    os.kill(chance.choice(workers_of(process)), signal.SIGKILL)
                    finished(process)
                else:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
                    assert process.returncode == -signal.SIGKILL
                kills += 1
        assert kills == 2 * DAYS
        require_exact(ledger, DAYS)


def test_two_day_ends_at_once_mark_and_close_once(settings: Settings) -> None:
    days = 4
    with lent(settings, days) as ledger:
        for day in range(days):
            both = [started(settings, FIRST_DUE + timedelta(days=day + 1)) for _ in range(2)]
            for each in both:
                finished(each)
        require_exact(ledger, days)


def test_no_mark_follows_a_payment_that_was_recorded_first(settings: Settings) -> None:
    """Payments in time become known while day end marks the same loans, one by one."""
    settings = replace(settings, day_end_chunk=1)
    with lent(settings, days=1, loans=400) as ledger:
        process = started(settings, FIRST_DUE + timedelta(days=1))
        wait_until(lambda: bool(marks(ledger)))
        paid = [f"loan-0-{number}" for number in range(399, -1, -1)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda loan: _pay(ledger, loan), paid))
        finished(process)
        first_of_both: dict[str, list[str]] = {}
        for event in ledger.journal.after(0, 100_000):
            if event.type in {PaymentReceived.TYPE, DelinquencyChanged.TYPE}:
                first_of_both.setdefault(event.key, []).append(said(decoded(event)))
    orders = set(map(tuple, first_of_both.values()))
    assert len(first_of_both) == 400
    assert orders <= {
        ("paid",),
        ("marked", "paid", "withdrawn"),
    }


def test_a_machine_whose_clock_is_behind_closes_fewer_days_and_breaks_nothing(settings: Settings) -> None:
    with lent(settings, days=2) as ledger:
        ledger.day_ends.run_until(FIRST_DUE + timedelta(days=2), today=ledger.today())
        before = ledger.journal.head().position
        late_clock = datetime.combine(FIRST_DUE + timedelta(days=1), datetime.min.time(), UTC)
        with Ledger(settings, clock=lambda: late_clock) as behind:
            assert behind.day_ends.run_until(behind.yesterday(), today=behind.today()) == []
        assert ledger.journal.head().position == before
        require_exact(ledger, 2)


def said(event: Event) -> str:
    if not isinstance(event, DelinquencyChanged):
        return "paid"
    return "marked" if event.marked else "withdrawn" if event.withdrawn else "neither"


def _pay(ledger: Ledger, loan: str) -> None:
    command = RecordPayment(loan_id=loan, payment_id=f"{loan}-p", amount_minor=100_00, paid_on=FIRST_DUE)
    ledger.desk.execute(Order(command=command, key=f"{loan}-p", today=ledger.today(), principal="operator:ann"))
