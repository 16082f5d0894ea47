"""A long row of plain tuples in a few bytes: it is carried along, and unpacked only when somebody looks at it.

The first field of a tuple names it. Of each name four bytes are kept apart: to find out that a name is not there takes
no longer than to look through those. The tuples are in blocks, which never change once they are made; whoever stores
the row may keep them elsewhere, and bring them back when somebody looks.
"""

import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

Item = TypeVar("Item", bound=tuple[Any, ...])

_MARK_BYTES = 4

_encode = msgspec.msgpack.Encoder().encode


class KeptElsewhere(Exception):
    """Somebody looks at blocks that are not here. Bring them with `Packed.with_earlier`, and try again."""


class Packed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`blocks`: each an array of tuples in MessagePack; where they are read from a file or a row they are not copied.
    `elsewhere`: how many blocks before these are kept elsewhere. `names`: the CRC-32 of each name, in four bytes.
    """

    names: bytes = b""
    elsewhere: int = 0
    blocks: tuple[msgspec.Raw, ...] = ()

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Packed)
            and (self.names, self.elsewhere) == (other.names, other.elsewhere)
            and list(map(bytes, self.blocks)) == list(map(bytes, other.blocks))
        )

    def __hash__(self) -> int:
        return hash(self.names)

    @property
    def count(self) -> int:
        """Of all tuples, wherever they are."""
        return len(self.names) // _MARK_BYTES

    @property
    def block_count(self) -> int:
        """Of all blocks, wherever they are."""
        return self.elsewhere + len(self.blocks)

    def with_block(self, items: Sequence[tuple[Any, ...]]) -> "Packed":
        """With more of them at the end."""
        return Packed(
            names=self.names + b"".join(_mark(item[0]) for item in items),
            elsewhere=self.elsewhere,
            blocks=(*self.blocks, msgspec.Raw(_encode(items))),
        )

    def without_blocks(self, count: int) -> "Packed":
        """The same row, with its first `count` blocks kept elsewhere."""
        here = max(count - self.elsewhere, 0)
        return Packed(names=self.names, elsewhere=max(count, self.elsewhere), blocks=self.blocks[here:])

    def with_earlier(self, blocks: Iterable[bytes]) -> "Packed":
        """With the blocks that were elsewhere, all of them in order."""
        earlier = tuple(map(msgspec.Raw, blocks))
        assert len(earlier) == self.elsewhere, "all that are elsewhere"
        return Packed(names=self.names, blocks=(*earlier, *self.blocks))

    def unpacked(self, item_type: type[Item]) -> list[Item]:
        """All of them. Raises `KeptElsewhere`."""
        if self.elsewhere:
            raise KeptElsewhere
        decode = _decoder(item_type).decode
        return [item for block in self.blocks for item in decode(block)]

    def may_hold(self, name: str) -> bool:
        """False: no item has this name. True: look."""
        mark, at = _mark(name), -1
        while (at := self.names.find(mark, at + 1)) >= 0:
            if at % _MARK_BYTES == 0:
                return True
        return False


def _mark(name: str) -> bytes:
    return zlib.crc32(name.encode()).to_bytes(_MARK_BYTES)


@cache
def _decoder(item_type: type[Item]) -> msgspec.msgpack.Decoder[tuple[Item, ...]]:
    return msgspec.msgpack.Decoder(tuple[item_type, ...])  # type: ignore[valid-type] # because it is a value here


NOTHING_PACKED = Packed()
