"""Reads events that were checked when they were recorded: the same classes, without the patterns of their texts.

Matching patterns is nine tenths of the time that it takes to read an event. Who reads many, and reads them from the
journal or from what the relay published, need not do it again: shape, types, ranges and sums are still checked.
"""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from schemas.values import Event


def decoder(event_type: type[Event]) -> msgspec.json.Decoder[Any]:
    """Reads an envelope, of which only `type` and `data` are looked at; `data` becomes an `event_type`."""
    document = msgspec.defstruct("Recorded", [("type", str), ("data", _unmatched(event_type))], gc=False)
    return msgspec.json.Decoder(document)


@cache
def _unmatched(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A subclass whose texts may be any; a class without patterns stays what it is."""
    found = msgspec.structs.fields(struct)
    fields = [(each.name, _plain(each.type), *(() if each.required else (each.default,))) for each in found]
    if all(kind == each.type for each, (_, kind, *_) in zip(found, fields, strict=True)):
        return struct
    return msgspec.defstruct(struct.__name__, fields, bases=(struct,), frozen=True, kw_only=True, gc=False)


def _plain(kind: Any) -> Any:
    """A type without patterns, all the way down."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        kept = [each for each in arguments[1:] if not (isinstance(each, Meta) and each.pattern)]
        return Annotated[(_plain(arguments[0]), *kept)] if kept else _plain(arguments[0])
    if origin in {Union, UnionType}:
        return Union[tuple(_plain(each) for each in arguments)]  # noqa: UP007 - of as many as there are
    if origin in {tuple, dict, list, Mapping}:
        return origin[tuple(_plain(each) for each in arguments)]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _unmatched(kind)
    return kind
