"""The generated part of the contract: checked in as it would be generated, and never changed once published."""

from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from msgspec import Meta, defstruct

from schemas import generate
from schemas.envelope import Attributes
from schemas.generate import PublishedShapeChanged, contents, differences, publish, read_published
from schemas.glossary import MEANINGS
from schemas.registry import REGISTRY
from schemas.shapes import event_schema, event_shape
from schemas.values import Count, Event, Identifier

NAME = "ledger.thing.counted.v1"


class Counted(Event, frozen=True):
    """Things were counted."""

    TYPE: ClassVar[str] = NAME
    FAMILY: ClassVar[str] = "ledger.things"
    STREAM: ClassVar[str] = "loan/{loan_id}"

    loan_id: Identifier
    number: Count


def another(
    number: object,
    *,
    name: str = "Counted",
    doc: str = "Things were counted.",
    more: bool = False,
    family: str = "ledger.things",
    stream: str = "loan/{loan_id}",
) -> type[Event]:
    """The same type in another form."""
    fields = [("loan_id", Identifier), ("number", number), *([("as_of", str)] if more else [])]
    namespace = {"TYPE": NAME, "FAMILY": family, "STREAM": stream, "__doc__": doc}
    made = defstruct(name, fields, bases=(Event,), namespace=namespace, frozen=True, kw_only=True)
    assert issubclass(made, Event)
    return made


def test_what_is_checked_in_is_what_would_be_generated() -> None:
    published = publish(read_published(), REGISTRY.types, "another release")
    assert published == read_published()
    assert differences(generate.FOLDER, contents(published, REGISTRY.types)) == []


def test_the_check_writes_nothing_and_ends_well() -> None:
    before = {path: path.stat().st_mtime_ns for path in generate.FOLDER.rglob("*.json")}
    assert generate.main(["--check"]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in generate.FOLDER.rglob("*.json")}


@pytest.mark.parametrize(
    "changed",
    [
        another(int),
        another(str),
        another(Annotated[int, Meta(ge=0, le=9)]),
        another(Count, more=True),
        another(Count, family="ledger.other"),
        another(Count, stream="other/{loan_id}"),
    ],
)
def test_a_published_type_keeps_its_shape_and_its_place(changed: type[Event]) -> None:
    published = publish({}, {NAME: Counted}, "1.0.0")
    with pytest.raises(PublishedShapeChanged, match=f"{NAME} was published with 1.0.0 .* publish a new version"):
        publish(published, {NAME: changed}, "1.1.0")


@pytest.mark.parametrize(
    "same",
    [
        another(Count, doc="Other words."),
        another(Count, name="Tally"),
        another(Annotated[Count, Meta(description="x")]),
    ],
)
def test_words_and_class_names_are_no_part_of_a_shape(same: type[Event]) -> None:
    assert event_shape(same) == event_shape(Counted)


def test_a_published_type_stays() -> None:
    published = publish({}, {NAME: Counted}, "1.0.0")
    with pytest.raises(PublishedShapeChanged, match=f"{NAME} was published with 1.0.0 and is gone"):
        publish(published, {}, "1.1.0")


def test_the_envelope_is_published_too_and_keeps_its_shape() -> None:
    published = publish({}, {}, "1.0.0") | {"envelope": {"shape": "0" * 64, "since": "1.0.0"}}
    with pytest.raises(PublishedShapeChanged, match="envelope was published"):
        publish(published, {}, "1.1.0")


def test_a_new_type_is_added_with_its_release_and_old_ones_keep_theirs() -> None:
    first = publish({}, {NAME: Counted}, "1.0.0")
    second = publish(first, {NAME: Counted, **REGISTRY.types}, "1.1.0")
    assert {name: entry["since"] for name, entry in second.items() if name in (NAME, "ledger.loan.opened.v1")} == {
        NAME: "1.0.0",
        "ledger.loan.opened.v1": "1.1.0",
    }


def test_a_difference_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "old.v1.json").write_bytes(b"{}")
    (tmp_path / "changed.json").write_bytes(b"a\nb\n")
    assert differences(tmp_path, {"changed.json": b"a\nc\n", "missing.json": b""}) == [
        "missing.json is missing",
        "changed.json differs: line 2 is 'b' instead of 'c'",
        "things/old.v1.json belongs to no event type",
    ]


def test_a_broken_promise_ends_the_program_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "read_published", lambda: {"ledger.gone.v1": {"shape": "0" * 64, "since": "0.1.0"}})
    assert generate.main([]) == 2
    assert "error published_shape_changed: " in capsys.readouterr().err


def test_a_difference_ends_the_check_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "published.json is missing. Run python -m schemas.generate\n"


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    used = {"data", *Attributes.__struct_fields__}
    for event_type in REGISTRY.types.values():
        for definition in event_schema(event_type)["$defs"].values():
            used |= definition["properties"].keys()
    assert used == MEANINGS.keys()


def test_the_catalogue_has_a_section_for_each_type_with_what_a_reader_needs() -> None:
    text = (generate.FOLDER / "CATALOGUE.md").read_text("utf-8")
    section = text.split("## ledger.installment.overdue.v1\n")[1].split("\n## ")[0]
    assert "key `loan_id`" in section
    assert "Stream `loan/{loan_id}`, value date `due_on + timedelta(days=1)`" in section
    assert all(f"\n## {name}\n" in text for name in REGISTRY.types)
