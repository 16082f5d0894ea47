"""Writes what is generated from the event classes: JSON Schemas, the list of published shapes, the catalogue.

    python -m schemas.generate           write what is missing or differs
    python -m schemas.generate --check   write nothing; exit 1 and name the first difference

A type that is in `published.json` never changes its shape: other programs read it, and the events that were recorded
stay for ever. A new shape is a new version with an upcaster.
"""

import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

import orjson

from schemas.catalogue import catalogue, path_of
from schemas.errors import LedgerError, Misconfigured
from schemas.registry import REGISTRY
from schemas.shapes import envelope_schema, envelope_shape, event_schema, event_shape
from schemas.values import Event

FOLDER = Path(__file__).parent
ENVELOPE = "envelope"
Published = dict[str, dict[str, str]]


class PublishedShapeChanged(Misconfigured):
    code = "published_shape_changed"


def read_published(folder: Path = FOLDER) -> Published:
    """What was published so far: per type the digest of its shape and the release that brought it."""
    path = folder / "published.json"
    found: Published = orjson.loads(path.read_bytes()) if path.exists() else {}
    return found


def publish(published: Published, types: Mapping[str, type[Event]], release: str) -> Published:
    """The list with new types added. Raises `PublishedShapeChanged` for a type that changed or is gone."""
    shapes = {ENVELOPE: envelope_shape(), **{name: event_shape(event_type) for name, event_type in types.items()}}
    for name, entry in published.items():
        if name not in shapes:
            raise PublishedShapeChanged(
                f"asked to generate the contract; {name} was published with {entry['since']} and is gone. "
                "Bring it back: events of it are recorded for ever"
            )
        if shapes[name] != entry["shape"]:
            raise PublishedShapeChanged(
                f"asked to generate the contract; {name} was published with {entry['since']} in another shape "
                f"({entry['shape'][:12]}, now {shapes[name][:12]}). Undo the change, and publish a new version of the "
                "type with an upcaster"
            )
    return {name: published.get(name, {"shape": shapes[name], "since": release}) for name in sorted(shapes)}


def contents(published: Published, types: Mapping[str, type[Event]]) -> dict[str, bytes]:
    """Every generated file by its path in the folder."""
    since = {name: published[name]["since"] for name in types}
    return {
        "published.json": _json(published),
        "envelope.json": _json(envelope_schema()),
        "CATALOGUE.md": catalogue(types, since).encode(),
        **{path_of(event_type): _json(event_schema(event_type)) for event_type in types.values()},
    }


def differences(folder: Path, wanted: Mapping[str, bytes]) -> list[str]:
    """One sentence per file that is missing, differs, or is not generated from any type."""
    found = [f"{path} is missing" for path in wanted if not (folder / path).exists()]
    for path, content in wanted.items():
        if (folder / path).exists() and (there := (folder / path).read_bytes()) != content:
            found.append(f"{path} differs: {_first_difference(there, content)}")
    schemas = {str(path.relative_to(folder)) for path in folder.glob("*/*.v*.json")}
    return found + [f"{path} belongs to no event type" for path in sorted(schemas - wanted.keys())]


def main(arguments: Iterable[str]) -> int:
    """Exit status: 0 done or equal, 1 different, 2 the contract was broken."""
    try:
        published = publish(read_published(), REGISTRY.types, version("repayment-ledger"))
    except LedgerError as error:
        sys.stderr.write(f"error {error.code}: {error}\n")
        return 2
    wanted = contents(published, REGISTRY.types)
    if "--check" in arguments:
        found = differences(FOLDER, wanted)
        sys.stderr.writelines(f"{each}. Run python -m schemas.generate\n" for each in found[:1])
        return 1 if found else 0
    for path, content in wanted.items():
        (FOLDER / path).write_bytes(content)
    return 0


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _first_difference(there: bytes, wanted: bytes) -> str:
    lines = zip_longest(there.splitlines(), wanted.splitlines(), fillvalue=b"")
    for number, (old, new) in enumerate(lines, 1):
        if old != new:
            return f"line {number} is {old.decode(errors='replace')!r} instead of {new.decode()!r}"
    return "line ends differ"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
