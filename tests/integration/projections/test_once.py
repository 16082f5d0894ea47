"""Each event once, and none left out: zombies, repetitions, gaps, several workers, killed workers."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event as Flag

import pytest

from ledger.journal.errors import JournalUnavailable
from projections import loan_now
from projections.builds import install
from projections.catalogue import PROJECTIONS
from projections.checkpoint import advance, claim
from projections.errors import Fenced, PartitionGap
from projections.feed import Batch
from projections.place import Place
from projections.projection import Fact
from tests.integration.projections.recorded_book import RecordedBook, ScriptedFeed, eventually, running


def a_full_partition(recorded: RecordedBook) -> Batch:
    """The batch of the partition that has most events."""
    recorded.lives(12)
    return max(recorded.batches().values(), key=lambda batch: len(batch.events))


def test_a_worker_that_was_fenced_writes_nothing(recorded: RecordedBook, caplog: pytest.LogCaptureFixture) -> None:
    batch = a_full_partition(recorded)
    halves = Batch(batch.partition, batch.events[:3]), Batch(batch.partition, batch.events[3:])
    with recorded.fed_with(*halves) as zombie, recorded.fed_with(halves[1]) as successor:
        zombie.step()
        successor.step()
        before = recorded.digests()
        zombie.step()
        assert "another worker has taken the partition over" in caplog.text
        assert recorded.digests() == before


def test_a_claim_fences_off_whoever_had_the_partition(recorded: RecordedBook) -> None:
    batch = a_full_partition(recorded)
    fact = Fact(batch.events[0])
    with recorded.database.connect("ledger_projector", options=Place.LIVE.options) as connection:
        install(connection, PROJECTIONS)
        [old] = claim(connection, recorded.book.book_id, PROJECTIONS[:1], [batch.partition])
        [new] = claim(connection, recorded.book.book_id, PROJECTIONS[:1], [batch.partition])
        with pytest.raises(Fenced, match="another worker"):
            advance(connection, [(old, fact)])
        [moved] = advance(connection, [(new, fact)])
        assert moved.position == fact.position


def test_a_checkpoint_moves_only_from_where_it_was_left(recorded: RecordedBook) -> None:
    batch = a_full_partition(recorded)
    first, second = map(Fact, batch.events[:2])
    with recorded.database.connect("ledger_projector", options=Place.LIVE.options) as connection:
        install(connection, PROJECTIONS)
        [mark] = claim(connection, recorded.book.book_id, PROJECTIONS[:1], [batch.partition])
        advance(connection, [(mark, first)])
        for wrong in (mark, replace(mark, position=second.position)):
            with pytest.raises(Fenced):
                advance(connection, [(wrong, second)])


def test_batches_that_are_delivered_again_change_nothing(recorded: RecordedBook) -> None:
    batch = a_full_partition(recorded)
    parts = [Batch(batch.partition, batch.events[first:last]) for first, last in ((0, 4), (2, 5), (0, 5), (3, None))]
    with recorded.fed_with(batch) as runner:
        runner.step()
    once = recorded.digests()
    recorded.forgets_everything()
    with recorded.fed_with(*parts, batch) as runner:
        for _ in range(len(parts) + 1):
            runner.step()
    assert recorded.digests() == once


def test_a_missing_event_stops_the_partition_before_the_gap(recorded: RecordedBook) -> None:
    batch = a_full_partition(recorded)
    missing = batch.events[3]
    with recorded.fed_with(Batch(batch.partition, (*batch.events[:3], *batch.events[4:]))) as runner:
        runner.step()
        problem = runner.stopped["audit_trail", batch.partition]
    assert isinstance(problem, PartitionGap)
    assert f"number {missing.partitionseq - 1}" in str(problem)
    assert recorded.positions()[batch.partition] == batch.events[2].position


def test_a_gap_in_one_partition_does_not_stop_the_others(recorded: RecordedBook) -> None:
    full = a_full_partition(recorded)
    other = next(batch for batch in recorded.batches().values() if batch.partition != full.partition)
    with recorded.fed_with(Batch(full.partition, full.events[1:]), other) as runner:
        runner.step()
        runner.step()
    assert recorded.positions()[full.partition] == 0
    assert recorded.positions()[other.partition] == other.events[-1].position


def test_a_worker_stopped_in_the_middle_of_a_batch_loses_what_it_holds(recorded: RecordedBook) -> None:
    """Else nobody could take its partition over for as long as it is stopped."""
    batch = a_full_partition(recorded)
    begun, goes_on = Flag(), Flag()

    def hangs(*_: object) -> None:
        begun.set()
        assert goes_on.wait(30)

    hanging = replace(loan_now.PROJECTION, apply=hangs)
    feed = ScriptedFeed([batch])
    with recorded.runner(feed, projections=[hanging], abandoned_s=1) as zombie, ThreadPoolExecutor() as pool:
        work = pool.submit(zombie.step)
        assert begun.wait(30)
        with recorded.fed_with(batch) as successor:
            successor.step()
        goes_on.set()
        with pytest.raises(JournalUnavailable, match="idle-in-transaction"):
            work.result(30)
    assert recorded.positions("loan_now")[batch.partition] == batch.events[-1].position
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_fenced_worker_takes_the_partition_back_after_a_while(recorded: RecordedBook) -> None:
    recorded.lives(3)
    with recorded.worker(pause_s=0, retry_s=0.1) as first:
        first.step()
        with recorded.worker(pause_s=0) as second:
            second.step()
        head = recorded.lives(3)
        while max(recorded.positions().values()) < head:
            first.step()


def test_two_workers_on_one_journal_build_the_same_as_one(recorded: RecordedBook) -> None:
    with recorded.worker(retry_s=0.05) as first, recorded.worker(retry_s=0.05) as second, running(first, second):
        recorded.lives(30)
        eventually(recorded.is_current)
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(recorded: RecordedBook) -> None:
    recorded.every_kind()
    recorded.lives(80)
    command = [sys.executable, "-m", "tests.integration.projections.slow_worker", recorded.database.url, ""]
    worker = subprocess.Popen(command)
    eventually(lambda: sum(recorded.positions().values()) > 50)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    assert not recorded.is_current()
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()
