"""Errors of the journal. Those of the database driver are translated to these, once, in `database`."""

from schemas.errors import Conflict, Corrupt, Misconfigured, NotFound, Unavailable


class JournalUnavailable(Unavailable):
    code = "journal_unavailable"


class GateClosed(Unavailable):
    code = "gate_closed"


class JournalMisconfigured(Misconfigured):
    code = "journal_misconfigured"


class JournalOutdated(Misconfigured):
    code = "journal_outdated"


class UnsafeServer(Misconfigured):
    code = "unsafe_server"


class BookMissing(Misconfigured):
    code = "book_missing"


class SecondBook(Misconfigured):
    code = "second_book"


class KeyFileProblem(Misconfigured):
    code = "key_file_problem"


class EventNotFound(NotFound):
    code = "event_not_found"


class KeyReused(Conflict):
    code = "key_reused"


class StreamConflict(Conflict):
    code = "stream_conflict"


class BrokenChain(Corrupt):
    code = "broken_chain"
