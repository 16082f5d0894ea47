"""One statement, sent again and again without waiting for its answer: whoever sends it has other work meanwhile.

The driver's own calls wait for their answer and let go of the interpreter while they do; a busy process then gives it
back milliseconds later. Here one thread sends, goes on, and looks now and then.
"""

import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from ledger.journal.database import Connection, Database, translated

_NAME = b"call"
_NOTHING_TO_SEND = 0

Row = tuple[bytes | None, ...]
"""Columns in PostgreSQL's binary format."""


class Call:
    """A prepared statement on a connection of its own, which is made anew after it broke. Use from one thread.

    `statement` has a `%b` for each parameter; `connect` makes the connection.
    """

    def __init__(self, database: Database, connect: Callable[[], Connection], statement: str) -> None:
        self._database = database
        self._connect = connect
        self._statement = _numbered(statement)
        self._connection: Connection | None = None
        self._pg: PGconn | None = None
        self._is_flushed = True
        self._answers: list[PGresult] = []
        self._failure: psycopg.Error | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is still to be taken."""
        return self._pg is not None

    def close(self) -> None:
        self._pg = None
        if self._connection:
            self._connection.close()
            self._connection = None

    def send(self, parameters: Sequence[bytes]) -> None:
        """Send, and return at once; parameters in PostgreSQL's binary format.

        A connection that cannot be had raises as `translated` says.
        """
        with self._closing_if_it_fails():
            connection = self._connection or self._prepared()
            self._pg = connection.pgconn
            self._answers, self._failure = [], None
            formats = [Format.BINARY] * len(parameters)
            self._pg.send_query_prepared(_NAME, parameters, formats, Format.BINARY)
            self._is_flushed = self._pg.flush() == _NOTHING_TO_SEND

    def is_answered(self) -> bool:
        """Whether `rows` will not wait; also true when the connection is lost.

        The rows come before the commit that they are about. It is over only when nothing more comes.
        """
        pg = self._pg
        if pg is None:
            return False
        try:
            if not self._is_flushed:
                self._is_flushed = pg.flush() == _NOTHING_TO_SEND
            pg.consume_input()
            while not pg.is_busy():
                answer = pg.get_result()
                if answer is None:
                    return True
                self._answers.append(answer)
        except psycopg.Error as error:
            self._failure = error
            return True
        return False

    def waits_for(self) -> tuple[int, int]:
        """File descriptor and events of `select.poll` that bring the answer nearer."""
        assert self._pg, "nothing was sent"
        return self._pg.socket, select.POLLIN if self._is_flushed else select.POLLIN | select.POLLOUT

    def rows(self) -> list[Row]:
        """The answer; waits for it. Raises as `translated` says, and the next call has a new connection then."""
        with self._closing_if_it_fails():
            while not self.is_answered():
                poll = select.poll()
                poll.register(*self.waits_for())
                poll.poll()
            self._pg = None
            if self._failure:
                raise self._failure
            return _rows(self._answers)

    @contextmanager
    def _closing_if_it_fails(self) -> Iterator[None]:
        """A call that failed leaves nothing behind that the next one could trip over."""
        try:
            with translated(self._database):
                yield
        except BaseException:
            self.close()
            raise

    def _prepared(self) -> Connection:
        connection = self._connection = self._connect()
        answer = connection.pgconn.prepare(_NAME, self._statement)
        if answer.status != ExecStatus.COMMAND_OK:
            raise _error(answer)
        return connection


def _rows(answers: Sequence[PGresult]) -> list[Row]:
    """The rows of the first answer, if none of them is an error: one behind the rows says that the commit failed."""
    for answer in answers:
        if answer.status != ExecStatus.TUPLES_OK:
            raise _error(answer)
    if not answers:
        raise psycopg.OperationalError("the connection was lost")
    [answer] = answers
    columns = range(answer.nfields)
    value = answer.get_value
    return [tuple([value(row, column) for column in columns]) for row in range(answer.ntuples)]


def _error(answer: PGresult) -> psycopg.Error:
    """As the driver would raise it. An error without a code is not the server's: the connection was lost."""
    if answer.error_field(DiagnosticField.SQLSTATE):
        return error_from_result(answer)
    return psycopg.OperationalError(answer.get_error_message() or "the connection was lost")


def _numbered(statement: str) -> bytes:
    """With `$1`, `$2`, ... as libpq has it."""
    numbers = count(1)
    first, *others = statement.split("%b")
    return (first + "".join(f"${next(numbers)}{part}" for part in others)).encode()
