"""What a trail says about each event."""

from datetime import date
from pathlib import Path

import pytest

from ledger.domain.book import Book
from projections.summary import summarize
from schemas.books.events import DayClosed, EventSkipped
from schemas.envelope import read
from schemas.registry import REGISTRY
from schemas.values import ABSENT, Absent, Event
from tests.golden.record import FOLDER as GOLDEN
from tests.loan_builders import Life, a_bullet, days

BOOK = Book(
    book_id="main",
    journal_id="j",
    opened_on=date(2026, 1, 1),
    time_zone="UTC",
    cut_off="00:00",
    currencies={"CNY": 2, "USD": 2},
    partitions=12,
    hash_format="sha256/1",
    key_id="0" * 64,
)


def said(events: list[Event]) -> list[str]:
    return [summarize(event, BOOK) for event in events]


def test_a_loan_says_what_was_lent_and_when_it_is_due() -> None:
    assert summarize(a_bullet(1_000_00), BOOK) == "lent 1,000.00 USD, bullet, due 2026-02-05"


def test_a_late_payment_says_what_was_overdue_covered_and_paid_off() -> None:
    assert said(Life().pays(120_00, days(3))) == [
        "received 120.00 USD by bank_transfer (payment p1), 20.00 USD of it credit",
        "installment 1, due 2026-02-05, lacked 100.00 USD; installment 1 covered on 2026-02-08, 3 days late",
        "paid off on 2026-02-08",
    ]


def test_a_returned_payment_says_why_and_what_is_owed_again() -> None:
    life = Life()
    life.pays(100_00, days(0))
    assert said(life.reverses("p1", days(2))) == [
        "reversed payment p1 of 100.00 USD (bank_return)",
        "installment 1, due 2026-02-05, lacked 100.00 USD",
        "owes 100.00 USD again",
    ]


def test_money_that_was_in_time_after_all_says_so() -> None:
    life = Life()
    life.day_end(days(5))
    assert "installment 1 was never overdue: covered on 2026-02-05" in said(life.pays(100_00, days(0), today=days(6)))


@pytest.mark.parametrize(("count", "words"), [(1, "1 loan visited"), (2, "2 loans visited")])
def test_a_closed_day_counts_its_loans(count: int, words: str) -> None:
    closed = DayClosed(book_id="main", business_date=date(2026, 3, 1), loans_visited=count)
    assert summarize(closed, BOOK) == f"closed 2026-03-01, {words}"


@pytest.mark.parametrize(("projection", "whose"), [("postings", "postings"), (ABSENT, "all projections")])
def test_a_skipped_event_is_named_with_whom_it_concerns_and_why(projection: str | Absent, whose: str) -> None:
    skipped = EventSkipped(
        book_id="main",
        position=1204,
        partition=3,
        reason="two lines swapped",
        skipped_on=days(1),
        projection=projection,
    )
    assert summarize(skipped, BOOK) == f"skipped the event at position 1,204 for {whose}: two lines swapped"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_type_is_told_in_words(path: Path) -> None:
    event = REGISTRY.decode(read(path.read_bytes()))
    assert not summarize(event, BOOK).startswith("ledger.")
