"""Every option of a quote: which values it takes, what it is by default, and what it means.

Nothing is listed here. Values and defaults come from the types that requests are read into, meanings from the
docstrings of their classes and from the words themselves.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from ledger.domain.terms import Choice
from ledger.domain.terms_checks import RATE_OF, WORDS
from ledger.policies.caps import cap_policy, jurisdictions
from ledger.policies.open_days import calendar_names
from schemas.values import State

_MEANING = re.compile(r"(?:^|\s)`(\w+)`:\s")
_WORD_PATTERN = r"^[a-z][a-z0-9_]{0,63}\Z"
_WORD = "a word of small letters, digits and _"


class OptionWord(State, frozen=True):
    """A word that an option takes."""

    word: str
    meaning: str


class QuoteOption(State, frozen=True):
    """One option. `name` has a dot before the option of an object, and `[]` where there may be several.

    `default` is as JSON has it: null where it is nothing, and for an option that is `required`.
    """

    name: str
    values: str
    default: Any
    required: bool
    meaning: str
    words: tuple[OptionWord, ...] = ()


@cache
def options_of(kind: type[msgspec.Struct]) -> Mapping[str, QuoteOption]:
    """The options of a class of requests and of all objects in it, by name, in their order."""
    return {option.name: option for option in _options(kind, "")}


def _options(kind: type, prefix: str) -> Iterator[QuoteOption]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    meanings = meanings_of(kind)
    for field in described.fields:
        name = prefix + field.encode_name
        type_, notes = _without_null(field.type)
        words = _words(field.encode_name, type_)
        yield QuoteOption(
            name=name,
            values=", ".join(each.word for each in words) if words else _values(type_, notes),
            default=None if field.required else msgspec.to_builtins(field.default),
            required=field.required,
            meaning=meanings.get(field.encode_name, ""),
            words=words,
        )
        if isinstance(type_, inspect.StructType):
            yield from _options(type_.cls, f"{name}.")
        elif isinstance(type_, inspect.VarTupleType) and isinstance(type_.item_type, inspect.StructType):
            yield from _options(type_.item_type.cls, f"{name}[].")


def meanings_of(kind: type) -> Mapping[str, str]:
    """What each field means, by the docstrings of a class and of those that it builds on: "`name`: meaning".

    They say None for what is null in JSON.
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        for paragraph in (each.__doc__ or "").split("\n\n"):
            _, *parts = _MEANING.split(paragraph)
            texts = [" ".join(text.split()).replace("None", "null") for text in parts[1::2]]
            found.update(zip(parts[::2], texts, strict=True))
    return found


def _without_null(type_: inspect.Type) -> tuple[inspect.Type, str]:
    """A type without its descriptions and without null, and the description."""
    notes = ""
    if isinstance(type_, inspect.Metadata):
        notes, type_ = (type_.extra_json_schema or {}).get("description", ""), type_.type
    if isinstance(type_, inspect.UnionType):
        others = [each for each in type_.types if not isinstance(each, inspect.NoneType)]
        if len(others) == 1:
            return _without_null(others[0])
    return type_, notes


def _words(name: str, type_: inspect.Type) -> tuple[OptionWord, ...]:
    if isinstance(type_, inspect.EnumType):
        choices: Any = type_.cls
        return tuple(_word(each) for each in choices)
    if name == "lender":
        kinds = [(place, kind) for place in jurisdictions() for kind in cap_policy(place).lenders.items()]
        return tuple(OptionWord(word=word, meaning=f"{place}: {meaning}") for place, (word, meaning) in kinds)
    return tuple(OptionWord(word=word, meaning="") for word in _known_words().get(name, ()))


def _known_words() -> Mapping[str, tuple[str, ...]]:
    return {**WORDS, "rate_of": RATE_OF, "calendar": calendar_names(), "jurisdiction": jurisdictions()}


def _word(choice: Choice) -> OptionWord:
    return OptionWord(word=choice.value, meaning=choice.meaning)


def _values(type_: inspect.Type, notes: str) -> str:
    match type_:
        case inspect.IntType():
            found = f"an integer{_range(type_)}" + (f", {notes}" if notes else "")
        case inspect.StrType() if notes:
            found = f"{'an' if notes[0] in 'AEIOaeio' else 'a'} {notes}"
        case inspect.StrType(pattern=pattern, max_length=most):
            found = _WORD if pattern == _WORD_PATTERN else f"text of at most {most} characters"
        case inspect.VarTupleType(max_length=most):
            found = f"a list of {f'at most {most} ' if most else ''}objects"
        case inspect.UnionType():
            several = [each for each in type_.types if not isinstance(each, inspect.NoneType)]
            found = " or ".join(_values(*_without_null(each)) for each in several)
        case _:
            found = _PLAIN[type(type_)]
    return found


_PLAIN: Mapping[type[inspect.Type], str] = {
    inspect.DateType: "a date as YYYY-MM-DD",
    inspect.BoolType: "true or false",
    inspect.StructType: "an object",
}


def _range(type_: inspect.IntType) -> str:
    return f" from {type_.ge} to {type_.le}" if type_.ge is not None and type_.le is not None else ""
