"""The journal as a persistence module of the eventsourcing library.

A stock `Application`, its `ProjectionRunner` and its system runners use it unchanged once the environment says so:

PERSISTENCE_MODULE       ledger.journal.persistence
LEDGER_DATABASE_URL      a PostgreSQL 18 server; here it must be given
LEDGER_KAFKA_PARTITIONS  partitions that the events are numbered over
LEDGER_POOL_SIZE, LEDGER_CONNECT_TIMEOUT_S, LEDGER_STATEMENT_TIMEOUT_S, LEDGER_POLL_INTERVAL_MS, LEDGER_APPEND_BATCH
                         as everywhere in the ledger
CREATE_TABLE             no: a database without a journal is refused instead of made ready
ORIGINATOR_ID_TYPE       uuid (as it is without it) or text
POSTGRES_SCHEMA          schema of tracking and snapshots, made beforehand; without it, projections
IS_SNAPSHOTTING_ENABLED, TRACKING_RECORDER_TOPIC, and those for mapper, cipher and compressor: as the library has them

As usual there, `BANKACCOUNTS_LEDGER_DATABASE_URL` is for the application BankAccounts alone. One journal holds the
events of one application: a second one, an event-sourced projection too, is refused and needs a database of its own.
So is an application in a journal that holds a book. Snapshots and tracking are tables beside the journal, not events.
"""

from contextlib import ExitStack
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    ProcessRecorder,
)
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresRecorder, PostgresTrackingRecorder
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool

from ledger.journal.database import Database, translated
from ledger.journal.errors import JournalOutdated
from ledger.journal.group_commit import CommitLimits, GroupCommit
from ledger.journal.migrations import migrate, require_current
from ledger.journal.recorded_streams import RecordedStreams
from ledger.journal.recorder import JournalAggregateRecorder, JournalApplicationRecorder, Store
from ledger.journal.stored_events import Originators, in_library_words
from ledger.journal.tracking import JournalProcessRecorder, ProjectionsDatastore
from ledger.journal.turns import Turns
from ledger.settings import InvalidSettings, Settings, read_settings

Recorder = TypeVar("Recorder", bound=PostgresRecorder)

_ID_TYPES = {"uuid": UUID, "text": str}


class Factory(InfrastructureFactory[PostgresTrackingRecorder]):
    """Makes recorders for one application; they share connections, which `close` closes."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self._open = ExitStack()
        self._settings = _settings(self.env)
        self._id_type = self.env.get("ORIGINATOR_ID_TYPE", "uuid").lower()
        if self._id_type not in _ID_TYPES:
            raise InfrastructureFactoryError(f"ORIGINATOR_ID_TYPE is {self._id_type!r}; write uuid or text")

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Of events: the journal. Of anything else, snapshots say: a table beside it."""
        if purpose == "events":
            return JournalAggregateRecorder(self._store)
        table = f"{self.env.name.lower() or 'stored'}_{purpose}"
        return self._with_table(PostgresAggregateRecorder(self._datastore, events_table_name=table))

    def application_recorder(self) -> ApplicationRecorder:
        return JournalApplicationRecorder(self._store)

    def tracking_recorder(
        self, tracking_recorder_class: type[PostgresTrackingRecorder] | None = None
    ) -> PostgresTrackingRecorder:
        """A view of the class given, or of the one that TRACKING_RECORDER_TOPIC names."""
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        named: type[PostgresTrackingRecorder] = resolve_topic(topic) if topic else PostgresTrackingRecorder
        wanted = tracking_recorder_class or named
        if not issubclass(wanted, PostgresTrackingRecorder):
            raise InfrastructureFactoryError(
                f"{wanted} is no view for PostgreSQL; derive it of PostgresTrackingRecorder"
            )
        return self._with_table(wanted(self._datastore, tracking_table_name=self._tracking_table))

    def process_recorder(self) -> ProcessRecorder:
        return self._with_table(
            JournalProcessRecorder(self._store, self._datastore, tracking_table_name=self._tracking_table)
        )

    def close(self) -> None:
        """Save what waits to be saved, then close all connections."""
        self._open.close()

    @property
    def _makes_tables(self) -> bool:
        return strtobool(self.env.get("CREATE_TABLE") or "yes")

    @property
    def _tracking_table(self) -> str:
        return f"{self.env.name.lower() or 'notification'}_tracking"

    def _with_table(self, recorder: Recorder) -> Recorder:
        if self._makes_tables:
            recorder.create_table()
        return recorder

    @cached_property
    def _database(self) -> Database:
        database = Database(
            url=self._settings.database_url,
            connect_timeout_s=self._settings.connect_timeout_s,
            statement_timeout_s=self._settings.statement_timeout_s,
        )
        if self._makes_tables:
            with in_library_words():
                _make_ready(database)
        return database

    @cached_property
    def _store(self) -> Store:
        settings, database = self._settings, self._database
        with in_library_words():
            journal = self._open.enter_context(RecordedStreams(database, pool_size=settings.pool_size))
        return Store(
            database=database,
            journal=journal,
            commit=self._open.enter_context(GroupCommit(journal, CommitLimits(batch=settings.append_batch))),
            turns=Turns(),
            originators=Originators(_ID_TYPES[self._id_type]),
            topic=f"application.{self.env.name or 'unnamed'}",
            partitions=settings.kafka_partitions,
            poll_s=settings.poll_interval_ms / 1000,
        )

    @cached_property
    def _datastore(self) -> ProjectionsDatastore:
        datastore = ProjectionsDatastore(
            self._database,
            schema=self.env.get("POSTGRES_SCHEMA") or "projections",
            pool_size=self._settings.pool_size,
            originator_id_type="uuid" if self._id_type == "uuid" else "text",
        )
        self._open.callback(datastore.close)
        return datastore


def _settings(env: Environment) -> Settings:
    try:
        settings = read_settings(env)
    except InvalidSettings as error:
        raise InfrastructureFactoryError(str(error)) from error
    if not settings.database_url:
        raise InfrastructureFactoryError(
            "asked for a journal to keep events in; LEDGER_DATABASE_URL is not set. Name a PostgreSQL 18 server there: "
            "postgresql://user:password@host:port/database"
        )
    return settings


def _make_ready(database: Database) -> None:
    """Migrate a database that is not at this version; one that is needs no rights for it."""
    try:
        with database.connect() as connection, translated(database):
            require_current(connection)
    except JournalOutdated:
        migrate(database)
