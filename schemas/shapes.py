"""JSON Schema 2020-12 of the contract, made from the event classes, and the digest of what a schema demands.

The *shape* of an event type is what its `data` must look like, without titles, descriptions, class names and order,
and where it is found: family topic and stream. Two types of one shape accept the same documents in the same place.
"""

import hashlib
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
import orjson

from schemas.envelope import Attributes
from schemas.glossary import MEANINGS
from schemas.values import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def envelope_schema() -> Schema:
    """Schema of any event: the attributes, and `data` that is an object."""
    properties, required = _attributes()
    return {
        "$schema": DIALECT,
        "$id": "urn:ledger:envelope",
        "title": "envelope",
        "description": meaning_of(Attributes),
        "type": "object",
        "properties": {**properties, "data": {"description": MEANINGS["data"], "type": "object"}},
        "required": [*required, "data"],
        "additionalProperties": False,
    }


def event_schema(event_type: type[Event]) -> Schema:
    """Schema of a whole event of one type, as the journal and Kafka hold it."""
    reference, definitions = _components(event_type)
    properties, required = _attributes()
    return {
        "$schema": DIALECT,
        "$id": f"urn:ledger:event:{event_type.TYPE}",
        "title": event_type.TYPE,
        "description": meaning_of(event_type),
        "type": "object",
        "properties": {**properties, "type": {"const": event_type.TYPE}, "data": reference},
        "required": [*required, "data"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def event_shape(event_type: type[Event]) -> str:
    """SHA-256 of the shape of a type, lowercase hex."""
    reference, definitions = _components(event_type)
    place = {"topic": event_type.FAMILY, "stream": event_type.STREAM}
    return _digest({**place, "data": _bare(reference, definitions)})


def envelope_shape() -> str:
    """SHA-256 of the shape of the attributes, lowercase hex."""
    return _digest(_bare(envelope_schema(), {}))


def meaning_of(described: type) -> str:
    """The docstring, lines of a paragraph joined."""
    paragraphs = cleandoc(described.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _attributes() -> tuple[Schema, list[str]]:
    _, definitions = _components(Attributes)
    return definitions["Attributes"]["properties"], definitions["Attributes"]["required"]


def _components(described: type) -> tuple[Schema, dict[str, Schema]]:
    [reference], definitions = msgspec.json.schema_components([described], ref_template="#/$defs/{name}")
    return reference, {name: _readable(definition) for name, definition in definitions.items()}


def _readable(definition: Schema) -> Schema:
    """A definition with the meaning of each field, docstrings joined, and patterns in the words of JSON Schema."""
    description = "\n\n".join(" ".join(part.split()) for part in definition.get("description", "").split("\n\n"))
    properties = {name: _property(name, schema) for name, schema in definition["properties"].items()}
    return {**definition, "description": description, "properties": properties}


def _property(name: str, schema: Schema) -> Schema:
    notes = [MEANINGS[name], *filter(None, [schema.get("description")])]
    return {**_portable(schema), "description": "; ".join(notes)}


def _portable(node: Any) -> Any:
    """The same schema with Python's end of text as JSON Schema writes it."""
    match node:
        case dict():
            return {keyword: _portable(value) for keyword, value in node.items()}
        case list():
            return [_portable(item) for item in node]
        case str():
            return node.replace(r"\Z", "$")
    return node


def _bare(node: Any, definitions: Mapping[str, Schema]) -> Any:
    """What a schema demands: references followed, words for people left out, lists without order sorted."""
    if isinstance(node, list):
        return [_bare(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _bare(definitions[node["$ref"].removeprefix("#/$defs/")], definitions)
    bare: Schema = {}
    for keyword, value in node.items():
        match keyword:
            case "properties":
                bare[keyword] = {name: _bare(schema, definitions) for name, schema in value.items()}
            case "required":
                bare[keyword] = sorted(value)
            case "title" | "description" | "$id":
                pass
            case _:
                bare[keyword] = _bare(value, definitions)
    return bare


def _digest(shape: object) -> str:
    return hashlib.sha256(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)).hexdigest()
