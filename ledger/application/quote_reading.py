"""Reads a request for a quote from JSON, strictly, and says of what is wrong which field it is.

An option that is not known is refused, never passed over. A field that is there twice is refused, because one of the
two would be lost. null is nothing: it is taken for an option that is nothing by default, and refused for any other.
"""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec

from ledger.application.quote_options import QuoteOption, options_of
from ledger.domain.errors import shown
from ledger.domain.terms import Fee, Terms
from schemas.errors import BadInput
from schemas.values import LARGEST_MINOR

ID_LENGTH_MAX = 200
FEES_MAX = 100  # each is a row of the cost table with a payment for each installment

RequestId = (
    Annotated[str, msgspec.Meta(max_length=ID_LENGTH_MAX)]
    | Annotated[int, msgspec.Meta(ge=-LARGEST_MINOR, le=LARGEST_MINOR)]
)


class QuoteRequest(Terms, frozen=True):
    """The terms of a loan to quote, and what comes with them.

    `id`: given back with the answer. `rows_only`: leaves annual rates and cost table out; no cap is tested then.
    """

    fees: Annotated[tuple[Fee, ...], msgspec.Meta(max_length=FEES_MAX)] = ()
    id: RequestId | None = None
    rows_only: bool = False


class InvalidRequest(BadInput):
    """A request for a quote that cannot be read; `field` says where, where it is a field."""

    code = "invalid_request"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class MalformedJson(InvalidRequest):
    code = "malformed_json"


class RepeatedField(InvalidRequest):
    code = "repeated_field"


class UnknownField(InvalidRequest):
    code = "unknown_field"


class MissingField(InvalidRequest):
    code = "missing_field"


class InvalidValue(InvalidRequest):
    code = "invalid_value"


class LineTooLong(InvalidRequest):
    code = "line_too_long"


def read_request(text: bytes) -> QuoteRequest:
    """The request in a JSON object. Raises an `InvalidRequest` that says which field is wrong."""
    try:
        request = _DECODER.decode(text)
        _DISTINCT.decode(text.decode())
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refusal(text, error) from error
    return request


def id_of(text: bytes) -> str | int | None:
    """The id in a JSON object that may be broken, if it stands before what is broken; None if it cannot be read."""
    document, end = text.decode(errors="surrogateescape"), 0
    try:
        while key := _KEY.match(document, end):
            found, end = _LENIENT.raw_decode(document, key.end())
            if key[1] == '"id"':
                return msgspec.convert(_encodable(found), RequestId | None)  # type: ignore[no-any-return] # a union is no type to mypy
    except (ValueError, RecursionError):
        return None
    return None


def _encodable(found: object) -> object:
    if isinstance(found, str):
        found.encode()
    return found


class _Object(list[tuple[str, Any]]):
    """The fields of an object, those that are there twice too."""


class _NoJson(str):
    """What Python takes for a number and JSON does not: NaN, Infinity."""

    __slots__ = ()


def _require_distinct(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a field is there twice")


_DECODER = msgspec.json.Decoder(QuoteRequest)
_DISTINCT = json.JSONDecoder(object_pairs_hook=_require_distinct)
_LENIENT = json.JSONDecoder(object_pairs_hook=_Object, parse_constant=_NoJson)
_KEY = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*+")\s*:\s*')
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(?P<at>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(?P<at>.*)`)?")
_AT = re.compile(r"(.*) - at `\$\.?(.+)`", re.DOTALL)
_INSTEAD = "ledger quote --explain-defaults lists all options"


def _refusal(text: bytes, error: Exception) -> InvalidRequest:
    document = _lenient(text)
    if isinstance(error, msgspec.ValidationError):
        return _not_valid(str(error), document)
    for field, value in _places(document):
        if isinstance(value, _NoJson):
            return MalformedJson(f"asked for {field} {value}, which is not JSON. Write a value; {_INSTEAD}", field)
    for field in _repeated(document):
        return RepeatedField(f"asked for {field} twice in one object, and only one can hold. Write it once", field)
    why = "it is nested too deeply" if isinstance(error, RecursionError) else _in_short(str(error))
    return MalformedJson(f"asked to read terms that are not JSON: {why}. Write one object, on one line in a batch")


def _not_valid(found: str, document: object) -> InvalidRequest:
    if unknown := _UNKNOWN.fullmatch(found):
        return _unknown(unknown["at"] or "", unknown[1])
    if missing := _MISSING.fullmatch(found):
        return _missing(_joined(missing["at"] or "", missing[1]))
    if wrong := _AT.fullmatch(found):
        return _invalid(wrong[2], wrong[1], document)
    return InvalidRequest(f"asked to read terms: {found}; write one JSON object with a field for each option")


def _in_short(found: str) -> str:
    return found.removeprefix("JSON is malformed: ").splitlines()[0][:200]


def _unknown(at: str, name: str) -> UnknownField:
    field = _joined(at, name)
    near = _nearest(f"{_general(at)}." if at else "", name)
    meant = f"; did you mean {near}?" if near else "."
    return UnknownField(f"asked for the option {shown(field)}, which there is not{meant} {_INSTEAD}", field[:200])


def _nearest(at: str, name: str) -> str | None:
    """A known option like an unknown one: of the same object, else of any."""
    names = list(options_of(QuoteRequest))
    here = {each.removeprefix(at): each for each in names if each.startswith(at) and "." not in each.removeprefix(at)}
    anywhere = {each.rpartition(".")[2]: each for each in reversed(names)}
    begun = [known for each, known in here.items() if len(name) > 2 and each.startswith(name)]
    if name in anywhere or begun:
        return anywhere.get(name) or begun[0]
    for known in (here, anywhere):
        if near := get_close_matches(name[:64], known, 1, 0.6):
            return known[near[0]]
    return None


def _missing(field: str) -> MissingField:
    option = _option(field)
    takes = f", {_taken(option)}" if option else ""
    return MissingField(f"asked for a quote without {field}; give it{takes}. {_INSTEAD}", field)


def _invalid(field: str, why: str, document: object) -> InvalidValue:
    option = _option(field)
    values = [value for place, value in _places(document) if place == field]
    found = f" {_as_json(values[0])}" if values else ""
    takes = f"it takes {_taken(option)}" if option else f"{why[0].lower()}{why[1:]}"
    return InvalidValue(f"asked for {field}{found}; {takes}", field)


def _taken(option: QuoteOption) -> str:
    return f"one of {option.values}" if option.words else option.values


def _option(field: str) -> QuoteOption | None:
    return options_of(QuoteRequest).get(_general(field))


def _general(field: str) -> str:
    """The name of an option for one of several: fees[1].rate is fees[].rate."""
    return re.sub(r"\[[0-9.]+\]", "[]", field)


def _joined(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _as_json(value: object) -> str:
    if isinstance(value, _Object):
        return "{...}"
    text = json.dumps(value, default=str, ensure_ascii=False) if not isinstance(value, list) else "[...]"
    safe = text.encode(errors="replace").decode()
    return safe if len(safe) <= 60 else f"{safe[:60]}... ({len(safe)} characters)"


def _lenient(text: bytes) -> object:
    """The document as far as Python can read it, for messages only."""
    try:
        return _LENIENT.decode(text.decode())
    except (ValueError, RecursionError):
        return None


def _places(document: object) -> Iterator[tuple[str, Any]]:
    """Every value with its field, in order."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        field, value = waiting.pop()
        yield field, value
        inside: Iterable[tuple[str, Any]] = ()
        if isinstance(value, _Object):
            inside = [(_joined(field, name), each) for name, each in value]
        elif isinstance(value, list):
            inside = [(f"{field}[{number}]", each) for number, each in enumerate(value)]
        waiting += reversed(list(inside))


def _repeated(document: object) -> Iterator[str]:
    for field, value in _places(document):
        if isinstance(value, _Object):
            names = [name for name, _ in value]
            yield from (_joined(field, name) for number, name in enumerate(names) if name in names[:number])
