"""The thread behind the desk: it loads, decides, encodes and commits, and never waits while there is something to do.

While one batch is being committed and the loans of another are being loaded, it decides what is at hand. One thread
does all of it, since the interpreter runs one at a time anyway: two would wait for each other's turn.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import NamedTuple

from ledger.application.alarm import Alarm
from ledger.application.decider import Decided, Decider, key_reused
from ledger.application.loan_store import LoanStore, StoredLoan, decoded
from ledger.application.orders import Answer
from ledger.application.tasks import Claim, Task
from ledger.domain.identifiers import require_identifier
from ledger.journal.appender import Appender, Result
from ledger.journal.errors import BrokenChain, StreamConflict
from ledger.journal.journal import Journal
from ledger.journal.lanes import Lane, LaneQueue
from ledger.journal.records import Outcome, Verdict
from ledger.journal.stream_loader import StoredStream
from schemas.errors import LedgerError

_AHEAD = 2  # batches taken before the first of them is committed
_IN_A_ROW = 4  # tasks decided before servers are looked at again
_LOOK_AHEAD = 1024  # tasks of a line that are looked at to find one that can begin


class _Ready(NamedTuple):
    """A task with its loan from memory, which others may have changed since, or with its stream as it was just read."""

    task: Task
    loan: StoredLoan | StoredStream


class _Waiting(NamedTuple):
    """A task that is decided, to be committed."""

    task: Task
    decided: Decided


class Worker:
    """Brings tasks from a queue to their answers. Everything but the queue belongs to one thread.

    `attempts`: tries of a task whose stream keeps changing. `at_once`: events in one commit, loans in one loading.
    """

    def __init__(
        self,
        journal: Journal,
        store: LoanStore,
        decider: Decider,
        queue: LaneQueue[Task],
        alarm: Alarm,
        *,
        attempts: int,
        at_once: int,
    ) -> None:
        self._journal = journal
        self._store = store
        self._decider = decider
        self._queue = queue
        self._alarm = alarm
        self._attempts = attempts
        self._at_once = at_once
        self._loader = store.loader()
        self._appender = Appender(journal)
        self._at_work: set[Task] = set()
        self._claimed: set[Claim] = set()
        self._is_freed = False
        self._unloaded: dict[str, Task] = {}
        self._loading: dict[str, Task] = {}
        self._ready: dict[Lane, deque[_Ready]] = {lane: deque() for lane in Lane}
        self._refused: list[tuple[Task, LedgerError]] = []
        self._decided: dict[Lane, deque[_Waiting]] = {lane: deque() for lane in Lane}
        self._committing: Sequence[_Waiting] = ()

    def run(self) -> None:
        """Work until the queue is closed and everything in it is answered."""
        while self._at_work or not self._queue.is_over:
            try:
                if not self._step():
                    calls = (self._appender.call, self._loader.call)
                    self._alarm.wait(call.waits_for() for call in calls if call.is_under_way)
            except BaseException as error:  # whatever it is, it belongs to those who wait
                self._drop_everything(error)
        self._store.save_snapshots(rest=True)
        self._loader.close()
        self._appender.close()

    def _step(self) -> bool:
        """One small piece of work, what servers wait for first; whether there was any."""
        if self._appender.is_busy and self._appender.is_answered():
            self._settle_all()
        elif self._loading and self._loader.is_answered():
            self._take_loaded()
        elif self._alarm.has_rung or self._is_freed:
            self._take_in()
        elif self._unloaded and not self._loading:
            self._load()
        elif self._is_commit_due():
            self._commit()
        elif ready := next(filter(None, self._ready.values()), None):
            for _ in range(min(len(ready), _IN_A_ROW)):
                self._decide(*ready.popleft())
        elif self._refused:
            self._refuse()
        else:
            return False
        return True

    def _is_commit_due(self) -> bool:
        """Once half of those at work are decided, so that their commit and deciding the other half go on together; or
        all that can be."""
        decided = sum(map(len, self._decided.values()))
        if self._appender.is_busy or not decided:
            return False
        return 2 * decided >= len(self._at_work) or not any(self._ready.values())

    def _take_in(self) -> None:
        self._alarm.has_rung = self._is_freed = False
        for task in self._queue.take_now(self._choose):
            if not (task.tries or task.reply.is_wanted()):
                self._release(task)
            elif wrong := _wrong_id(task):
                self._answer(task, wrong)
            elif task.found_at:
                self._answer_again(task, *task.found_at)
            elif stored := self._store.kept(task.stream):
                self._ready[task.lane].append(_Ready(task, stored))
            else:
                self._unloaded[task.stream] = task

    def _choose(self, line: Iterable[Task]) -> list[Task]:
        """The first whose stream and key nobody works on, and nobody before them waits for."""
        chosen: list[Task] = []
        seen: set[Claim] = set()
        room = _AHEAD * self._at_once - len(self._at_work)
        for task in islice(line, _LOOK_AHEAD):
            if len(chosen) >= room:
                break
            claims = task.claims
            if seen.isdisjoint(claims) and self._claimed.isdisjoint(claims):
                chosen.append(task)
            seen.update(claims)
        for task in chosen:
            self._claimed.update(task.claims)
        self._at_work.update(chosen)
        return chosen

    def _load(self) -> None:
        self._loading = dict(islice(self._unloaded.items(), self._at_once))
        for stream in self._loading:
            del self._unloaded[stream]
        self._loader.send(list(self._loading))

    def _take_loaded(self) -> None:
        tasks, self._loading = self._loading, {}
        try:
            streams = self._loader.streams()
        except LedgerError as error:
            for task in tasks.values():
                self._answer(task, error)
        else:
            for name, task in tasks.items():
                self._ready[task.lane].append(_Ready(task, streams[name]))

    def _decide(self, task: Task, loan: StoredLoan | StoredStream) -> None:
        try:
            stored = self._store.fold(task.stream, loan) if isinstance(loan, StoredStream) else loan
            decided = self._store.using(stored, partial(self._decider.decide, task.order, task.command))
        except LedgerError as refusal:
            if isinstance(loan, StoredStream):
                self._refused.append((task, refusal))
            else:  # it may rest on what other processes have changed since
                self._store.forget([task.stream])
                self._unloaded[task.stream] = task
        except BaseException as error:
            self._answer(task, error)
        else:
            self._decided[task.lane].append(_Waiting(task, decided))

    def _refuse(self) -> None:
        """The key comes first: a command that was answered before is not refused for what it has changed itself."""
        refused, self._refused = self._refused, []
        try:
            found = self._journal.find_commands([task.command.id for task, _ in refused])
        except LedgerError as error:
            refused, found = [(task, error) for task, _ in refused], {}
        for task, refusal in refused:
            if task.command.id not in found:
                self._answer(task, refusal)
                continue
            command_hash, first, last = found[task.command.id]
            if command_hash == task.command.hash:
                self._answer_again(task, first, last)
            else:
                self._answer(task, key_reused(task.order))
        self._store.save_snapshots()

    def _commit(self) -> None:
        """Any of those at work may go together: no two claim one stream or one key."""
        batch: list[_Waiting] = []
        events = 0
        for line in self._decided.values():
            while line and (not batch or events + len(line[0].decided.events) <= self._at_once):
                events += max(1, len(line[0].decided.events))
                batch.append(line.popleft())
        self._committing = batch
        self._appender.send([waiting.decided.request for waiting in batch])

    def _settle_all(self) -> None:
        """The commit is acknowledged: only now may anybody see what came of it."""
        batch, self._committing = self._committing, ()
        results = self._appender.results()
        if any(self._decided.values()):
            self._commit()
        if any(not isinstance(result, Exception) and result.verdict is Verdict.CONFLICT for result in results):
            with suppress(LedgerError):  # who is tried again finds out
                self._decider.look_at_book()
        for (task, decided), result in zip(batch, results, strict=True):
            self._settle(task, decided, result)
        self._store.save_snapshots()

    def _settle(self, task: Task, decided: Decided, result: Result) -> None:
        if isinstance(result, Exception):
            self._answer(task, result)
            return
        match result.verdict:
            case Verdict.APPENDED:
                self._store.keep(decided.after)
                answer = Answer(
                    events=decided.events, first_position=result.first_position, last_position=result.last_position
                )
                self._answer(task, answer)
            case Verdict.KNOWN:
                task.found_at = (result.first_position or 0, result.last_position or 0)
                self._try_again(task)
            case Verdict.KEY_REUSED:
                self._answer(task, key_reused(task.order))
            case Verdict.CONFLICT:
                self._settle_conflict(task, result)
            case Verdict.BROKEN_CHAIN:
                self._store.forget([task.stream])
                read = f"{result.detail}; the stream was read differently than it is recorded. Run ledger doctor"
                self._answer(task, BrokenChain(read))

    def _settle_conflict(self, task: Task, outcome: Outcome) -> None:
        self._store.forget([task.stream])
        if task.tries + 1 < self._attempts:
            self._try_again(task)
        else:
            others = f"{outcome.detail}; others were faster {task.tries + 1} times. Try again"
            self._answer(task, StreamConflict(others))

    def _try_again(self, task: Task) -> None:
        task.tries += 1
        self._release(task)
        self._queue.put_back([task], task.lane)

    def _answer_again(self, task: Task, first: int, last: int) -> None:
        try:
            events = [decoded(event) for event in self._journal.between(first, last)]
        except LedgerError as error:
            self._answer(task, error)
        else:
            self._answer(task, Answer(events=events, first_position=first, last_position=last, again=True))

    def _answer(self, task: Task, answer: Answer | BaseException) -> None:
        self._release(task)
        task.reply.give(answer)

    def _release(self, task: Task) -> None:
        self._at_work.discard(task)
        self._claimed.difference_update(task.claims)
        self._is_freed = True

    def _drop_everything(self, error: BaseException) -> None:
        """A step that failed as nothing should: nobody waits for ever, and the next ones are served."""
        for connection in (self._loader, self._appender):
            connection.close()
        self._loader, self._appender = self._store.loader(), Appender(self._journal)
        self._unloaded, self._loading, self._committing = {}, {}, ()
        self._refused.clear()
        for lane in Lane:
            self._ready[lane].clear()
            self._decided[lane].clear()
        for task in list(self._at_work):
            self._store.forget([task.stream])
            with suppress(Exception):  # one that nobody waits for any more must not keep the others waiting
                self._answer(task, error)


def _wrong_id(task: Task) -> LedgerError | None:
    """Looked at before anything is loaded: what PostgreSQL cannot take as a name would fail the others too."""
    try:
        require_identifier(task.order.command.loan_id, "loan")
    except LedgerError as error:
        return error
    return None
