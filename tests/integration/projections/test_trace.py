"""Why a figure is what it is: the lines add up to it, and each names its event, its rule, and who had it recorded."""

from datetime import date, timedelta

import pytest

from ledger.domain.errors import InstallmentNotFound, LoanNotFound
from projections.balance_trace import BALANCES
from projections.errors import TraceBroken, UnknownFigure
from projections.queries import Queries
from schemas.loans.servicing import AllocationRule
from tests.agreement_builders import PENALTIES_FIRST, AgreedLife, a_policy, some_terms
from tests.golden.lives import whole_lives
from tests.integration.projections.recorded_book import RecordedBook, a_life
from tests.integration.projections.test_views import change
from tests.integration.projections.traced_lives import BACKDATED, FIRST_DUE, LOAN, an_agreed_life, recorded_life
from tests.loan_builders import OPENED, days

PRINCIPAL_FIRST = AllocationRule(from_days_past_due=91, order=("principal", "interest", "fee", "penalty_interest"))
LAST = date(2024, 3, 10)
DATES = [date(2024, 1, 1), BACKDATED, FIRST_DUE, date(2024, 2, 2), date(2024, 2, 15), date(2024, 3, 2), LAST]


def shown_minor(queries: Queries, balance: str, on: date, position: int) -> int:
    loan = queries.loan_as_of(LOAN, on, known_at=position)
    amount: int = getattr(loan, "total_due_minor" if balance == "total" else f"{balance}_minor")
    return amount


@pytest.mark.parametrize("balance", BALANCES)
def test_the_lines_of_every_date_at_every_position_add_up_to_what_is_shown(
    recorded: RecordedBook, queries: Queries, balance: str
) -> None:
    for position in recorded_life(recorded, an_agreed_life().requests)[1:]:
        for on in DATES:
            found = queries.balance_trace(LOAN, balance, as_of=on, known_at=position)
            assert sum(line.amount_minor for line in found.lines) == found.amount_minor
            assert found.amount_minor == shown_minor(queries, balance, on, position)
            assert all(line.value_date <= on and line.position <= position for line in found.lines)


def test_now_the_lines_add_up_to_the_current_rows(recorded: RecordedBook, queries: Queries) -> None:
    recorded.every_kind()
    recorded.catches_up()
    streams = [stream for stream, *_ in whole_lives() if stream.startswith("loan/")]
    for loan in dict.fromkeys(stream.removeprefix("loan/") for stream in streams):
        row = queries.loan(loan)
        assert queries.balance_trace(loan, "total").amount_minor == row.total_due_minor
        assert queries.balance_trace(loan, "principal").amount_minor == row.principal_minor
        assert queries.balance_trace(loan, "credit").amount_minor == row.credit_minor


def test_the_newest_lines_begin_with_the_sum_of_all_earlier_ones(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, an_agreed_life().requests)
    whole = queries.balance_trace(LOAN, "principal", as_of=LAST)
    for limit in range(1, len(whole.lines) + 2):
        found = queries.balance_trace(LOAN, "principal", as_of=LAST, limit=limit)
        assert found.lines == whole.lines[-limit:]
        assert found.opening_lines == len(whole.lines) - len(found.lines)
        assert found.opening_minor == sum(line.amount_minor for line in whole.lines[: found.opening_lines])


def test_a_line_names_its_event_its_rule_and_who_had_it_recorded(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, an_agreed_life().requests)
    trail = {line.position: line for line in queries.audit_trail(LOAN)}
    found = queries.balance_trace(LOAN, "total", as_of=LAST)
    for line in found.lines:
        event = trail[line.position]
        assert (line.type, line.hash, line.actor) == (event.type, event.hash, "operator:test")
        assert (line.request_id, line.policy, line.engine) == (event.command_id, "test@2024-01-01", "2")
    assert {line.rule for line in found.lines} >= {
        "terms",
        "accrual",
        "penalty_interest",
        "late_fee_or_agreed_fee",
        "fee",
        "allocation",
        "restatement late_fee_or_agreed_fee",
        "restatement allocation",
    }
    assert [rule.from_days_past_due for rule in found.allocation] == [0]


def test_a_line_names_the_order_of_allocation_that_held(recorded: RecordedBook, queries: Queries) -> None:
    """One payment 30 days late, one 91 days late, and one that becomes known after both and counts before them."""
    orders = (AllocationRule(from_days_past_due=0, order=PENALTIES_FIRST), PRINCIPAL_FIRST)
    life = AgreedLife(some_terms(term=3), a_policy(accrual="daily", allocation=orders))
    life.pays(5_00, FIRST_DUE + timedelta(30), name="p1")
    life.pays(5_00, FIRST_DUE + timedelta(91), name="p2")
    life.pays(1_00, FIRST_DUE + timedelta(90), name="p3", today=FIRST_DUE + timedelta(100))
    recorded_life(recorded, life.requests)
    found = queries.balance_trace(LOAN, "total", as_of=FIRST_DUE + timedelta(100))
    told = {line.value_date: line.rule for line in found.lines if line.rule.startswith("allocation")}
    assert told == {
        FIRST_DUE + timedelta(30): "allocation from 0 days past due on",
        FIRST_DUE + timedelta(90): "allocation from 0 days past due on",
        FIRST_DUE + timedelta(91): "allocation from 91 days past due on",
    }


def test_a_loan_without_a_servicing_policy_names_that_of_its_events(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, [a_life(LOAN).events])
    found = queries.balance_trace(LOAN, "total", as_of=days(30))
    assert {line.policy for line in found.lines} == {"bullet/test@2026-01"}
    assert found.allocation == ()


def test_before_anything_counted_there_are_no_lines(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, [a_life(LOAN).events])
    found = queries.balance_trace(LOAN, "total", as_of=OPENED - timedelta(1))
    assert (found.lines, found.opening_lines, found.amount_minor) == ((), 0, 0)


def test_lines_that_do_not_add_up_are_never_shown(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, [a_life(LOAN).events])
    change(recorded, "update projections.loan_now set total_due_minor = total_due_minor + 1")
    with pytest.raises(TraceBroken, match="its postings add up to"):
        queries.balance_trace(LOAN, "total")


def test_an_installment_came_to_its_state_change_by_change(recorded: RecordedBook, queries: Queries) -> None:
    positions = recorded_life(recorded, an_agreed_life().requests)
    for position in positions:
        found = queries.installment_trace(LOAN, 1, known_at=position)
        reached: dict[tuple[object, ...], object] = {}
        for each in found.changes:
            name = each.section, each.name, each.subject, each.on, each.component
            assert reached.get(name) == (each.before or None)
            reached[name] = each.after or None
        state = {(each.section, each.name, each.subject, each.on, each.component): each.value for each in found.state}
        assert {name: value for name, value in reached.items() if value} == state
    assert queries.installment_trace(LOAN, 1).changes == found.changes


def test_a_mark_of_an_installment_says_which_fact_it_followed_from(recorded: RecordedBook, queries: Queries) -> None:
    recorded_life(recorded, an_agreed_life().requests)
    found = queries.installment_trace(LOAN, 1, known_at=None)
    withdrawn = next(each for each in found.changes if each.after == "withdrawn")
    trail = {line.position: line for line in queries.audit_trail(LOAN)}
    assert withdrawn.because_position is not None
    assert "payment p2" in trail[withdrawn.because_position].summary
    short = queries.installment_trace(LOAN, 1, limit=3)
    assert (short.changes, short.earlier_changes) == (found.changes[-3:], len(found.changes) - 3)


def test_what_cannot_be_traced_is_refused(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = recorded_life(recorded, an_agreed_life().requests)
    with pytest.raises(UnknownFigure, match="known are principal, interest"):
        queries.balance_trace(LOAN, "capital")
    with pytest.raises(LoanNotFound, match="nobody"):
        queries.balance_trace("nobody", "total")
    with pytest.raises(LoanNotFound, match="nobody"):
        queries.installment_trace("nobody", 1)
    with pytest.raises(LoanNotFound, match=f"known from {first} on"):
        queries.balance_trace(LOAN, "total", known_at=first - 1)
    with pytest.raises(InstallmentNotFound, match="installments are 1 to 3"):
        queries.installment_trace(LOAN, 4)
