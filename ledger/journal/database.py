"""Connections to PostgreSQL, each in the role of what it is for, and the driver's errors in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.journal.errors import GateClosed, JournalMisconfigured, JournalUnavailable, SecondBook
from schemas.errors import LedgerError

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Database:
    """Where the journal's PostgreSQL is, and how long to wait for it."""

    url: str
    connect_timeout_s: int = 10
    statement_timeout_s: int = 60

    @property
    def address(self) -> str:
        """Host, port and database, without user and password."""
        try:
            parts = conninfo_to_dict(self.url)
        except psycopg.ProgrammingError:
            return "an address that cannot be read"
        return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"

    def conninfo(self, role: str | None, options: str = "") -> str:
        """Connection string of a session that acts as `role`; None: as the login itself. `options`: of the server."""
        options = f"-c statement_timeout={self.statement_timeout_s}s -c TimeZone=UTC {options}"
        if role:
            options += f" -c role={role}"
        with translated(self):
            return make_conninfo(
                self.url, options=options, connect_timeout=self.connect_timeout_s, application_name=role or "ledger"
            )

    def connect(self, role: str | None = None, *, autocommit: bool = True, options: str = "") -> Connection:
        with translated(self):
            return psycopg.connect(self.conninfo(role, options), autocommit=autocommit)

    def pool(self, role: str, size: int, *, checked: bool = False, options: str = "") -> ConnectionPool[Connection]:
        """A pool of at most `size` connections in autocommit mode.

        `checked`: each is asked before it is handed out, one round trip; else a broken one shows at its first use.
        """
        return ConnectionPool(
            self.conninfo(role, options),
            min_size=1,
            max_size=size,
            timeout=self.connect_timeout_s,
            reconnect_timeout=self.connect_timeout_s,
            kwargs={"autocommit": True},
            check=ConnectionPool.check_connection if checked else None,
            open=True,
        )


_GATE_CLOSED = "LG001"  # raised by journal.append
_REFUSALS = ("permission denied to set role", "authentication failed", "does not exist")


@contextmanager
def translated(database: Database) -> Iterator[None]:
    """Raise the driver's errors as ours. What no caller can act on stays as it is."""
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise JournalMisconfigured(
            f"asked PostgreSQL at {database.address}: {_text(error)}; "
            "grant the login the role that it needs, or run ledger migrate as a login that may create roles"
        ) from error
    except (errors.UndefinedTable, errors.UndefinedFunction, errors.InvalidSchemaName, errors.UndefinedObject) as error:
        raise JournalMisconfigured(
            f"asked PostgreSQL at {database.address}: {_text(error)}; found no journal of this version. Run ledger init"
        ) from error
    except errors.UniqueViolation as error:
        if error.diag.constraint_name != "one_book":
            raise
        raise SecondBook(
            f"asked PostgreSQL at {database.address} to open a book; another process opened one just now. "
            "One journal holds one book: use another database for another book"
        ) from error
    except (psycopg.OperationalError, errors.IdleInTransactionSessionTimeout, PoolTimeout) as error:
        if _lacks_roles(error):
            raise JournalMisconfigured(
                f"asked for the journal at {database.address}; the server has no roles of a ledger. Run ledger init"
            ) from error
        if _is_refusal(error):
            raise JournalMisconfigured(
                f"asked PostgreSQL at {database.address}: {_text(error)}; "
                "correct LEDGER_DATABASE_URL, or grant the login the roles ledger_*"
            ) from error
        raise JournalUnavailable(
            f"asked PostgreSQL at {database.address}: {_text(error)}; "
            "see that the server runs and that LEDGER_DATABASE_URL is right, then try again"
        ) from error
    except psycopg.Error as error:
        ours = _ours(database, error)
        if ours is None:
            raise
        raise ours from error


def _ours(database: Database, error: psycopg.Error) -> LedgerError | None:
    """Of what is neither rights nor a missing journal nor a server that is away: what a caller can act on."""
    if error.sqlstate == _GATE_CLOSED:
        return GateClosed(
            f"asked the journal at {database.address} to record something; it was started, restored or failed over "
            "since a relay last confirmed that Kafka is not ahead of it. It opens as soon as a relay runs: ledger "
            "relay. If that finds Kafka ahead, run ledger restore --tail"
        )
    if error.diag.severity_nonlocalized in {"FATAL", "PANIC"}:
        return JournalUnavailable(
            f"asked PostgreSQL at {database.address}: {_text(error)}; the server ended the session. "
            "See its log, then try again"
        )
    if error.sqlstate or not isinstance(error, psycopg.ProgrammingError):
        return None
    return JournalMisconfigured(
        f"asked for PostgreSQL by LEDGER_DATABASE_URL, which cannot be read: {_text(error)}; "
        "write postgresql://user:password@host:port/database"
    )


def _lacks_roles(error: BaseException) -> bool:
    """Whether the server has never seen a ledger: the role that we asked for does not exist."""
    return re.search(r'role "ledger_\w+" does not exist', str(error)) is not None


def _is_refusal(error: BaseException) -> bool:
    """Whether the server answered and said no. While a connection is made the driver tells this by the text only."""
    told = (error, error.__cause__, error.__context__)
    return any(refusal in str(each) for each in told for refusal in _REFUSALS)


def _text(error: BaseException) -> str:
    return " ".join(str(error).split())
