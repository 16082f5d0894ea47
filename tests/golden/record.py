"""Writes the golden sample of each event type that has none yet: `python -m tests.golden.record`.

A sample that is there is never written again: it stands for events that were recorded with that version.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from ledger.domain.book import open_book
from ledger.domain.loan import Loan, apply, next_action_on
from ledger.domain.opening import open_bullet
from ledger.domain.payments import receive_payment, reverse_payment
from ledger.domain.visiting import visit
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from schemas.books.events import DayClosed, DayTotals, EventSkipped, OverdueTotals, PeriodClosed
from schemas.envelope import digest
from schemas.values import Basis, Event
from tests.golden.lives import whole_lives

FOLDER = Path(__file__).parent
BOOK_ID, LOAN_ID = "wallet-cn", "xqd20260105"
BASIS = Basis(engine="1", policy="bullet/cn@2026-01", tzdata="2025.2")


def samples() -> dict[str, bytes]:
    """The newest event of each type in the life of one loan and its book, by type."""
    found: dict[str, bytes] = {}
    heads: dict[str, StreamHead] = {}
    ids = (f"019b8a5c-7c00-7000-8000-{number:012x}" for number in count(1))
    for stream, day, events, next_on in _story():
        decision = Decision(head=heads.get(stream, StreamHead(stream=stream)), events=events, next_action_on=next_on)
        request = encode([decision], _provenance(day), partitions=12, event_ids=lambda: next(ids))
        found |= {event.type: event.state for event in request.events}
        newest = request.events[-1]
        heads[stream] = StreamHead(stream=stream, version=newest.version, hash=digest(newest.state))
    return found


def _story() -> Iterator[tuple[str, date, Sequence[Event], date | None]]:
    """Stream, day, events, next action: partly paid, overdue, cured, bounced, and in the end paid in time after all."""
    yield f"book/{BOOK_ID}", date(2026, 1, 1), _book_opened(), None
    opened = _loan_opened()
    loan = _folded(None, opened)
    yield f"loan/{LOAN_ID}", date(2026, 1, 5), opened, next_action_on(loan)
    for day, decide in _STEPS:
        events = decide(loan)
        loan = _folded(loan, events)
        yield f"loan/{LOAN_ID}", day, events, next_action_on(loan)
    closed = DayClosed(book_id=BOOK_ID, business_date=date(2026, 2, 13), loans_visited=1)
    totals = DayTotals(
        book_id=BOOK_ID,
        business_date=date(2026, 2, 13),
        after_position=0,
        through_position=14,
        loans_visited=1,
        overdue=(OverdueTotals(currency="CNY", marks=2, marked_minor=260_00, cures=1, withdrawals=1),),
    )
    yield f"book/{BOOK_ID}", date(2026, 2, 14), [closed, totals], None
    period = PeriodClosed(book_id=BOOK_ID, through=date(2026, 1, 31), closed_on=date(2026, 2, 14))
    yield f"book/{BOOK_ID}", date(2026, 2, 14), [period], None
    yield from whole_lives()
    skipped = EventSkipped(
        book_id=BOOK_ID,
        position=7,
        partition=3,
        reason="a code page of the old core banking system in the payer's name",
        skipped_on=date(2026, 2, 15),
        projection="postings",
    )
    yield f"book/{BOOK_ID}", date(2026, 2, 15), [skipped], None


def _book_opened() -> list[Event]:
    return open_book(
        None,
        BOOK_ID,
        journal_id="019b8a5c-7c00-7000-8000-0000000000b0",
        opened_on=date(2026, 1, 1),
        time_zone="Asia/Shanghai",
        cut_off="00:00",
        currencies={"CNY": 2, "USD": 2},
        partitions=12,
        key_id="5a" * 32,
    )


def _loan_opened() -> list[Event]:
    return open_bullet(
        None,
        LOAN_ID,
        1000_00,
        "CNY",
        opened_on=date(2026, 1, 5),
        due_on=date(2026, 2, 5),
        today=date(2026, 1, 5),
        basis=BASIS,
        borrower_id="b-7001",
    )


def _paid(loan: Loan, payment_id: str, amount_minor: int, paid_on: date, today: date) -> list[Event]:
    return receive_payment(
        loan,
        payment_id,
        amount_minor,
        "CNY",
        paid_on=paid_on,
        today=today,
        method="bank_transfer",
        received_at=f"{paid_on}T09:30:00",
    )


_STEPS: list[tuple[date, Callable[[Loan], Sequence[Event]]]] = [
    (date(2026, 2, 5), lambda loan: _paid(loan, "wx-0205", 400_00, date(2026, 2, 5), date(2026, 2, 5))),
    (date(2026, 2, 6), lambda loan: visit(loan, business_date=date(2026, 2, 6))),
    (date(2026, 2, 10), lambda loan: _paid(loan, "wx-0210", 600_00, date(2026, 2, 10), date(2026, 2, 10))),
    (date(2026, 2, 12), lambda loan: reverse_payment(loan, "wx-0210", cause="bank_return", today=date(2026, 2, 12))),
    (date(2026, 2, 13), lambda loan: _paid(loan, "bank-0204", 650_00, date(2026, 2, 4), date(2026, 2, 13))),
]


def _folded(loan: Loan | None, events: Sequence[Event]) -> Loan:
    for event in events:
        loan = apply(loan, event)
    assert loan
    return loan


def _provenance(day: date) -> Provenance:
    return Provenance(
        book_id=BOOK_ID,
        actor="operator:ann",
        decided_at=datetime(day.year, day.month, day.day, 4, 30, 0, 123456, tzinfo=UTC),
        correlation_id=f"019b8a5c-0000-7000-8000-{day:%Y%m%d}0000",
        command_id=bytes([day.month]) * 32,
        command_hash=bytes([day.day]) * 32,
        causation_id=f"019b8a5c-1111-7000-8000-{day:%Y%m%d}0000",
    )


if __name__ == "__main__":
    for name, state in samples().items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            path.write_bytes(state)
