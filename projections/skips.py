"""Which events projections pass over: a person decided so, and the book's own stream says it."""

from collections import defaultdict
from collections.abc import Set

from ledger.domain.identifiers import book_stream
from ledger.journal.journal import Journal
from schemas.books.events import EventSkipped
from schemas.envelope import read
from schemas.registry import REGISTRY


class Skips:
    """The positions by projection. They come from the journal and are known before anything is folded, so that whoever
    builds a projection, at any time and from any feed, passes over the same events."""

    def __init__(self, journal: Journal, book_id: str) -> None:
        self._journal = journal
        self._stream = book_stream(book_id)
        self._version = 0
        self._positions: defaultdict[str | None, set[int]] = defaultdict(set)

    def look(self) -> None:
        """Read what the stream says since the last look. Raises what makes a skip unreadable."""
        for event in self._journal.streams_after({self._stream: self._version})[self._stream]:
            if event.type == EventSkipped.TYPE:
                skip = REGISTRY.decode(read(event.state))
                assert isinstance(skip, EventSkipped)
                self._positions[skip.projection or None].add(skip.position)
            self._version = event.version

    def of(self, projection: str) -> Set[int]:
        """The positions that a projection passes over."""
        return self._positions[projection] | self._positions[None]
