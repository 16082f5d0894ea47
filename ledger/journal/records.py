"""What goes into the journal and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NamedTuple

import msgspec


class Waiting(NamedTuple):
    """A stream that day end must look at, and since which date."""

    next_action_on: date
    stream: str


class Share(NamedTuple):
    """A part of all streams, by their names: number `number`, from 0, `of` so many of about the same size."""

    number: int
    of: int


ALL_STREAMS = Share(0, 1)


class NewEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One encoded event on its way into the journal. `prev_hash` is None at version 1."""

    stream: str
    version: int
    type: str
    topic: str
    key: str
    partition: int
    prev_hash: bytes | None
    state: bytes


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one command wants recorded, all or nothing.

    `reads` names every stream that the command read, with the version found (0: no such stream); it must include
    those that `events` belong to. `hashes`: by stream, of its last event here. `next_actions` sets the date of the next
    visit by day end (None: none). `command_id` and `command_hash` are 32 bytes each; a key is looked up always, and
    kept where events come of it.
    """

    reads: Mapping[str, int]
    events: Sequence[NewEvent] = ()
    hashes: Mapping[str, bytes] = msgspec.field(default_factory=dict)
    next_actions: Mapping[str, date | None] = msgspec.field(default_factory=dict)
    command_id: bytes | None = None
    command_hash: bytes | None = None


class Verdict(Enum):
    """What became of a request; the words of `journal.append`."""

    APPENDED = "appended"
    KNOWN = "known"
    KEY_REUSED = "key_reused"
    CONFLICT = "conflict"
    BROKEN_CHAIN = "broken_chain"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer to one request. Positions are those of its events; None where it had none or was not appended."""

    verdict: Verdict
    first_position: int | None
    last_position: int | None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedEvent:
    """One event of the journal. `recorded_us` is microseconds since 1970, never decreasing with `position`."""

    position: int
    stream: str
    version: int
    type: str
    topic: str
    key: str
    partition: int
    partitionseq: int
    recorded_us: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a stream at one version. `head_hash`: of the event at that version; `format`: who can read it.

    `blocks`: what is kept beside it and was not kept before, from the one with number `first_block` (from 0) on.
    """

    stream: str
    version: int
    head_hash: bytes
    format: str
    state: bytes
    first_block: int = 0
    blocks: Sequence[bytes] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """How far the journal has come."""

    position: int
    recorded_us: int
