"""Looks at a journal's server, schema and rights, and says what is as it must be and what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.clock import Clock, system_clock
from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import JournalOutdated
from ledger.journal.integrity import Progress, read_through
from ledger.journal.migrations import require_current

_OLDEST_SERVER = 18_00_00
_SETTINGS = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
    "default_transaction_isolation": ("read committed",),
}

SKEW_MOST = timedelta(seconds=1)
"""How far the clocks of machine, database and journal may be apart."""

_GROUPS = ("ledger_writer", "ledger_relay", "ledger_projector", "ledger_reader")
_CALLERS = {
    "append": ("ledger_writer",),
    "confirm_gate": ("ledger_relay",),
    "gate_state": _GROUPS,
    "restore": (),
}
"""Who may call what, besides the owner."""
_READ_MODELS = ("projections", "projections_next", "projections_old")

_TRIGGERS = """
select format('%s on %s is %s', w.trigger, o.of,
              case t.tgenabled when 'A' then 'always on' when 'D' then 'off' when 'O' then 'off for replicas'
                               when 'R' then 'on for replicas only' else 'missing' end),
       t.tgenabled is not distinct from 'A'
  from unnest(array['append_only_rows', 'append_only_statements']) as w (trigger)
 cross join unnest(array['journal.event'::regclass, 'journal.command']) as o (of)
  left join pg_trigger t on t.tgrelid = o.of and t.tgname = w.trigger
"""
_WRITERS = """
select format('%s may %s %s', r.rolname, p.privilege, c.oid::regclass)
  from pg_roles r, pg_class c, unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) as p (privilege)
 where c.relnamespace = 'journal'::regnamespace and c.relkind = 'r'
   and has_table_privilege(r.oid, c.oid, p.privilege)
   and not (c.relname = 'relay_lease' and pg_has_role(r.oid, 'ledger_relay', 'usage'))
   and not (c.relname in ('snapshot', 'snapshot_block') and pg_has_role(r.oid, 'ledger_writer', 'usage'))
   and not r.rolsuper and r.rolname !~ '^pg_' and not pg_has_role(r.oid, 'ledger_owner', 'usage')
"""
_CALLS_TOO_MANY = """
select concat(r.rolname, ' may call journal.', p.proname, '()')
  from pg_roles r, pg_proc p
 where p.pronamespace = 'journal'::regnamespace and p.proname = any(%(functions)s)
   and has_function_privilege(r.oid, p.oid, 'EXECUTE')
   and not exists (
       select from unnest(%(functions)s::text[], %(callers)s::text[]) as c (function, caller)
        where c.function = p.proname and c.caller <> '' and pg_has_role(r.oid, c.caller, 'usage'))
   and not r.rolsuper and r.rolname !~ '^pg_' and not pg_has_role(r.oid, 'ledger_owner', 'usage')
"""
_MISSING = """
select concat_ws(' ', m.role, 'may not', m.privilege, m.of)
  from (
    select g.role, 'use', 'schema journal'
      from unnest(%(groups)s::text[]) as g (role)
     where not has_schema_privilege(g.role, 'journal', 'USAGE')
    union all
    select g.role, 'SELECT', c.oid::regclass::text
      from unnest(%(groups)s::text[]) as g (role), pg_class c
     where c.relnamespace = 'journal'::regnamespace and c.relkind = 'r'
       and not has_table_privilege(g.role, c.oid, 'SELECT')
    union all
    select w.role, p.privilege, w.of
      from (values ('ledger_relay', 'journal.relay_lease'), ('ledger_writer', 'journal.snapshot'),
                   ('ledger_writer', 'journal.snapshot_block')) as w (role, of),
           unnest(array['INSERT', 'UPDATE', 'DELETE']) as p (privilege)
     where not has_table_privilege(w.role, w.of, p.privilege)
    union all
    select c.caller, 'call', concat('journal.', c.function, '()')
      from unnest(%(functions)s::text[], %(callers)s::text[]) as c (function, caller)
      left join pg_proc p on p.pronamespace = 'journal'::regnamespace and p.proname = c.function
     where c.caller <> '' and has_function_privilege(c.caller, p.oid, 'EXECUTE') is not true
    union all
    select r.role, 'use', concat('schema ', s.name)
      from unnest(array['ledger_projector', 'ledger_reader']) as r (role), unnest(%(read_models)s::text[]) as s (name)
     where not has_schema_privilege(r.role, s.name, 'USAGE')
    union all
    select 'ledger_projector', 'make tables in', concat('schema ', s.name)
      from unnest(%(read_models)s::text[]) as s (name)
     where not has_schema_privilege('ledger_projector', s.name, 'CREATE')
    union all
    select 'ledger_reader', 'SELECT', c.oid::regclass::text
      from pg_class c
     where c.relnamespace::regnamespace::text = any(%(read_models)s) and c.relkind = 'r'
       and not has_table_privilege('ledger_reader', c.oid, 'SELECT')
  ) as m (role, privilege, of)
"""
_COUNTS = "select count(*), coalesce(max(position), 0), (select position from journal.head) from journal.event"
_CLOCKS = "select clock_timestamp(), (select to_timestamp(recorded_us / 1000000.0) from journal.head)"
_SHOWN = 5


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


def inspect(
    database: Database, clock: Clock = system_clock, *, quick: bool = False, progress: Progress | None = None
) -> list[Check]:
    """All checks of the journal; `quick` leaves out those that read every event.

    A server that is away raises `JournalUnavailable`.
    """
    with database.connect() as connection, translated(database):
        checks = [_server(connection), _durability(connection), _schema(connection)]
        if not checks[-1].ok:
            return checks
        checks += [_clocks(connection, clock), _triggers(connection), _rights(connection), _grants(connection)]
        checks.append(_positions(connection))
    return checks if quick else [*checks, *_rows(database, progress)]


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


def _clocks(connection: Connection, clock: Clock) -> Check:
    """The clock of this machine beside that of the database, and that beside the time of the newest event."""
    before = clock()
    [(database_at, recorded_at)] = connection.execute(_CLOCKS).fetchall()
    skew, ahead = _outside(database_at, before, clock()), recorded_at - database_at
    if skew > SKEW_MOST:
        found = f"database and this machine are {skew.total_seconds():.1f} s apart"
        return Check(name="clocks", found=found, advice="set both by the same time server (NTP)")
    if ahead > SKEW_MOST:
        found = f"the newest event was recorded {ahead.total_seconds():.1f} s in the future"
        advice = "the database's clock was ahead: set it by a time server; until then new events get the same time"
        return Check(name="clocks", found=found, advice=advice)
    return Check(name="clocks", found=f"database and this machine agree within {SKEW_MOST.total_seconds():g} s")


def _outside(moment: datetime, first: datetime, last: datetime) -> timedelta:
    """How far a moment is from the time between two others."""
    return max(first - moment, moment - last, timedelta())


def _triggers(connection: Connection) -> Check:
    rows = connection.execute(_TRIGGERS).fetchall()
    wrong = [text for text, is_on in rows if not is_on]
    advice = "somebody removed them or switched them off: find out who, then alter table ... enable always trigger ..."
    found = ", ".join(wrong) or f"{len(rows)} always on"
    return Check(name="append-only triggers", found=found, advice=advice if wrong else "")


def _rights(connection: Connection) -> Check:
    """What somebody may do who should not."""
    rows = connection.execute(_WRITERS.encode()).fetchall()
    rows += connection.execute(_CALLS_TOO_MANY, _names()).fetchall()
    found = _listed(rows) or "nobody writes past journal.append()"
    return Check(name="rights", found=found, advice="revoke what was granted" if rows else "")


def _grants(connection: Connection) -> Check:
    """What somebody may not do who should."""
    rows = connection.execute(_MISSING, _names()).fetchall()
    found = _listed(rows) or "writer, relay, projector and reader may do their parts"
    return Check(name="grants", found=found, advice="grant it again, as the login that ran ledger init" if rows else "")


def _positions(connection: Connection) -> Check:
    [(count, last, head)] = connection.execute(_COUNTS).fetchall()
    return Check(
        name="positions",
        found=f"{count} events, the last at position {last}, the head at {head}",
        advice="" if count == last == head else "events are missing: stop writing and restore from Kafka",
    )


def _rows(database: Database, progress: Progress | None) -> Iterator[Check]:
    findings = read_through(database, progress)
    gap = "stop writing and restore from Kafka" if findings.gap else ""
    yield Check(name="order", found=findings.gap or "no position, number or version is missing", advice=gap)
    link = "somebody changed what was recorded: stop writing, compare with Kafka" if findings.broken_link else ""
    yield Check(name="hash chain", found=findings.broken_link or "every event names the one before it", advice=link)
    advice = (
        "somebody changed what was recorded, or a rule is wrong: stop writing, look at the event"
        if findings.unbookable
        else ""
    )
    found = findings.unbookable or "the lines of every event add up to zero on accounts of the chart"
    yield Check(name="double entry", found=found, advice=advice)


def _names() -> dict[str, list[str]]:
    """Groups, schemas of read models, and functions with those who may call them; the caller of a function that
    nobody may call is empty."""
    pairs = [(function, caller) for function, callers in _CALLERS.items() for caller in callers or ("",)]
    return {
        "groups": list(_GROUPS),
        "read_models": list(_READ_MODELS),
        "functions": [function for function, _ in pairs],
        "callers": [caller for _, caller in pairs],
    }


def _listed(rows: Sequence[tuple[str, ...]]) -> str:
    more = f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return "; ".join(text for (text,) in rows[:_SHOWN]) + more
