"""The bytes of a life, as the encoder writes them, with holes for what differs from loan to loan.

Deciding and encoding take a hundred times as long as filling holes; what comes out is the same, byte for byte.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Any

from ledger.application.dev_book.lives import BORROWER, DAY_0, LOAN, Step
from ledger.domain.day_totals import overdue_totals
from ledger.domain.identifiers import loan_stream
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from schemas.books.events import OverdueTotals
from schemas.envelope import digest, instant

_DECIDED_AT = datetime(2899, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_EVENT_ID = "00000000-0000-7000-8000-000000000000"
_COMMAND_ID, _COMMAND_HASH, _PREVIOUS = digest(b"command id"), digest(b"command hash"), digest(b"previous")
_DAY = re.compile(r"29[0-9]{2}-[0-9]{2}-[0-9]{2}")

_MARKS = (
    *(LOAN, BORROWER, instant(_DECIDED_AT), _COMMAND_ID.hex(), _COMMAND_HASH.hex()),
    *(_EVENT_ID, _PREVIOUS.hex()),
)
EVENT_ID_HOLE, PREVIOUS_HOLE = 5, 6
HOLES = len(_MARKS)
"""What goes into the holes comes in the order of these marks; behind them the dates."""

_HOLE = re.compile("(" + "|".join([*map(re.escape, _MARKS), _DAY.pattern]) + ")")


@dataclass(frozen=True, slots=True)
class EventTemplate:
    """One event. `form` takes the values that `pick` picks from the list of all values."""

    version: int
    type: str
    topic: str
    form: bytes
    pick: "itemgetter[Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTemplate:
    """One request of a life. `days`: those whose dates follow the other values; `together`: how many requests of the
    life, from this one on, come in the same part of the same day; `overdue`: what its marks add up to."""

    day: int
    at_day_end: bool
    together: int
    events: Sequence[EventTemplate]
    days: Sequence[int]
    body: dict[str, Any]
    next_action: int | None
    overdue: Sequence[OverdueTotals]

    def body_of(self, loan: str, borrower: str, first_day: date) -> dict[str, Any]:
        """What the command of a loan says that was opened on `first_day`."""
        return {name: _said(value, loan, borrower, first_day) for name, value in self.body.items()}


def _said(value: object, loan: str, borrower: str, first_day: date) -> object:
    if isinstance(value, str):
        text = value.replace(LOAN, loan).replace(BORROWER, borrower)
        return _DAY.sub(lambda found: str(first_day + (date.fromisoformat(found[0]) - DAY_0)), text)
    if isinstance(value, date):
        return first_day + (value - DAY_0)
    if isinstance(value, Mapping):
        return {name: _said(each, loan, borrower, first_day) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_said(each, loan, borrower, first_day) for each in value)
    return value


def templates(steps: Sequence[Step], *, book_id: str, principal: str, day_end: str) -> list[RequestTemplate]:
    """A life as templates. `principal` pays, `day_end` is who closes days."""
    version, made = 0, []
    for number, step in enumerate(steps):
        actor = day_end if step.at_day_end else principal
        made.append(_request(step, _together(steps[number:]), version, Provenance(
            book_id=book_id,
            actor=actor,
            decided_at=_DECIDED_AT,
            correlation_id=_COMMAND_ID.hex(),
            command_id=_COMMAND_ID,
            command_hash=_COMMAND_HASH,
        )))  # fmt: skip
        version += len(step.events)
    return made


def _together(steps: Sequence[Step]) -> int:
    place = (steps[0].day, steps[0].at_day_end)
    return next(
        (number for number, step in enumerate(steps) if (step.day, step.at_day_end) != place),
        len(steps),
    )


def _request(step: Step, together: int, version: int, provenance: Provenance) -> RequestTemplate:
    next_action_on = None if step.next_action is None else date.fromordinal(DAY_0.toordinal() + step.next_action)
    head = StreamHead(stream=loan_stream(LOAN), version=version, hash=_PREVIOUS if version else None)
    decision = Decision(head=head, events=step.events, next_action_on=next_action_on)
    encoded = encode([decision], provenance, partitions=1, event_ids=lambda: _EVENT_ID).events
    days = sorted({day for event in encoded for day in _days(event.state)})
    return RequestTemplate(
        day=step.day,
        at_day_end=step.at_day_end,
        together=together,
        events=[
            EventTemplate(event.version, event.type, event.topic, *_form(event.state, event.prev_hash, days))
            for event in encoded
        ],
        days=days,
        body=step.command.body(),
        next_action=step.next_action,
        overdue=overdue_totals(step.events),
    )


def _days(state: bytes) -> Iterator[int]:
    for found in _DAY.findall(state.decode()):
        yield (date.fromisoformat(found) - DAY_0).days


def _form(state: bytes, previous: bytes | None, days: Sequence[int]) -> "tuple[bytes, itemgetter[Any]]":
    """The bytes with holes, and what goes into them."""
    text = state.decode().replace(previous.hex(), _MARKS[PREVIOUS_HOLE]) if previous else state.decode()
    pieces = _HOLE.split(text)
    holes = [
        _MARKS.index(mark) if mark in _MARKS else HOLES + days.index((date.fromisoformat(mark) - DAY_0).days)
        for mark in pieces[1::2]
    ]
    form = b"%b".join(piece.encode().replace(b"%", b"%%") for piece in pieces[0::2])
    return form, itemgetter(*holes)
