"""A stock application on the journal: what it leaves there, and what it is refused."""

from uuid import UUID, uuid4

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    InfrastructureFactoryError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
)
from eventsourcing.projection import ProjectionRunner
from eventsourcing.tests.projection import AggregateEventCountersProjection

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.persistence import Factory
from ledger.journal.stored_events import JournalEvent, JournalNotification
from tests.contracts.counters import CountersView
from tests.integration.journal.requests import a_request, assert_dense, everything


def an_aggregate(events: int) -> Aggregate:
    aggregate = Aggregate()
    for _ in range(events - 1):
        aggregate.trigger_event(Aggregate.Event)
    return aggregate


class Another(Application[UUID]):
    """Any second application."""


def test_an_application_and_its_projection_run_on_the_journal_by_environment_only() -> None:
    with ProjectionRunner(
        application_class=Application[UUID],
        projection_class=AggregateEventCountersProjection,
        view_class=CountersView,
    ) as runner:
        saved = runner.app.save(an_aggregate(events=3), an_aggregate(events=5))
        runner.wait(saved[-1].notification.id, timeout=30)
        view = runner.projection.view
        assert (view.get_created_event_counter(), view.get_subsequent_event_counter()) == (2, 6)


def test_a_projection_goes_on_where_it_was() -> None:
    for total in (2, 4, 6):
        with ProjectionRunner(
            application_class=Application[UUID],
            projection_class=AggregateEventCountersProjection,
            view_class=CountersView,
        ) as runner:
            saved = runner.app.save(an_aggregate(events=2), an_aggregate(events=1))
            runner.wait(saved[-1].notification.id, timeout=30)
            assert runner.projection.view.get_created_event_counter() == total


def test_what_is_saved_is_read_by_position_as_the_relay_does(database: Database) -> None:
    with Application[UUID]() as app:
        first, second = an_aggregate(events=3), an_aggregate(events=2)
        saved = app.save(first, second) + app.save(an_aggregate(events=4))
    with Journal(database, role="ledger_relay", pool_size=1) as journal:
        found = journal.after(0, 100)
    assert_dense(found)
    assert [(e.position, e.state) for e in found] == [(r.notification.id, r.notification.state) for r in saved]
    assert [e.key for e in found[:5]] == [str(first.id)] * 3 + [str(second.id)] * 2


def test_snapshots_are_kept_beside_the_journal(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IS_SNAPSHOTTING_ENABLED", "yes")
    aggregate = an_aggregate(events=5)
    with Application[UUID]() as app:
        app.save(aggregate)
        app.take_snapshot(aggregate.id)
    with Application[UUID]() as app, Journal(database, pool_size=1) as journal:
        assert app.snapshots
        assert [snapshot.originator_version for snapshot in app.snapshots.get(aggregate.id)] == [5]
        assert (app.repository.get(aggregate.id), journal.head().position) == (aggregate, 5)


def test_an_empty_database_is_made_ready_unless_that_is_refused(
    other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", other_database.url)
    monkeypatch.setenv("CREATE_TABLE", "no")
    with pytest.raises(ProgrammingError, match="this database holds none"):
        Application[UUID]()
    monkeypatch.delenv("CREATE_TABLE")
    with Application[UUID]() as app:
        assert [recording.notification.id for recording in app.save(Aggregate())] == [1]


def test_a_second_application_needs_a_journal_of_its_own(
    other_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Application[UUID]() as app, Another() as another:
        app.save(Aggregate())
        with pytest.raises(ProgrammingError, match=r"of application\.Another .* holds events of application\.Appl"):
            another.save(Aggregate())
    monkeypatch.setenv("ANOTHER_LEDGER_DATABASE_URL", other_database.url)
    with Another() as another:
        assert another.save(Aggregate())[0].notification.id == 1


def test_an_application_is_kept_out_of_the_journal_of_a_book(database: Database) -> None:
    with Journal(database, pool_size=1) as journal, Application[UUID]() as app:
        journal.append([a_request("a")])
        with pytest.raises(ProgrammingError, match=r"it holds events of ledger\.loans. Give the application"):
            app.save(Aggregate())
        assert len(everything(journal)) == 1


def test_an_event_that_names_its_kafka_topic_and_key_goes_there(factory: Factory, database: Database) -> None:
    event = JournalEvent(uuid4(), 1, "opened", b"{}", kafka_topic="ledger.loans", key="loan-1")
    recorder = factory.application_recorder()
    assert recorder.insert_events([event]) == [1]
    assert (
        recorder.select_events(event.originator_id) == [event] == [StoredEvent(event.originator_id, 1, "opened", b"{}")]
    )
    [notification] = recorder.select_notifications(None, 1)
    assert isinstance(notification, JournalNotification)
    assert (notification.kafka_topic, notification.key, notification.partitionseq) == ("ledger.loans", "loan-1", 1)
    assert notification.recorded_us > 0


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LEDGER_DATABASE_URL", "", "LEDGER_DATABASE_URL is not set"),
        ("LEDGER_POOL_SIZE", "many", "LEDGER_POOL_SIZE is 'many'"),
        ("ORIGINATOR_ID_TYPE", "number", "write uuid or text"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InfrastructureFactoryError, match=message):
        Application[UUID]()


def test_a_view_that_is_not_for_postgresql_is_refused(factory: Factory) -> None:
    with pytest.raises(InfrastructureFactoryError, match="is no view for PostgreSQL"):
        factory.tracking_recorder(Aggregate)  # type: ignore[arg-type] # what a wrong topic leads to


def test_a_server_that_is_away_is_an_operational_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OperationalError, match="see that the server runs"):
        Application[UUID]()
