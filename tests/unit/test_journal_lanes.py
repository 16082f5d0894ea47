"""The queue before a commit: who comes first, who waits, and that nobody waits for ever."""

import threading
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.lanes import Lane, LaneQueue, QueueClosed, TooBusy


def everything(line: Iterable[str]) -> list[str]:
    return list(line)


def first(line: Iterable[str]) -> list[str]:
    return list(line)[:1]


def a_queue(*items: tuple[str, Lane], capacity: int = 10) -> LaneQueue[str]:
    queue: LaneQueue[str] = LaneQueue(capacity)
    for item, lane in items:
        queue.put(item, lane, 0)
    return queue


def test_somebody_who_waits_comes_before_bulk_work_that_came_earlier() -> None:
    queue = a_queue(("b1", Lane.BULK), ("i1", Lane.INTERACTIVE), ("b2", Lane.BULK))
    assert queue.take(everything) == ["i1", "b1", "b2"]


def test_what_is_not_chosen_keeps_its_place() -> None:
    queue = a_queue(*((name, Lane.BULK) for name in "abcd"))
    assert queue.take(lambda line: [item for item in line if item in "bd"]) == ["b", "d"]
    queue.put("e", Lane.BULK, 0)
    assert queue.take(everything) == ["a", "c", "e"]


def test_what_is_put_back_is_first_again_however_full_the_lane_is() -> None:
    queue = a_queue(("a", Lane.BULK), ("b", Lane.BULK), capacity=2)
    taken = queue.take(first)
    queue.put("c", Lane.BULK, 0)
    queue.put_back(taken, Lane.BULK)
    assert queue.take(everything) == ["a", "b", "c"]


def test_a_full_lane_refuses_and_leaves_the_other_lane_open() -> None:
    queue = a_queue(("b", Lane.BULK), capacity=1)
    with pytest.raises(TooBusy, match="bulk lane"):
        queue.put("b2", Lane.BULK, 0.01)
    assert not queue.offer("b2", Lane.BULK)
    assert queue.offer("i", Lane.INTERACTIVE)


def test_whoever_waits_for_room_gets_it_when_something_is_taken() -> None:
    queue = a_queue(("a", Lane.BULK), capacity=1)
    caller = threading.Thread(target=queue.put, args=("b", Lane.BULK, 10))
    caller.start()
    assert queue.take(first) == ["a"]
    caller.join(timeout=10)
    assert queue.take(everything) == ["b"]


def test_a_taker_waits_until_something_is_free() -> None:
    queue = a_queue(("a", Lane.BULK))
    free = threading.Event()
    taken: list[list[str]] = []
    taker = threading.Thread(target=lambda: taken.append(queue.take(lambda line: list(line) if free.is_set() else [])))
    taker.start()
    free.set()
    queue.put_back([], Lane.INTERACTIVE)
    taker.join(timeout=10)
    assert taken == [["a"]]


def test_a_closed_queue_hands_out_what_waits_and_takes_nothing_more() -> None:
    queue = a_queue(("a", Lane.BULK))
    queue.close()
    with pytest.raises(QueueClosed):
        queue.put("b", Lane.BULK, 0)
    assert queue.take(everything) == ["a"]
    assert queue.take(everything) == []


@given(st.lists(st.tuples(st.sampled_from(Lane), st.integers(0, 3)), max_size=40), st.integers(1, 7))
def test_each_lane_hands_out_all_of_it_once_and_in_order_of_each_claim(
    items: list[tuple[Lane, int]], at_once: int
) -> None:
    queue: LaneQueue[tuple[int, Lane, int]] = LaneQueue(100)
    for number, (lane, claim) in enumerate(items):
        queue.put((number, lane, claim), lane, 0)
    queue.close()
    taken: list[tuple[int, Lane, int]] = []
    while batch := queue.take(lambda line: one_of_each_claim(line, at_once)):
        assert len({claim for _, _, claim in batch}) == len(batch)
        taken += batch
    assert sorted(taken) == [(number, lane, claim) for number, (lane, claim) in enumerate(items)]
    for lane in Lane:
        for wanted in range(4):
            numbers = [number for number, its_lane, claim in taken if (its_lane, claim) == (lane, wanted)]
            assert numbers == sorted(numbers)


def one_of_each_claim(line: Iterable[tuple[int, Lane, int]], at_once: int) -> list[tuple[int, Lane, int]]:
    chosen: dict[int, tuple[int, Lane, int]] = {}
    for item in line:
        if len(chosen) < at_once:
            chosen.setdefault(item[2], item)
    return list(chosen.values())
