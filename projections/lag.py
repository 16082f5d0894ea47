"""How far projections are behind the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.journal.database import Connection
from ledger.journal.journal import Journal
from projections import checkpoint
from projections.checkpoint import Standing
from projections.projection import Projection


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """One projection: how many events it is behind, on how many partitions, and a problem that one of them has."""

    projection: str
    events: int
    partitions: int
    problem: str | None = None


def lag(connection: Connection, journal: Journal, book_id: str, projections: Sequence[Projection]) -> list[Lag]:
    """Every projection against the journal as it is now, in the order of the catalogue."""
    heads = journal.partition_heads()
    late = checkpoint.behind(connection, book_id, projections, heads)
    ends = numbers(journal, {each.partition: heads[each.partition] for each in late})
    return [
        _sum(projection.name, [each for each in late if each.projection == projection.name], ends)
        for projection in projections
    ]


def numbers(journal: Journal, positions: Mapping[int, int]) -> dict[int, int]:
    """By partition, the number within it of the event at a position."""
    return {partition: journal.between(last, last)[0].partitionseq for partition, last in positions.items()}


def _sum(projection: str, late: Sequence[Standing], ends: Mapping[int, int]) -> Lag:
    return Lag(
        projection=projection,
        events=sum(ends[each.partition] - each.partitionseq for each in late),
        partitions=len(late),
        problem=next((each.problem for each in late if each.problem), None),
    )
