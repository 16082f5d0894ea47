"""Brings a database to the schema of this version: named SQL files, applied in order, each once."""

import hashlib
from dataclasses import dataclass
from importlib import resources

from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import JournalOutdated

_LOCK = 4_170_229_001  # any number that no other program takes as an advisory lock

_RECORD = """
create schema if not exists ledger_migrations;
create table if not exists ledger_migrations.applied (
    name       text primary key,
    digest     text not null,
    applied_at timestamptz not null default now()
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """The SQL files of `sql/migrations`, in the order of their names."""
    folder = resources.files("ledger.journal") / "sql" / "migrations"
    found = [
        Migration(file.name.removesuffix(".sql"), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.name)


def migrate(database: Database) -> list[str]:
    """Apply what is missing, all in one transaction; returns the names. Several processes may call it at once.

    Raises `JournalOutdated` if a migration that was applied reads differently now.
    """
    with database.connect(autocommit=False) as connection, translated(database):
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute(_RECORD)
        missing = _missing(connection)
        for migration in missing:
            connection.execute(migration.sql.encode())
            connection.execute("reset role")
            connection.execute(
                "insert into ledger_migrations.applied (name, digest) values (%s, %s)",
                (migration.name, migration.digest),
            )
        connection.execute("grant usage on schema ledger_migrations to public")
        connection.execute("grant select on ledger_migrations.applied to public")
    return [migration.name for migration in missing]


def require_current(connection: Connection) -> None:
    """Raise `JournalOutdated` unless exactly the migrations of this version are applied."""
    exists = connection.execute("select to_regclass('ledger_migrations.applied') is not null").fetchone()
    if exists != (True,):
        raise JournalOutdated("asked for the journal; this database holds none. Run ledger init")
    if missing := [migration.name for migration in _missing(connection)]:
        raise JournalOutdated(f"asked for the journal; it lacks {', '.join(missing)}. Run ledger migrate")


def _missing(connection: Connection) -> list[Migration]:
    applied: dict[str, str] = dict(connection.execute("select name, digest from ledger_migrations.applied").fetchall())
    known = {migration.name: migration for migration in migrations()}
    if unknown := sorted(applied.keys() - known.keys()):
        raise JournalOutdated(
            f"the journal has {', '.join(unknown)}, which this version does not know. Use a newer one"
        )
    if changed := sorted(name for name, digest in applied.items() if known[name].digest != digest):
        raise JournalOutdated(f"{', '.join(changed)} was applied in another form; an applied migration never changes")
    return [migration for name, migration in known.items() if name not in applied]
