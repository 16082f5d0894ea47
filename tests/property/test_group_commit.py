"""Which requests may share a commit: never two that would be wrong together, and nobody overtakes whom it excludes."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.group_commit import compatible
from ledger.journal.records import NewEvent, Request

STREAMS = ["loan/a", "loan/b", "loan/c", "contacts/d"]


def an_event(stream: str) -> NewEvent:
    return NewEvent(
        stream=stream, version=1, type="t", topic="ledger.loans", key="k", partition=0, prev_hash=None, state=b"{}"
    )


@st.composite
def requests(draw: st.DrawFn) -> Request:
    reads = draw(st.sets(st.sampled_from(STREAMS), min_size=1))
    written = draw(st.lists(st.sampled_from(sorted(reads)), max_size=3))
    visited = draw(st.sets(st.sampled_from(sorted(reads)), max_size=1))
    key = draw(st.sampled_from([None, b"1" * 32, b"2" * 32]))
    return Request(
        reads=dict.fromkeys(reads, 0),
        events=[an_event(stream) for stream in written],
        next_actions=dict.fromkeys(visited),
        command_id=key,
    )


def writes(request: Request) -> set[str]:
    return {event.stream for event in request.events} | request.next_actions.keys()


def exclude_each_other(one: Request, other: Request) -> bool:
    same_key = one.command_id is not None and one.command_id == other.command_id
    return same_key or bool(writes(one) & other.reads.keys()) or bool(writes(other) & one.reads.keys())


def batches(line: list[Request], size: int) -> list[list[int]]:
    """The whole line, batch after batch, as numbers of requests."""
    left = list(range(len(line)))
    taken = []
    while left:
        batch = compatible(left, size, key=lambda number: line[number])
        taken.append(batch)
        left = [number for number in left if number not in batch]
    return taken


@given(st.lists(requests(), max_size=12), st.integers(1, 6))
def test_a_batch_never_holds_two_requests_that_exclude_each_other(line: list[Request], size: int) -> None:
    for batch in batches(line, size):
        assert not any(exclude_each_other(line[a], line[b]) for a, b in combinations(batch, 2))


@given(st.lists(requests(), max_size=12), st.integers(1, 6))
def test_every_batch_takes_somebody_and_everybody_is_taken_once(line: list[Request], size: int) -> None:
    taken = [number for batch in batches(line, size) for number in batch]
    assert sorted(taken) == list(range(len(line)))


@given(st.lists(requests(), max_size=12), st.integers(1, 6))
def test_of_two_that_exclude_each_other_the_earlier_one_goes_first(line: list[Request], size: int) -> None:
    round_of = {number: n for n, batch in enumerate(batches(line, size)) for number in batch}
    for a, b in combinations(range(len(line)), 2):
        if exclude_each_other(line[a], line[b]):
            assert round_of[a] < round_of[b]


@given(st.lists(requests(), min_size=1, max_size=12), st.integers(1, 6))
def test_a_batch_is_no_larger_than_it_may_be_unless_one_request_is(line: list[Request], size: int) -> None:
    for batch in batches(line, size):
        assert sum(len(line[number].events) for number in batch) <= size or len(batch) == 1
