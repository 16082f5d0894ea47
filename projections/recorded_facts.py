"""A loan's recorded events, read from the journal in the snapshot of a question."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.journal.database import Connection
from ledger.journal.stream_reading import StoredState, first_state, states_at, states_of
from schemas import envelope
from schemas.envelope import Envelope
from schemas.registry import REGISTRY
from schemas.values import LoanEvent


class RecordedFact(NamedTuple):
    """One event of a loan. `hash`: SHA-256 of its bytes, hex."""

    position: int
    hash: str
    envelope: Envelope
    event: LoanEvent


def facts_of(connection: Connection, loan_id: str, *, until: int) -> Iterator[RecordedFact]:
    """All of a loan up to a position, in order; a part at a time, so that a long life needs no more memory."""
    return map(_fact, states_of(connection, f"loan/{loan_id}", until=until))


def first_fact(connection: Connection, loan_id: str) -> RecordedFact | None:
    """What the loan begins with: what was agreed."""
    found = first_state(connection, f"loan/{loan_id}")
    return None if found is None else _fact(found)


def facts_at(connection: Connection, positions: Sequence[int]) -> Iterator[RecordedFact]:
    """Those of loans at some positions, in order of position."""
    return map(_fact, states_at(connection, positions))


def _fact(stored: StoredState) -> RecordedFact:
    event = REGISTRY.decode_recorded(stored.type, stored.state)
    assert isinstance(event, LoanEvent), "the stream of a loan holds nothing else"
    return RecordedFact(stored.position, envelope.digest(stored.state).hex(), envelope.read(stored.state), event)
