"""From decided events to the bytes of a request: envelopes, versions, and the hash chain of each stream."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from ledger.clock import EventIds
from ledger.journal.partitioning import partition_of
from ledger.journal.records import NewEvent, Request
from schemas.envelope import Attributes, digest, instant, write
from schemas.values import ABSENT, Event


class StreamHead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a stream ends: version 0 and no hash before its first event."""

    stream: str
    version: int = 0
    hash: bytes | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a command decided for one stream. `next_action_on`: when day end must look again; None: never."""

    head: StreamHead
    events: Sequence[Event]
    next_action_on: date | None = None


class Provenance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who asked for what, and when. `command_id` and `command_hash` are the keyed digests, 32 bytes each."""

    book_id: str
    actor: str
    decided_at: datetime
    correlation_id: str
    command_id: bytes
    command_hash: bytes
    causation_id: str | None = None


def encode(
    decisions: Sequence[Decision],
    provenance: Provenance,
    *,
    partitions: int,
    event_ids: EventIds,
    also_read: Sequence[StreamHead] = (),
) -> Request:
    """Encode what one command decided into one request; `also_read` are streams that it read and does not write."""
    size = sum(len(decision.events) for decision in decisions)
    events: list[NewEvent] = []
    hashes: dict[str, bytes] = {}
    for decision in decisions:
        previous = decision.head.hash
        for nth, event in enumerate(decision.events, 1):
            attributes = Attributes(
                specversion="1.0",
                id=event_ids(),
                type=event.TYPE,
                source=f"/books/{provenance.book_id}",
                subject=event.subject,
                time=instant(provenance.decided_at),
                datacontenttype="application/json",
                stream=decision.head.stream,
                streamversion=decision.head.version + nth,
                prevhash=previous.hex() if previous else ABSENT,
                valuedate=event.value_date,
                actor=provenance.actor,
                correlationid=provenance.correlation_id,
                causationid=provenance.causation_id or ABSENT,
                commandid=provenance.command_id.hex(),
                commandhash=provenance.command_hash.hex(),
                requestindex=len(events) + 1,
                requestsize=size,
                nextactionon=(nth == len(decision.events) and decision.next_action_on) or ABSENT,
            )
            state = write(attributes, event)
            events.append(_new_event(attributes, event, previous, state, partitions))
            hashes[attributes.stream] = previous = digest(state)
    return Request(
        reads={head.stream: head.version for head in (*(decision.head for decision in decisions), *also_read)},
        events=events,
        hashes=hashes,
        next_actions={decision.head.stream: decision.next_action_on for decision in decisions},
        command_id=provenance.command_id,
        command_hash=provenance.command_hash,
    )


def _new_event(attributes: Attributes, event: Event, previous: bytes | None, state: bytes, partitions: int) -> NewEvent:
    return NewEvent(
        stream=attributes.stream,
        version=attributes.streamversion,
        type=attributes.type,
        topic=event.FAMILY,
        key=attributes.subject,
        partition=partition_of(attributes.subject, partitions),
        prev_hash=previous,
        state=state,
    )
