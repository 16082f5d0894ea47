"""A worker that is fed by Kafka: the same tables, whatever happens to topic, offsets and workers."""

import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest

from ledger.clock import system_clock
from projections.catalogue import PROJECTIONS
from projections.errors import ProjectionsLagging
from projections.kafka_feed import KafkaFeed
from projections.rebuild import Rebuild
from tests.integration.projections.published import Publish, Worker, after, relay
from tests.integration.projections.recorded_book import BATCH, PARTITIONS, RecordedBook, eventually


def test_from_every_kind_of_event_kafka_and_the_journal_fill_the_tables_alike(
    recorded: RecordedBook, worker: Worker, kafka_bootstrap: str
) -> None:
    recorded.every_kind()
    relay(recorded, kafka_bootstrap)
    with worker():
        eventually(recorded.is_current)
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_records_that_come_twice_change_nothing(recorded: RecordedBook, publish: Publish, worker: Worker) -> None:
    recorded.lives(10)
    recorded.catches_up()
    once = recorded.digests()
    recorded.forgets_everything()
    publish([*after(recorded, 0), *after(recorded, 0)])
    with worker() as runner:
        eventually(recorded.is_current)
        assert not runner.stopped
    assert recorded.digests() == once


def test_records_of_another_book_are_passed_over(recorded: RecordedBook, publish: Publish, worker: Worker) -> None:
    recorded.lives(10)
    publish(after(recorded, 0), f"{recorded.book.book_id}-other")
    publish(after(recorded, 0))
    with worker() as runner:
        eventually(recorded.is_current)
        assert not runner.stopped


def test_a_start_after_the_journal_filled_the_tables_goes_on_from_there(
    recorded: RecordedBook, publish: Publish, worker: Worker
) -> None:
    recorded.lives(10)
    recorded.catches_up()
    recorded.lives(10)
    publish(after(recorded, 0))
    with worker() as runner:
        eventually(recorded.is_current)
        assert not runner.stopped


@pytest.mark.parametrize("hint", ["0", "kafka_offset + 2", "1000000"])
def test_an_offset_is_a_hint_and_a_wrong_one_does_no_harm(
    recorded: RecordedBook, publish: Publish, worker: Worker, hint: str
) -> None:
    head = recorded.lives(10)
    publish(after(recorded, 0))
    with worker():
        eventually(recorded.is_current)
    with recorded.database.connect("ledger_projector") as connection:
        connection.execute(f"update projections.checkpoint set kafka_offset = {hint}".encode())
    recorded.lives(10)
    publish(after(recorded, head))
    with worker() as runner:
        eventually(recorded.is_current)
        assert not runner.stopped


def test_a_record_that_is_missing_stops_its_partition_loudly_and_no_other(
    recorded: RecordedBook, publish: Publish, worker: Worker
) -> None:
    recorded.lives(20)
    events = after(recorded, 0)
    missing = next(event for event in events if event.partitionseq == 2)
    publish([event for event in events if event is not missing])
    others = {part: head for part, head in recorded.journal.partition_heads().items() if part != missing.partition}
    with worker() as runner:
        eventually(lambda: recorded.positions().items() >= others.items() and bool(runner.stopped))
        assert {problem.code for problem in runner.stopped.values()} == {"partition_gap"}
        assert {partition for _, partition in runner.stopped} == {missing.partition}


def test_a_record_of_ours_that_cannot_be_read_stops_its_partition_for_those_who_take_it(
    recorded: RecordedBook, publish: Publish, worker: Worker
) -> None:
    recorded.lives(1)
    event = after(recorded, 0)[0]
    publish([event, replace(event, position=event.position + 99, partitionseq=2, state=b"not an event")])
    with worker() as runner:
        eventually(lambda: bool(runner.stopped))
    takers = {each.name for each in PROJECTIONS if each.takes is None or event.type in each.takes}
    assert {(name, problem.code) for (name, _), problem in runner.stopped.items()} == {
        (name, "poisoned_event") for name in takers
    }
    assert recorded.positions()[event.partition] == event.position


def test_catching_up_follows_kafka_to_what_the_journal_holds(
    recorded: RecordedBook, publish: Publish, kafka_bootstrap: str
) -> None:
    recorded.lives(10)
    publish(after(recorded, 0))
    with recorded.runner(KafkaFeed(kafka_bootstrap, recorded.book.book_id, batch=BATCH)) as runner:
        runner.catch_up()
    assert recorded.is_current()


def test_catching_up_says_so_when_kafka_lacks_what_the_journal_holds(
    recorded: RecordedBook, publish: Publish, kafka_bootstrap: str
) -> None:
    recorded.lives(1)
    publish(after(recorded, 0)[:1])
    feed = KafkaFeed(kafka_bootstrap, recorded.book.book_id, batch=BATCH)
    with recorded.runner(feed, stall_s=3) as runner, pytest.raises(ProjectionsLagging, match="asked to read kafka"):
        runner.catch_up()


def test_two_workers_share_the_partitions_and_the_one_that_stays_takes_over(
    recorded: RecordedBook, publish: Publish, worker: Worker
) -> None:
    with worker() as stays:
        with worker() as leaves:
            eventually(lambda: len(stays.partitions) == len(leaves.partitions) == PARTITIONS // 2)
            recorded.lives(20)
            publish(after(recorded, 0))
            eventually(recorded.is_current)
        eventually(lambda: len(stays.partitions) == PARTITIONS)
        head = recorded.journal.head().position
        recorded.lives(20)
        publish(after(recorded, head))
        eventually(recorded.is_current)
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_after_a_kill_in_the_middle_another_worker_finishes_with_the_same_rows(
    recorded: RecordedBook, publish: Publish, worker: Worker, kafka_bootstrap: str
) -> None:
    recorded.every_kind()
    recorded.lives(80)
    publish(after(recorded, 0))
    module = "tests.integration.projections.slow_worker"
    killed = subprocess.Popen([sys.executable, "-m", module, recorded.database.url, kafka_bootstrap])
    eventually(lambda: sum(recorded.positions().values()) > 50)
    killed.kill()
    killed.wait(10)
    assert not recorded.is_current()
    with worker():
        eventually(recorded.is_current, limit_s=60)
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_rebuild_from_kafka_holds_what_the_live_build_holds(recorded: RecordedBook, kafka_bootstrap: str) -> None:
    recorded.every_kind()
    relay(recorded, kafka_bootstrap)
    recorded.catches_up()
    before = recorded.digests()
    for projection in PROJECTIONS:
        with Rebuild(
            recorded.database, recorded.journal, recorded.book, projection, clock=system_clock, principal="operator:ann"
        ) as rebuild:
            done = rebuild.run(partial(feed_of_a_rebuild, recorded, kafka_bootstrap))
            assert done.digest == done.replaced_digest
    assert recorded.digests() == before


def feed_of_a_rebuild(recorded: RecordedBook, bootstrap: str) -> KafkaFeed:
    return KafkaFeed(bootstrap, recorded.book.book_id, batch=BATCH, group="rebuild-test")


def test_a_rebuild_from_kafka_takes_no_partition_from_the_workers(
    recorded: RecordedBook, publish: Publish, worker: Worker, kafka_bootstrap: str
) -> None:
    recorded.lives(10)
    publish(after(recorded, 0))
    with worker() as runner:
        eventually(recorded.is_current)
        mine = runner.partitions
        with Rebuild(
            recorded.database,
            recorded.journal,
            recorded.book,
            PROJECTIONS[0],
            clock=system_clock,
            principal="operator:ann",
        ) as rebuild:
            rebuild.run(partial(feed_of_a_rebuild, recorded, kafka_bootstrap))
        head = recorded.journal.head().position
        recorded.lives(10)
        publish(after(recorded, head))
        eventually(recorded.is_current)
        # Those without news were given up at the swap too, and are claimed again a few seconds later.
        eventually(lambda: runner.partitions == mine)
