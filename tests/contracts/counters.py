"""A view as users of the library's PostgreSQL module write it: counters that move in one transaction with tracking."""

from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.tests.projection import EventCountersView
from psycopg.sql import SQL, Identifier


class CountersView(PostgresTrackingRecorder, EventCountersView):
    def __init__(self, datastore: PostgresDatastore, *, tracking_table_name: str, **kwargs: Any) -> None:
        super().__init__(datastore, tracking_table_name=tracking_table_name, **kwargs)
        self.table = Identifier(self.datastore.schema, tracking_table_name + "_counters")
        create = SQL("create table if not exists {} (name text primary key, counter bigint not null)")
        self.sql_create_statements.append(create.format(self.table))

    def get_created_event_counter(self) -> int:
        return self._counter("created")

    def get_subsequent_event_counter(self) -> int:
        return self._counter("subsequent")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increment("created", tracking)

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increment("subsequent", tracking)

    def _counter(self, name: str) -> int:
        with self.datastore.get_connection() as connection:
            select = SQL("select counter from {} where name = %s").format(self.table)
            row = connection.execute(select, (name,)).fetchone()
        return int(row["counter"]) if row else 0

    def _increment(self, name: str, tracking: Tracking) -> None:
        upsert = SQL("insert into {} as c values (%s, 1) on conflict (name) do update set counter = c.counter + 1")
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(upsert.format(self.table), (name,))
