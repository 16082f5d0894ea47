"""What is recorded stays: for the owner, for a superuser, and with triggers as good as switched off."""

from itertools import product

import psycopg
import pytest

from ledger.journal.database import Database
from ledger.journal.inspection import inspect
from ledger.journal.journal import Journal
from tests.integration.journal.requests import a_request, everything

CHANGES = {
    "update": "update journal.{table} set {column} = {column}",
    "update no row": "update journal.{table} set {column} = {column} where false",
    "delete": "delete from journal.{table}",
    "truncate": "truncate journal.{table}",
    "truncate with others": "truncate journal.head, journal.{table}",
    "merge": "merge into journal.{table} t using (select 1) s on true when matched then delete",
}
COLUMNS = {"event": "state", "command": "command_hash"}
SESSIONS = {
    "owner": ("set role ledger_owner",),
    "superuser": (),
    "superuser as a replica": ("set session_replication_role = replica",),
}


@pytest.mark.parametrize(("session", "table", "change"), list(product(SESSIONS, COLUMNS, CHANGES)))
def test_nobody_changes_what_is_recorded(
    journal: Journal, database: Database, session: str, table: str, change: str
) -> None:
    journal.append([a_request("a", 2, key="k")])
    before = everything(journal)
    with database.connect() as connection:
        for statement in SESSIONS[session]:
            connection.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="journal is append-only"):
            connection.execute(CHANGES[change].format(table=table, column=COLUMNS[table]).encode())
    assert everything(journal) == before


def test_triggers_that_were_switched_off_are_found(journal: Journal, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("alter table journal.event disable trigger append_only_rows")
    problems = {check.name: check.found for check in inspect(database) if not check.ok}
    assert problems == {"append-only triggers": "append_only_rows on journal.event is off"}


def test_a_right_that_somebody_was_given_is_found(journal: Journal, database: Database) -> None:
    with database.connect() as connection:
        connection.execute("grant delete on journal.command to ledger_reader")
    problems = {check.name: check.found for check in inspect(database) if not check.ok}
    assert "ledger_reader may DELETE journal.command" in problems["rights"]


def test_an_event_that_a_superuser_took_out_is_found(journal: Journal, database: Database) -> None:
    journal.append([a_request("a", 3)])
    with database.connect() as connection:
        connection.execute("alter table journal.event disable trigger all")
        connection.execute("delete from journal.event where position = 2")
        connection.execute("alter table journal.event enable always trigger append_only_rows")
        connection.execute("alter table journal.event enable always trigger append_only_statements")
    problems = {check.name: check.found for check in inspect(database) if not check.ok}
    assert problems["positions"] == "2 events, the last at position 3, the head at 3"


def test_a_journal_as_it_should_be_passes_all_checks(journal: Journal, database: Database) -> None:
    journal.append([a_request("a", 3)])
    assert [check for check in inspect(database) if not check.ok] == []
