"""Savers of one stream go one after another; those who come too late hear so without a commit."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import pytest

from ledger.journal.records import NewEvent, Request
from ledger.journal.turns import Turns


class Failed(Exception):
    """Why a save did not succeed."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def a_save(stream: str, version: int, **also_read: int) -> Request:
    event = NewEvent(
        stream=stream, version=version, type="t", topic="t", key="k", partition=0, prev_hash=None, state=b""
    )
    return Request(reads={stream: version - 1} | also_read, events=[event])


def is_late(turns: Turns, request: Request) -> bool:
    with turns.taken(request) as late:
        return late


def waiting(pool: ThreadPoolExecutor, turns: Turns, request: Request, stream: str) -> "Future[bool]":
    """Somebody who waits for the stream, which one other holds."""
    future = pool.submit(is_late, turns, request)
    while turns.users(stream) < 2:
        Event().wait(0.001)
    return future


def test_who_waited_hears_that_the_stream_moved_on(pool: ThreadPoolExecutor) -> None:
    turns, request = Turns(), a_save("a", 1)
    with turns.taken(request):
        second = waiting(pool, turns, request, "a")
    assert second.result(timeout=30)


def test_who_reads_a_stream_hears_it_too(pool: ThreadPoolExecutor) -> None:
    turns = Turns()
    with turns.taken(a_save("a", 1)):
        second = waiting(pool, turns, a_save("b", 1, a=0), "a")
    assert second.result(timeout=30)


def test_who_follows_what_was_reached_is_not_late(pool: ThreadPoolExecutor) -> None:
    turns = Turns()
    with turns.taken(a_save("a", 1)):
        second = waiting(pool, turns, a_save("a", 2), "a")
    assert not second.result(timeout=30)


def test_a_turn_that_failed_has_moved_nothing_on(pool: ThreadPoolExecutor) -> None:
    turns, request = Turns(), a_save("a", 1)
    with suppress(Failed), turns.taken(request):
        second = waiting(pool, turns, request, "a")
        raise Failed
    assert not second.result(timeout=30)


def test_other_streams_need_not_wait_and_nothing_is_remembered(pool: ThreadPoolExecutor) -> None:
    turns = Turns()
    with turns.taken(a_save("a", 1)):
        assert not pool.submit(is_late, turns, a_save("b", 1)).result(timeout=30)
    assert (turns.users("a"), is_late(turns, a_save("a", 1))) == (0, False)
