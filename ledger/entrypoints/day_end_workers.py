"""Processes that visit loans beside the one that closes days, each those of its share.

A worker that is killed leaves its loans waiting, and the process that closes the day visits them: it looks at what is
left in any case. So a worker only saves time, and what it cannot do is not its to report.
"""

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from multiprocessing.connection import Connection

from ledger.application.day_end import VisitFirst
from ledger.bootstrap import Ledger
from ledger.journal.records import Share
from ledger.settings import Settings
from schemas.errors import LedgerError

_log = logging.getLogger(__name__)


@contextmanager
def day_end_workers(settings: Settings, count: int) -> Iterator[VisitFirst]:
    """Start `count` processes, and stop them at the end; what lets them visit the loans of a day, and waits."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as open_things:
        pipes = []
        for number in range(count):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(settings, Share(number, count), there), daemon=True)
            process.start()
            there.close()
            open_things.callback(process.join)
            pipes.append(open_things.enter_context(here))  # closed first: that ends the worker
        yield lambda day: _let_visit(pipes, day)


def _let_visit(pipes: Sequence[Connection], day: date) -> int:
    asked = [pipe for pipe in pipes if _sent(pipe, day)]
    return sum(_answer(pipe) for pipe in asked)


def _sent(pipe: Connection, message: object) -> bool:
    try:
        pipe.send(message)
    except OSError:
        return False
    return True


def _answer(pipe: Connection) -> int:
    try:
        return int(pipe.recv())
    except (EOFError, OSError):
        _log.warning("a worker of day end has ended; its loans are visited without it")
        return 0


def _work(settings: Settings, share: Share, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    with pipe, Ledger(settings) as ledger:
        while (day := _next_day(pipe)) is not None:
            try:
                visited = ledger.day_ends.visit_share(day, share)
            except LedgerError as error:
                _log.warning("share %d of %d: %s", share.number + 1, share.of, error)
                visited = 0
            if not _sent(pipe, visited):
                return


def _next_day(pipe: Connection) -> date | None:
    """None: nobody closes days any more."""
    try:
        day = pipe.recv()
    except (EOFError, OSError):
        return None
    return day if isinstance(day, date) else None
