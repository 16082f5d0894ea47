"""Tracking of what a projection of the eventsourcing library has seen, and snapshots: tables beside the journal.

Neither is part of the record. They are the library's own tables in the schema `projections`, made and written in the
role `ledger_projector`; so views that are written for the library's PostgreSQL module run here unchanged.
"""

from collections.abc import Sequence
from typing import Any, Literal

from eventsourcing.persistence import ProcessRecorder, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from psycopg.rows import dict_row

from ledger.journal.database import Database
from ledger.journal.recorded_streams import append_within
from ledger.journal.recorder import JournalApplicationRecorder, Store, positions
from ledger.journal.stored_events import in_library_words


class ProjectionsDatastore(PostgresDatastore):
    """The library's connections to its tables, as our role in our schema."""

    def __init__(
        self, database: Database, *, schema: str, pool_size: int, originator_id_type: Literal["uuid", "text"]
    ) -> None:
        super().__init__(
            dbname="",
            host="",
            port="",
            user="",
            password="",
            connect_timeout=database.connect_timeout_s,
            pool_size=1,
            max_overflow=pool_size - 1,
            pre_ping=True,
            schema=schema,
            originator_id_type=originator_id_type,
        )
        with in_library_words():
            self.pool.conninfo = database.conninfo("ledger_projector")
        self.pool.kwargs = {"row_factory": dict_row}


class JournalProcessRecorder(PostgresTrackingRecorder, JournalApplicationRecorder, ProcessRecorder):
    """Records the events that come of an event in one transaction with the note that it was seen."""

    def __init__(self, store: Store, datastore: ProjectionsDatastore, *, tracking_table_name: str) -> None:
        PostgresTrackingRecorder.__init__(self, datastore, tracking_table_name=tracking_table_name)
        JournalApplicationRecorder.__init__(self, store)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        tracking: Tracking | None = kwargs.get("tracking")
        if tracking is None:
            return super().insert_events(stored_events)
        if not stored_events:
            self.insert_tracking(tracking)
            return []
        with in_library_words():
            request = self._request(stored_events)
            with self.datastore.transaction(commit=True) as cursor:
                self._insert_tracking(cursor, tracking)
                cursor.execute("set local role ledger_writer")
                return positions(append_within(cursor, self._store.database, request))
