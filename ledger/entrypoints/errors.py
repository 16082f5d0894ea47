"""The one table from errors to what callers see: exit status of the command line, HTTP status of the API."""

from dataclasses import dataclass

from schemas.errors import (
    BadInput,
    Conflict,
    Corrupt,
    LedgerError,
    Misconfigured,
    NotFound,
    Refused,
    Unavailable,
)


@dataclass(frozen=True, slots=True)
class Status:
    """What a class of errors, with all its subclasses, answers with."""

    exit_status: int
    http_status: int


STATUSES: dict[type[LedgerError], Status] = {
    BadInput: Status(2, 422),
    Refused: Status(3, 409),
    NotFound: Status(4, 404),
    Conflict: Status(5, 409),
    Unavailable: Status(6, 503),
    Misconfigured: Status(7, 500),
    Corrupt: Status(8, 500),
}


def status_of(error: LedgerError) -> Status:
    """The row of the nearest class in the table."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
