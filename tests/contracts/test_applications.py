"""Suites of the library that run whole applications and projections: stock ones, on the journal by environment only."""

import os
from collections.abc import Callable

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, ProcessRecorder, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.tests import application, persistence, projection
from eventsourcing.utils import Environment, get_topic

from ledger.journal.database import Database
from ledger.journal.persistence import Factory
from ledger.journal.recorder import JournalAggregateRecorder, JournalApplicationRecorder
from ledger.journal.tracking import JournalProcessRecorder
from tests.contracts.counters import CountersView


class TestFactory(persistence.InfrastructureFactoryTestCase[Factory]):
    @pytest.fixture(autouse=True)
    def as_users_have_it(self, stock_environment: None) -> None:
        self.env = Environment(env=os.environ)

    def expected_factory_class(self) -> type[Factory]:
        return Factory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return JournalAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return JournalApplicationRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return PostgresTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return CountersView

    def expected_process_recorder_class(self) -> type[ProcessRecorder]:
        return JournalProcessRecorder


class TestExampleApplication(application.ExampleApplicationTestCase):
    expected_factory_topic = get_topic(Factory)


@pytest.mark.filterwarnings("always:'log' is deprecated:DeprecationWarning")  # the suite expects it
class TestApplication(application.ApplicationTestCase):
    """Saving, loading, snapshots, caches, and 100 threads that contend for one aggregate."""


class TestCountersView(projection.EventCountersViewTestCase):
    factory: Factory

    @pytest.fixture(autouse=True)
    def made_by(self, factory: Factory) -> None:
        self.factory = factory

    def construct_event_counters_view(self) -> projection.EventCountersView:
        view = self.factory.tracking_recorder(CountersView)
        assert isinstance(view, CountersView)
        return view


class TestProjectionRunner(projection.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class TestEventSourcedProjection(projection.EventSourcedProjectionTestCase):
    @pytest.fixture(autouse=True)
    def with_a_journal_of_its_own(
        self, monkeypatch: pytest.MonkeyPatch, fresh_database: Callable[[str | None], Database]
    ) -> None:
        """The projection records events of its own, which must not be among those that it follows."""
        monkeypatch.setenv("COUNTERS_LEDGER_DATABASE_URL", fresh_database(None).url)
