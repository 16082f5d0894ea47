"""What the doctor finds: each test breaks one thing on a real server, and just that is named."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ledger.application.commands import OpenLoan, RecordPayment
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.clock import system_clock
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.inspection import inspect
from ledger.journal.integrity import Findings, read_through
from ledger.journal.journal import Journal
from ledger.journal.migrations import migrate
from tests.integration.journal.requests import a_request, newest
from tests.integration.relay.relayed import eventually

OPENED, DUE, TODAY = date(2016, 9, 8), date(2016, 10, 7), date(2016, 12, 24)
TABLES = ("event", "command")
ALL_IS_WELL = Findings(gap="", broken_link="")


@pytest.fixture
def book(opened: Ledger) -> Database:
    """A book with two loans: a opened at position 2, b at 3; from 4 on what happens to a."""
    for loan in ("a", "b"):
        lent = OpenLoan(loan_id=loan, currency="USD", principal_minor=100_00, opened_on=OPENED, due_on=DUE)
        opened.desk.execute(Order(command=lent, key=loan, today=TODAY, principal="operator:test"))
    for number in range(3):
        paid = RecordPayment(loan_id="a", amount_minor=10_00)
        opened.desk.execute(Order(command=paid, key=f"pay-{number}", today=TODAY, principal="operator:test"))
    return opened.database


def change(database: Database, *statements: str) -> None:
    """As a superuser who covers up the traces: triggers off, change, triggers on again."""
    with database.connect() as admin:
        for table in TABLES:
            admin.execute(f"alter table journal.{table} disable trigger user".encode())
        for statement in statements:
            admin.execute(statement.encode())
        for table in TABLES:
            for trigger in ("append_only_rows", "append_only_statements"):
                admin.execute(f"alter table journal.{table} enable always trigger {trigger}".encode())


def execute(database: Database, statement: str) -> None:
    with database.connect() as admin:
        admin.execute(statement.encode())


def problems(database: Database, *, quick: bool = False) -> dict[str, str]:
    return {check.name: check.found for check in inspect(database, quick=quick) if not check.ok}


def test_a_book_as_it_should_be_has_no_problem(book: Database) -> None:
    assert problems(book) == {}
    assert read_through(book) == ALL_IS_WELL


GAPS = {
    "an event taken out": ("delete from journal.event where position = 3", "position 3 is missing"),
    "an event moved to the end": (
        "update journal.event set position = 1000 where position = 4", "position 4 is missing"),
    "the last event taken out": (
        "delete from journal.event where position = (select position from journal.head)", "the head is at position"),
    "a head moved back": ("update journal.head set position = position - 1", "the last event at"),
    "a number in a partition changed": (
        "update journal.event set partitionseq = 99 where position = 2", "position 2 is number 99 of partition"),
    "a count of a partition changed": (
        "update journal.partition set seq = seq + 1 where seq = 1", "counts 2 events, it has 1"),
    "a count of a partition taken out": ("delete from journal.partition where seq = 1", "counts 0 events, it has 1"),
    "a time changed": ("update journal.event set recorded_us = 0 where position = 3", "position 3 was recorded before"),
    "a version changed": (
        "update journal.event set streamversion = 50 where stream = 'loan/a' and streamversion = 2",
        "version 2 of stream loan/a is missing"),
    "a stream that ends elsewhere": (
        "update journal.stream set version = version + 1 where stream = 'loan/b'", "stream loan/b ends at version 1"),
    "a stream without its row": ("delete from journal.stream where stream = 'loan/b'", "ends at version 1, not at 0"),
    "a stream without events": (
        "insert into journal.stream (stream, version) values ('loan/c', 7)", "stream loan/c should have 7 events"),
}  # fmt: skip


@pytest.mark.parametrize("case", GAPS)
def test_the_first_gap_is_named(book: Database, case: str) -> None:
    statement, found = GAPS[case]
    change(book, statement)
    assert found in read_through(book).gap
    assert found in problems(book)["order"]


SAYS_MORE = "convert_to(replace(convert_from(state, 'UTF8'), '\"amount_minor\":1000', '\"amount_minor\":9000'), 'UTF8')"
LINKS = {
    "an amount changed": (
        f"update journal.event set state = {SAYS_MORE} where stream = 'loan/a' and streamversion = 2",
        "version 3 of stream loan/a does not name the hash of version 2"),
    "a last event changed": (
        f"update journal.event set state = {SAYS_MORE} where position = (select position from journal.head)",
        "of stream loan/a is not what was recorded"),
    "a hash of a stream changed": (
        "update journal.stream set head_hash = sha256('') where stream = 'loan/b'", "version 1 of stream loan/b"),
    "an event that cannot be read": (
        "update journal.event set state = 'nothing' where position = 3", "version 1 of stream loan/b cannot be read"),
    "an event put in another's place": (
        "update journal.event set state = (select state from journal.event where position = 2) where position = 3",
        "version 1 of stream loan/b says that it is another event"),
    "a type changed": (
        "update journal.event set type = 'ledger.payment.reversed.v1' where position = 3", "says that it is another"),
}  # fmt: skip


@pytest.mark.parametrize("case", LINKS)
def test_the_first_broken_link_is_named(book: Database, case: str) -> None:
    statement, found = LINKS[case]
    change(book, statement)
    assert list(problems(book)) == ["hash chain"]
    assert found in read_through(book).broken_link


def test_a_gap_and_a_broken_link_are_both_named(book: Database) -> None:
    change(book, GAPS["an event taken out"][0], LINKS["an amount changed"][0])
    assert all(read_through(book))


def test_a_quick_look_reads_no_event(book: Database) -> None:
    change(book, LINKS["an amount changed"][0])
    assert problems(book, quick=True) == {}


def test_a_quick_look_counts(book: Database) -> None:
    change(book, GAPS["an event taken out"][0])
    assert list(problems(book, quick=True)) == ["positions"]


def test_events_that_are_not_ours_still_hang_together(journal: Journal, database: Database) -> None:
    for _ in range(3):
        journal.append([a_request("x", 2, after=newest(journal, "x"))])
    assert read_through(database) == ALL_IS_WELL
    change(database, "update journal.event set state = 'another' where position = 6")
    assert "version 6 of stream loan/x is not what was recorded" in read_through(database).broken_link


def test_a_journal_that_is_written_meanwhile_has_no_problem(journal: Journal, database: Database) -> None:
    def write(loan: str) -> None:
        for _ in range(40):
            journal.append([a_request(loan, 3, after=newest(journal, loan))])

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, loan) for loan in ("x", "y")]
        while not all(each.done() for each in writing):
            assert read_through(database) == ALL_IS_WELL
        assert [each.result() for each in writing] == [None, None]


def test_reading_tells_how_far_it_is(book: Database) -> None:
    told: list[tuple[int, int]] = []
    read_through(book, lambda done, total: told.append((done, total)))
    [(head,)] = _rows(book, "select position from journal.head")
    assert told[-1] == (2 * head, 2 * head)


def _rows(database: Database, statement: str) -> list[tuple[int]]:
    with database.connect() as connection:
        return connection.execute(statement.encode()).fetchall()


TRIGGERS = {
    "drop trigger append_only_rows on journal.event": "append_only_rows on journal.event is missing",
    "alter table journal.command disable trigger append_only_statements":
        "append_only_statements on journal.command is off",
    "alter table journal.event enable trigger append_only_rows":
        "append_only_rows on journal.event is off for replicas",
}  # fmt: skip


@pytest.mark.parametrize("statement", TRIGGERS)
def test_a_trigger_that_does_not_watch_is_named(database: Database, statement: str) -> None:
    execute(database, statement)
    assert problems(database) == {"append-only triggers": TRIGGERS[statement]}


RIGHTS = {
    "grant insert on journal.event to ledger_writer": "ledger_writer may INSERT journal.event",
    "grant update on journal.head to ledger_projector": "ledger_projector may UPDATE journal.head",
    "grant execute on function journal.append to ledger_reader": "ledger_reader may call journal.append()",
    "grant execute on function journal.restore to ledger_writer": "ledger_writer may call journal.restore()",
    "grant update on journal.relay_lease to ledger_reader": "ledger_reader may UPDATE journal.relay_lease",
}


@pytest.mark.parametrize("statement", RIGHTS)
def test_a_way_past_append_is_named(database: Database, statement: str) -> None:
    execute(database, statement)
    assert problems(database) == {"rights": RIGHTS[statement]}


def test_a_right_of_everybody_is_found(database: Database) -> None:
    execute(database, "grant execute on function journal.append to public")
    assert "ledger_reader may call journal.append()" in problems(database)["rights"]


GRANTS = {
    "revoke execute on function journal.append from ledger_writer": "ledger_writer may not call journal.append()",
    "revoke execute on function journal.confirm_gate from ledger_relay":
        "ledger_relay may not call journal.confirm_gate()",
    "revoke select on journal.event from ledger_reader": "ledger_reader may not SELECT journal.event",
    "revoke usage on schema journal from ledger_relay": "ledger_relay may not use schema journal",
    "revoke usage on schema projections from ledger_reader": "ledger_reader may not use schema projections",
    "revoke usage on schema projections_next from ledger_reader": "ledger_reader may not use schema projections_next",
    "revoke delete on journal.relay_lease from ledger_relay": "ledger_relay may not DELETE journal.relay_lease",
    "drop function journal.append": "ledger_writer may not call journal.append()",
}  # fmt: skip


@pytest.mark.parametrize("statement", GRANTS)
def test_a_right_that_somebody_lacks_is_named(database: Database, statement: str) -> None:
    execute(database, statement)
    assert problems(database) == {"grants": GRANTS[statement]}


def test_a_read_model_that_readers_cannot_read_is_named(database: Database) -> None:
    execute(database, "create table projections.mine (id int)")
    assert problems(database) == {"grants": "ledger_reader may not SELECT projections.mine"}


def test_a_clock_that_is_wrong_is_named(database: Database) -> None:
    for clock in (lambda: system_clock() - timedelta(seconds=5), lambda: system_clock() + timedelta(seconds=5)):
        [check] = [each for each in inspect(database, clock) if not each.ok]
        assert (check.name, check.found) == ("clocks", "database and this machine are 5.0 s apart")


def test_a_newest_event_from_the_future_is_named(book: Database) -> None:
    later_us = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1_000_000)
    execute(book, f"update journal.head set recorded_us = {later_us}")
    assert "was recorded 3" in problems(book)["clocks"]


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Iterator[Database]:
    """A journal on a server of its own, whose settings a test may spoil."""
    server = EmbeddedPostgres(reaped(tmp_path_factory.mktemp("careless")))
    database = Database(url=server.start())
    migrate(database)
    yield database
    server.erase()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_forget_is_named(careless: Database, setting: str) -> None:
    set_server(careless, f"alter system set {setting} = off")
    eventually(lambda: problems(careless) == {"durability": f"{setting} = off"})
    set_server(careless, f"alter system reset {setting}")
    eventually(lambda: problems(careless) == {})


def set_server(database: Database, statement: str) -> None:
    """Change a setting of the whole server; it takes effect a moment later."""
    execute(database, statement)
    execute(database, "select pg_reload_conf()")
