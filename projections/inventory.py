"""What there is of each projection: its builds in all places, how much they have read and how large they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.journal.database import Database, translated
from projections import builds
from projections.errors import ProjectionNotFound
from projections.place import Place
from projections.projection import Projection
from projections.statements import load

_SQL = load("builds.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A build. `version`: of the code that filled it; `events`: read so far; `bytes`: on disk, with indexes. The rest
    says how it took the place of another, if it did."""

    projection: str
    place: str
    version: int
    events: int
    bytes: int
    swapped_at: datetime | None
    swapped_by: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """One projection: the version of this program's code, the types of events that it takes (None: all), its builds."""

    projection: str
    version: int
    takes: Sequence[str] | None
    builds: Sequence[Held]


def inventory(database: Database, book_id: str, projections: Sequence[Projection]) -> list[Inventory]:
    """All projections, in the order of the catalogue; live builds first."""
    with database.connect("ledger_reader") as connection, translated(database):
        cursor = connection.cursor(row_factory=class_row(Held))
        held = cursor.execute(_SQL["held"], {"book": book_id}).fetchall()
    return [
        Inventory(
            projection=each.name,
            version=each.version,
            takes=None if each.takes is None else sorted(each.takes),
            builds=[build for build in held if build.projection == each.name],
        )
        for each in projections
    ]


def drop_aside(database: Database, projection: Projection, place: Place) -> None:
    """Drop a build that is not live, else `ProjectionNotFound`: what was before the last swap, or what a rebuild has
    filled that did not come to one. While that one runs it raises `RebuildRunning`."""
    assert place is not Place.LIVE, "queries read it"
    with database.connect("ledger_projector") as connection, translated(database):
        if place is Place.NEXT:
            builds.reserve(connection, projection.name)
        with connection.transaction():
            builds.lock(connection)
            if not builds.drop(connection, projection.name, place):
                raise ProjectionNotFound(
                    f"asked to drop the {place.value} build of {projection.name}; there is none. "
                    "ledger projections list shows all builds"
                )
