"""Lines of postings in the binary format of COPY: the fastest way into a table, and a fraction of the driver's time.

A row is its number of fields, then for each field its length (-1 for null) and its bytes. Numbers are big-endian. What
all lines of an event have in common is written once.
"""

from datetime import date
from functools import cache
from struct import Struct

from schemas.values import MoneyEvent

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_FIELDS = Struct(">h").pack(12)
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_OF_EVENT = Struct(">iqii").pack  # position and booking date, each after its length
_OF_LINE = Struct(">iiiiiqi?").pack  # line, value date, amount, late, each after its length
_INSTALLMENT = Struct(">ii").pack
_FIRST_DAY = date(2000, 1, 1).toordinal()  # PostgreSQL counts days from here


class Lines:
    """Lines on their way into the table of one book, in the order of columns that the statement `insert` names."""

    def __init__(self, book: str) -> None:
        self._book = _FIELDS + _text(book)
        self._parts: list[bytes] = [_HEADER]

    def add(self, position: int, event: MoneyEvent, reached: date) -> None:
        """The lines of an event; up to the date `reached` they are late."""
        booked_on = event.booking_date.toordinal() - _FIRST_DAY
        same = self._book + _text(event.loan_id) + _currency(event.currency) + _OF_EVENT(8, position, 4, booked_on)
        for line, posting in enumerate(event.postings, 1):
            on = posting.value_date
            own = _OF_LINE(4, line, 4, on.toordinal() - _FIRST_DAY, 8, posting.amount_minor, 1, on <= reached)
            place = _place(posting.account, posting.component or "", posting.installment or 0)
            self._parts.append(same + own + place)

    def taken(self) -> bytes:
        """What was added since this was called last, as COPY goes on reading it."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


@cache
def _place(account: str, component: str, installment: int) -> bytes:
    """Account, component, installment: few, and the same again and again."""
    return b"".join((
        _text(account),
        _text(component) if component else _NULL,
        _INSTALLMENT(4, installment) if installment else _NULL,
    ))  # fmt: skip


@cache
def _currency(code: str) -> bytes:
    return _text(code)


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data
