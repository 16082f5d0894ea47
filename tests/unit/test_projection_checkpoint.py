"""Which facts follow a checkpoint, and where something is missing."""

from dataclasses import replace
from datetime import date

from projections.checkpoint import Mark, following
from projections.feed import Batch, FeedEvent
from projections.projection import Fact, read
from schemas.books.events import DayClosed
from schemas.envelope import Attributes, write

MARK = Mark(projection="p", version=1, book="b", partition=3, position=10, partitionseq=4, epoch=1, offset=None)


def a_record(position: int, partitionseq: int) -> FeedEvent:
    attributes = Attributes(
        specversion="1.0",
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        type=DayClosed.TYPE,
        source="/books/b",
        subject="b",
        time="2026-03-01T00:00:00.000000Z",
        datacontenttype="application/json",
        stream="book/b",
        streamversion=1,
        valuedate=date(2026, 3, 1),
        actor="operator:test",
        correlationid="test",
        requestindex=1,
        requestsize=1,
    )
    event = DayClosed(book_id="b", business_date=date(2026, 3, 1), loans_visited=0)
    return FeedEvent(position=position, partitionseq=partitionseq, recorded_us=1, state=write(attributes, event))


def facts(*places: tuple[int, int]) -> list[Fact]:
    """Facts at (position, partitionseq)."""
    found, problem = read(Batch(3, tuple(a_record(*place) for place in places)))
    assert problem is None
    return found


def positions(found: list[Fact]) -> list[int]:
    return [fact.position for fact in found]


def test_what_is_at_or_below_the_checkpoint_is_dropped() -> None:
    fresh, gap = following(MARK, facts((8, 3), (10, 4), (12, 5), (19, 6)))
    assert (positions(fresh), gap) == ([12, 19], None)


def test_a_fact_that_comes_twice_counts_once() -> None:
    fresh, gap = following(MARK, facts((12, 5), (12, 5), (19, 6), (12, 5)))
    assert (positions(fresh), gap) == ([12, 19], None)


def test_a_gap_keeps_what_is_before_it_and_tells_both_numbers() -> None:
    fresh, gap = following(MARK, facts((12, 5), (30, 7), (31, 8)))
    assert positions(fresh) == [12]
    assert "after position 12, number 5; next came position 30, number 7" in str(gap)


def test_a_first_fact_that_is_not_the_first_of_its_partition_is_a_gap() -> None:
    fresh, gap = following(replace(MARK, position=0, partitionseq=0), facts((2, 2)))
    assert (fresh, gap is None) == ([], False)


def test_a_record_that_cannot_be_read_is_named_and_what_is_before_it_is_kept() -> None:
    good, bad = a_record(12, 5), replace(a_record(13, 6), state=b"not json")
    found, problem = read(Batch(3, (good, bad, good)))
    assert positions(found) == [12]
    assert "position 13 of partition 3" in str(problem)
