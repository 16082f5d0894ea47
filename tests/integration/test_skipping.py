"""An operator decides about an event that a projection cannot apply."""

from typing import Any

import pytest

from ledger.application.commands import OpenLoan, RecordPayment
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import AlreadySkipped, LoanNotFound, ReasonMissing
from ledger.journal.errors import EventNotFound, KeyReused
from ledger.journal.partitioning import partition_of
from projections.errors import AppliedAlready, DeadLetterNotFound, PoisonedEvent, ProjectionNotFound
from schemas.books.events import EventSkipped
from schemas.envelope import read
from schemas.registry import REGISTRY
from tests.integration.conftest import NOW

TODAY = NOW.date()
POISON_MINOR = 66_60


@pytest.fixture
def stopped(opened: Ledger) -> Ledger:
    """A book with a payment that cannot be posted."""
    with opened.queries() as queries:
        queries.trial_balance(TODAY)  # makes the tables of the postings
        forbid(opened)
    commands = (
        OpenLoan(loan_id="l1", currency="USD", principal_minor=100_00, due_on=TODAY),
        RecordPayment(loan_id="l1", amount_minor=POISON_MINOR, payment_id="p1"),
    )
    for command in commands:
        opened.desk.execute(Order(command=command, key=type(command).__name__, today=TODAY, principal="operator:ann"))
    with opened.queries() as queries, pytest.raises(PoisonedEvent):
        queries.trial_balance(TODAY)
    return opened


def forbid(ledger: Ledger) -> None:
    """Make the database refuse postings of an amount, as an event of a shape nobody thought of would be."""
    with ledger.database.connect("ledger_projector") as connection:
        connection.execute(
            f"alter table projections.postings add constraint forbidden check (amount_minor <> {POISON_MINOR})".encode()
        )


def allow(ledger: Ledger) -> None:
    with ledger.database.connect("ledger_projector") as connection:
        connection.execute("alter table projections.postings drop constraint forbidden")


def position_of_poison(ledger: Ledger) -> int:
    [letter] = ledger.upkeep.dead_letters.all()
    return letter.position


def skipped(ledger: Ledger, **other: Any) -> int:
    wish: dict[str, Any] = {"projection": "postings", "reason": "swapped lines", "key": "k"} | other
    return ledger.upkeep.skip_dead_letter(position_of_poison(ledger), **wish)


def balance_minor(ledger: Ledger) -> int:
    with ledger.queries() as queries:
        return queries.balance_as_of("l1", TODAY).total_due_minor


def test_what_does_not_read_the_stopped_projection_is_answered(stopped: Ledger) -> None:
    with stopped.queries() as queries:
        assert queries.loan("l1").total_due_minor == queries.balances().totals[0].total_due_minor
        assert queries.loan("l1").total_due_minor == 100_00 - POISON_MINOR
        assert [payment.payment for payment in queries.payments("l1")] == ["p1"]
        with pytest.raises(PoisonedEvent):
            queries.loan_as_of("l1", TODAY)


def test_a_loan_on_another_partition_than_the_stopped_one_is_answered(stopped: Ledger) -> None:
    partitions = stopped.book.partitions
    names = [f"other{number}" for number in range(20)]
    other = next(each for each in names if partition_of(each, partitions) != partition_of("l1", partitions))
    command = OpenLoan(loan_id=other, currency="USD", principal_minor=50_00, due_on=TODAY)
    stopped.desk.execute(Order(command=command, key=other, today=TODAY, principal="operator:ann"))
    with stopped.queries() as queries:
        assert queries.balance_as_of(other, TODAY).total_due_minor == 50_00
        with pytest.raises(PoisonedEvent):
            queries.balances_as_of(TODAY)


def test_an_earlier_position_than_that_of_the_poison_is_answered(stopped: Ledger) -> None:
    with stopped.queries(wait_for=position_of_poison(stopped) - 1) as queries:
        assert queries.balance_as_of("l1", TODAY).total_due_minor == 100_00


def test_a_loan_that_there_is_not_is_said_to_be_none_also_before_any_loan(opened: Ledger) -> None:
    partitions = {partition_of(f"l{number}", opened.book.partitions): f"l{number}" for number in range(100)}
    with opened.queries() as queries:
        for loan in partitions.values():
            with pytest.raises(LoanNotFound):
                queries.history(loan)


def test_a_retry_applies_the_event_once_its_cause_is_gone(stopped: Ledger) -> None:
    allow(stopped)
    assert stopped.upkeep.retry_dead_letter(position_of_poison(stopped), None) == ["postings"]
    assert balance_minor(stopped) == 100_00 - POISON_MINOR


def test_a_retry_with_the_cause_still_there_says_so(stopped: Ledger) -> None:
    with pytest.raises(PoisonedEvent, match="forbidden"):
        stopped.upkeep.retry_dead_letter(position_of_poison(stopped), None)


def test_a_skip_is_an_event_of_the_book_that_says_who_what_and_why(stopped: Ledger) -> None:
    recorded = stopped.upkeep.recorded_at(skipped(stopped))
    assert recorded
    envelope = read(recorded.state)
    [letter] = stopped.upkeep.dead_letters.all()
    assert (recorded.stream, recorded.topic, envelope.actor) == ("book/main", "ledger.books", "operator:cli")
    assert REGISTRY.decode(envelope) == EventSkipped(
        book_id="main",
        position=letter.position,
        partition=letter.partition,
        reason="swapped lines",
        skipped_on=TODAY,
        projection="postings",
    )


def test_after_a_skip_the_projection_goes_on_without_the_event(stopped: Ledger) -> None:
    skipped(stopped)
    assert balance_minor(stopped) == 100_00


def test_a_skip_with_the_same_key_is_one_skip(stopped: Ledger) -> None:
    first = skipped(stopped)
    head = stopped.journal.head()
    assert skipped(stopped) == first
    assert stopped.journal.head() == head


def test_a_skip_with_the_key_of_another_is_refused(stopped: Ledger) -> None:
    skipped(stopped)
    with pytest.raises(KeyReused):
        skipped(stopped, reason="another")


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"reason": " "}, ReasonMissing),
        ({"projection": "loan_now"}, DeadLetterNotFound),
        ({"projection": "nothing"}, ProjectionNotFound),
        ({"projection": None}, AppliedAlready),
    ],
)
def test_a_skip_that_cannot_be_is_refused_and_leaves_all_as_it_was(
    stopped: Ledger, other: dict[str, object], error: type[Exception]
) -> None:
    before = stopped.journal.head(), stopped.upkeep.dead_letters.all()
    with pytest.raises(error):
        skipped(stopped, **other)
    assert (stopped.journal.head(), stopped.upkeep.dead_letters.all()) == before


def test_what_is_skipped_is_not_skipped_again(stopped: Ledger) -> None:
    skipped(stopped)
    with pytest.raises(AlreadySkipped, match="for postings"):
        skipped(stopped, key="another")


@pytest.mark.parametrize(("position", "error"), [(1, DeadLetterNotFound), (99, EventNotFound)])
def test_only_a_dead_letter_is_skipped(stopped: Ledger, position: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"position {position}"):
        stopped.upkeep.skip_dead_letter(position, None, reason="no", key="k")
