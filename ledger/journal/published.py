"""The journal as its relay sees it: its gate, and what each partition in Kafka must hold.

The gate is closed from every start, restore or fail-over of PostgreSQL on, until a relay has confirmed that Kafka holds
no event which this journal lacks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent

_BATCH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class GateState:
    """`gate`: open, closed, or none where no relay has ever confirmed. `server` names who answers, for one start."""

    head: int
    gate: str
    server: str


class Confirmation(Enum):
    """What became of an attempt to open the gate; the words of `journal.confirm_gate`."""

    CONFIRMED = "confirmed"
    MOVED = "moved"
    AHEAD = "ahead"
    DISAGREE = "disagree"


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionEnd:
    """How many events of a family are in a partition, and the last position among them."""

    topic: str
    partition: int
    count: int
    position: int


class PublishedJournal(Journal):
    """The journal in the role of the relay."""

    def __init__(self, database: Database, *, pool_size: int = 1) -> None:
        super().__init__(database, role="ledger_relay", pool_size=pool_size)

    def gate_state(self) -> GateState:
        [(head, gate, server)] = self._rows("select head, gate, server from journal.gate_state()")
        return GateState(head=head, gate=gate, server=server)

    def confirm_gate(self, position: int, hash_hex: str, server: str) -> Confirmation:
        """Open the gate of `server` if the event at `position` has this hash (position 0: nothing is published).

        `server` is what `gate_state` said before the caller made sure that nobody else publishes this book.
        """
        [(answer,)] = self._rows("select journal.confirm_gate(%b, %b, %b)", (position, hash_hex, server))
        return Confirmation(answer)

    def sequence(self, partition: int, topic: str | None = None, *, after: int = 0) -> Iterator[RecordedEvent]:
        """The events of a partition beyond a `partitionseq`, in order, read bit by bit; of one family, or all."""
        while True:
            batch = self._events(
                "partition = %b and partitionseq > %b and (%b::text is null or topic = %b) "
                "order by partitionseq limit %b",
                (partition, after, topic, topic, _BATCH),
            )
            yield from batch
            if len(batch) < _BATCH:
                return
            after = batch[-1].partitionseq

    def partition_ends(self, position: int) -> list[PartitionEnd]:
        """What each partition holds up to a position, by family. Reads the whole journal."""
        rows = self._rows(
            "select topic, partition, count(*), max(position) from journal.event where position <= %b "
            "group by topic, partition",
            (position,),
        )
        return [PartitionEnd(topic=topic, partition=n, count=count, position=last) for topic, n, count, last in rows]
