"""Two builds of a projection side by side in one transaction: the first row in which they differ.

Only who has both search paths in turn can name both; so each side becomes a view of this session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import ClientCursor, sql

from ledger.journal.database import Connection
from projections.projection import Projection

SCRATCH = "pg_temp"
"""The schema of tables that only this session sees."""

_VIEW = "create temp view {name} as select * from ({rows}) r"
_OF_LOANS = " where loan = any({loans})"
_FIRST = """
select (array_agg(side.row))[1], array_agg(side.name), array_agg(side.row)
  from (select 'found' as name, {key}, to_jsonb(f) as row from pg_temp.found f
        union all select 'expected', {key}, to_jsonb(e) from pg_temp.expected e) side
 group by {key}
having count(*) <> 2 or min(side.row::text) <> max(side.row::text)
 order by {key}
 limit 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first row, by its key, that two builds do not have alike. `found` is what is read now, `expected` what the
    events make; None: that side has no such row. `columns`: those that differ, where both have it."""

    key: Mapping[str, Any]
    found: Mapping[str, Any] | None
    expected: Mapping[str, Any] | None

    @property
    def position(self) -> int | None:
        """The event that made, or should have made, the row; None for rows that are made of many."""
        row = self.expected or self.found or {}
        return row.get("position")

    @property
    def columns(self) -> list[str]:
        if self.found is None or self.expected is None:
            return []
        return [name for name, value in self.expected.items() if self.found.get(name) != value]

    def __str__(self) -> str:
        row = ", ".join(f"{name} {value}" for name, value in self._named().items())
        if self.found is None:
            return f"the row of {row} is missing"
        if self.expected is None:
            return f"the row of {row} should not be there"
        columns = (f"{name} {self.found.get(name)} instead of {self.expected[name]}" for name in self.columns)
        return f"the row of {row} has {', '.join(columns)}"

    def _named(self) -> dict[str, Any]:
        """What a reader looks for first: the loan, the position, then the rest of the key."""
        row = self.expected or self.found or {}
        return {name: row[name] for name in dict.fromkeys(("loan", "position", *self.key)) if name in row}


def look_at(connection: Connection, schema: str) -> None:
    """What names without a schema mean, until the transaction ends. The session's own temporary schema would come
    first, were it not named last."""
    path = schema if schema == SCRATCH else f"{schema}, {SCRATCH}"
    connection.execute("select set_config('search_path', %s, true)", (path,))


def columns(connection: Connection, book_id: str, projection: Projection) -> set[str]:
    """What the rows have that the search path names."""
    cursor = connection.execute(b"select * from (%b) r limit 0" % projection.statements["rows"], {"book": book_id})
    return {column.name for column in cursor.description or ()}


def see(
    connection: Connection, name: str, book_id: str, projection: Projection, loans: Sequence[str] | None = None
) -> None:
    """Make the rows that the search path names visible as one side, `found` or `expected`; of some loans only."""
    cursor = ClientCursor(connection)  # a view takes no parameters of the server
    rows = cursor.mogrify(projection.statements["rows"], {"book": book_id})
    view = sql.SQL(_VIEW).format(name=sql.Identifier("pg_temp", name), rows=sql.SQL(rows))
    if loans is not None:
        view += sql.SQL(_OF_LOANS).format(loans=sql.Literal(list(loans)))
    connection.execute(view)


def first_difference(connection: Connection, projection: Projection) -> Difference | None:
    """Compare both sides, in order of the key of their rows."""
    key = sql.SQL(", ").join(map(sql.Identifier, projection.key))
    found = connection.execute(sql.SQL(_FIRST).format(key=key)).fetchone()
    if found is None:
        return None
    row, names, rows = found
    sides = dict(zip(names, rows, strict=True))
    return Difference(
        key={name: row[name] for name in projection.key}, found=sides.get("found"), expected=sides.get("expected")
    )
