"""What PostgreSQL makes of the arrays that we write: the same lists."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import psycopg
import pytest

from ledger.journal import arrays
from ledger.journal.arrays import Array
from ledger.journal.database import Database

Maker = Callable[[Iterable[Any]], Array]


@pytest.mark.parametrize(
    ("make", "kind", "values"),
    [
        (arrays.text, "text", ["", "a b", "中文", '"{},\\', "NULL", "x" * 70_000]),
        (arrays.bytea, "bytea", [b"", b"\x00\xff", b"x" * 70_000]),
        (arrays.int2, "smallint", [0, -32768, 32767]),
        (arrays.int4, "int", [0, 1, -(2**31), 2**31 - 1]),
        (arrays.int8, "bigint", [0, -(2**63), 2**63 - 1]),
        (arrays.boolean, "boolean", [True, False]),
        (arrays.day, "date", [date(1, 1, 1), date(1999, 12, 31), date(2000, 1, 1), date(9999, 12, 31)]),
    ],
)
def test_an_array_arrives_as_it_was(database: Database, make: Maker, kind: str, values: list[Any]) -> None:
    with database.connect() as connection:
        for wanted in (values, [None, *values, None], [None], values[:1], [], values[-1:] + 99 * values[:2]):
            statement = f"select pg_typeof(%b)::text, %b::{kind}[]".encode()
            found = connection.cursor(binary=True).execute(statement, (make(wanted), make(wanted))).fetchone()
            assert found == (f"{'integer' if kind == 'int' else kind}[]", wanted)


def test_arrays_of_several_types_go_together_again_and_again(database: Database) -> None:
    with database.connect() as connection:
        for number in range(12):  # the driver prepares a statement that comes back
            texts, days = [str(number)] * number, [date(2026, 1, 1)] * number
            found = connection.execute("select %b, %b", (arrays.text(texts), arrays.day(days))).fetchone()
            assert found == (texts, days)


def test_a_text_that_postgresql_cannot_hold_is_refused_by_it(database: Database) -> None:
    with database.connect() as connection, pytest.raises(psycopg.DataError):
        connection.execute("select %b", (arrays.text(["nul\0"]),))
