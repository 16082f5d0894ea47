"""A downstream service reads events through the public client."""

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import FrozenInstanceError
from itertools import islice
from typing import Any

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from consumers.errors import BrokersUnavailable, EndNotReached, OffsetGone, RecordUnreadable, TopicMissing
from consumers.subscription import Delivery, follow, read_to_end
from schemas.overdue.events import DelinquencyChanged
from schemas.registry import JOURNAL_TOPIC, REGISTRY
from tests.integration.relay.relayed import RelayedLedger, another_producer


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    flag = threading.Event()
    yield flag
    flag.set()


def a_topic_of_strangers(ledger: RelayedLedger) -> str:
    """The heads topic of the book serves as a topic whose records are no events."""
    ledger.records(1)
    ledger.drains()
    return f"ledger.heads.{ledger.book_id}"


def test_overdue_events_are_read_back_decoded_with_where_they_were(ledger: RelayedLedger) -> None:
    ledger.records(5)
    ledger.drains()
    deliveries = list(read_to_end(ledger.bootstrap, ["ledger.overdue"], ledger.book_id))
    overdue = [each.event for each in deliveries if isinstance(each.event, DelinquencyChanged)]
    assert {event.loan_id for event in overdue} == {f"loan-{number}" for number in range(5)}
    assert {each.topic for each in deliveries} == {"ledger.overdue"}
    assert all(each.key == each.envelope.subject == each.envelope.stream.removeprefix("loan/") for each in deliveries)


def test_the_bytes_are_those_of_the_journal(ledger: RelayedLedger) -> None:
    ledger.records(5)
    ledger.drains()
    by_position = {event.position: event for event in ledger.journal()}
    deliveries = list(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id))
    assert sorted(each.position for each in deliveries) == sorted(by_position)
    assert all(each.value == by_position[each.position].state for each in deliveries)
    assert all(each.headers["type"] == each.event.TYPE for each in deliveries)


def test_all_families_together_are_the_journal(ledger: RelayedLedger) -> None:
    head = ledger.records(5)
    ledger.drains()
    deliveries = read_to_end(ledger.bootstrap, REGISTRY.families(), ledger.book_id)
    assert sorted(each.position for each in deliveries) == list(range(1, head + 1))


def test_a_delivery_cannot_be_changed(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    first = next(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id))
    with pytest.raises(FrozenInstanceError):
        setattr(first, "key", "other")  # noqa: B010 - as an assignment, the type checker would refuse it first


def test_events_of_other_books_are_passed_over(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    assert list(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], f"{ledger.book_id}-2")) == []


def test_following_delivers_what_is_there_and_what_comes(ledger: RelayedLedger, stop: threading.Event) -> None:
    first = ledger.records(1)
    ledger.drains()
    following = follow(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id, stop, book=ledger.book_id)
    there = list(islice(following, first))
    last = ledger.records(1)
    ledger.drains()
    to_come: list[Delivery] = list(islice(following, last - first))
    stop.set()
    assert sorted(each.position for each in there + to_come) == list(range(1, last + 1))
    assert list(following) == []


def test_a_group_goes_on_where_it_stopped(ledger: RelayedLedger) -> None:
    first = ledger.records(1)
    ledger.drains()
    assert followed(ledger, up_to=first) == set(range(1, first + 1))
    last = ledger.records(1)
    ledger.drains()
    assert followed(ledger, up_to=last) == set(range(first + 1, last + 1))


def followed(ledger: RelayedLedger, up_to: int) -> set[int]:
    """The positions that the group of the book gets until the newest one, in an orderly end."""
    stop = threading.Event()
    found = set()
    for each in follow(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id, stop, book=ledger.book_id):
        found.add(each.position)
        if each.position == up_to:
            stop.set()
    return found


def test_a_batch_that_was_not_worked_through_comes_again(ledger: RelayedLedger, stop: threading.Event) -> None:
    ledger.records(1)
    ledger.drains()
    for _ in range(2):
        with closing(events_of_loans(ledger, stop)) as crashing:
            assert next(crashing).position == 1


def events_of_loans(ledger: RelayedLedger, stop: threading.Event) -> Generator[Delivery, None, None]:
    yield from follow(ledger.bootstrap, ["ledger.loans"], ledger.book_id, stop, book=ledger.book_id)


def test_an_offset_that_is_gone_is_an_error_not_a_new_beginning(ledger: RelayedLedger, stop: threading.Event) -> None:
    ledger.drains()
    with a_member(ledger) as member:
        member.commit({TopicPartition("ledger.loans", 0): OffsetAndMetadata(10_000_000, "", -1)})
    with pytest.raises(OffsetGone, match="made anew or cut"):
        next(follow(ledger.bootstrap, ["ledger.loans"], ledger.book_id, stop))


@contextmanager
def a_member(ledger: RelayedLedger) -> Iterator[Any]:
    """A consumer of the book's group that is assigned by hand."""
    member = KafkaConsumer(bootstrap_servers=ledger.bootstrap, group_id=ledger.book_id, enable_auto_commit=False)
    try:
        member.assign([TopicPartition("ledger.loans", 0)])
        yield member
    finally:
        member.close()


def test_uncommitted_and_aborted_records_are_never_delivered(ledger: RelayedLedger) -> None:
    head = ledger.records(1)
    ledger.drains()
    record = ledger.published()[0]
    with another_producer(ledger.bootstrap, transactional_id=f"stranger-{ledger.book_id}") as stranger:
        stranger.init_transactions()
        stranger.begin_transaction()
        stranger.send(JOURNAL_TOPIC, value=record.value, headers=record.headers, partition=0).get(timeout=10)
        with pytest.raises(EndNotReached, match=r"ledger\.journal/0.*transaction is open"):
            list(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id, timeout_s=1))
        stranger.abort_transaction()
    assert len(list(read_to_end(ledger.bootstrap, [JOURNAL_TOPIC], ledger.book_id))) == head


def test_a_topic_that_does_not_exist_is_named(ledger: RelayedLedger) -> None:
    with pytest.raises(TopicMissing, match=r"ledger\.nothing"):
        list(read_to_end(ledger.bootstrap, ["ledger.nothing"], timeout_s=5))


def test_brokers_that_are_away_are_named() -> None:
    with pytest.raises(BrokersUnavailable, match=r"127\.0\.0\.1:1 .*brokers run"):
        list(read_to_end("127.0.0.1:1", [JOURNAL_TOPIC], timeout_s=1))


def test_a_record_that_is_no_event_is_named_with_its_place(ledger: RelayedLedger) -> None:
    topic = a_topic_of_strangers(ledger)
    with pytest.raises(RecordUnreadable, match=rf"{topic}/0 offset 0.*Name a book"):
        list(read_to_end(ledger.bootstrap, [topic]))
