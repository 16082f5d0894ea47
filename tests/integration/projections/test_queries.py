"""What queries answer: balances, delinquency on any date, both axes, trails."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from ledger.domain.errors import LoanNotFound
from ledger.policies.classification_policies import classification_scheme
from projections.answers import DelinquentLoan
from projections.catalogue import PROJECTIONS
from projections.queries import READS, Queries
from schemas.books.events import DayTotals
from schemas.envelope import digest
from schemas.errors import LedgerError
from schemas.values import Event, MoneyEvent
from tests.integration.projections.recorded_book import RecordedBook, a_life, a_withdrawn_mark, opened
from tests.loan_builders import DUE, Life, days


def with_loans(recorded: RecordedBook) -> RecordedBook:
    """`late` pays half 10 days late and the rest 40 days late; `open` never pays; `good` pays in time."""
    late = opened("late")
    late.day_end(days(1))
    late.pays(50_00, days(10))
    late.pays(50_00, days(40))
    good = opened("good")
    good.pays(120_00, days(0))
    never = opened("open")
    never.day_end(days(1))
    for life in (late, good, never):
        recorded.records(f"loan/{life.loan.loan_id}", life.events)
    recorded.catches_up()
    return recorded


def in_short(rows: list[DelinquentLoan]) -> list[tuple[str, int, str, int]]:
    return [(row.loan, row.days_past_due, row.bucket, row.overdue_minor) for row in rows]


def test_balances_come_in_order_of_ids_with_totals_over_all(recorded: RecordedBook, queries: Queries) -> None:
    with_loans(recorded)
    found = queries.balances()
    assert [(row.loan, row.status, row.total_due_minor, row.credit_minor) for row in found.loans] == [
        ("good", "paid_off", 0, 20_00),
        ("late", "paid_off", 0, 0),
        ("open", "overdue", 100_00, 0),
    ]
    assert [(total.status, total.loans, total.total_due_minor) for total in found.totals] == [
        ("overdue", 1, 100_00),
        ("paid_off", 2, 0),
    ]


def test_a_page_of_balances_begins_after_a_loan(recorded: RecordedBook, queries: Queries) -> None:
    with_loans(recorded)
    page = queries.balances(after="good", limit=1)
    assert [row.loan for row in page.loans] == ["late"]
    assert sum(total.loans for total in page.totals) == 3


@pytest.mark.parametrize(
    ("after_due", "expected"),
    [
        (0, []),
        (1, [("late", 1, "M1", 100_00), ("open", 1, "M1", 100_00)]),
        (9, [("late", 9, "M1", 100_00), ("open", 9, "M1", 100_00)]),
        (10, [("late", 10, "M1", 50_00), ("open", 10, "M1", 100_00)]),
        (31, [("late", 31, "M2", 50_00), ("open", 31, "M2", 100_00)]),
        (40, [("open", 40, "M2", 100_00)]),
        (181, [("open", 181, "M7", 100_00)]),
    ],
)
def test_delinquency_is_that_of_its_date_also_in_the_past(
    recorded: RecordedBook, queries: Queries, after_due: int, expected: list[tuple[str, int, str, int]]
) -> None:
    with_loans(recorded)
    assert in_short(queries.delinquency(days(after_due))) == expected


def test_a_withdrawn_mark_was_never_delinquency_except_for_who_asks_what_was_known(
    recorded: RecordedBook, queries: Queries
) -> None:
    life = opened("l")
    life.day_end(days(1))
    marked_at = recorded.records("loan/l", life.events)
    recorded.records("loan/l", life.pays(100_00, days(0), today=days(5)))
    recorded.catches_up()
    assert queries.delinquency(days(3)) == []
    assert in_short(queries.delinquency(days(3), known_at=marked_at)) == [("l", 3, "M1", 100_00)]


def test_the_longest_delinquency_comes_first(recorded: RecordedBook, queries: Queries) -> None:
    with_loans(recorded)
    rows = queries.delinquency(days(20))
    assert rows == sorted(rows, key=lambda row: (-row.days_past_due, row.loan))
    assert {row.due_on for row in rows} == {DUE}


@pytest.mark.parametrize("make_life", [a_life, a_withdrawn_mark])
def test_a_balance_as_of_any_date_known_at_any_position_is_the_sum_of_its_postings(
    recorded: RecordedBook, queries: Queries, make_life: Callable[[str], Life]
) -> None:
    events = make_life("l").events
    last = recorded.records("loan/l", events)
    recorded.catches_up()
    first = last - len(events) + 1
    for position in range(first, last + 1):
        for on in map(days, (-40, -3, 0, 9, 10, 30)):
            expected = owed(events[: position - first + 1], on)
            assert queries.balance_as_of("l", on, known_at=position).total_due_minor == expected


def owed(events: list[Event], on: date) -> int:
    """What events say is receivable on a value date."""
    postings = [posting for event in events if isinstance(event, MoneyEvent) for posting in event.postings]
    return sum(each.amount_minor for each in postings if each.account == "receivable" and each.value_date <= on)


def test_a_history_tells_what_each_event_changed_and_what_was_owed_then(
    recorded: RecordedBook, queries: Queries
) -> None:
    with_loans(recorded)
    lines = [(line.change_minor, line.due_minor) for line in queries.history("late") if line.change_minor]
    assert lines == [(100_00, 100_00), (-50_00, 50_00), (-50_00, 0)]


def test_an_audit_trail_shows_each_event_with_the_hash_of_its_bytes_and_of_the_one_before(
    recorded: RecordedBook, queries: Queries
) -> None:
    with_loans(recorded)
    events = recorded.journal.streams(["loan/late"])["loan/late"]
    hashes = [digest(event.state).hex() for event in events]
    trail = queries.audit_trail("late")
    assert [(line.position, line.hash) for line in trail] == [
        (event.position, found) for event, found in zip(events, hashes, strict=True)
    ]
    assert [line.prevhash for line in trail] == [None, *hashes[:-1]]


def test_the_position_of_a_moment_is_the_last_one_recorded_by_then(recorded: RecordedBook, queries: Queries) -> None:
    with_loans(recorded)
    line = queries.audit_trail("late")[0]
    assert queries.position_at(line.recorded_at) >= line.position


@pytest.mark.parametrize("question", ["loan", "history", "audit_trail"])
def test_a_loan_that_is_not_there_is_named(recorded: RecordedBook, queries: Queries, question: str) -> None:
    recorded.catches_up()
    with pytest.raises(LoanNotFound, match="nobody"):
        getattr(queries, question)("nobody")


ASKS: dict[str, Callable[[Queries], object]] = {
    "balances": lambda queries: queries.balances(),
    "loan": lambda queries: queries.loan("late"),
    "balances_as_of": lambda queries: queries.balances_as_of(days(3)),
    "delinquency": lambda queries: queries.delinquency(days(3)),
    "balance_as_of": lambda queries: queries.balance_as_of("late", days(3)),
    "loan_as_of": lambda queries: queries.loan_as_of("late", days(3)),
    "loan_diff": lambda queries: queries.loan_diff("late", 1, 4),
    "restatement": lambda queries: queries.restatement("late", 1, 4),
    "balance_trace": lambda queries: queries.balance_trace("late", "overdue", as_of=days(3)),
    "installment_trace": lambda queries: queries.installment_trace("late", 1),
    "schedules": lambda queries: queries.schedules("late"),
    "payments": lambda queries: queries.payments("late"),
    "statement": lambda queries: queries.statement("late", None, days(3)),
    "trial_balance": lambda queries: queries.trial_balance(days(3)),
    "portfolio": lambda queries: queries.portfolio(days(3), days(3)),
    "history": lambda queries: queries.history("late"),
    "audit_trail": lambda queries: queries.audit_trail("late"),
    "loans_with_mandate": lambda queries: queries.loans_with_mandate(days(3), limit=10),
    "position_at": lambda queries: queries.position_at(datetime(2030, 1, 1, tzinfo=UTC)),
    "day_proofs": lambda queries: queries.day_proofs("service:day-end", 1),
    "overdue_trace": lambda queries: queries.overdue_trace("late", days(3)),
    "classified": lambda queries: queries.classified(classification_scheme("cn_loan", days(3)), days(3)),
    "roll_rates": lambda queries: queries.roll_rates(days(60), 1),
    "vintages": lambda queries: queries.vintages(days(60), 31),
}


def test_each_question_reads_the_projections_that_it_waits_for_and_no_others(
    recorded: RecordedBook, queries: Queries
) -> None:
    with_loans(recorded)
    totals = DayTotals(
        book_id=recorded.book.book_id, business_date=days(1), after_position=0, through_position=2, loans_visited=0
    )
    recorded.records(f"book/{recorded.book.book_id}", [totals])
    recorded.catches_up()
    assert ASKS.keys() == READS.keys()
    for question, ask in ASKS.items():
        for each in PROJECTIONS:
            with recorded.database.connect("ledger_projector") as connection:
                move = [f"alter table {{}}.{table} set schema {{}}" for table in each.tables]
                for statement in move:
                    connection.execute(statement.format("projections", "projections_old").encode())
            try:
                if each in READS[question]:
                    with pytest.raises(LedgerError):
                        ask(queries)
                else:
                    ask(queries)
            finally:
                with recorded.database.connect("ledger_projector") as connection:
                    for statement in move:
                        connection.execute(statement.format("projections_old", "projections").encode())
