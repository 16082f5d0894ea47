"""Checkpoints: how far a projection has come on a partition, moved only by the newest owner and without a gap.

They are positions of the journal, not offsets of Kafka, and move in the transaction of the rows: a batch is applied
once, whatever is delivered again, and whoever else thinks that it owns the partition.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.journal.database import Connection
from projections.errors import Fenced, PartitionGap
from projections.place import Place
from projections.projection import Fact, Projection
from projections.statements import load

STATEMENTS = load("checkpoint.sql")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A claimed checkpoint: what was last applied, and the epoch under which we may move on."""

    projection: str
    place: Place
    book: str
    partition: int
    position: int
    partitionseq: int
    epoch: int
    offset: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A checkpoint as anyone may read it."""

    projection: str
    partition: int
    position: int
    partitionseq: int
    problem: str | None


def claim(
    connection: Connection,
    book: str,
    projections: Sequence[Projection],
    partitions: Collection[int],
    place: Place = Place.LIVE,
) -> list[Mark]:
    """Own these partitions from the end of the transaction on; whoever had them is fenced off."""
    arguments = _names(book, projections, place) | {"partitions": sorted(partitions)}
    rows = connection.execute(STATEMENTS["claim"], arguments).fetchall()
    return [
        Mark(
            projection=name,
            place=place,
            book=book,
            partition=partition,
            position=position,
            partitionseq=partitionseq,
            epoch=epoch,
            offset=offset,
        )
        for name, partition, position, partitionseq, epoch, offset in rows
    ]


def advance(connection: Connection, moves: Sequence[tuple[Mark, Fact]]) -> list[Mark]:
    """Move checkpoints to the last fact of each batch: the first statement of the batches' transaction.

    Raises `Fenced` if a row is not where we left it, or is somebody else's by now.
    """
    # Not executemany: after its pipeline the server does not end a transaction that is left standing idle.
    moved = connection.execute(
        STATEMENTS["advance"],
        {
            **_keys([mark for mark, _ in moves]),
            "positions": [mark.position for mark, _ in moves],
            "epochs": [mark.epoch for mark, _ in moves],
            "to_positions": [last.record.position for _, last in moves],
            "to_partitionseqs": [last.record.partitionseq for _, last in moves],
            "to_offsets": [last.record.offset for _, last in moves],
        },
    ).rowcount
    if moved != len(moves):
        mark, last = moves[0]
        others = f" and {len(moves) - 1} others" if len(moves) > 1 else ""
        raise Fenced(
            f"asked to move {mark.projection} on partition {mark.partition}{others} from position {mark.position} to "
            f"{last.record.position} as owner {mark.epoch}; another worker has taken the partition over. "
            "Nothing was changed"
        )
    return [
        replace(
            mark,
            position=last.record.position,
            partitionseq=last.record.partitionseq,
            offset=last.record.offset,
        )
        for mark, last in moves
    ]


def stop(connection: Connection, mark: Mark, problem: str) -> bool:
    """Note at the checkpoint why it stands still, for whoever asks; the next step forward clears it.

    Whether it is still ours.
    """
    return connection.execute(STATEMENTS["stop"], _key(mark) | {"problem": problem}).rowcount == 1


def changed(connection: Connection, marks: Sequence[Mark], stopped: Sequence[bool]) -> Mapping[int, bool]:
    """Partitions that somebody else has changed, and whether we are fenced off there: a row was claimed, moved or
    deleted. Else only the problem is gone that stopped one of the marks."""
    arguments = {
        **_keys(marks),
        "positions": [mark.position for mark in marks],
        "epochs": [mark.epoch for mark in marks],
        "stopped": stopped,
    }
    return dict(connection.execute(STATEMENTS["changed"], arguments).fetchall())


def following(mark: Mark, facts: Sequence[Fact]) -> tuple[list[Fact], PartitionGap | None]:
    """The facts beyond a checkpoint as far as none is missing, and what is missing then."""
    fresh: list[Fact] = []
    position, seq = mark.position, mark.partitionseq
    for fact in facts:
        record = fact.record
        if record.position <= position:
            continue
        if record.partitionseq != seq + 1:
            return fresh, PartitionGap(
                f"asked to apply {mark.projection} on partition {mark.partition} after position {position}, number "
                f"{seq}; next came position {record.position}, number {record.partitionseq}. Events are missing: "
                "repair the topic from the journal, then start the worker again"
            )
        fresh.append(fact)
        position, seq = record.position, record.partitionseq
    return fresh, None


def standings(
    connection: Connection, book: str, projections: Sequence[Projection], place: Place = Place.LIVE
) -> list[Standing]:
    """The checkpoints of a book's projections; none where nobody ever began."""
    rows = connection.execute(STATEMENTS["read"], _names(book, projections, place)).fetchall()
    return [
        Standing(projection=name, partition=partition, position=position, partitionseq=partitionseq, problem=problem)
        for name, partition, position, partitionseq, problem in rows
    ]


def behind(
    connection: Connection,
    book: str,
    projections: Sequence[Projection],
    goal: Mapping[int, int],
    place: Place = Place.LIVE,
) -> list[Standing]:
    """Those that are not yet at the position that `goal` names for their partition; 0 where nobody ever began."""
    found = {(row.projection, row.partition): row for row in standings(connection, book, projections, place)}
    rows = [
        found.get((projection.name, partition))
        or Standing(projection=projection.name, partition=partition, position=0, partitionseq=0, problem=None)
        for projection in projections
        for partition in sorted(goal)
    ]
    return [row for row in rows if row.position < goal[row.partition]]


def _names(book: str, projections: Sequence[Projection], place: Place) -> dict[str, object]:
    return {"book": book, "projections": [projection.name for projection in projections], "place": place.value}


def _key(mark: Mark) -> dict[str, object]:
    return {
        "projection": mark.projection,
        "place": mark.place.value,
        "book": mark.book,
        "partition": mark.partition,
        "epoch": mark.epoch,
    }


def _keys(marks: Sequence[Mark]) -> dict[str, object]:
    return {
        "projections": [mark.projection for mark in marks],
        "places": [mark.place.value for mark in marks],
        "books": [mark.book for mark in marks],
        "partitions": [mark.partition for mark in marks],
    }
