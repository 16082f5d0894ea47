"""The errors of the whole project, in one tree.

LedgerError
├── Refused                 a command that the rules do not allow; nothing was written
├── BadInput                input that cannot be read or is out of range; nothing was written
├── NotFound                something asked for by name does not exist
├── Conflict                the same key with another body, or a stream that kept changing
├── Unavailable             a server or a file that cannot be reached just now; safe to try again
├── Misconfigured           settings, versions or topics that do not fit; a person must act
└── Corrupt                 records that contradict each other; stop and look

Every class has a stable `code`. Each message says what was asked, what was found, and what to do. Packages define
their own classes under these seven; `ledger/entrypoints/errors.py` maps the seven to exit statuses.
"""

from typing import ClassVar


class LedgerError(Exception):
    """Root of all errors that the project raises on purpose."""

    code: ClassVar[str] = "ledger_error"


class Refused(LedgerError):
    code = "refused"


class BadInput(LedgerError):
    code = "bad_input"


class NotFound(LedgerError):
    code = "not_found"


class Conflict(LedgerError):
    code = "conflict"


class Unavailable(LedgerError):
    code = "unavailable"


class Misconfigured(LedgerError):
    code = "misconfigured"


class Corrupt(LedgerError):
    code = "corrupt"
