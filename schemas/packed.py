"""A long row of plain tuples in a few bytes: it is carried along, and unpacked only when somebody looks at it.

The first field of a tuple names it. Of each name four bytes are kept apart: to find out that a name is not there takes
no longer than to look through those.
"""

import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec

Item = TypeVar("Item", bound=tuple[Any, ...])

_ARRAY_32 = b"\xdd"  # MessagePack: an array whose length follows in four bytes
_HEADER_BYTES = 5
_MARK_BYTES = 4

_encode = msgspec.msgpack.Encoder().encode


class Packed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`count` tuples of one type, an array in MessagePack. Where it is read from a file or a row it is not copied.

    `names`: the CRC-32 of each name, in four bytes.
    """

    count: int
    items: msgspec.Raw
    names: bytes = b""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Packed) and self.count == other.count and bytes(self.items) == bytes(other.items)

    def __hash__(self) -> int:
        return hash((self.count, self.names))

    def with_items(self, items: Iterable[tuple[Any, ...]]) -> "Packed":
        """With more of them at the end."""
        added = list(items)
        encoded = b"".join(map(_encode, added))
        names = self.names + b"".join(_mark(item[0]) for item in added)
        return _packed(self.count + len(added), bytes(self.items)[_HEADER_BYTES:] + encoded, names)

    def unpacked(self, item_type: type[Item]) -> tuple[Item, ...]:
        """All of them."""
        return _decoder(item_type).decode(self.items)

    def may_hold(self, name: str) -> bool:
        """False: no item has this name. True: look."""
        mark, at = _mark(name), -1
        while (at := self.names.find(mark, at + 1)) >= 0:
            if at % _MARK_BYTES == 0:
                return True
        return False


def _mark(name: str) -> bytes:
    return zlib.crc32(name.encode()).to_bytes(_MARK_BYTES)


def _packed(count: int, elements: bytes, names: bytes) -> Packed:
    return Packed(count=count, items=msgspec.Raw(_ARRAY_32 + count.to_bytes(4) + elements), names=names)


@cache
def _decoder(item_type: type[Item]) -> msgspec.msgpack.Decoder[tuple[Item, ...]]:
    return msgspec.msgpack.Decoder(tuple[item_type, ...])  # type: ignore[valid-type] # because it is a value here


NOTHING_PACKED = _packed(0, b"", b"")
