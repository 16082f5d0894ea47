"""A long row of plain tuples in a few bytes: it is carried along, and unpacked only when somebody looks at it."""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec

Item = TypeVar("Item", bound=tuple[Any, ...])

_ARRAY_32 = b"\xdd"  # MessagePack: an array whose length follows in four bytes
_HEADER_BYTES = 5

_encode = msgspec.msgpack.Encoder().encode


class Packed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`count` tuples of one type, an array in MessagePack. Where it is read from a file or a row it is not copied."""

    count: int
    items: msgspec.Raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packed) and self.count == other.count and bytes(self.items) == bytes(other.items)

    def __hash__(self) -> int:
        return hash((self.count, bytes(self.items)))

    def with_items(self, items: Iterable[tuple[Any, ...]]) -> "Packed":
        """With more of them at the end."""
        encoded = [_encode(item) for item in items]
        return _packed(self.count + len(encoded), bytes(self.items)[_HEADER_BYTES:] + b"".join(encoded))

    def unpacked(self, item_type: type[Item]) -> tuple[Item, ...]:
        """All of them."""
        return _decoder(item_type).decode(self.items)

    def may_hold(self, text: str) -> bool:
        """False: no item has this text in it. True: look."""
        return text.encode() in bytes(self.items)


def _packed(count: int, elements: bytes) -> Packed:
    return Packed(count=count, items=msgspec.Raw(_ARRAY_32 + count.to_bytes(4) + elements))


@cache
def _decoder(item_type: type[Item]) -> msgspec.msgpack.Decoder[tuple[Item, ...]]:
    return msgspec.msgpack.Decoder(tuple[item_type, ...])  # type: ignore[valid-type] # because it is a value here


NOTHING_PACKED = _packed(0, b"")
