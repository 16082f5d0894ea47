"""The stock ProjectionRunner of the eventsourcing library on its own PostgreSQL recorder, filling the table `loan_now`.

It has what our worker has: the same bytes, the same readers of them, the same table, and no wait for the disk. What it
has not is a batch: one transaction per event, with the event's number in its tracking table.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import get_topic
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from ledger.journal.records import RecordedEvent
from projections.loan_now import PROJECTION
from schemas.envelope import read
from schemas.loans.events import LoanOpened
from schemas.registry import REGISTRY
from schemas.values import Event, LoanEvent

_AT_ONCE = 500
_LIMIT_S = 120
_BOOK = "stock"
_PARTS = ("dbname", "host", "port", "user", "password")

_OPEN = """
insert into loan_now (book, loan, borrower, product, currency, opened_on, due_on, lent_minor)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
_SETTLE = """
update loan_now
   set status = %s, principal_minor = %s, total_due_minor = %s, overdue_minor = %s, credit_minor = %s, position = %s
 where book = %s and loan = %s and position < %s
"""


class StockProjection:
    """`events`: the first ones of a journal, so that notification ids are positions."""

    name = "stock ProjectionRunner"

    def __init__(self, url: str, events: Sequence[RecordedEvent]) -> None:
        self._url = url
        self._last = events[-1].position
        parts = conninfo_to_dict(url)
        with psycopg.connect(url, autocommit=True) as connection:
            database = Identifier(str(parts["dbname"]))
            connection.execute(SQL("alter database {} set synchronous_commit = off").format(database))
        self._environment = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "ORIGINATOR_ID_TYPE": "text",
            "MAPPER_TOPIC": get_topic(_ContractMapper),
            **{f"POSTGRES_{name.upper()}": str(parts[name]) for name in _PARTS},
        }
        with closing(_Loans(self._environment)) as application:
            for first in range(0, len(events), _AT_ONCE):
                application.recorder.insert_events([
                    StoredEvent(event.stream, event.version, event.type, event.state)
                    for event in events[first : first + _AT_ONCE]
                ])  # fmt: skip

    def rate(self) -> float:
        """Project all events, once; events per second, from the first that was through to the last."""
        with ProjectionRunner(
            application_class=_Loans, projection_class=_LoanNow, view_class=_LoanNowView, env=self._environment
        ) as runner:
            runner.wait(self._last, timeout=_LIMIT_S)
            return (self._last - 1) / (runner.view.last_at_s - runner.view.first_at_s)

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """The table, by loan."""
        with psycopg.connect(self._url) as connection:
            return {row[1]: row for row in connection.execute("select * from loan_now").fetchall()}


class _Loans(Application[str]):
    """Whose events they are."""


class _ContractMapper(Mapper[str]):
    """Reads our bytes as our own worker does."""

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return REGISTRY.decode(read(stored_event.state))


class _LoanNowView(PostgresTrackingRecorder):
    """The table, and where the projection stands, in one transaction."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(SQL(PROJECTION.statements["tables"].decode()))  # type: ignore[arg-type] # since it is ours
        self.first_at_s = self.last_at_s = 0.0

    def record(self, event: Event, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            if isinstance(event, LoanOpened):
                cursor.execute(_OPEN, _opened(event))
            if isinstance(event, LoanEvent):
                cursor.execute(_SETTLE, _standing(event, tracking.notification_id))
        self.last_at_s = time.perf_counter()
        self.first_at_s = self.first_at_s or self.last_at_s


class _LoanNow(Projection[_LoanNowView]):
    name = "loannow"

    def process_event(self, domain_event: Event, tracking: Tracking) -> None:
        self.view.record(domain_event, tracking)


def _opened(event: LoanOpened) -> tuple[Any, ...]:
    due_on = max(line.due_on for line in event.installments)
    return (
        *(_BOOK, event.loan_id, event.borrower_id or None, event.product, event.currency),
        *(event.opened_on, due_on, event.principal_minor),
    )


def _standing(event: LoanEvent, position: int) -> tuple[Any, ...]:
    now = event.standing
    return (
        *(now.status, now.principal_minor, now.total_due_minor, now.overdue_minor, now.credit_minor, position),
        *(_BOOK, event.loan_id, position),
    )
