"""The desk: takes commands, records what they decide, each once per idempotency key.

A key is looked up before anything else. Then the stream is loaded, the domain decides, and the result is appended at
the version that was read; if somebody else was faster, the command loads and decides again, a bounded number of times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from ledger.application.commands import LoanCommand, OpenLoan
from ledger.clock import Clock, EventIds
from ledger.domain import loan as loans
from ledger.domain.book import Book
from ledger.domain.loan import Loan
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.errors import BrokenChain, KeyReused, StreamConflict
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys
from ledger.journal.records import Outcome, RecordedEvent, Request, Verdict
from schemas.envelope import digest, read
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command with the caller's key, and the business date on which it is decided."""

    command: LoanCommand
    key: str
    today: date
    principal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command led to. Positions are None if nothing had to be recorded; `again`: it had been answered before."""

    events: Sequence[Event]
    first_position: int | None = None
    last_position: int | None = None
    again: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Prepared:
    order: Order
    request: Request
    events: Sequence[Event]


Result = Answer | LedgerError


class Desk:
    """Executes commands on the loans of one book. Safe to use from several threads."""

    def __init__(
        self,
        journal: Journal,
        book: Book,
        keys: CommandKeys,
        basis: Basis,
        *,
        clock: Clock,
        event_ids: EventIds,
        attempts: int,
        batch: int,
    ) -> None:
        self._journal = journal
        self._book = book
        self._keys = keys
        self._basis = basis
        self._clock = clock
        self._event_ids = event_ids
        self._attempts = attempts
        self._batch = batch

    def execute(self, order: Order) -> Answer:
        """Execute one command, or raise the refusal."""
        [result] = self.execute_many([order])
        if isinstance(result, LedgerError):
            raise result
        return result

    def execute_many(self, orders: Sequence[Order]) -> list[Result]:
        """Execute commands in order of each stream; a refusal fails only its own command and stands in its place."""
        results: dict[int, Result] = self._answered(orders)
        waiting = [(n, order) for n, order in enumerate(orders) if n not in results]
        tries: dict[int, int] = dict.fromkeys((n for n, _ in waiting), 0)
        while waiting:
            round_, waiting = _next_round(waiting, self._batch)
            for (n, order), result in zip(round_, self._try([order for _, order in round_]), strict=True):
                tries[n] += 1
                if isinstance(result, StreamConflict) and tries[n] < self._attempts:
                    waiting.insert(0, (n, order))
                else:
                    results[n] = result
        return [results[n] for n in range(len(orders))]

    def find_obstacles(self, orders: Sequence[Order]) -> list[int]:
        """The orders, by index, that cannot be recorded: their key stands for another body, or their loan exists.

        Nothing is executed. A loan that exists stands in the way of opening it only.
        """
        answered = self._answered(orders)
        opening = {n: order.command.stream for n, order in enumerate(orders) if isinstance(order.command, OpenLoan)}
        existing = self._journal.existing([stream for n, stream in opening.items() if n not in answered])
        reused = [n for n, result in answered.items() if isinstance(result, KeyReused)]
        return sorted(reused + [n for n, stream in opening.items() if n not in answered and stream in existing])

    def load(self, names: Sequence[str]) -> dict[str, tuple[Loan | None, StreamHead]]:
        """Loans by stream name, with the head of each stream."""
        return {name: _fold(name, events) for name, events in self._journal.streams(names).items()}

    def _answered(self, orders: Sequence[Order]) -> dict[int, Result]:
        ids = [self._command_id(order) for order in orders]
        found = self._journal.find_commands(ids)
        results: dict[int, Result] = {}
        for n, (order, command_id) in enumerate(zip(orders, ids, strict=True)):
            if command_id in found:
                command_hash, first, last = found[command_id]
                same = command_hash == self._keys.command_hash(order.command.body())
                results[n] = self._earlier(first, last) if same else _key_reused(order)
        return results

    def _try(self, orders: Sequence[Order]) -> list[Result]:
        loaded = self.load([order.command.stream for order in orders])
        results: dict[int, Result] = {}
        prepared: dict[int, _Prepared] = {}
        for n, order in enumerate(orders):
            try:
                prepared[n] = self._prepare(order, *loaded[order.command.stream])
            except LedgerError as refusal:
                results[n] = refusal
        results |= self._answered_meanwhile(orders, list(results))
        outcomes = self._journal.append([each.request for each in prepared.values()]) if prepared else []
        for (n, each), outcome in zip(prepared.items(), outcomes, strict=True):
            results[n] = self._result(each, outcome)
        return [results[n] for n in range(len(orders))]

    def _answered_meanwhile(self, orders: Sequence[Order], refused: Sequence[int]) -> dict[int, Result]:
        """A refusal may come of our own request, recorded by somebody else with the same key since we looked."""
        found = self._answered([orders[n] for n in refused]) if refused else {}
        return {refused[n]: result for n, result in found.items()}

    def _prepare(self, order: Order, loan: Loan | None, head: StreamHead) -> _Prepared:
        command_id = self._command_id(order)
        if order.command.currency:
            self._book.exponent(order.command.currency)
        events = order.command.decide(
            loan, today=order.today, basis=self._basis, fallback_id=f"payment-{command_id.hex()[:16]}"
        )
        after = reduce(loans.apply, events, loan)
        decision = Decision(head=head, events=events, next_action_on=loans.next_action_on(after) if after else None)
        provenance = Provenance(
            book_id=self._book.book_id,
            actor=order.principal,
            decided_at=self._clock(),
            correlation_id=command_id.hex(),
            command_id=command_id,
            command_hash=self._keys.command_hash(order.command.body()),
        )
        request = encode([decision], provenance, partitions=self._book.partitions, event_ids=self._event_ids)
        return _Prepared(order=order, request=request, events=events)

    def _result(self, prepared: _Prepared, outcome: Outcome) -> Result:
        match outcome.verdict:
            case Verdict.APPENDED:
                return Answer(
                    events=prepared.events, first_position=outcome.first_position, last_position=outcome.last_position
                )
            case Verdict.KNOWN:
                return self._earlier(outcome.first_position or 0, outcome.last_position or 0)
            case Verdict.KEY_REUSED:
                return _key_reused(prepared.order)
            case Verdict.CONFLICT:
                return StreamConflict(f"{outcome.detail}; others were faster {self._attempts} times. Try again")
            case Verdict.BROKEN_CHAIN:
                return BrokenChain(
                    f"{outcome.detail}; the stream was read differently than it is recorded. Run ledger doctor"
                )

    def _earlier(self, first: int, last: int) -> Answer:
        events = [decoded(event) for event in self._journal.between(first, last)]
        return Answer(events=events, first_position=first, last_position=last, again=True)

    def _command_id(self, order: Order) -> bytes:
        return self._keys.command_id(self._book.book_id, order.principal, order.key)


def decoded(event: RecordedEvent) -> Event:
    """The fact in a recorded event, as the newest version of its type."""
    return REGISTRY.decode(read(event.state))


def _fold(name: str, events: Iterable[RecordedEvent]) -> tuple[Loan | None, StreamHead]:
    loan: Loan | None = None
    head = StreamHead(stream=name)
    for event in events:
        loan = loans.apply(loan, decoded(event))
        head = StreamHead(stream=name, version=event.version, hash=digest(event.state))
    return loan, head


def _key_reused(order: Order) -> KeyReused:
    return KeyReused(
        f"asked to {type(order.command).__name__} on loan {order.command.loan_id} with key {order.key!r}, which stands "
        "for another request already; use a new key, or repeat the first request as it was"
    )


def _next_round(
    waiting: Sequence[tuple[int, Order]], limit: int
) -> tuple[list[tuple[int, Order]], list[tuple[int, Order]]]:
    """The first waiting order of each stream and of each key, at most `limit`; and the rest, in order."""
    taken: list[tuple[int, Order]] = []
    rest: list[tuple[int, Order]] = []
    seen: set[tuple[str, str]] = set()
    for n, order in waiting:
        claims = {("stream", order.command.stream), (order.principal, order.key)}
        free = len(taken) < limit and not claims & seen
        (taken if free else rest).append((n, order))
        seen |= claims
    return taken, rest
