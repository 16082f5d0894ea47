"""A query sees what the journal held when it was asked."""

import pytest

from projections.catalogue import PROJECTIONS
from projections.errors import NotRecorded, ProjectionsLagging, ProjectionStopped
from projections.feed import Batch
from projections.freshness import Patience, bring_current
from projections.queries import Queries
from tests.integration.projections.recorded_book import RecordedBook, running

SHORT = Patience(timeout_s=0.3, poll_s=0.01)


def asked(
    recorded: RecordedBook, patience: Patience, position: int | None = None, *, partition: int | None = None
) -> None:
    bring_current(
        recorded.database,
        recorded.journal,
        recorded.book,
        patience=patience,
        position=position,
        partition=partition,
    )


def test_where_nobody_works_a_query_brings_the_projections_forward_itself(recorded: RecordedBook) -> None:
    recorded.lives(3)
    asked(recorded, SHORT)
    assert recorded.is_current()


def test_while_a_worker_lives_a_query_waits_for_it(recorded: RecordedBook, queries: Queries) -> None:
    with recorded.worker() as runner, running(runner):
        recorded.lives(10)
        asked(recorded, Patience(timeout_s=20))
        assert len(queries.balances().loans) == 10


def test_a_worker_that_lives_and_does_not_come_forward_is_waited_for_so_long_and_named(
    recorded: RecordedBook,
) -> None:
    recorded.lives(1)
    with recorded.fed_with() as runner:
        runner.step()
        with pytest.raises(ProjectionsLagging, match=r"after 0\.3 s .* is at position 0"):
            asked(recorded, SHORT)


def test_a_worker_that_has_fallen_silent_counts_as_gone(recorded: RecordedBook) -> None:
    recorded.lives(1)
    with recorded.fed_with() as silent:
        silent.step()
        with recorded.database.connect("ledger_projector") as connection:
            connection.execute("update projections.worker set seen_at = seen_at - interval '10 seconds'")
        asked(recorded, SHORT)
    assert recorded.is_current()


def test_a_query_about_one_partition_waits_for_that_only(recorded: RecordedBook) -> None:
    recorded.lives(8)
    batch = min(recorded.batches().values(), key=lambda batch: len(batch.events))
    with recorded.fed_with(batch) as runner:
        runner.step()
        asked(recorded, SHORT, partition=batch.partition)
        with pytest.raises(ProjectionsLagging):
            asked(recorded, SHORT)


def test_a_query_of_the_whole_book_waits_until_each_partition_has_passed_its_own_last_event_up_to_the_position(
    recorded: RecordedBook,
) -> None:
    seen = recorded.lives(8)
    script = list(recorded.batches().values())
    recorded.lives(8)
    with recorded.fed_with(*script) as runner:
        for _ in script[:-1]:
            runner.step()
        with pytest.raises(ProjectionsLagging):
            asked(recorded, SHORT, seen)
        runner.step()
        asked(recorded, SHORT, seen)
        with pytest.raises(ProjectionsLagging):
            asked(recorded, SHORT, seen + 8)


@pytest.mark.parametrize("partition", [None, 0])
@pytest.mark.parametrize("beyond", [0, 1])
def test_a_position_that_the_journal_has_not_is_refused(
    recorded: RecordedBook, beyond: int, partition: int | None
) -> None:
    head = recorded.lives(1)
    with pytest.raises(NotRecorded, match=f"the journal ends at {head}"):
        asked(recorded, SHORT, beyond and head + beyond, partition=partition)


def test_a_partition_that_stands_still_is_refused_with_its_reason(recorded: RecordedBook) -> None:
    recorded.lives(4)
    batch = max(recorded.batches().values(), key=lambda batch: len(batch.events))
    with recorded.fed_with(Batch(batch.partition, batch.events[1:])) as runner:
        runner.step()
        with pytest.raises(ProjectionStopped, match=r"partition_gap.*--wait-for POSITION"):
            asked(recorded, Patience(timeout_s=5), partition=batch.partition)


def test_lag_counts_the_events_that_each_projection_still_needs(recorded: RecordedBook, queries: Queries) -> None:
    head = recorded.lives(2)
    before = queries.lag(recorded.journal)
    recorded.catches_up()
    assert [(each.projection, each.events) for each in before] == [(each.name, head) for each in PROJECTIONS]
    assert {(each.events, each.partitions) for each in queries.lag(recorded.journal)} == {(0, 0)}
