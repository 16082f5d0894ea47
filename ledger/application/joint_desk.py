"""Commands about several streams at once: read together, decided together, recorded in one request or not at all.

Few commands are such, so they take no part in the desk's batches. Each reads its streams as the journal has them and
names all of them in its request: the journal refuses what was decided on one that has changed since, whether or not it
is written, and the command reads and decides again, a bounded number of times.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import reduce
from typing import Any

from ledger.application.decider import Decider, Keyed, fallback_id, folded
from ledger.application.loan_store import LoanStore, decoded
from ledger.application.orders import Answer
from ledger.domain.loan import Loan, next_action_on
from ledger.journal.encoding import Decision, StreamHead
from ledger.journal.errors import BrokenChain, KeyReused, StreamConflict
from ledger.journal.group_commit import GroupCommit
from ledger.journal.journal import Journal
from ledger.journal.records import Outcome, Verdict
from schemas.envelope import digest
from schemas.errors import LedgerError
from schemas.values import Basis, Event, State

Read = Mapping[str, State | None]
"""States by stream name; None: there is no such stream."""

Fold = Callable[[Any, Event], Any]
"""Folds one event into the state of its stream (None at first)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JointCommand:
    """A wish about several streams. `currency` is that of the amount in it, None where there is none."""

    currency: str | None = None

    def body(self) -> dict[str, Any]:
        """What was asked, as far as the caller said it; JSON types and dates."""
        return {"command": type(self).__name__} | {field.name: getattr(self, field.name) for field in fields(self)}

    def streams(self, read: Read) -> Collection[str]:
        """All streams that the decision rests on, as far as those that are read already tell."""
        raise NotImplementedError

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        """Events that follow, by stream, or a named refusal. `fallback_id` names what the caller gave no name."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class JointOrder:
    """A command with the caller's key, and the business date on which it is decided."""

    command: JointCommand
    key: str
    today: date
    principal: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A stream as it was read."""

    head: StreamHead
    state: State | None


class JointDesk:
    """Executes commands about several streams. Safe to use from several threads.

    `folds`: how states of streams that are no loans come about, by the kind that their names begin with. `attempts`:
    tries of a command whose streams keep changing.
    """

    def __init__(
        self,
        journal: Journal,
        commits: GroupCommit,
        store: LoanStore,
        decider: Decider,
        *,
        folds: Mapping[str, Fold],
        attempts: int,
    ) -> None:
        self._journal = journal
        self._commits = commits
        self._store = store
        self._decider = decider
        self._folds = folds
        self._attempts = attempts

    def execute(self, order: JointOrder) -> Answer:
        """Execute one command, or raise the refusal. The key comes first: an answer once given is given again."""
        command = self._decider.keyed(order)
        attempt = 1
        while True:
            try:
                done = self._try(order, command)
            except LedgerError:
                if again := self._answered(order, command):
                    return again
                raise
            if isinstance(done, Answer):
                return done
            self._decider.look_at_book()
            if attempt == self._attempts:
                raise StreamConflict(f"{done.detail}; others were faster {attempt} times. Try again")
            attempt += 1

    def read(self, command: JointCommand) -> Read:
        """The streams that a command would rest on, as the journal has them now."""
        return _states(self._read(command))

    def _try(self, order: JointOrder, command: Keyed) -> Answer | Outcome:
        """The answer, or the conflict for which it is to be tried again."""
        self._decider.require_currency(order)
        found = self._read(order.command)
        decided = order.command.decide(
            _states(found), today=order.today, basis=self._decider.basis, fallback_id=fallback_id(command)
        )
        decisions = [_decision(found[name], events) for name, events in decided.items()]
        also_read = [each.head for name, each in found.items() if name not in decided]
        [outcome] = self._commits.append([self._decider.request(order, command, decisions, also_read)])
        self._store.forget(found)
        match outcome.verdict:
            case Verdict.APPENDED:
                events = [event for decision in decisions for event in decision.events]
                return Answer(events=events, first_position=outcome.first_position, last_position=outcome.last_position)
            case Verdict.CONFLICT:
                return outcome
            case Verdict.BROKEN_CHAIN:
                raise BrokenChain(f"{outcome.detail}; it was read differently than it is recorded. Run ledger doctor")
        again = self._answered(order, command)
        assert again, "a key that the journal knows is found"
        return again

    def _read(self, command: JointCommand) -> dict[str, _Found]:
        found: dict[str, _Found] = {}
        while missing := [name for name in command.streams(_states(found)) if name not in found]:
            others = [name for name in missing if _kind(name) in self._folds]
            loans = [name for name in missing if name not in others]
            for name, stored in (self._store.load_whole(loans) if loans else {}).items():
                found[name] = _Found(stored.head, stored.loan)
            for name, recorded in (self._journal.streams(others) if others else {}).items():
                state = reduce(self._folds[_kind(name)], map(decoded, recorded), None)
                head_hash = digest(recorded[-1].state) if recorded else None
                found[name] = _Found(StreamHead(stream=name, version=len(recorded), hash=head_hash), state)
        return found

    def _answered(self, order: JointOrder, command: Keyed) -> Answer | None:
        for command_hash, first, last in self._journal.find_commands([command.id]).values():
            if command_hash != command.hash:
                raise KeyReused(
                    f"asked to {type(order.command).__name__} with key {order.key!r}, which stands for another request "
                    "already; use a new key, or repeat the first request as it was"
                )
            events = [decoded(event) for event in self._journal.between(first, last)]
            return Answer(events=events, first_position=first, last_position=last, again=True)
        return None


def _kind(name: str) -> str:
    return name.partition("/")[0]


def _states(found: Mapping[str, _Found]) -> dict[str, State | None]:
    return {name: each.state for name, each in found.items()}


def _decision(found: _Found, events: Sequence[Event]) -> Decision:
    if found.state is not None and not isinstance(found.state, Loan):
        return Decision(head=found.head, events=events)
    loan = folded(found.state, events)
    return Decision(head=found.head, events=events, next_action_on=next_action_on(loan) if loan else None)
