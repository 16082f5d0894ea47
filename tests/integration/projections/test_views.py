"""What queries say about loans and books on both axes, beyond the balance of one loan."""

from datetime import date, timedelta

import pytest

from ledger.domain.delinquency import bucket
from ledger.domain.errors import LoanNotFound, OutsideChart
from projections.errors import OutOfBalance, WrongInterval
from projections.queries import Queries
from tests.integration.projections.recorded_book import RecordedBook, a_life, a_withdrawn_mark, opened
from tests.loan_builders import DUE, OPENED, days

AFTER_ALL = days(400)


def with_a_life(recorded: RecordedBook) -> list[int]:
    """Record a life event by event, beside a loan that stays as it was; the positions of the life."""
    recorded.records("loan/other", opened("other").events)
    events = a_life("l").events
    last = recorded.records("loan/l", events)
    recorded.catches_up()
    return list(range(last - len(events) + 1, last + 1))


def test_balances_of_a_date_are_those_that_each_loan_has_alone(recorded: RecordedBook, queries: Queries) -> None:
    positions = with_a_life(recorded)
    for known_at in (*positions, None):
        for on in (OPENED - timedelta(1), OPENED, days(-3), days(5), days(10), AFTER_ALL):
            found = queries.balances_as_of(on, known_at=known_at)
            for loan in found.loans:
                assert loan == queries.loan_as_of(loan.loan, on, known_at=known_at)
            assert sum(total.loans for total in found.totals) == len(found.loans)


def test_balances_of_today_are_those_of_the_current_rows(recorded: RecordedBook, queries: Queries) -> None:
    recorded.lives(3)
    recorded.records("loan/w", a_withdrawn_mark("w").events)
    recorded.catches_up()
    now, then = queries.balances(), queries.balances_as_of(AFTER_ALL)
    names = ("loan", "status", "principal_minor", "total_due_minor", "overdue_minor", "credit_minor")
    assert [[getattr(row, name) for name in names] for row in then.loans] == [
        [getattr(row, name) for name in names] for row in now.loans
    ]
    assert then.totals == now.totals


def test_a_loan_is_late_on_its_date_with_its_bucket(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    found = queries.loan_as_of("l", days(31))
    assert (found.status, found.days_past_due, found.bucket, found.overdue_minor) == ("overdue", 31, bucket(31), 60_00)


def test_a_loan_that_was_not_open_on_a_date_is_not_found_then(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = with_a_life(recorded)
    with pytest.raises(LoanNotFound, match="it was opened on 2026-01-05"):
        queries.loan_as_of("l", OPENED - timedelta(1))
    with pytest.raises(LoanNotFound, match=f"known at position {first - 1}"):
        queries.loan_as_of("l", AFTER_ALL, known_at=first - 1)


def test_a_trial_balance_has_equal_sides_on_every_date_at_every_position(
    recorded: RecordedBook, queries: Queries
) -> None:
    for known_at in with_a_life(recorded):
        for on in (OPENED, days(-3), days(10), AFTER_ALL):
            found = queries.trial_balance(on, known_at=known_at)
            assert found.sums_minor == {"USD": sum(line.debit_minor for line in found.lines)}
            assert found.sums_minor == {"USD": sum(line.credit_minor for line in found.lines)}


def test_a_trial_balance_names_the_accounts_of_the_chart(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    rows = [(row.account, row.type, row.debit_minor, row.credit_minor) for row in queries.trial_balance(days(-3)).lines]
    assert rows == [
        ("cash", "asset", 40_00, 0),
        ("funding", "liability", 0, 200_00),
        ("receivable", "asset", 160_00, 0),
    ]


def test_a_trial_balance_that_does_not_balance_names_the_event(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = with_a_life(recorded)
    change(
        recorded,
        f"update projections.postings set amount_minor = amount_minor + 1 where position = {first} and line = 1",
    )
    with pytest.raises(OutOfBalance, match=f"position {first} adds up to 1 on {OPENED}"):
        queries.trial_balance(AFTER_ALL)


def test_a_trial_balance_refuses_an_account_that_the_chart_has_not(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    change(recorded, "update projections.postings set account = 'petty_cash' where account = 'cash'")
    with pytest.raises(OutsideChart, match="'petty_cash'"):
        queries.trial_balance(AFTER_ALL)


def change(recorded: RecordedBook, statement: str) -> None:
    """What only a fault or a stranger does to a read model."""
    with recorded.database.connect("ledger_projector") as connection:
        connection.execute(statement.encode())


def test_payments_say_where_money_went_and_whether_it_counted_as_known_then(
    recorded: RecordedBook, queries: Queries
) -> None:
    positions = with_a_life(recorded)
    first, second = queries.payments("l")
    assert (first.payment, first.amount_minor, first.value_date, first.reversed_position) == (
        "p1",
        40_00,
        days(-3),
        None,
    )
    assert (second.cause, second.reversed_on) == ("bank_return", days(20))
    assert [(each.installment, each.amount_minor) for each in second.allocations] == [(1, 60_00)]
    assert second.reversed_position in positions
    before = queries.payments("l", known_at=second.reversed_position - 1)
    assert [(each.payment, each.cause) for each in before] == [("p1", None), ("p2", None)]
    assert queries.payments("l", known_at=first.position - 1) == []
    with pytest.raises(LoanNotFound, match=f"known from {positions[0]} on"):
        queries.payments("l", known_at=positions[0] - 1)


def test_a_schedule_is_known_from_the_position_of_its_event(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = with_a_life(recorded)
    [version] = queries.schedules("l")
    assert (version.version, version.from_position) == (1, first)
    assert [(line.due_on, line.principal_minor) for line in version.lines] == [(DUE, 100_00)]
    with pytest.raises(LoanNotFound, match=f"known from {first} on"):
        queries.schedules("l", known_at=first - 1)


def test_a_difference_tells_what_became_known_in_between(recorded: RecordedBook, queries: Queries) -> None:
    first, *_, last = with_a_life(recorded)
    returned = queries.payments("l")[1].reversed_position
    assert returned
    found = queries.loan_diff("l", returned - 1, last)
    changes = {(row.account, row.installment): (row.before_minor, row.after_minor) for row in found.balances}
    assert changes == {("cash", None): (100_00, 40_00), ("receivable", 1): (0, 60_00)}
    assert [each.payment for each in found.payments] == ["p2"]
    assert [each.cured_on for each in found.marks] == [None]
    assert found.schedules == ()
    assert [line.position for line in found.events] == list(range(returned, last + 1))
    assert len(queries.loan_diff("l", first - 1, first).schedules) == 1


def test_two_differences_add_up_to_the_one_over_both(recorded: RecordedBook, queries: Queries) -> None:
    first, *_, last = with_a_life(recorded)
    for middle in range(first, last):
        parts = [queries.loan_diff("l", *between).balances for between in ((first - 1, middle), (middle, last))]
        moved = sum(row.after_minor - row.before_minor for part in parts for row in part if row.account == "receivable")
        [whole] = [row for row in queries.loan_diff("l", first - 1, last).balances if row.account == "receivable"]
        assert moved == whole.after_minor - whole.before_minor


@pytest.mark.parametrize("between", [(3, 3), (4, 3), (-1, 3)])
def test_a_difference_needs_an_earlier_and_a_later_position(
    recorded: RecordedBook, queries: Queries, between: tuple[int, int]
) -> None:
    with_a_life(recorded)
    with pytest.raises(WrongInterval, match="an earlier position"):
        queries.loan_diff("l", *between)


def test_a_portfolio_counts_loans_by_bucket_at_the_end_of_each_month(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    found = queries.portfolio(days(60), days(60))
    assert [(f"{row.month:%m}", row.bucket, row.loans, row.owed_minor) for row in found.stocks] == [
        ("01", "M0", 2, 200_00),
        ("02", "M0", 1, 100_00),
        ("02", "M1", 1, 60_00),
        ("03", "M0", 1, 100_00),
        ("03", "M2", 1, 60_00),
        ("04", "M0", 1, 100_00),
        ("04", "M2", 1, 60_00),
    ]


def test_a_portfolio_ends_where_nothing_changes_any_more(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    last = DUE + timedelta(181)  # then the late loan is in the last bucket
    years_later = last + timedelta(3_000)
    assert f"{queries.portfolio(years_later).until:%Y-%m}" == f"{last:%Y-%m}"
    assert queries.portfolio(days(60)).until == days(60)
    assert f"{queries.portfolio(days(60), date.max).until:%Y-%m}" == f"{last:%Y-%m}"
    assert queries.portfolio(years_later, date.max).until == years_later
    assert queries.portfolio(years_later, days(10)).until == days(10)
    assert queries.portfolio(years_later).stocks[-1].bucket == "M7"
    assert "M7" not in {row.bucket for row in queries.portfolio(last - timedelta(5)).stocks}


def test_a_portfolio_says_what_each_month_brought(recorded: RecordedBook, queries: Queries) -> None:
    with_a_life(recorded)
    rows = [(f"{row.month:%m}", row.loans_opened, row.lent_minor, row.payments, row.collected_minor)
            for row in queries.portfolio(days(60), days(60)).flows]  # fmt: skip
    assert rows == [("01", 2, 200_00, 0, 0), ("02", 0, 0, 1, 40_00)]


def test_a_portfolio_agrees_with_balances_and_delinquency_at_the_end_of_every_month(
    recorded: RecordedBook, queries: Queries
) -> None:
    recorded.lives(4)
    recorded.records("loan/w", a_withdrawn_mark("w").events)
    recorded.catches_up()
    until = days(300)
    stocks = queries.portfolio(until, until).stocks
    months = sorted({row.month for row in stocks})
    for month, following in zip(months, [*months[1:], until + timedelta(1)], strict=True):
        loans = [loan for loan in queries.balances_as_of(following - timedelta(1)).loans if loan.total_due_minor]
        expected = {
            name: (len(found), sum(loan.total_due_minor for loan in found))
            for name in {loan.bucket for loan in loans}
            for found in [[loan for loan in loans if loan.bucket == name]]
        }
        assert {row.bucket: (row.loans, row.owed_minor) for row in stocks if row.month == month} == expected


def test_a_book_without_loans_has_an_empty_portfolio(recorded: RecordedBook, queries: Queries) -> None:
    recorded.catches_up()
    found = queries.portfolio(AFTER_ALL)
    assert (found.stocks, found.flows) == ((), ())
