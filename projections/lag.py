"""How far projections are behind the journal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.journal.database import Connection
from ledger.journal.journal import Journal
from projections import builds, checkpoint, dead_letters
from projections.checkpoint import Standing
from projections.projection import Projection
from schemas.errors import LedgerError


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """One projection: how many events it is behind, on how many partitions; a problem that one of them has, how many
    stand still for one, and how many dead letters it stands at."""

    projection: str
    events: int
    partitions: int
    problem: str | None = None
    stopped: int = 0
    dead_letters: int = 0


def lag(connection: Connection, journal: Journal, book_id: str, projections: Sequence[Projection]) -> list[Lag]:
    """Every projection against the journal as it is now, in the order of the catalogue."""
    heads = journal.partition_heads()
    late = checkpoint.behind(connection, book_id, projections, heads)
    ends = numbers(journal, {each.partition: heads[each.partition] for each in late})
    misfits = builds.misfits(connection, projections)
    letters = Counter(each.projection for each in dead_letters.read(connection, book_id) if each.is_in_the_way)
    return [
        _sum(
            each.name,
            [row for row in late if row.projection == each.name],
            ends,
            misfits.get(each.name),
            letters[each.name],
        )
        for each in projections
    ]


def numbers(journal: Journal, positions: Mapping[int, int]) -> dict[int, int]:
    """By partition, the number within it of the event at a position."""
    return {partition: journal.between(last, last)[0].partitionseq for partition, last in positions.items()}


def _sum(
    projection: str, late: Sequence[Standing], ends: Mapping[int, int], misfit: LedgerError | None, letters: int
) -> Lag:
    return Lag(
        projection=projection,
        events=sum(ends[each.partition] - each.partitionseq for each in late),
        partitions=len(late),
        problem=f"{misfit.code}: {misfit}" if misfit else next((each.problem for each in late if each.problem), None),
        stopped=sum(each.problem is not None for each in late),
        dead_letters=letters,
    )
