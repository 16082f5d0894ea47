"""One short text that says what a projection holds, the same however partitions interleaved while it was filled."""

from ledger.journal.database import Connection, Database, translated
from projections.place import Place
from projections.projection import Projection

_SUM = b"""
with hashed as (
    select encode(sha256(convert_to(to_jsonb(r)::text, 'UTF8')), 'hex') as h from (%b) r
)
select count(*), coalesce(sum(('x' || substr(h, 1, 15))::bit(60)::bigint), 0),
       coalesce(sum(('x' || substr(h, 16, 15))::bit(60)::bigint), 0)
  from hashed
"""


def digest(database: Database, book_id: str, projection: Projection, place: Place = Place.LIVE) -> str:
    """Number of rows, and two sums over 60 bits each of the hash of every row in canonical form (sorted keys)."""
    with database.connect("ledger_reader", options=place.options) as connection, translated(database):
        return digest_here(connection, book_id, projection)


def digest_here(connection: Connection, book_id: str, projection: Projection) -> str:
    """The same over the tables that the search path of a connection names, as its transaction sees them."""
    statement = _SUM % projection.statements["rows"]
    [(count, first, second)] = connection.execute(statement, {"book": book_id}).fetchall()
    return f"{count}:{int(first):x}:{int(second):x}"
