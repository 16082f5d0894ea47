"""A query sees what the journal held when it was asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from projections.catalogue import PROJECTIONS
from projections.errors import NotRecorded, ProjectionsLagging, ProjectionStopped
from projections.feed import Batch
from projections.freshness import Patience, bring_current
from projections.projection import Projection
from projections.queries import Queries
from tests.integration.projections.recorded_book import RecordedBook, running
from tests.loan_builders import DUE

SHORT = Patience(timeout_s=0.3, poll_s=0.01)


def asked(
    recorded: RecordedBook,
    patience: Patience,
    position: int | None = None,
    *,
    known_at: int | None = None,
    partition: int | None = None,
    projections: Sequence[Projection] = PROJECTIONS,
) -> None:
    bring_current(
        recorded.database,
        recorded.journal,
        recorded.book,
        patience=patience,
        position=position,
        known_at=known_at,
        partition=partition,
        projections=projections,
    )


@contextmanager
def waiting_for(recorded: RecordedBook, position: int) -> Iterator[Queries]:
    """Queries that need not see what is beyond a position."""

    def fresh(projections: Sequence[Projection], _: str | None, known_at: int | None) -> None:
        asked(recorded, SHORT, position, known_at=known_at, projections=projections)

    with Queries(recorded.database, recorded.book.book_id, fresh=fresh) as queries:
        yield queries


def ask(queries: Queries, question: str, known_at: int) -> None:
    match question:
        case "loan_diff":
            queries.loan_diff("loan-1", 0, known_at)
        case "loan_as_of":
            queries.loan_as_of("loan-1", DUE, known_at=known_at)
        case _:
            getattr(queries, question)(DUE, known_at=known_at)


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


@pytest.mark.parametrize("question", ["trial_balance", "balances_as_of", "delinquency", "loan_as_of", "loan_diff"])
def test_who_asks_what_was_known_at_a_position_gets_all_of_it_also_with_an_earlier_one_to_wait_for(
    recorded: RecordedBook, question: str
) -> None:
    seen = recorded.lives(8)
    script = list(recorded.batches().values())
    last = recorded.lives(1)
    with recorded.fed_with(*script) as runner, waiting_for(recorded, seen) as queries:
        for _ in script:
            runner.step()
        ask(queries, question, seen)
        with pytest.raises(ProjectionsLagging):
            ask(queries, question, last)


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
