"""The builds of projections: which version of the code filled the tables in each place, and how they change places."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.journal.database import Connection
from projections.errors import RebuildNeeded, RebuildRunning, TablesNewer
from projections.place import Place
from projections.projection import Projection
from projections.statements import load
from schemas.errors import LedgerError

_SQL = load("builds.sql")

_PATIENCE_MS = 1500  # longer than the server takes to end an autovacuum that is in the way
_SHORT_MS = 150  # too short for a query that waits for us to become the victim of a deadlock


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """What stands in a place. `digest` and `replaced_digest`: of this and of what was live before, at the same
    `positions` (by partition), when it took that one's place; None where there was nothing to compare with."""

    projection: str
    place: str
    version: int
    tables: Sequence[str]
    is_indexed: bool
    digest: str | None
    replaced_digest: str | None
    positions: Mapping[str, int] | None
    swapped_at: datetime | None
    swapped_by: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """Why one build may take the place of another: digests at the same positions, or a reason to accept a difference.
    All but who and when is None or empty where nothing was live before."""

    digest: str | None
    replaced_digest: str | None
    positions: Mapping[int, int]
    swapped_at: datetime
    swapped_by: str
    reason: str | None


def install(connection: Connection, projections: Sequence[Projection]) -> None:
    """Make the live tables of projections that have none, or not all. Several processes may call it at once."""
    with connection.transaction():
        lock(connection)
        live = {build.projection: build for build in read(connection, Place.LIVE)}
        for projection in projections:
            if projection.name not in live or not stands(connection, live[projection.name]):
                begin(connection, projection, Place.LIVE)
                index(connection, projection, Place.LIVE)


def begin(connection: Connection, projection: Projection, place: Place) -> None:
    """Empty tables of a projection in a place, without its secondary indexes, and nothing read yet.

    The search path of the connection is that of the place; so it is for `index`.
    """
    drop(connection, projection.name, place)
    _drop_tables(connection, projection.tables, place)
    connection.execute(projection.statements["tables"])
    connection.execute(
        _SQL["begin"], _key(projection, place) | {"version": projection.version, "tables": list(projection.tables)}
    )


def index(connection: Connection, projection: Projection, place: Place) -> None:
    """Make the secondary indexes."""
    if "indexes" in projection.statements:
        connection.execute(projection.statements["indexes"])
    connection.execute(_SQL["indexed"], _key(projection, place))


def count(connection: Connection, projection: Projection, place: Place) -> None:
    """Have the server look at what its planner should know of full tables."""
    for table in projection.tables:
        connection.execute(sql.SQL("analyze {}").format(_named(table, place)))


def drop(connection: Connection, projection: str, place: Place) -> bool:
    """Forget what stands in a place: tables, checkpoints, version. Whether there was anything."""
    key = {"projection": projection, "place": place.value}
    found = connection.execute(_SQL["forget"], key).fetchone()
    connection.execute(_SQL["forget_checkpoints"], key)
    _drop_tables(connection, found[0] if found else (), place)
    return found is not None


def read(connection: Connection, place: Place) -> list[Build]:
    """What stands in a place, in order of names."""
    cursor = connection.cursor(row_factory=class_row(Build))
    return cursor.execute(_SQL["read"], {"place": place.value}).fetchall()


def stands(connection: Connection, build: Build) -> bool:
    """Whether all tables of a build are there."""
    tables = [f"{Place(build.place).schema}.{table}" for table in build.tables]
    return connection.execute(_SQL["exist"], {"tables": tables}).fetchone() == (True,)


def have_rows(connection: Connection, build: Build) -> bool:
    """Whether any table of a build that stands holds anything."""
    place = Place(build.place)
    return any(
        connection.execute(sql.SQL("select from {} limit 1").format(_named(table, place))).rowcount
        for table in build.tables
    )


def misfits(connection: Connection, projections: Sequence[Projection]) -> Mapping[str, LedgerError]:
    """Projections whose live tables were filled by another version of their code, with what to do about it."""
    found = {build.projection: build.version for build in read(connection, Place.LIVE)}
    return {
        each.name: misfit(each, found[each.name])
        for each in projections
        if found.get(each.name, each.version) != each.version
    }


def lock(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends nobody else changes which build is live. `shared`: nor do we."""
    connection.execute(_SQL["lock_shared" if shared else "lock"])


def reserve(connection: Connection, projection: str) -> None:
    """Until the connection closes nobody else rebuilds a projection, else `RebuildRunning`."""
    if connection.execute(_SQL["lock_rebuild"], {"projection": projection}).fetchone() != (True,):
        raise RebuildRunning(
            f"asked for the new build of {projection}; a rebuild of it is running. Wait for it, or end it: "
            "what it has filled is kept"
        )


def swap(connection: Connection, projection: Projection, live: Sequence[str], proof: Proof, attempt: int) -> None:
    """Within a transaction that holds the lock: next becomes live, live becomes old, and what was old is gone.

    `live`: tables that are read now. They are locked one by one, each time beginning with another (`attempt`): only
    for the first do we wait longer than queries may have to wait for us. Raises the driver's `LockNotAvailable`.
    """
    _set_lock_timeout(connection, _PATIENCE_MS)
    drop(connection, projection.name, Place.OLD)
    for table in projection.tables:
        _lock_table(connection, table, Place.NEXT)
    first = attempt % max(len(live), 1)
    for table in (*live[first:], *live[:first]):
        _lock_table(connection, table, Place.LIVE)
        _set_lock_timeout(connection, _SHORT_MS)
    for tables, place, into in ((live, Place.LIVE, Place.OLD), (projection.tables, Place.NEXT, Place.LIVE)):
        for table in tables:
            move = sql.SQL("alter table {} set schema {}").format(_named(table, place), sql.Identifier(into.schema))
            connection.execute(move)
    key = {"projection": projection.name}
    for statement in ("retire_checkpoints", "promote_checkpoints", "retire_build"):
        connection.execute(_SQL[statement], key)
    arguments = {
        "digest": proof.digest,
        "replaced_digest": proof.replaced_digest,
        "positions": Jsonb({str(partition): position for partition, position in sorted(proof.positions.items())}),
        "swapped_at": proof.swapped_at,
        "swapped_by": proof.swapped_by,
        "reason": proof.reason,
    }
    connection.execute(_SQL["promote_build"], key | arguments)


def _set_lock_timeout(connection: Connection, timeout_ms: int) -> None:
    connection.execute("select set_config('lock_timeout', %s, true)", (f"{timeout_ms}ms",))


def _lock_table(connection: Connection, table: str, place: Place) -> None:
    connection.execute(sql.SQL("lock table {} in access exclusive mode").format(_named(table, place)))


def _drop_tables(connection: Connection, tables: Sequence[str], place: Place) -> None:
    for table in tables:
        connection.execute(sql.SQL("drop table if exists {}").format(_named(table, place)))


def _named(table: str, place: Place) -> sql.Identifier:
    return sql.Identifier(place.schema, table)


def _key(projection: Projection, place: Place) -> dict[str, object]:
    return {"projection": projection.name, "place": place.value}


def misfit(projection: Projection, found: int) -> LedgerError:
    """What to do about tables that another version filled."""
    asked = f"asked for version {projection.version} of {projection.name}; version {found} filled its tables"
    if found > projection.version:
        return TablesNewer(f"{asked}. Use the newer program that filled them")
    return RebuildNeeded(f"{asked}. Run ledger projections rebuild {projection.name}")
