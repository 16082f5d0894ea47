"""Which facts follow a checkpoint, and where something is missing."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ledger.domain.book import Book
from ledger.journal.database import Connection
from projections.checkpoint import Mark, following
from projections.feed import FeedEvent
from projections.place import Place
from projections.projection import Fact, Projection, taken
from schemas.books.events import DayClosed
from schemas.envelope import Attributes, write
from schemas.loans.events import LoanPaidOff

MARK = Mark(projection="p", place=Place.LIVE, book="b", partition=3, position=10, partitionseq=4, epoch=1, offset=None)


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
    return FeedEvent(
        position=position,
        partitionseq=partitionseq,
        streamversion=1,
        recorded_us=1,
        type=event.TYPE,
        state=write(attributes, event),
    )


def facts(*places: tuple[int, int]) -> list[Fact]:
    """Facts at (position, partitionseq)."""
    return [Fact(a_record(*place)) for place in places]


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


def a_projection(*takes: str) -> Projection:
    return Projection(
        name="p", version=1, tables=("p",), key=("position",), takes=frozenset(takes), statements={}, apply=nothing
    )


def nothing(connection: Connection, book: Book, facts: Sequence[Fact]) -> None:
    """Applies them to nowhere."""


def places_taken(
    projection: Projection, records: Sequence[FeedEvent], skipped: Set[int] = frozenset()
) -> tuple[list[int], list[int], str]:
    passed, wanted, problem = taken(projection, 3, [Fact(record) for record in records], skipped)
    return positions(passed), positions(wanted), str(problem or "")


GOOD = [a_record(12, 5), a_record(14, 7)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"state": b"not json"}, "asked to read an event of 8 bytes"),
        ({"type": LoanPaidOff.TYPE}, "asked to read an event of 419 bytes (ledger.loan.paid_off.v1)"),
    ],
)
def test_a_record_that_cannot_be_read_stops_those_who_take_its_type(wrong: dict[str, Any], says: str) -> None:
    records = [GOOD[0], a_record(13, 6)._replace(**wrong), GOOD[1]]
    passed, wanted, problem = places_taken(a_projection(DayClosed.TYPE, LoanPaidOff.TYPE), records)
    assert (passed, wanted) == ([12], [12])
    assert "position 13 of partition 3" in problem
    assert says in problem


def test_a_record_of_a_type_that_is_not_taken_is_passed_unread() -> None:
    records = [record._replace(state=b"not json") for record in GOOD]
    assert places_taken(a_projection(LoanPaidOff.TYPE), records) == ([12, 14], [], "")


def test_a_type_that_nobody_knows_stops_also_those_who_do_not_take_it() -> None:
    records = [GOOD[0], GOOD[1]._replace(type="ledger.book.burned.v9")]
    passed, wanted, problem = places_taken(a_projection(LoanPaidOff.TYPE), records)
    assert (passed, wanted) == ([12], [])
    assert "(ledger.book.burned.v9)" in problem


@pytest.mark.parametrize("wrong", [{"state": b"not json"}, {"type": "ledger.book.burned.v9"}, {}])
def test_what_is_to_be_skipped_is_passed_over_unread(wrong: dict[str, Any]) -> None:
    records = [GOOD[0], a_record(13, 6)._replace(**wrong), GOOD[1]]
    assert places_taken(a_projection(DayClosed.TYPE), records, {13}) == ([12, 13, 14], [12, 14], "")
