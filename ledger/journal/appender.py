"""Appending without waiting: send a batch of requests, do something else, take the outcomes."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from ledger.journal.calls import Call, Row
from ledger.journal.errors import GateClosed, JournalUnavailable
from ledger.journal.journal import APPEND, Journal, arguments
from ledger.journal.records import Outcome, Request, Verdict
from schemas.errors import Unavailable

Result = Outcome | Exception
"""What became of a request, or why that cannot be said."""

_VERDICTS = {verdict.value.encode(): verdict for verdict in Verdict}


class Appender:
    """Appends to a journal, one batch at a time. Use from one thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._call = journal.call(APPEND)
        self._requests: Sequence[Request] = ()
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._call.close()

    @property
    def call(self) -> Call:
        """What a thread with other work looks at."""
        return self._call

    @property
    def is_busy(self) -> bool:
        """Whether a batch is on its way."""
        return bool(self._requests)

    def is_answered(self) -> bool:
        """Whether `results` will not wait for the server's first answer."""
        return self._failure is not None or self._call.is_answered()

    def send(self, requests: Sequence[Request]) -> None:
        """Send one batch, as `Journal.append` takes it. What goes wrong is told by `results`."""
        assert not self._requests, "one batch at a time"
        self._requests = requests
        try:
            self._call.send([array.data for array in arguments(requests)])
        except Exception as error:
            self._failure = error

    def results(self) -> list[Result]:
        """What became of each request, in order; waits for it, and tries again as `Journal.append` does.

        A request that PostgreSQL cannot take has its error in its place; the others do not suffer for it.
        """
        requests, self._requests = self._requests, ()
        failure, self._failure = self._failure, None
        try:
            if failure:
                raise failure
            return [_outcome(row) for row in self._call.rows()]
        except (JournalUnavailable, GateClosed):
            return self._again(requests)
        except Exception as error:
            return [error] if len(requests) == 1 else _each(requests, self._journal.append)

    def _again(self, requests: Sequence[Request]) -> list[Result]:
        try:
            return list(self._journal.append_again(requests))
        except Unavailable as error:
            return [error] * len(requests)
        except Exception:
            return _each(requests, self._journal.append_again)


def _each(requests: Sequence[Request], append: Callable[[Sequence[Request]], list[Outcome]]) -> list[Result]:
    """Every request in a transaction of its own."""
    results: list[Result] = []
    for request in requests:
        try:
            results += append([request])
        except Exception as error:
            results.append(error)
    return results


def _outcome(row: Row) -> Outcome:
    verdict, first, last, detail = row
    assert verdict, "every request has a verdict"
    return Outcome(
        verdict=_VERDICTS[verdict],
        first_position=None if first is None else int.from_bytes(first),
        last_position=None if last is None else int.from_bytes(last),
        detail=None if detail is None else detail.decode(),
    )
