"""From an order and the loan it is about to a request: what the domain decides, encoded."""

from collections.abc import Sequence
from functools import reduce

import msgspec

from ledger.application.loan_store import StoredLoan
from ledger.application.orders import Order
from ledger.clock import Clock, EventIds
from ledger.domain import loan as loans
from ledger.domain.accounts import require_bookable
from ledger.domain.book import Book
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.errors import KeyReused
from ledger.journal.keys import CommandKeys
from ledger.journal.records import Request
from ledger.policies.charts import chart_on
from schemas.values import Basis, Event


class Keyed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The keyed digests of an order: of who sent it under which key, and of what it says. 32 bytes each."""

    id: bytes
    hash: bytes


class Decided(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an order leads to if the journal takes it. `after`: the loan as it then is."""

    events: Sequence[Event]
    request: Request
    after: StoredLoan


class Decider:
    """Decides for one book. Reads clock and id source, and nothing else outside."""

    def __init__(self, book: Book, keys: CommandKeys, basis: Basis, *, clock: Clock, event_ids: EventIds) -> None:
        self._book = book
        self._keys = keys
        self._basis = basis
        self._clock = clock
        self._event_ids = event_ids

    def keyed(self, order: Order) -> Keyed:
        return Keyed(
            id=self._keys.command_id(self._book.book_id, order.principal, order.key),
            hash=self._keys.command_hash(order.command.body()),
        )

    def decide(self, order: Order, command: Keyed, stored: StoredLoan) -> Decided:
        """Raises the refusal of the domain, and `Unbalanced` or `OutsideChart` for lines that no book may hold."""
        if order.command.currency:
            self._book.exponent(order.command.currency)
        before = stored.loan and loans.settled(stored.loan)
        events = order.command.decide(
            before, today=order.today, basis=self._basis, fallback_id=f"payment-{command.id.hex()[:16]}"
        )
        require_bookable(chart_on(order.today), events)
        folded = reduce(loans.apply, events, before)
        loan = folded and loans.settled(folded)
        decision = Decision(
            head=stored.head, events=events, next_action_on=loans.next_action_on(loan) if loan else None
        )
        provenance = Provenance(
            book_id=self._book.book_id,
            actor=order.principal,
            decided_at=self._clock(),
            correlation_id=command.id.hex(),
            command_id=command.id,
            command_hash=command.hash,
        )
        request = encode([decision], provenance, partitions=self._book.partitions, event_ids=self._event_ids)
        after = StoredLoan(loan=loan, head=_head(stored.head, request), snapshot_version=stored.snapshot_version)
        return Decided(events=events, request=request, after=after)


def _head(before: StreamHead, request: Request) -> StreamHead:
    if not request.events:
        return before
    last = request.events[-1]
    return StreamHead(stream=last.stream, version=last.version, hash=request.hashes[last.stream])


def key_reused(order: Order) -> KeyReused:
    return KeyReused(
        f"asked to {type(order.command).__name__} on loan {order.command.loan_id} with key {order.key!r}, which stands "
        "for another request already; use a new key, or repeat the first request as it was"
    )
