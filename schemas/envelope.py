"""The envelope around every event: a CloudEvents 1.0 document in structured mode, with the fact in `data`.

The bytes made here are the state column of the journal, the value of the Kafka record and the input of the hash
chain. Nothing ever encodes an event a second time.
"""

import hashlib
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
import orjson
from msgspec import Meta

from schemas.errors import BadInput, Corrupt
from schemas.values import ABSENT, Absent, Event

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
LARGEST_EVENT_BYTES = 256 * 1024

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the JSON reader raises for bytes that are wrong in content, text or depth."""

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256, lowercase hex")]
Instant = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z",
        description="UTC, six digits of a second",
    ),
]


class EventTooLarge(BadInput):
    code = "event_too_large"


class InvalidEvent(BadInput):
    code = "invalid_event"


class UnreadableEvent(Corrupt):
    code = "unreadable_event"


class Attributes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The context attributes of one event, in the order in which they are written.

    `subject` is the Kafka key. `streamversion` is dense from 1; `prevhash`, the hash of the stream's previous event,
    is absent at version 1. `commandid` and `commandhash` are keyed digests of the caller's idempotency key and body.
    `requestindex` counts from 1 within the `requestsize` events that were recorded together. `nextactionon`, on a
    stream's last event of a request, is the date on which day end must look at the stream again.
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")]
    type: Annotated[str, Meta(pattern=r"^ledger(\.[a-z_]+)+\.v[1-9][0-9]*\Z")]
    source: Annotated[str, Meta(pattern=r"^/books/[A-Za-z0-9._:-]+\Z")]
    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    time: Instant
    datacontenttype: Literal["application/json"]
    stream: Annotated[str, Meta(min_length=3, max_length=200)]
    streamversion: Annotated[int, Meta(ge=1)]
    prevhash: Hash | Absent = ABSENT
    valuedate: date
    actor: Annotated[str, Meta(pattern=r"^[a-z_]+:.{1,100}\Z", description="role:id")]
    correlationid: Annotated[str, Meta(min_length=1, max_length=100)]
    causationid: Annotated[str, Meta(min_length=1, max_length=100)] | Absent = ABSENT
    commandid: Hash | Absent = ABSENT
    commandhash: Hash | Absent = ABSENT
    requestindex: Annotated[int, Meta(ge=1)]
    requestsize: Annotated[int, Meta(ge=1)]
    nextactionon: date | Absent = ABSENT


class Envelope(Attributes, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Attributes and the undecoded fact; `type` says which class reads `data`."""

    data: msgspec.Raw

    @property
    def book_id(self) -> str:
        return self.source.removeprefix("/books/")


class Skimmed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of an envelope that was verified before, no more than it takes to decode the fact."""

    id: str
    type: str
    data: msgspec.Raw


_decoder = msgspec.json.Decoder(Envelope)
_skimmer = msgspec.json.Decoder(Skimmed)


@cache
def _decoder_with(event_type: type[Event]) -> msgspec.json.Decoder[Any]:
    """Reads envelope and fact at once."""
    whole = msgspec.defstruct(
        "Whole", [("data", event_type)], bases=(Attributes,), frozen=True, kw_only=True, forbid_unknown_fields=True
    )
    return msgspec.json.Decoder(whole)


def write(attributes: Attributes, event: Event) -> bytes:
    """Encode one event, once and for all. At most 256 KiB, else `EventTooLarge`.

    What could not be read again is never written: a field out of its range raises `InvalidEvent`.
    """
    document: dict[str, Any] = msgspec.to_builtins(attributes)
    document["data"] = msgspec.to_builtins(event)
    try:
        encoded = orjson.dumps(document, option=orjson.OPT_STRICT_INTEGER)
        # Constructors check no ranges, and an immutable event that nobody can read stops its stream for ever.
        _decoder_with(type(event)).decode(encoded)
    except (*UNREADABLE, orjson.JSONEncodeError) as error:
        raise InvalidEvent(
            f"asked to record {attributes.type} for {attributes.subject}: {error}; give a value that the event allows"
        ) from error
    if len(encoded) > LARGEST_EVENT_BYTES:
        raise EventTooLarge(
            f"asked to record {attributes.type} of {len(encoded)} bytes for {attributes.subject}; "
            f"at most {LARGEST_EVENT_BYTES} are allowed; split the result into numbered parts"
        )
    return encoded


def read(encoded: bytes) -> Envelope:
    """Decode the envelope strictly: unknown, missing, null or ill-typed attributes raise `UnreadableEvent`; so do more
    bytes than `write` makes."""
    require_size(encoded)
    try:
        return _decoder.decode(encoded)
    except UNREADABLE as error:
        raise _unreadable(encoded, error) from error


def said_by(actor: str) -> bytes:
    """The bytes that an event of this actor has, and no other."""
    return b'"actor":' + msgspec.json.encode(actor)


def skim(encoded: bytes) -> Skimmed:
    """Type and fact of an event that the journal holds, in a third of the time: its attributes are not looked at."""
    require_size(encoded)
    try:
        return _skimmer.decode(encoded)
    except UNREADABLE as error:
        raise _unreadable(encoded, error) from error


def _unreadable(encoded: bytes, error: Exception) -> UnreadableEvent:
    return UnreadableEvent(
        f"asked to read an event of {len(encoded)} bytes, found {encoded[:80]!r}: {error}; "
        "it was not written by this version of the contract or has been changed"
    )


def require_size(encoded: bytes) -> None:
    """Raise `UnreadableEvent` for more bytes than an event can have."""
    if len(encoded) > LARGEST_EVENT_BYTES:
        raise UnreadableEvent(
            f"asked to read an event of {len(encoded)} bytes; none is written with more than {LARGEST_EVENT_BYTES}. "
            "Find out who wrote it"
        )


def digest(encoded: bytes) -> bytes:
    """SHA-256 of the stored bytes: the link of the hash chain."""
    return hashlib.sha256(encoded).digest()


def instant(moment: datetime) -> str:
    """An aware time as the envelope writes it."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat("T", "microseconds")[:26] + "Z"
