"""Which version of the code filled the tables of a projection, in each place; makes tables that are not there yet."""

from collections.abc import Iterable, Mapping, Sequence

from psycopg import sql

from ledger.journal.database import Connection
from projections.errors import RebuildNeeded, TablesNewer
from projections.place import Place
from projections.projection import Projection
from projections.statements import load
from schemas.errors import LedgerError

_SQL = load("builds.sql")


def install(connection: Connection, projections: Sequence[Projection]) -> None:
    """Make the live tables of projections that have none, or not all. Several processes may call it at once."""
    with connection.transaction():
        lock(connection)
        known = versions(connection, Place.LIVE)
        for projection in projections:
            if projection.name not in known or not _exists(connection, projection, Place.LIVE):
                begin(connection, projection, Place.LIVE)
                index(connection, projection)


def begin(connection: Connection, projection: Projection, place: Place) -> None:
    """Empty tables of a projection in a place, without its secondary indexes, and nothing read yet.

    The search path of the connection is that of the place.
    """
    drop(connection, [projection.name], projection.tables, place)
    connection.execute(projection.statements["tables"])
    connection.execute(
        _SQL["begin"], {"projection": projection.name, "place": place.value, "version": projection.version}
    )


def index(connection: Connection, projection: Projection) -> None:
    """Make the secondary indexes, where the search path says."""
    if "indexes" in projection.statements:
        connection.execute(projection.statements["indexes"])


def drop(connection: Connection, projections: Sequence[str], tables: Iterable[str], place: Place) -> None:
    """Forget what stands in a place: rows, checkpoints, version."""
    for table in tables:
        connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(place.schema, table)))
    for statement in ("forget_checkpoints", "forget_build"):
        connection.execute(_SQL[statement], {"projections": list(projections), "place": place.value})


def versions(connection: Connection, place: Place) -> dict[str, int]:
    """The version that filled each projection that stands in a place."""
    return dict(connection.execute(_SQL["versions"], {"place": place.value}).fetchall())


def misfits(connection: Connection, projections: Sequence[Projection]) -> Mapping[str, LedgerError]:
    """Projections whose live tables were filled by another version of their code, with what to do about it."""
    found = versions(connection, Place.LIVE)
    return {
        each.name: _misfit(each, found[each.name])
        for each in projections
        if found.get(each.name, each.version) != each.version
    }


def lock(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends nobody else changes which build is live. `shared`: nor do we."""
    connection.execute(_SQL["lock_shared" if shared else "lock"])


def _exists(connection: Connection, projection: Projection, place: Place) -> bool:
    tables = [f"{place.schema}.{table}" for table in projection.tables]
    return connection.execute(_SQL["exist"], {"tables": tables}).fetchone() == (True,)


def _misfit(projection: Projection, found: int) -> LedgerError:
    asked = f"asked for version {projection.version} of {projection.name}; version {found} filled its tables"
    if found > projection.version:
        return TablesNewer(f"{asked}. Use the newer program that filled them")
    return RebuildNeeded(f"{asked}. Run ledger projections rebuild {projection.name}")
