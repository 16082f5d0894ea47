"""However many workers there are, whoever comes and goes, and from wherever they read: the same tables."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Event as Flag
from threading import Thread

import pytest
from kafka import KafkaConsumer

from projections.kafka_feed import KafkaFeed
from projections.queries import Queries
from projections.runner import Runner
from tests.integration.projections.published import Publish, Worker, after
from tests.integration.projections.recorded_book import (
    BATCH,
    PARTITIONS,
    RecordedBook,
    eventually,
    running,
)

_TURNS = 6


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_any_number_of_workers_that_come_and_go_builds_the_same(
    recorded: RecordedBook, publish: Publish, worker: Worker, count: int
) -> None:
    """The last of them leaves in the middle, and the others take over its partitions."""
    with busy(recorded, publish), ExitStack() as staying:
        workers = [staying.enter_context(worker()) for _ in range(count - 1)]
        with worker() as leaves:
            eventually(lambda: shares(*workers, leaves), limit_s=60)
            goes_on(recorded)
        workers.append(staying.enter_context(worker()))
        goes_on(recorded)
        eventually(lambda: shares(*workers), limit_s=60)
    catches_up_from_kafka(recorded, worker)
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_running_book_moves_from_feed_to_feed_and_back(
    recorded: RecordedBook, publish: Publish, worker: Worker
) -> None:
    feeds: tuple[Callable[[], AbstractContextManager[object]], ...] = (worker, lambda: following(recorded))
    with busy(recorded, publish):
        for turn in range(_TURNS):
            with feeds[turn % 2]():
                goes_on(recorded)
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()
    with recorded.database.connect("ledger_reader") as connection:
        count = connection.execute("select count(*) from projections.audit_trail").fetchone()
    assert count == (recorded.journal.head().position,)


@pytest.mark.parametrize("is_kafka", [False, True], ids=["journal", "kafka"])
def test_a_worker_with_nothing_to_do_notices_that_its_checkpoints_are_gone(
    recorded: RecordedBook, publish: Publish, worker: Worker, is_kafka: bool
) -> None:
    recorded.lives(10)
    publish(after(recorded, 0))
    with worker() if is_kafka else following(recorded):
        eventually(recorded.is_current)
        before = recorded.digests()
        with recorded.database.connect("ledger_projector") as connection:
            assert connection.execute("delete from projections.checkpoint where partition < 8").rowcount
        assert not recorded.is_current()
        eventually(recorded.is_current, limit_s=15)
    assert recorded.digests() == before
    with Queries(recorded.database, recorded.book.book_id) as queries:
        assert {(each.events, each.problem) for each in queries.lag(recorded.journal)} == {(0, None)}


def test_two_workers_on_the_journal_share_the_partitions_and_leave_each_other_alone(
    recorded: RecordedBook, caplog: pytest.LogCaptureFixture
) -> None:
    """Only once they share evenly: until then the first takes back its part in several steps."""
    recorded.lives(30)
    with recorded.worker(retry_s=0.1) as first, running(first):
        eventually(lambda: len(first.partitions) == PARTITIONS)
        with recorded.worker(retry_s=0.1) as second, running(second):
            eventually(lambda: shares(first, second) and len(first.partitions) == len(second.partitions))
            caplog.clear()
            recorded.lives(10)
            eventually(recorded.is_current)
            time.sleep(1)
            assert "gave up partition" not in caplog.text
            assert shares(first, second)
        eventually(lambda: len(first.partitions) == PARTITIONS)


def test_both_feeds_at_once_build_the_same(
    recorded: RecordedBook, publish: Publish, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody should do that; the two take partitions from each other all the time."""
    with busy(recorded, publish), worker() as member:
        eventually(lambda: len(member.partitions) == PARTITIONS)
        with recorded.worker(retry_s=0.05) as follower, running(follower):
            eventually(lambda: caplog.text.count("another worker has taken the partition over") > PARTITIONS)
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_worker_that_the_group_has_put_out_without_a_word_finds_its_way_back(
    recorded: RecordedBook, publish: Publish, worker: Worker, kafka_bootstrap: str
) -> None:
    feed = KafkaFeed(kafka_bootstrap, recorded.book.book_id, batch=BATCH, retry_s=0.5)
    with recorded.runner(feed) as silent, busy(recorded, publish), running(silent):
        eventually(lambda: len(silent.partitions) == PARTITIONS)
        falls_silent(feed)
        with worker() as other:
            eventually(lambda: len(other.partitions) == PARTITIONS)
            eventually(lambda: shares(silent, other), limit_s=60)
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_two_workers_with_the_same_identity_build_the_same(
    recorded: RecordedBook, publish: Publish, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied configuration: Kafka lets only the newer one stay in the group; the other ends, and does no harm."""
    monkeypatch.setitem(KafkaConsumer.DEFAULT_CONFIG, "group_instance_id", "the-same")
    ended: list[BaseException] = []
    with busy(recorded, publish), twin(recorded, kafka_bootstrap, ended) as first:
        eventually(lambda: len(first.partitions) == PARTITIONS)
        with twin(recorded, kafka_bootstrap, ended):
            eventually(lambda: bool(ended))
            goes_on(recorded)
    recorded.catches_up()
    assert [type(error).__name__ for error in ended] == ["FeedUnavailable"]
    assert recorded.digests() == recorded.digests_from_the_journal()


def falls_silent(feed: KafkaFeed) -> None:
    """No heartbeats any more, as after a join that was lost half-way; the client itself does not notice."""
    coordinator = feed._consumer._coordinator  # type: ignore[attr-defined] # of the library
    coordinator._disable_heartbeat()


@contextmanager
def busy(recorded: RecordedBook, publish: Publish) -> Iterator[None]:
    """Loans live and are published in a thread of its own, until the block ends."""
    stop = Flag()
    chance = random.Random(recorded.book.book_id)

    def work() -> None:
        published = 0
        while not stop.is_set():
            recorded.lives(chance.randint(1, 5))
            publish(after(recorded, published))
            published = recorded.journal.head().position

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


@contextmanager
def following(recorded: RecordedBook) -> Iterator[None]:
    with recorded.worker() as runner, running(runner):
        yield


@contextmanager
def twin(recorded: RecordedBook, bootstrap: str, ended: list[BaseException]) -> Iterator[Runner]:
    """A worker in a thread; what ends it before its time is kept."""
    stop = Flag()
    feed = KafkaFeed(bootstrap, recorded.book.book_id, batch=BATCH, retry_s=0.5)

    def work(runner: Runner) -> None:
        try:
            runner.run(stop)
        except Exception as error:
            ended.append(error)

    with recorded.runner(feed) as runner:
        thread = Thread(target=work, args=(runner,))
        thread.start()
        try:
            yield runner
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive()


def goes_on(recorded: RecordedBook) -> None:
    """Wait until all that is recorded by now has been applied by somebody."""
    goal = recorded.journal.partition_heads()
    eventually(
        lambda: all(recorded.positions().get(partition, 0) >= head for partition, head in goal.items()), limit_s=60
    )


def shares(*workers: Runner) -> bool:
    """Whether each has a part of the partitions, and all of them together have all."""
    parts = [worker.partitions for worker in workers]
    return all(parts) and sum(map(len, parts)) == PARTITIONS == len(set().union(*parts))


def catches_up_from_kafka(recorded: RecordedBook, worker: Worker) -> None:
    with worker() as runner:
        eventually(recorded.is_current)
        assert not runner.stopped
