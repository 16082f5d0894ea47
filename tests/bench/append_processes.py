"""Four processes that record payments in one journal at once, beside the best of them alone."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from statistics import median

from ledger.bootstrap import Ledger
from ledger.settings import Settings
from tests.bench.competitors.ours import Desk
from tests.bench.reporting import Figure, Must
from tests.bench.rounds import Round, run_round
from tests.bench.servers import Servers

PROCESSES = 4
CALLERS = 32  # per process
ROUNDS = 3
ROUND_S = 3.0
LOANS = 2000
_LIMIT_S = 120
_LEAST_RATIO = 0.8


def run(servers: Servers) -> Iterator[Figure]:
    with servers.book("processes") as ledger, _workers(ledger.settings) as workers:
        alone: list[float] = []
        together: list[float] = []
        for number in range(ROUNDS):
            alone.append(_rate([workers[number % PROCESSES]]))
            together.append(_rate(workers))
        yield Figure(
            name="append_processes",
            value=median(together),
            unit="commands/s",
            peer="best single process",
            ratio=median(together) / max(alone),
            must=Must("ratio", ">=", _LEAST_RATIO),
        )
        yield Figure(name="append_processes_gaps", value=gaps(ledger), unit="positions", must=Must("value", "==", 0))


def gaps(ledger: Ledger) -> int:
    """How many positions up to the head hold no event, read as a follower reads."""
    position, found = 0, 0
    while events := ledger.journal.after(position, 5000):
        position, found = events[-1].position, found + len(events)
    return ledger.journal.head().position - found


def _rate(workers: Sequence[Connection]) -> float:
    """Commands per second of some processes at once, from the first start to the last end."""
    for worker in workers:
        worker.send(ROUND_S)
    rounds = [_received(worker) for worker in workers]
    seconds = max(each.ended_s for each in rounds) - min(each.started_s for each in rounds)
    return sum(each.commands for each in rounds) / seconds


def _received(worker: Connection) -> Round:
    assert worker.poll(_LIMIT_S), f"a worker did not answer for {_LIMIT_S} s"
    answer: Round = worker.recv()
    return answer


@contextmanager
def _workers(settings: Settings) -> Iterator[list[Connection]]:
    """Processes that are ready, each with loans of its own; they end when their pipe does."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as open_things:
        ours = []
        for _ in range(PROCESSES):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(settings, there))
            process.start()
            there.close()
            open_things.callback(process.join, _LIMIT_S)
            ours.append(here)
        for here in ours:
            open_things.callback(here.close)
            _received(here)
        yield ours


def _work(settings: Settings, pipe: Connection) -> None:
    """One process: a first short round says that it is ready, then one round for each length received."""
    with Ledger(settings) as ledger, pipe:
        desk = Desk(ledger)
        desk.prepare(LOANS)
        seconds = 0.5
        while True:
            pipe.send(run_round(desk.callers(CALLERS), seconds))
            try:
                seconds = pipe.recv()
            except EOFError:
                break
        desk.close()
