"""Lists as PostgreSQL arrays in binary format. The driver makes them element by element in Python, type by type looked
up; a commit has twenty of them, and that was half of its time.

The format is what `array_send` writes: dimensions, whether there are nulls, type of the elements; for the one dimension
its length and lower bound; for each element its length (-1 for null) and its bytes. Numbers are big-endian.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from struct import Struct
from typing import Any, Self

import psycopg
from psycopg.adapt import Dumper, PyFormat
from psycopg.postgres import types
from psycopg.pq import Format

_HEAD = Struct(">iiIii").pack
_EMPTY = Struct(">iiI").pack
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_LENGTH_BYTES = 4
_FIRST_DAY = date(2000, 1, 1).toordinal()  # PostgreSQL counts days from here
_AT_ONCE = 128  # elements; a packer is kept for each number of them, and takes 64 bytes for each


@dataclass(frozen=True, slots=True)
class Array:
    """An array ready to be sent, and the type that it has there."""

    oid: int
    data: bytes


def text(values: Iterable[str | None]) -> Array:
    return _of_bytes("text", (None if value is None else value.encode() for value in values))


def bytea(values: Iterable[bytes | None]) -> Array:
    return _of_bytes("bytea", values)


def _of_bytes(name: str, values: Iterable[bytes | None]) -> Array:
    return _array(name, [_NULL if value is None else _LENGTH(len(value)) + value for value in values])


def _fixed(name: str, code: str, number: Callable[[Any], int] | None = None) -> Callable[[Iterable[Any]], Array]:
    """The maker of arrays of a type of fixed length; `number` is what an element is sent as, if not itself."""
    element = Struct(">i" + code)
    length = element.size - _LENGTH_BYTES
    pack = partial(element.pack, length)

    def make(values: Iterable[Any]) -> Array:
        items = list(values)
        if None in items:
            return _array(name, [_NULL if item is None else pack(number(item) if number else item) for item in items])
        fields = [length] * (2 * len(items))  # lengths and elements by turns
        fields[1::2] = map(number, items) if number else items
        pieces = (fields[at : at + 2 * _AT_ONCE] for at in range(0, len(fields), 2 * _AT_ONCE))
        elements = b"".join(_packer(code, len(piece) // 2)(*piece) for piece in pieces)
        return _packed(name, len(items), False, elements)

    return make


@cache
def _packer(code: str, count: int) -> Callable[..., bytes]:
    return Struct(">" + f"i{code}" * count).pack


def _array(name: str, elements: list[bytes]) -> Array:
    return _packed(name, len(elements), _NULL in elements, b"".join(elements))


def _packed(name: str, count: int, has_nulls: bool, elements: bytes) -> Array:
    kind, array_oid = _oids(name)
    if not count:
        return Array(array_oid, _EMPTY(0, 0, kind))
    return Array(array_oid, _HEAD(1, has_nulls, kind, count, 1) + elements)


@cache
def _oids(name: str) -> tuple[int, int]:
    """Of a type, and of arrays of it."""
    kind = types[name]
    return kind.oid, kind.array_oid


int2 = _fixed("int2", "h")
int4 = _fixed("int4", "i")
int8 = _fixed("int8", "q")
boolean = _fixed("bool", "b")
day = _fixed("date", "i", lambda value: value.toordinal() - _FIRST_DAY)


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj.data

    def get_key(self, obj: Array, format: PyFormat) -> tuple[type, type]:  # noqa: A002 - the driver's name
        return (self.cls, _kind(obj.oid))

    def upgrade(self, obj: Array, format: PyFormat) -> Self:  # noqa: A002 - the driver's name
        dumper = type(self)(self.cls)
        dumper.oid = obj.oid
        return dumper


@cache
def _kind(oid: int) -> type:
    """The driver keeps one dumper for each key, and keys are types."""
    return type(f"array_{oid}", (), {})


psycopg.adapters.register_dumper(Array, _ArrayDumper)
