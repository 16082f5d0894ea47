"""Lines of postings in the binary format of COPY: the fastest way into a table, and a fraction of the driver's time.

A row is its number of fields, then for each field its length (-1 for null) and its bytes. Numbers are big-endian. What
all lines of an event have in common is written once.
"""

from datetime import date
from functools import cache
from struct import Struct

from schemas.values import MoneyEvent

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_FIELDS = Struct(">h").pack(13)
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)
_OF_EVENT = Struct(">iqii").pack  # position and booking date, each after its length
_OF_LINE = Struct(">iiiiiiiqi?").pack  # line, number, value date, amount, late, each after its length
_INSTALLMENT = Struct(">ii").pack
_FIRST_DAY = date(2000, 1, 1).toordinal()  # PostgreSQL counts days from here


class Lines:
    """Lines on their way into the table of one book, in the order of columns that the statement `insert` names."""

    def __init__(self, book: str) -> None:
        self._book = _FIELDS + _text(book)
        self._parts: list[bytes] = []

    def add(self, position: int, event: MoneyEvent, number: int, reached: date) -> None:
        """The lines of an event, whose loan had `number` of them before; up to the date `reached` they are late."""
        booked_on = event.booking_date.toordinal() - _FIRST_DAY
        same = b"".join((self._book, _text(event.loan_id), _text(event.currency), _OF_EVENT(8, position, 4, booked_on)))
        for line, posting in enumerate(event.postings, 1):
            on = posting.value_date
            day = on.toordinal() - _FIRST_DAY
            own = _OF_LINE(4, line, 4, number + line, 4, day, 8, posting.amount_minor, 1, on <= reached)
            self._parts += (same, own, _place(posting.account, posting.component or "", posting.installment or 0))

    def __bool__(self) -> bool:
        return bool(self._parts)

    def copied(self) -> bytes:
        """All of them, as COPY reads them."""
        return b"".join((_HEADER, *self._parts, _END))


@cache
def _place(account: str, component: str, installment: int) -> bytes:
    """Account, component, installment: few, and the same again and again."""
    return b"".join((
        _text(account),
        _text(component) if component else _NULL,
        _INSTALLMENT(4, installment) if installment else _NULL,
    ))  # fmt: skip


def _text(value: str) -> bytes:
    data = value.encode()
    return _LENGTH(len(data)) + data
