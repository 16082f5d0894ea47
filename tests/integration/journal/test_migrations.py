"""Migrations: each once, all or nothing, by several processes at once; and the schema that they make."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger.journal import migrations as journal_migrations
from ledger.journal.database import Database
from ledger.journal.errors import JournalOutdated
from ledger.journal.journal import Journal
from ledger.journal.migrations import Migration, migrate, migrations
from tests.integration.journal.dump import SCHEMA, dump
from tests.integration.journal.requests import a_request, everything

NAMES = [migration.name for migration in migrations()]
_MIGRATE = """
import sys
from ledger.journal.database import Database
from ledger.journal.migrations import migrate
print(len(migrate(Database(url=sys.argv[1]))))
"""


_BEFORE_BUILDS = b"""
create table projections.checkpoint (
    projection text, version int, book text, partition smallint, position bigint not null default 0,
    partitionseq bigint not null default 0, owner_epoch bigint not null default 0, kafka_offset bigint, problem text,
    primary key (projection, version, book, partition)
);
insert into projections.checkpoint (projection, version, book, partition, position)
values ('loan_now', 1, 'main', 0, 7), ('loan_now', 1, 'main', 1, 9);
"""


@pytest.fixture
def empty(fresh_database: Callable[[str | None], Database]) -> Database:
    """A database that holds nothing."""
    return fresh_database(None)


def test_the_schema_that_migrations_make_is_the_one_to_read(database: Database) -> None:
    """After a new migration: `python -m tests.integration.journal.dump URL` of a migrated database."""
    assert dump(database.url) == SCHEMA.read_text("utf-8")


def test_an_empty_database_gets_all_migrations_in_order(empty: Database) -> None:
    assert migrate(empty) == NAMES == sorted(NAMES)


def test_a_second_run_changes_nothing(database: Database) -> None:
    with Journal(database) as journal:
        journal.append([a_request("a", 2)])
        before = everything(journal)
        assert migrate(database) == []
        assert everything(journal) == before


def test_of_two_processes_at_once_one_migrates(empty: Database) -> None:
    command = [sys.executable, "-c", _MIGRATE, empty.url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    applied = sorted(int(process.communicate(timeout=60)[0]) for process in running)
    assert applied == [0, len(NAMES)]


def test_the_databases_of_two_books_may_be_migrated_at_once(
    fresh_database: Callable[[str | None], Database],
) -> None:
    databases = [fresh_database(None) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, databases)) == [NAMES] * 4


def test_a_migration_that_reads_differently_now_is_refused(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("update ledger_migrations.applied set digest = 'x' where name = %s", (NAMES[1],))
    with pytest.raises(JournalOutdated, match=f"{NAMES[1]} was applied in another form"):
        migrate(database)
    with pytest.raises(JournalOutdated, match="an applied migration never changes"):
        Journal(database)


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("insert into ledger_migrations.applied (name, digest) values ('9999_later', 'x')")
    with pytest.raises(JournalOutdated, match="has 9999_later, which this version does not know"):
        migrate(database)
    with pytest.raises(JournalOutdated, match="9999_later"):
        Journal(database)


def test_a_database_without_a_journal_is_named(empty: Database) -> None:
    with pytest.raises(JournalOutdated, match="this database holds none"):
        Journal(empty, role=None)  # type: ignore[arg-type] # before the first migration there may be no roles


def test_read_models_of_workers_before_builds_are_known_as_version_1(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal_migrations, "migrations", lambda: migrations()[: NAMES.index("0009_builds")])
        migrate(empty)
    with empty.connect("ledger_projector") as connection:
        connection.execute(_BEFORE_BUILDS)
    migrate(empty)
    with empty.connect("ledger_reader") as connection:
        builds = connection.execute("select projection, place, version, tables from projections.build").fetchall()
        checkpoints = connection.execute("select projection, place, position from projections.checkpoint").fetchall()
    assert builds == [("loan_now", "live", 1, ["loan_now"])]
    assert sorted(checkpoints) == [("loan_now", "live", 7), ("loan_now", "live", 9)]


def test_a_database_of_an_older_version_says_what_it_lacks(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    older = migrations()[:-1]
    with monkeypatch.context() as patch:
        patch.setattr(journal_migrations, "migrations", lambda: older)
        migrate(empty)
    with pytest.raises(JournalOutdated, match=f"it lacks {NAMES[-1]}. Run ledger migrate"):
        Journal(empty)
    assert migrate(empty) == [NAMES[-1]]


def test_a_migration_that_fails_takes_the_others_back(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [*migrations(), Migration("9999_broken", "create table journal.more (id int); select 1 / 0")]
    monkeypatch.setattr(journal_migrations, "migrations", lambda: broken)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty)
    with empty.connect() as connection:
        schemas = connection.execute("select nspname from pg_namespace where nspname !~ '^(pg_|information)'")
        assert [name for (name,) in schemas] == ["public"]
