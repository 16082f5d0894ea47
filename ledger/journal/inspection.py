"""Looks at a journal's server, schema and rights, and says what is as it must be and what is not."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import JournalOutdated
from ledger.journal.migrations import require_current

_OLDEST_SERVER = 18_00_00
_SETTINGS = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    "default_transaction_isolation": ("read committed",),
}

_TRIGGERS_OFF = """
select format('%s on %s', t.tgname, t.tgrelid::regclass)
  from pg_trigger t
 where t.tgrelid in ('journal.event'::regclass, 'journal.command'::regclass) and t.tgname like 'append_only%'
   and t.tgenabled <> 'A'
"""
_TRIGGERS = "select count(*) from pg_trigger where tgname like 'append_only%' and tgenabled = 'A'"
_WRITERS = """
select format('%s may %s %s', r.rolname, p.privilege, c.oid::regclass)
  from pg_roles r, pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as p (privilege)
 where c.relnamespace = 'journal'::regnamespace and c.relkind = 'r' and c.relname not in ('relay_lease', 'snapshot')
   and not r.rolsuper and r.rolname !~ '^pg_' and r.rolname <> 'ledger_owner'
   and has_table_privilege(r.oid, c.oid, p.privilege)
   and not pg_has_role(r.oid, 'ledger_owner', 'usage')
"""
_GAPS = """
select count(*), coalesce(max(position), 0), (select position from journal.head) from journal.event
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing looked at. `found` says what is there, `advice` what to do about it; empty if all is well."""

    name: str
    found: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        return not self.advice


def unsafe_settings(connection: Connection) -> str:
    """Settings without which an acknowledged event could be lost, as text; empty if all are right."""
    rows = connection.execute(
        "select name, setting from pg_settings where name = any(%s)", (list(_SETTINGS),)
    ).fetchall()
    return ", ".join(sorted(f"{name} = {setting}" for name, setting in rows if setting not in _SETTINGS[name]))


def inspect(database: Database) -> list[Check]:
    """All checks of the journal. A server that is away raises `JournalUnavailable`."""
    with database.connect() as connection, translated(database):
        checks = [_server(connection), _durability(connection)]
        schema = _schema(connection)
        return [*checks, schema, *(_rights_and_rows(connection) if schema.ok else ())]


def _server(connection: Connection) -> Check:
    version = connection.info.server_version
    found = f"PostgreSQL {version // 10000}.{version % 10000}"
    return Check(name="server", found=found, advice="" if version >= _OLDEST_SERVER else "use PostgreSQL 18 or newer")


def _durability(connection: Connection) -> Check:
    wrong = unsafe_settings(connection)
    advice = "an acknowledged event could be lost: set them to on, the isolation to read committed" if wrong else ""
    return Check(name="durability", found=wrong or ", ".join(_SETTINGS), advice=advice)


def _schema(connection: Connection) -> Check:
    try:
        require_current(connection)
    except JournalOutdated as error:
        return Check(name="schema", found=str(error), advice="run ledger init, or ledger migrate")
    return Check(name="schema", found="all migrations are applied")


def _rights_and_rows(connection: Connection) -> Iterator[Check]:
    off = [row[0] for row in connection.execute(_TRIGGERS_OFF)]
    [(on,)] = connection.execute(_TRIGGERS).fetchall()
    yield Check(
        name="append-only triggers",
        found=", ".join(off) or f"{on} always on",
        advice=""
        if on == 4 and not off
        else "somebody switched them off: find out who, then alter table ... enable always",
    )
    writers = [row[0] for row in connection.execute(_WRITERS.encode())]
    yield Check(
        name="rights",
        found="; ".join(writers[:5]) or "nobody writes past journal.append()",
        advice="revoke what was granted" if writers else "",
    )
    [(count, last, head)] = connection.execute(_GAPS).fetchall()
    yield Check(
        name="positions",
        found=f"{count} events, the last at position {last}, the head at {head}",
        advice="" if count == last == head else "events are missing: stop writing and restore from Kafka",
    )
