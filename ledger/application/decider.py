"""From an order and the loan it is about to a request: what the domain decides, encoded."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import Any, Protocol

import msgspec

from ledger.application.books import KnownBook
from ledger.application.loan_store import StoredLoan
from ledger.application.orders import Order
from ledger.clock import Clock, EventIds
from ledger.domain import loan as loans
from ledger.domain.accounts import require_bookable
from ledger.domain.book import require_open
from ledger.domain.loan import Loan
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


class Wish(Protocol):
    """A command, as far as recording it goes."""

    @property
    def currency(self) -> str | None: ...

    def body(self) -> dict[str, Any]: ...


class Asked(Protocol):
    """An order, as far as recording it goes."""

    @property
    def command(self) -> Wish: ...

    @property
    def key(self) -> str: ...

    @property
    def today(self) -> date: ...

    @property
    def principal(self) -> str: ...


class KnownBooks(Protocol):
    """Tells the book, as a `BookReader` does."""

    @property
    def known(self) -> KnownBook: ...

    def look(self) -> KnownBook: ...


class Decided(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an order leads to if the journal takes it. `after`: the loan as it then is."""

    events: Sequence[Event]
    request: Request
    after: StoredLoan


class Decider:
    """Decides for one book. Reads clock and id source, and nothing else outside but what `books` tells of the book.

    Every request rests on the book's stream: what was decided before an accounting period was closed, and is recorded
    afterwards, is refused and decided again.
    """

    def __init__(
        self, books: KnownBooks, keys: CommandKeys, basis: Basis, *, clock: Clock, event_ids: EventIds
    ) -> None:
        self._books = books
        self._keys = keys
        self.basis = basis
        self._clock = clock
        self._event_ids = event_ids

    def look_at_book(self) -> None:
        """See what has happened to the book since."""
        self._books.look()

    def require_currency(self, order: Asked) -> None:
        """Raise `UnknownCurrency` where an order is about money that the book does not keep."""
        if order.command.currency:
            self._books.known.book.exponent(order.command.currency)

    def keyed(self, order: Asked) -> Keyed:
        return Keyed(
            id=self._keys.command_id(self._books.known.book.book_id, order.principal, order.key),
            hash=self._keys.command_hash(order.command.body()),
        )

    def decide(self, order: Order, command: Keyed, stored: StoredLoan) -> Decided:
        """Raises the refusal of the domain, and `Unbalanced` or `OutsideChart` for lines that no book may hold."""
        self.require_currency(order)
        before = stored.loan and loans.settled(stored.loan)
        events = order.command.decide(before, today=order.today, basis=self.basis, fallback_id=fallback_id(command))
        loan = folded(before, events)
        decision = Decision(
            head=stored.head, events=events, next_action_on=loans.next_action_on(loan) if loan else None
        )
        request = self.request(order, command, [decision])
        return Decided(events=events, request=request, after=stored.followed_by(loan, _head(stored.head, request)))

    def request(
        self, order: Asked, command: Keyed, decisions: Sequence[Decision], also_read: Sequence[StreamHead] = ()
    ) -> Request:
        """What was decided, encoded; raises `Unbalanced` or `OutsideChart` for lines that no book may hold, and
        `PeriodIsClosed` for those that this one may not hold any more."""
        chart, known = chart_on(order.today), self._books.known
        for decision in decisions:
            require_bookable(chart, decision.events)
            require_open(known.book, decision.events)
        provenance = Provenance(
            book_id=known.book.book_id,
            actor=order.principal,
            decided_at=self._clock(),
            correlation_id=command.id.hex(),
            command_id=command.id,
            command_hash=command.hash,
        )
        return encode(
            decisions,
            provenance,
            partitions=known.book.partitions,
            event_ids=self._event_ids,
            also_read=(*also_read, known.head),
        )


def fallback_id(command: Keyed) -> str:
    """Names what the caller gave no name."""
    return f"payment-{command.id.hex()[:16]}"


def folded(loan: Loan | None, events: Sequence[Event]) -> Loan | None:
    """The loan after some more events, settled."""
    after = reduce(loans.apply, events, loan)
    return after and loans.settled(after)


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
