"""Which events projections pass over: a person decided so, and the book's own stream says it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.domain.identifiers import book_stream
from ledger.journal.journal import Journal
from schemas.books.events import EventSkipped
from schemas.envelope import read
from schemas.registry import REGISTRY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """A decision to pass over an event. `decided_by`: who, as role:id; `recorded_at_position`: of the event that says
    so."""

    recorded_at_position: int
    reason: str
    decided_by: str
    decided_at: datetime


class Skips:
    """The decisions by projection and position. They come from the journal and are known before anything is folded, so
    that whoever builds a projection, at any time and from any feed, passes over the same events."""

    def __init__(self, journal: Journal, book_id: str) -> None:
        self._journal = journal
        self._stream = book_stream(book_id)
        self._version = 0
        self._skips: defaultdict[str | None, dict[int, Skip]] = defaultdict(dict)

    def look(self) -> None:
        """Read what the stream says since the last look. Raises what makes a skip unreadable."""
        for event in self._journal.streams_after({self._stream: self._version})[self._stream]:
            if event.type == EventSkipped.TYPE:
                envelope = read(event.state)
                skip = REGISTRY.decode(envelope)
                assert isinstance(skip, EventSkipped)
                self._skips[skip.projection or None][skip.position] = Skip(
                    recorded_at_position=event.position,
                    reason=skip.reason,
                    decided_by=envelope.actor,
                    decided_at=_EPOCH + timedelta(microseconds=event.recorded_us),
                )
            self._version = event.version

    def of(self, projection: str) -> Mapping[int, Skip]:
        """The positions that a projection passes over, and why."""
        return self._skips[None] | self._skips[projection]
