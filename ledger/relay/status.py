"""How far Kafka is behind the journal, as anybody may ask at any time."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.clock import Clock
from ledger.journal.lease import Lease
from ledger.journal.published import PublishedJournal
from ledger.relay.cluster import Cluster
from ledger.relay.heads import PublishedHead, visible_heads
from ledger.relay.reading import LogReader
from ledger.relay.topics import was_relayed


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayStatus:
    """How Kafka keeps up with the journal.

    `published`: the last position in Kafka; `head`: the last one in the journal. `holder`: who relays now. `gate`:
    open, closed, or none where no relay has ever confirmed this journal. `oldest_waiting_s`: how long ago the first
    event that is not published was recorded. `window`: events in the newest transaction; `events_per_s`: over the
    newest transactions. None: not known, or nothing waits.
    """

    published: int
    head: int
    holder: str | None
    gate: str
    oldest_waiting_s: float | None
    window: int | None
    events_per_s: float | None

    @property
    def lag(self) -> int:
        return max(0, self.head - self.published)


def look(
    journal: PublishedJournal,
    lease: Lease,
    cluster: Cluster,
    book_id: str,
    *,
    clock: Clock,
    published: int | None = None,
) -> RelayStatus:
    """The status of a book. `published` is what the caller knows better than readers of committed records yet do."""
    heads = _heads(cluster, book_id)
    if published is None:
        published = heads[-1][0].position if heads else 0
    state = journal.gate_state()
    waiting = journal.after(published, 1)
    return RelayStatus(
        published=published,
        head=state.head,
        holder=lease.current(),
        gate=state.gate,
        oldest_waiting_s=max(0.0, clock().timestamp() - waiting[0].recorded_us / 1e6) if waiting else None,
        window=heads[-1][0].position - heads[-2][0].position if len(heads) > 1 else None,
        events_per_s=_rate(heads),
    )


def _heads(cluster: Cluster, book_id: str) -> list[tuple[PublishedHead, int]]:
    if not was_relayed(cluster, book_id):
        return []
    with LogReader(cluster) as reader:
        return visible_heads(reader, book_id)


def _rate(heads: Sequence[tuple[PublishedHead, int]]) -> float | None:
    """Events per second over transactions, by the times at which they were published."""
    if len(heads) < 2 or heads[-1][1] <= heads[0][1]:
        return None
    return (heads[-1][0].position - heads[0][0].position) * 1000 / (heads[-1][1] - heads[0][1])
