"""What the relay publishes, where, and in which order."""

import threading
from collections import defaultdict

import pytest

from ledger.relay.errors import KafkaMisconfigured, KafkaUnavailable
from ledger.relay.relay import Limits
from ledger.relay.topics import heads_topic
from schemas.envelope import CONTENT_TYPE, read
from schemas.registry import REGISTRY
from tests.integration.relay.relayed import RelayedLedger, another_producer, eventually, positions, read_all


def test_kafka_carries_the_bytes_of_the_journal_on_both_topics(ledger: RelayedLedger) -> None:
    ledger.records_days()
    ledger.records_whole_lives()
    head = ledger.records(60)
    assert ledger.drains() == head
    recorded = ledger.journal()
    assert {event.type for event in recorded} == set(REGISTRY.types), "every event type is tried"
    for records in (ledger.published(), ledger.family_records()):
        assert [record.value for record in records] == [event.state for event in recorded]
        assert [record.key.decode() for record in records] == [event.key for event in recorded]
        assert [record.partition for record in records] == [event.partition for event in recorded]
    assert [record.topic for record in ledger.family_records()] == [event.topic for event in recorded]


def test_headers_say_what_routing_needs_without_decoding(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.drains()
    event = ledger.journal()[-1]
    record = ledger.published()[-1]
    assert record.headers == [
        ("content-type", CONTENT_TYPE.encode()),
        ("book", ledger.book_id.encode()),
        ("position", str(event.position).encode()),
        ("partitionseq", str(event.partitionseq).encode()),
        ("recorded_us", str(event.recorded_us).encode()),
        ("type", event.type.encode()),
        ("stream", event.stream.encode()),
        ("streamversion", str(event.version).encode()),
    ]
    assert record.timestamp == event.recorded_us // 1000


def test_events_of_a_key_arrive_in_their_order_over_many_windows(ledger: RelayedLedger) -> None:
    ledger.records(40)
    with ledger.relay(Limits(window=7)) as relay:
        relay.drain()
    arrived = defaultdict(list)
    for record in read_all(ledger.bootstrap, ["ledger.journal"]):
        if dict(record.headers).get("book") == ledger.book_id.encode():
            arrived[record.key].append(read(record.value).streamversion)
    assert all(versions == sorted(versions) and versions[0] == 1 for versions in arrived.values())
    assert len(arrived) == 40


def test_a_plain_consumer_finds_each_event_in_the_topic_of_its_family(ledger: RelayedLedger) -> None:
    ledger.records_days()
    ledger.records_whole_lives()
    ledger.records(3)
    ledger.drains()
    for topic in REGISTRY.families():
        expected = [event.position for event in ledger.journal() if event.topic == topic]
        assert expected
        assert positions(ledger.published(topic)) == expected


def test_a_second_drain_publishes_only_what_is_new(ledger: RelayedLedger) -> None:
    with ledger.relay() as relay:
        ledger.records(2)
        first = relay.drain()
        assert relay.drain() == first
        assert relay.drain() < ledger.records(1) == relay.drain()
    assert positions(ledger.published()) == list(range(1, ledger.journal()[-1].position + 1))


def test_an_empty_journal_is_published_at_once(ledger: RelayedLedger) -> None:
    assert ledger.drains() == 0
    assert ledger.published() == []


def test_progress_hears_of_every_window_and_no_window_cuts_a_request(ledger: RelayedLedger) -> None:
    head = ledger.records(5)
    heard: list[tuple[int, int]] = []
    with ledger.relay(Limits(window=10)) as relay:
        relay.drain(lambda done, target: heard.append((done, target)))
    last_of_requests = [
        event.position
        for event in ledger.journal()
        if read(event.state).requestindex == read(event.state).requestsize > 10
    ]
    assert heard == [(done, head) for done in last_of_requests]


def test_a_running_relay_follows_the_journal_until_it_is_stopped(ledger: RelayedLedger) -> None:
    stop = threading.Event()
    with ledger.relay() as relay:
        follower = threading.Thread(target=relay.run, args=(stop,))
        follower.start()
        head = ledger.records(3)
        with ledger.relay() as onlooker:
            eventually(lambda: onlooker.status().published == head)
            assert onlooker.status().lag == 0
        stop.set()
        follower.join(timeout=10)
    assert not follower.is_alive()


def test_the_status_tells_how_far_kafka_is_behind(ledger: RelayedLedger) -> None:
    ledger.records(1)
    published = ledger.drains()
    head = ledger.records(2)
    with ledger.relay() as relay:
        eventually(lambda: relay.status().published == published)
        status = relay.status()
    assert (status.head, status.lag, status.holder) == (head, head - published, None)


def test_the_status_does_not_wait_for_a_transaction_that_a_killed_relay_left_open(ledger: RelayedLedger) -> None:
    ledger.records(1)
    published = ledger.drains()
    with another_producer(ledger.bootstrap, transactional_id=f"stranger-{ledger.book_id}") as stranger:
        stranger.init_transactions()
        stranger.begin_transaction()
        stranger.send(heads_topic(ledger.book_id), value=b"open", partition=0).get(timeout=10)
        with ledger.relay(timeout_s=3) as relay:
            eventually(lambda: relay.status().published == published)
        stranger.abort_transaction()


def test_the_status_of_a_book_that_was_never_relayed_is_all_behind(ledger: RelayedLedger) -> None:
    head = ledger.records(1)
    with ledger.relay() as relay:
        status = relay.status()
    assert (status.published, status.lag, status.holder) == (0, head, None)


def test_kafka_away_is_said_with_its_address_and_leaves_no_lease(ledger: RelayedLedger) -> None:
    ledger.records(1)
    ledger.bootstrap = "127.0.0.1:1"
    with ledger.relay(timeout_s=1) as relay, pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1.*brokers run"):
        relay.drain()
    with ledger.relay(timeout_s=1) as relay:
        assert relay._lease.current() is None


def test_an_address_that_cannot_be_read_is_refused(ledger: RelayedLedger) -> None:
    ledger.bootstrap = "kafka.example"
    with ledger.relay() as relay, pytest.raises(KafkaMisconfigured, match="host:port"):
        relay.drain()


def test_two_books_share_the_topics_and_each_goes_on_behind_its_own_end(
    ledger: RelayedLedger, other_ledger: RelayedLedger
) -> None:
    for _ in range(2):
        for each in (ledger, other_ledger):
            each.records(2)
            each.drains()
    for each in (ledger, other_ledger):
        assert positions(each.published()) == [event.position for event in each.journal()]
