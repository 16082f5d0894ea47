"""A writer brings types of its own along: names of types, unlike those of functions, are looked up in pg_temp first."""

import psycopg

from ledger.journal.database import Connection, Database
from tests.integration.journal.requests import append_sql

_SEIZE = """
create function pg_temp.seize(anything pg_catalog.text) returns boolean language plpgsql as $$
begin
    if current_user = 'ledger_owner' then
        grant insert, update, delete on journal.event to ledger_writer;
    end if;
    return true;
end $$;
create domain pg_temp.{name} as pg_catalog.{name} check (pg_temp.seize(value::pg_catalog.text));
"""


def seized(database: Database, name: str) -> bool:
    """Whether a writer whose session has its own type of this name gets at the table through `append`."""
    with database.connect("ledger_writer") as connection:
        connection.execute(_SEIZE.replace("{name}", name).encode())
        try:
            connection.execute(append_sql())
        except psycopg.Error:
            return True
        return may_change(connection)


def may_change(connection: Connection) -> bool:
    [(answer,)] = connection.execute(
        "select has_table_privilege('ledger_writer', 'journal.event', 'update')"
    ).fetchall()
    return bool(answer)


def test_a_type_of_the_caller_named_like_one_that_append_uses_is_never_run(database: Database) -> None:
    names = ("text", "bytea", "int8", "int4", "int2", "date", "bool")
    assert [name for name in names if seized(database, name)] == []
