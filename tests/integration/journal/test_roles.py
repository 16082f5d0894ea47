"""Each role may do exactly its part: tried with real logins, members of one group each."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.journal.database import Database
from ledger.journal.errors import JournalMisconfigured
from ledger.journal.journal import Journal
from ledger.journal.records import Verdict
from tests.integration.journal.requests import a_request, append_sql

Login = Callable[[str], psycopg.Connection[tuple[Any, ...]]]

GROUPS = ("ledger_writer", "ledger_relay", "ledger_projector", "ledger_reader")
TABLES = ("gate", "event", "stream", "command", "head", "partition", "relay_lease")
COLUMNS = {"head": "position", "event": "state", "stream": "version", "partition": "seq", "gate": "position"}
CHANGES = ("insert into journal.{} default values", "update journal.{} set {} = {}", "delete from journal.{}")


@pytest.fixture
def login(database: Database) -> Iterator[Login]:
    """Opens sessions of a login that is in one group and nothing else."""
    opened: list[psycopg.Connection[tuple[Any, ...]]] = []
    suffix = conninfo_to_dict(database.url)["dbname"]

    def connect(group: str) -> psycopg.Connection[tuple[Any, ...]]:
        name = f"login_{group}_{suffix}"
        with database.connect() as admin:
            admin.execute(
                sql.SQL("create role {} login password 'secret' in role {}").format(
                    sql.Identifier(name), sql.Identifier(group)
                )
            )
        url = make_conninfo(database.url, user=name, password="secret")
        opened.append(psycopg.connect(url, autocommit=True))
        return opened[-1]

    with Journal(database) as journal:
        journal.append([a_request("a", 2, key="k")])
    yield connect
    for connection in opened:
        connection.close()


def refused(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("group", GROUPS)
def test_every_role_reads_the_journal(login: Login, group: str) -> None:
    connection = login(group)
    for table in TABLES:
        assert not refused(connection, f"select * from journal.{table}"), table


@pytest.mark.parametrize("group", GROUPS)
def test_no_role_writes_to_the_journal_directly(login: Login, group: str) -> None:
    connection = login(group)
    for table in TABLES[:-1]:
        column = COLUMNS.get(table, "command_hash")
        for change in CHANGES:
            statement = change.format(table, column, column)
            assert refused(connection, statement), statement
        assert refused(connection, f"truncate journal.{table}")
        assert refused(connection, f"select * from journal.{table} for update")


@pytest.mark.parametrize("group", GROUPS)
def test_only_the_writer_appends(login: Login, group: str, database: Database) -> None:
    empty = "select * from journal.append(" + ", ".join(["'{}'"] * 20) + ")"
    connection = login(group)
    assert refused(connection, empty) == (group != "ledger_writer")
    assert refused(connection, "select * from journal.server()")


@pytest.mark.parametrize("group", GROUPS)
def test_only_the_relay_keeps_the_lease(login: Login, group: str) -> None:
    connection = login(group)
    statements = [
        "insert into journal.relay_lease (holder, renewed_at) values ('me', now())",
        "update journal.relay_lease set renewed_at = now()",
        "delete from journal.relay_lease",
    ]
    assert [refused(connection, statement) for statement in statements] == [group != "ledger_relay"] * 3


@pytest.mark.parametrize("group", GROUPS)
def test_only_the_projector_makes_read_models(login: Login, group: str) -> None:
    assert refused(login(group), "create table projections.mine (id int)") == (group != "ledger_projector")


@pytest.mark.parametrize(("group", "reads"), [("ledger_reader", True), ("ledger_writer", False)])
def test_readers_read_the_read_models_that_the_projector_makes(login: Login, group: str, reads: bool) -> None:
    projector = login("ledger_projector")
    projector.execute("set role ledger_projector")
    projector.execute("create table projections.mine (id int)")
    connection = login(group)
    assert refused(connection, "select * from projections.mine") != reads
    assert refused(connection, "insert into projections.mine values (1)")


@pytest.mark.parametrize("group", GROUPS)
def test_no_role_changes_what_the_journal_is(login: Login, group: str) -> None:
    connection = login(group)
    for statement in (
        "alter table journal.event disable trigger append_only_rows",
        "drop trigger append_only_rows on journal.event",
        "drop table journal.event cascade",
        "create table journal.mine (id int)",
        "create or replace function journal.refuse_change() returns trigger language plpgsql as 'begin end'",
        "alter function journal.append security invoker",
        "set role ledger_owner",
        "set session_replication_role = replica",
    ):
        assert refused(connection, statement), statement


def test_a_login_without_a_group_sees_nothing(login: Login, database: Database) -> None:
    connection = login("pg_monitor")
    assert refused(connection, "select * from journal.event")


def test_a_login_of_the_group_can_work_as_the_ledger_does(login: Login, database: Database) -> None:
    with login("ledger_writer") as connection:
        user = connection.info.user
    url = make_conninfo(database.url, user=user, password="secret")
    with Journal(Database(url=url)) as journal:
        [outcome] = journal.append([a_request("b")])
    assert outcome.verdict is Verdict.APPENDED


def test_a_login_that_lacks_the_group_is_told_so(login: Login, database: Database) -> None:
    with login("ledger_reader") as connection:
        user = connection.info.user
    other = Database(url=make_conninfo(database.url, user=user, password="secret"))
    with pytest.raises(JournalMisconfigured, match='permission denied to set role "ledger_writer"'):
        Journal(other)


@pytest.mark.parametrize("wrong", [{"password": "guess"}, {"dbname": "nothing_here"}])
def test_a_login_that_is_refused_is_not_told_to_try_again(
    login: Login, database: Database, wrong: dict[str, str]
) -> None:
    with login("ledger_reader") as connection:
        user = connection.info.user
    conninfo = make_conninfo(database.url, **({"user": user, "password": "secret"} | wrong))
    with pytest.raises(JournalMisconfigured, match="correct LEDGER_DATABASE_URL"):
        Journal(Database(url=conninfo), role="ledger_reader")


def test_tables_and_functions_of_the_caller_do_not_get_into_append(login: Login, database: Database) -> None:
    """The classic way into a function with its definer's rights: names that it would find first."""
    connection = login("ledger_writer")
    connection.execute("create temp table head (only_one boolean, position bigint, recorded_us bigint)")
    connection.execute("insert into head values (true, 5000, 9000000000000000)")
    connection.execute("create temp table event (like journal.event)")
    connection.execute("create function pg_temp.sha256(bytea) returns bytea language sql as $$ select ''::bytea $$")
    connection.execute(
        "create function pg_temp.greatest(bigint, bigint) returns bigint language sql as $$ select 7::bigint $$"
    )
    connection.execute("set search_path = pg_temp, journal, pg_catalog")
    connection.execute(append_sql())
    with Journal(database) as journal:
        assert [event.position for event in journal.after(0, 10)] == [1, 2, 3]
        assert journal.head().recorded_us < 9_000_000_000_000_000
    assert connection.execute("select count(*) from pg_temp.event").fetchone() == (0,)


def test_a_caller_cannot_bring_an_operator_along(login: Login, database: Database) -> None:
    connection = login("ledger_writer")
    connection.execute("create function pg_temp.lies(bigint, bigint) returns boolean language sql as 'select false'")
    connection.execute("create operator pg_temp.<> (leftarg = bigint, rightarg = bigint, function = pg_temp.lies)")
    connection.execute("set search_path = pg_temp, pg_catalog")
    assert connection.execute(append_sql(read_at=9)).fetchone() == (
        "conflict", None, None, "stream loan/z was read at version 9 and is at 0",
    )  # fmt: skip
