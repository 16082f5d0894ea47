"""The catalogue: every event type on one page for people, from the same classes as the JSON Schemas."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.shapes import Schema, envelope_schema, event_schema, meaning_of
from schemas.values import LARGEST_MINOR, Event

_INTRODUCTION = """# Event catalogue

Written by `python -m schemas.generate` from the event classes; change those, not this page. Every event is one JSON
document: the [envelope](#envelope) with the fact in `data`. Amounts are whole numbers in minor units of the event's
currency; dates are ISO 8601; an optional field is absent, never null. A version that is published never changes.
"""


def catalogue(types: Mapping[str, type[Event]], since: Mapping[str, str]) -> str:
    """Markdown of all types by family; `since` says with which release each was published."""
    names = sorted(types, key=lambda name: (types[name].FAMILY, name))
    values: dict[str, Schema] = {}
    for name in names:
        values |= _parts(types[name])
    sections = [
        _INTRODUCTION,
        _contents(names, types),
        *(_event(types[name], since[name]) for name in names),
        "## Parts of events\n",
        *(_part(title, values[title]) for title in sorted(values)),
        _envelope(),
    ]
    return "\n".join(sections)


def path_of(event_type: type[Event]) -> str:
    """Where the JSON Schema of a type lies, relative to the folder of the contract."""
    return f"{event_type.FAMILY.removeprefix('ledger.')}/{event_type.TYPE.removeprefix('ledger.')}.json"


def _contents(names: list[str], types: Mapping[str, type[Event]]) -> str:
    rows = (
        f"| [`{name}`](#{name.replace('.', '')}) | `{types[name].FAMILY}` | {_summary(types[name])} |" for name in names
    )
    return "\n".join(["| Type | Topic | What happened |", "|---|---|---|", *rows, ""])


def _summary(event_type: type[Event]) -> str:
    return meaning_of(event_type).split("\n\n")[0]


def _event(event_type: type[Event], since: str) -> str:
    _, data = _data(event_type)
    facts = [
        f"- Topics `ledger.journal` and `{event_type.FAMILY}`, key {_source(event_type, 'subject')}",
        f"- Stream `{event_type.STREAM}`, value date {_source(event_type, 'value_date')}",
        f"- Since {since}; JSON Schema [{path_of(event_type)}]({path_of(event_type)})",
    ]
    return "\n".join([f"## {event_type.TYPE}\n", meaning_of(event_type), "", *facts, "", *_fields(data)])


def _part(title: str, schema: Schema) -> str:
    return "\n".join([f"### {title}\n", schema["description"], "", *_fields(schema)])


def _envelope() -> str:
    schema = envelope_schema()
    return "\n".join(["## Envelope\n", schema["description"], "", *_fields(schema)])


def _fields(schema: Schema) -> Iterator[str]:
    yield "| Field | What it is | JSON |"
    yield "|---|---|---|"
    for name, field in schema["properties"].items():
        optional = "" if name in schema["required"] else ", optional"
        yield f"| `{name}` | {field['description']} | {_kind(field)}{optional} |"
    yield ""


def _kind(field: Schema) -> str:
    match field:
        case {"$ref": reference} | {"allOf": [{"$ref": reference}]}:
            return _link(reference)
        case {"type": "array", "items": {"$ref": reference}}:
            return f"list of {_link(reference)}"
        case {"enum": [value]}:
            return f"always `{value}`"
        case {"type": "string", "format": "date"}:
            return "date"
        case {"type": "integer"}:
            return f"integer {_range(field)}"
    return str(field["type"])


def _range(field: Schema) -> str:
    bounds = [_number(field.get(bound)) for bound in ("minimum", "maximum")]
    return " ".join(filter(None, [bounds[0] and f"from {bounds[0]}", bounds[1] and f"to {bounds[1]}"]))


def _number(value: int | None) -> str:
    named = {LARGEST_MINOR: "2^53 - 1", -LARGEST_MINOR: "-(2^53 - 1)", None: ""}
    return named.get(value, str(value))


def _link(reference: str) -> str:
    title = reference.removeprefix("#/$defs/")
    return f"[{title}](#{title.lower()})"


def _data(event_type: type[Event]) -> tuple[dict[str, Schema], Schema]:
    """All definitions of a type's schema, and that of its `data`."""
    definitions: dict[str, Any] = event_schema(event_type)["$defs"]
    return definitions, definitions[event_type.__name__]


def _parts(event_type: type[Event]) -> dict[str, Schema]:
    definitions, _ = _data(event_type)
    return {name: schema for name, schema in definitions.items() if name != event_type.__name__}


def _source(event_type: type[Event], name: str) -> str:
    """What a property returns, as written in its class: `due_on + timedelta(days=1)`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(event_type, name).fget)))
    [returned] = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    return f"`{ast.unparse(returned).replace('self.', '')}`"
