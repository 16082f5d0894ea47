"""A worker that follows the journal."""

from threading import Event as Flag
from threading import Thread

import pytest

from projections.errors import PoisonedEvent, ProjectionsLagging
from projections.feed import Batch
from projections.journal_feed import JournalFeed
from projections.queries import Queries
from tests.integration.projections.recorded_book import BATCH, RecordedBook, ScriptedFeed, a_life, eventually, opened
from tests.loan_builders import days


def test_catching_up_brings_every_projection_to_the_newest_event_of_every_partition(recorded: RecordedBook) -> None:
    recorded.lives(30)
    recorded.catches_up()
    assert recorded.is_current()


def test_catching_up_again_changes_nothing(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    before = recorded.digests()
    recorded.catches_up()
    assert recorded.digests() == before


def test_everything_built_again_from_nothing_is_the_same(recorded: RecordedBook) -> None:
    recorded.lives(10)
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()


def test_a_start_on_current_projections_reads_nothing_of_the_journal(recorded: RecordedBook) -> None:
    head = recorded.lives(5)
    recorded.catches_up()
    with recorded.worker() as runner:
        assert JournalFeed(recorded.journal, batch=BATCH).start(runner) == head


def test_a_start_goes_back_to_the_partition_that_is_furthest_behind(recorded: RecordedBook) -> None:
    life = opened("loan")
    seen = recorded.records("loan/loan", life.events)
    recorded.catches_up()
    recorded.records("loan/loan", life.pays(1_00, days(0)))
    with recorded.worker() as runner:
        assert JournalFeed(recorded.journal, batch=BATCH).start(runner) == seen


def test_a_worker_applies_what_is_recorded_while_it_runs_and_stops_when_told(recorded: RecordedBook) -> None:
    stop = Flag()
    with recorded.worker(pause_s=0.01) as runner:
        thread = Thread(target=runner.run, args=(stop,))
        thread.start()
        head = recorded.lives(3)
        eventually(lambda: max(recorded.positions().values(), default=0) == head)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_a_worker_is_seen_while_it_works_and_no_longer_after_it_has_left(
    recorded: RecordedBook, queries: Queries
) -> None:
    with recorded.worker() as runner:
        runner.step()
        assert len(queries.workers(stale_s=5)) == 1
    assert queries.workers(stale_s=5) == []


def test_progress_is_told_up_to_the_last_event(recorded: RecordedBook) -> None:
    head = recorded.lives(60)
    told: list[tuple[int, int]] = []
    with recorded.worker() as runner:
        runner.catch_up(progress=lambda *done: told.append(done))
    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, head), (head, head))


def test_catching_up_to_a_position_does_not_wait_for_more(recorded: RecordedBook) -> None:
    goal = dict([max(recorded.journal.partition_heads().items())])
    recorded.lives(100)
    with recorded.worker() as runner:
        runner.catch_up(goal)
    assert not recorded.is_current()


def test_catching_up_says_where_nothing_moves(recorded: RecordedBook) -> None:
    with (
        recorded.runner(ScriptedFeed([]), stall_s=0.1) as runner,
        pytest.raises(ProjectionsLagging, match="nothing moved"),
    ):
        runner.catch_up()


def test_a_poisoned_event_stops_its_partition_and_is_named_while_all_before_it_is_applied(
    recorded: RecordedBook,
) -> None:
    position = recorded.records("loan/good", opened("good").events)
    [partition] = {event.partition for event in recorded.journal.between(position, position)}
    events = recorded.batches()[partition].events
    last = events[-1]
    poison = last._replace(position=999, partitionseq=last.partitionseq + 1, state=b"{}")
    with recorded.fed_with(Batch(partition, (*events, poison))) as runner:
        runner.step()
        assert recorded.positions()[partition] == last.position
        with pytest.raises(PoisonedEvent, match=f"position 999 of partition {partition}"):
            raise runner.stopped["loan_now", partition]


def test_an_event_that_the_database_refuses_stops_only_the_projection_that_cannot_apply_it(
    recorded: RecordedBook,
) -> None:
    position = recorded.lives(1)
    with recorded.worker() as runner:
        forbid_amounts(recorded, 6000)
        runner.step()
        [(projection, _)] = runner.stopped
        [problem] = runner.stopped.values()
    assert projection == "postings"
    assert "ledger.payment.received.v1" in str(problem)
    assert max(recorded.positions("audit_trail").values()) == position


def test_catching_up_brings_all_others_forward_and_then_raises_what_stopped_one(
    recorded: RecordedBook, queries: Queries
) -> None:
    recorded.lives(1)
    with recorded.worker() as runner:
        forbid_amounts(recorded, 6000)
        with pytest.raises(PoisonedEvent, match="postings"):
            runner.catch_up()
    assert [lag.projection for lag in queries.lag(recorded.journal) if lag.events] == ["postings"]
    assert "poisoned_event" in str(next(lag.problem for lag in queries.lag(recorded.journal) if lag.problem))


def test_a_partition_goes_on_when_what_stopped_it_is_gone(recorded: RecordedBook) -> None:
    recorded.lives(1)
    with recorded.worker() as runner:
        forbid_amounts(recorded, 6000)
        runner.step()
    allow_amounts(recorded)
    recorded.catches_up()
    assert recorded.is_current()


def test_events_of_one_loan_are_applied_in_their_order(recorded: RecordedBook) -> None:
    life = a_life("long")
    for number in range(20):
        life.pays(1_00, days(30 + number))
    recorded.records("loan/long", life.events)
    recorded.catches_up()
    with recorded.database.connect("ledger_reader") as connection:
        row = connection.execute("select total_due_minor, status from projections.loan_now").fetchone()
    assert row == (life.standing.total_due_minor, life.standing.status)


def forbid_amounts(recorded: RecordedBook, amount_minor: int) -> None:
    """Make the database refuse postings of an amount, as an event of a shape nobody thought of would be."""
    with recorded.database.connect("ledger_projector") as connection:
        connection.execute(
            f"alter table projections.postings add constraint forbidden check (amount_minor <> {amount_minor})".encode()
        )


def allow_amounts(recorded: RecordedBook) -> None:
    with recorded.database.connect("ledger_projector") as connection:
        connection.execute("alter table projections.postings drop constraint forbidden")
