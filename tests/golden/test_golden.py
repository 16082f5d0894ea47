"""Golden samples: what was recorded once is read for ever, and means what it meant."""

from typing import Any

import jsonschema_rs
import msgspec
import orjson
import pytest

from schemas.catalogue import path_of
from schemas.envelope import Attributes, UnreadableEvent, read, write
from schemas.generate import FOLDER as CONTRACT
from schemas.generate import read_published
from schemas.registry import REGISTRY
from schemas.values import Event
from tests.golden.record import FOLDER, samples

TYPES = sorted(REGISTRY.types)


def stored(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def validator(path: str) -> jsonschema_rs.Draft202012Validator:
    schema: dict[str, Any] = orjson.loads((CONTRACT / path).read_bytes())
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def as_written(state: bytes) -> tuple[Attributes, Event]:
    envelope = read(state)
    attributes = Attributes(**{name: getattr(envelope, name) for name in Attributes.__struct_fields__})
    return attributes, msgspec.json.decode(envelope.data, type=REGISTRY.types[envelope.type])


def test_there_is_one_sample_for_each_version_ever_published() -> None:
    published = {name for name in read_published() if name != "envelope"}
    assert {path.stem for path in FOLDER.glob("*.json")} == published == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_is_read_as_the_newest_version_of_its_type(name: str) -> None:
    event = REGISTRY.decode(read(stored(name)))
    assert event.FAMILY == REGISTRY.types[name].FAMILY


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_that_is_written_again_has_the_same_bytes(name: str) -> None:
    attributes, event = as_written(stored(name))
    assert write(attributes, event) == stored(name)


@pytest.mark.parametrize("name", TYPES)
def test_a_sample_fits_its_json_schema_and_that_of_the_envelope(name: str) -> None:
    document = orjson.loads(stored(name))
    validator(path_of(REGISTRY.types[name])).validate(document)
    validator("envelope.json").validate(document)


@pytest.mark.parametrize("name", TYPES)
def test_stream_key_and_value_date_of_a_sample_are_those_that_its_class_gives(name: str) -> None:
    attributes, event = as_written(stored(name))
    assert attributes.stream == event.STREAM.format(**msgspec.structs.asdict(event))
    assert (attributes.subject, attributes.valuedate) == (event.subject, event.value_date)


@pytest.mark.parametrize("name", TYPES)
def test_each_field_of_a_sample_is_needed_or_marked_optional(name: str) -> None:
    """Reader and JSON Schema agree on which fields may be missing."""
    accepts = validator(path_of(REGISTRY.types[name]))
    for field in orjson.loads(stored(name))["data"]:
        document = orjson.loads(stored(name))
        del document["data"][field]
        assert accepts.is_valid(document) == readable(document), field


@pytest.mark.parametrize("wrong", [None, 1.5, "\n", -(2**53), 2**53, {"new": 1}, [None], True])
@pytest.mark.parametrize("name", TYPES)
def test_a_value_of_the_wrong_kind_is_refused_by_reader_and_json_schema_alike(name: str, wrong: object) -> None:
    accepts = validator(path_of(REGISTRY.types[name]))
    for field in orjson.loads(stored(name))["data"]:
        document = orjson.loads(stored(name))
        document["data"][field] = wrong
        assert accepts.is_valid(document) == readable(document), field


def test_the_samples_that_would_be_recorded_now_are_of_every_type() -> None:
    assert sorted(samples()) == TYPES


def readable(document: dict[str, Any]) -> bool:
    encoded = orjson.dumps(document)
    try:
        REGISTRY.decode(read(encoded))
    except UnreadableEvent:
        return False
    return True
