"""Account statements from postings and the trail: every amount has its event, and the lines lead to the balance."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest

from ledger.domain.errors import LoanNotFound, OutsideChart
from projections.errors import NothingPosted, WrongInterval
from projections.queries import Queries
from projections.statement_answers import AccountStatement, Amounts
from schemas.loans.events import LoanPaidOff
from schemas.values import Event
from tests.integration.projections.recorded_book import RecordedBook, a_life, a_withdrawn_mark, opened
from tests.integration.projections.test_views import change
from tests.loan_builders import BASIS, DUE, OPENED, days
from tests.statement_builders import STANDING, a_charged_life, owes

AFTER_ALL = days(400)
DATES = [OPENED - timedelta(1), OPENED, days(-5), DUE, days(1), days(10), days(12), AFTER_ALL]


def with_life(recorded: RecordedBook, events: Sequence[Event], loan: str = "l") -> list[int]:
    """Record a loan's events; their positions."""
    last = recorded.records(f"loan/{loan}", events)
    recorded.catches_up()
    return list(range(last - len(events) + 1, last + 1))


def charged(recorded: RecordedBook) -> list[int]:
    return with_life(recorded, a_charged_life("l"))


def in_short(found: AccountStatement) -> list[tuple[int, date, int, int, int]]:
    """Of each line: which event of the loan, value date, change of what is owed and of credit, money that moved."""
    first = min(line.position for line in found.lines)
    return [
        (
            line.position - first,
            line.value_date,
            line.change.total_due_minor,
            line.change.credit_minor,
            line.cash_minor,
        )
        for line in found.lines
    ]


def test_a_statement_has_a_line_for_each_event_and_value_date(recorded: RecordedBook, queries: Queries) -> None:
    positions = charged(recorded)
    assert in_short(queries.statement("l", None, AFTER_ALL, known_at=positions[3])) == [
        (0, OPENED, 100_00, 0, -100_00),
        (1, DUE, 2_00, 0, 0),
        (1, days(1), 5_00, 0, 0),
        (2, days(10), -107_00, 8_00, 115_00),
        (3, days(12), 0, -3_00, -3_00),
    ]


def test_what_became_known_late_stands_on_its_value_dates_as_a_correction(
    recorded: RecordedBook, queries: Queries
) -> None:
    positions = charged(recorded)
    found = queries.statement("l", days(-5), days(10), known_at=positions[5])
    assert [line for line, row in zip(in_short(found), found.lines, strict=True) if row.compensates] == [
        (4, days(1), -5_00, 0, 0),
        (4, days(10), 55_00, 55_00, 0),
    ]
    assert (found.opening, found.closing) == (owes(principal=100_00), owes(credit=63_00))


def test_a_reversal_compensates_and_charges_on_their_own_dates_do_not(recorded: RecordedBook, queries: Queries) -> None:
    positions = charged(recorded)
    lines = queries.statement("l", None, AFTER_ALL).lines
    assert {line.position for line in lines if line.compensates} == set(positions[5:])
    assert lines[-1].balance == owes(credit=5_00)


def test_a_late_payment_corrects_where_it_moves_what_a_later_one_had_covered(
    recorded: RecordedBook, queries: Queries
) -> None:
    life = opened("l")
    life.pays(100_00, days(-3))
    life.pays(30_00, days(-10), today=days(5))
    with_life(recorded, life.events)
    lines = [
        (line.value_date, line.change, line.compensates) for line in queries.statement("l", days(-10), AFTER_ALL).lines
    ]
    assert lines == [
        (days(-10), owes(principal=-30_00), False),
        (days(-3), owes(principal=-100_00), False),
        (days(-3), owes(principal=30_00, credit=30_00), True),
    ]


@pytest.mark.parametrize("make_events", [lambda: a_charged_life("l"), lambda: a_life("l").events])
def test_for_every_period_at_every_position_the_lines_lead_from_one_balance_to_the_other(
    recorded: RecordedBook, queries: Queries, make_events: Callable[[], Sequence[Event]]
) -> None:
    for position in with_life(recorded, make_events()):
        for since in DATES:
            for until in (on for on in DATES if on >= since):
                found = queries.statement("l", since, until, known_at=position)
                moved = sum((line.change.total_due_minor for line in found.lines), found.opening.total_due_minor)
                assert moved == found.closing.total_due_minor
                assert all(since <= line.value_date <= until and line.position <= position for line in found.lines)


def test_a_balance_of_a_statement_is_that_of_the_same_date(recorded: RecordedBook, queries: Queries) -> None:
    with_life(recorded, a_life("l").events)
    for on in DATES[1:]:
        closing, balance = queries.statement("l", None, on).closing, queries.balance_as_of("l", on)
        assert (closing.total_due_minor, closing.principal_minor) == (balance.total_due_minor, balance.principal_minor)
        assert closing.credit_minor == balance.credit_minor


def test_every_amount_names_its_event_by_position_and_hash(recorded: RecordedBook, queries: Queries) -> None:
    charged(recorded)
    trail = {line.position: line for line in queries.audit_trail()}
    for line in queries.statement("l", None, AFTER_ALL).lines:
        assert (line.hash, line.type) == (trail[line.position].hash, trail[line.position].type)


def test_a_statement_asked_for_again_later_is_the_same(recorded: RecordedBook, queries: Queries) -> None:
    events = a_charged_life("l")
    recorded.records("loan/l", events[:4])
    recorded.catches_up()
    before = queries.statement("l", None, AFTER_ALL)
    recorded.records("loan/l", events[4:])
    recorded.catches_up()
    assert queries.statement("l", None, AFTER_ALL, known_at=before.known_at) == before
    assert queries.statement("l", None, AFTER_ALL) != before


def test_a_period_before_all_that_happened_is_empty(recorded: RecordedBook, queries: Queries) -> None:
    charged(recorded)
    found = queries.statement("l", date.min, OPENED - timedelta(1))
    assert (found.opening, found.lines, found.closing) == (Amounts(), (), Amounts())
    assert len(queries.statement("l", date.min, date.max).lines) == len(queries.statement("l", None, AFTER_ALL).lines)


def test_a_statement_that_cannot_be_is_refused(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = with_life(recorded, a_withdrawn_mark("l").events)
    with pytest.raises(WrongInterval, match=f"from {DUE} until {OPENED}"):
        queries.statement("l", DUE, OPENED)
    with pytest.raises(WrongInterval, match=f"from {OPENED} until {OPENED - timedelta(1)}"):
        queries.statement("l", None, OPENED - timedelta(1))
    with pytest.raises(LoanNotFound, match="nobody"):
        queries.statement("nobody", None, DUE)
    with pytest.raises(LoanNotFound, match=f"known from {first} on"):
        queries.statement("l", None, DUE, known_at=first - 1)


def test_a_loan_on_which_nothing_moved_has_no_statement(recorded: RecordedBook, queries: Queries) -> None:
    idle = LoanPaidOff(loan_id="idle", currency="USD", standing=STANDING, basis=BASIS, paid_off_on=DUE)
    with_life(recorded, [idle], "idle")
    with pytest.raises(NothingPosted, match="nothing was paid out"):
        queries.statement("idle", None, AFTER_ALL)


def test_what_is_owed_as_something_unknown_is_never_left_out_in_silence(
    recorded: RecordedBook, queries: Queries
) -> None:
    charged(recorded)
    change(recorded, "update projections.postings set component = 'commission' where component = 'fee'")
    with pytest.raises(OutsideChart, match=r"owed as something other than principal"):
        queries.statement("l", None, AFTER_ALL)
