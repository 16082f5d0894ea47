"""The stock recorder of the eventsourcing library, under the same command: load, decide, encode, insert.

It has no idempotency keys, so this command checks none.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from ledger.application.books import current_basis
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.clock import random_event_ids
from ledger.domain import loan as loans
from ledger.domain.identifiers import loan_stream
from ledger.domain.loan import Loan
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.records import Request
from schemas.envelope import digest, read
from schemas.registry import REGISTRY
from tests.bench.competitors.competitor import Turns
from tests.bench.orders import a_payment, fresh_names, opening
from tests.bench.rounds import Work

_INSERTED_AT_ONCE = 500


def stock_datastore(url: str, connections: int, *, fast: bool = False) -> PostgresDatastore:
    """`fast`: the library's mode ENABLE_DB_FUNCTIONS."""
    parts = conninfo_to_dict(url)
    return PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=str(parts["port"]),
        user=str(parts["user"]),
        password=str(parts["password"]),
        pool_size=connections,
        max_overflow=0,
        lock_timeout=30,
        originator_id_type="text",
        enable_db_functions=fast,
    )


def stock_recorder(datastore: PostgresDatastore) -> PostgresApplicationRecorder:
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    return recorder


class StockRecorder:
    """One connection per caller, and the mode that loses nothing: a table lock in every transaction."""

    name = "stock recorder"

    def __init__(self, ledger: Ledger, url: str, connections: int) -> None:
        self._ledger = ledger
        self._basis = current_basis()
        self._datastore = stock_datastore(url, connections)
        self._recorder = stock_recorder(self._datastore)
        self._turns = Turns([])

    def prepare(self, commands: int) -> None:
        names = fresh_names(commands)
        opened = [event for name in names for event in self._events(opening(self._ledger, name), None, name, None)]
        for first in range(0, len(opened), _INSERTED_AT_ONCE):
            self._recorder.insert_events(opened[first : first + _INSERTED_AT_ONCE])
        self._turns = Turns(names)

    def callers(self, number: int) -> Sequence[Work]:
        return [self._pay] * number

    def close(self) -> None:
        self._datastore.close()

    def _pay(self) -> None:
        name = self._turns.next()
        recorded = self._recorder.select_events(loan_stream(name))
        loan = reduce(loans.apply, (REGISTRY.decode(read(each.state)) for each in recorded), None)
        self._recorder.insert_events(self._events(a_payment(self._ledger, name), loan, name, recorded[-1]))

    def _events(self, order: Order, loan: Loan | None, name: str, last: StoredEvent | None) -> list[StoredEvent]:
        request = self._decided(order, loan, _head(loan_stream(name), last))
        return [StoredEvent(event.stream, event.version, event.type, event.state) for event in request.events]

    def _decided(self, order: Order, loan: Loan | None, head: StreamHead) -> Request:
        key = secrets.token_bytes(32)
        events = order.command.decide(
            loan, today=order.today, basis=self._basis, fallback_id=f"payment-{key.hex()[:16]}"
        )
        after = reduce(loans.apply, events, loan)
        provenance = Provenance(
            book_id=self._ledger.book.book_id,
            actor=order.principal,
            decided_at=datetime.now(UTC),
            correlation_id=key.hex(),
            command_id=key,
            command_hash=key,
        )
        decision = Decision(head=head, events=events, next_action_on=loans.next_action_on(after) if after else None)
        return encode([decision], provenance, partitions=self._ledger.book.partitions, event_ids=random_event_ids)


def _head(stream: str, last: StoredEvent | None) -> StreamHead:
    if last is None:
        return StreamHead(stream=stream)
    return StreamHead(stream=stream, version=last.originator_version, hash=digest(last.state))
