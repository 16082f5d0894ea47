"""Classes, roll rates, vintages and traces of a made-up book, against what other questions say loan by loan."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.application.commands import LoanCommand
from ledger.application.counting_commands import (
    PauseCounting,
    RestructureLoan,
    SetOverdueRules,
    WithdrawRestructuring,
)
from ledger.application.dev_book.plan import Plan
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.errors import LoanNotFound
from ledger.journal.database import Database
from ledger.policies.classification_policies import classification_scheme
from ledger.settings import Settings
from projections.delinquency_history import PAID, RollRates
from projections.queries import Queries

TODAY = date(2026, 11, 27)
UNTIL = date(2016, 12, 23)
NOW = datetime(2016, 12, 24, 12, tzinfo=UTC)
PLAN = Plan(loans=300, until=UNTIL, late_share=0.6)

Fresh = Callable[[str | None], Database]


@pytest.fixture(scope="module")
def ledger(fresh_database: Fresh, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    database, folder = fresh_database(template), tmp_path_factory.mktemp("history")
    with Ledger(Settings(data=folder, database_url=database.url), clock=lambda: NOW) as ledger:
        ledger.write_dev_book("dev", PLAN)
        yield ledger


@pytest.fixture
def queries(ledger: Ledger) -> Iterator[Queries]:
    with ledger.queries() as queries:
        yield queries


def executed(ledger: Ledger, command: LoanCommand, key: str) -> int:
    order = Order(command=command, key=key, today=ledger.today(), principal="operator:ann")
    position = ledger.desk.execute(order).last_position
    assert position
    return position


def test_classes_are_those_of_the_days_that_delinquency_tells(queries: Queries) -> None:
    scheme = classification_scheme("us_open_end", UNTIL)
    for as_of in (date(2016, 7, 1), date(2016, 10, 31), UNTIL):
        expected = {
            row.loan: scheme.classes[sum(1 for first in scheme.from_days if row.days_past_due >= first)]
            for row in queries.delinquency(as_of)
        }
        found = {row.loan: row.now for row in queries.classified(scheme, as_of)}
        assert {loan: now for loan, now in found.items() if now != "current"} == {
            loan: now for loan, now in expected.items() if now != "current"
        }
        assert len(set(expected.values())) > 2


def test_the_changes_of_a_loan_end_in_its_class_and_each_says_why(queries: Queries) -> None:
    scheme = classification_scheme("cn_loan", date(2026, 1, 1))
    rows = queries.classified(scheme, UNTIL)
    assert {"special_mention", "substandard", "doubtful"} <= {row.now for row in rows}
    for row in rows:
        assert row.changes[-1].after == row.now
        assert all(change.reason for change in row.changes)
    assert queries.classified(scheme, UNTIL, loan_id=rows[0].loan) == rows[:1]
    with pytest.raises(LoanNotFound):
        queries.classified(scheme, UNTIL, loan_id="nobody")


def by_hand(queries: Queries, before: date, after: date) -> RollRates:
    """Loan by loan, from what each owed and how late it was on both dates."""
    late = {on: {row.loan: row.bucket for row in queries.delinquency(on)} for on in (before, after)}
    owed = {on: {row.loan for row in queries.balances_as_of(on).loans if row.total_due_minor} for on in (before, after)}
    moves = Counter(
        (late[before].get(loan, "M0"), late[after].get(loan, "M0") if loan in owed[after] else PAID)
        for loan in owed[before]
    )
    loans: dict[str, dict[str, int]] = {}
    for (was, now), count in sorted(moves.items()):
        loans.setdefault(was, {})[now] = count
    return RollRates(month=before, following=after, currency="USD", loans=loans)


def test_roll_rates_are_what_each_loan_did(queries: Queries) -> None:
    found = queries.roll_rates(UNTIL, 3)
    ends = [date(2016, 8, 31), date(2016, 9, 30), date(2016, 10, 31), date(2016, 11, 30)]
    assert found == [by_hand(queries, *pair) for pair in pairwise(ends)]
    assert sum(found[-1].loans["M0"].values()) > 20
    rate = found[-1].rate("M0", "M1")
    assert rate is not None
    assert 0 < rate < 1
    assert found[-1].rate("M9", "M0") is None


def test_vintages_count_each_loan_from_the_month_in_which_it_was_first_so_late(queries: Queries) -> None:
    found = queries.vintages(UNTIL, 31)
    assert sum(each.loans for each in found) == PLAN.loans
    first_late: dict[str, date] = {}
    day = PLAN.first_day
    while day <= UNTIL:
        for row in queries.delinquency(day):
            if row.days_past_due >= 31:
                first_late.setdefault(row.loan, day)
        day += timedelta(1)
    opened = {row.loan: row.opened_on for row in queries.balances().loans}
    for each in found:
        mine = [on for loan, on in first_late.items() if opened[loan].replace(day=1) == each.month]
        assert each.ever_late[-1] == len(mine)
        assert list(each.ever_late) == sorted(each.ever_late)
        first_month = [on for on in mine if (on.year, on.month) == (each.month.year, each.month.month)]
        assert each.ever_late[0] == len(first_month)


def test_a_pause_counts_for_every_answer_and_only_from_when_it_was_known(ledger: Ledger, queries: Queries) -> None:
    late = max(queries.delinquency(UNTIL), key=lambda row: row.days_past_due)
    before = ledger.journal.head().position
    executed(ledger, PauseCounting(loan_id=late.loan, reason="moratorium", since=late.due_on, pause_id="m1"), "m1")
    scheme = classification_scheme("us_open_end", UNTIL)
    assert late.loan not in [row.loan for row in queries.delinquency(UNTIL)]
    assert queries.classified(scheme, UNTIL, loan_id=late.loan) == []
    [known] = queries.delinquency(UNTIL, known_at=before, loan_id=late.loan)
    assert known == late
    assert queries.classified(scheme, UNTIL, known_at=before, loan_id=late.loan)[0].now == "charge_off_due"
    trace = queries.overdue_trace(late.loan, UNTIL)
    assert {(each.counter, each.days) for each in trace.counters} == {
        *(("contractual", 0), ("bureau", 0), ("regulatory", 0)),
    }
    assert [pause.pause_id for pause in trace.counters[0].pauses] == ["m1"]
    assert trace.changes[-1].cause == "pause"
    assert trace.changes[-1].because_of == "m1"
    assert trace.changes[-1].fact["withdrawn"]


def test_a_restructuring_counts_for_classes_only_from_when_it_was_known_until_it_is_withdrawn(
    ledger: Ledger, queries: Queries
) -> None:
    """Of a loan that was never late, and so has no spell: it is classed by what was said alone."""
    scheme, loan = classification_scheme("cn_loan", TODAY), never_late(queries)
    opened_on = queries.loan(loan).opened_on
    before = ledger.journal.head().position
    eased = RestructureLoan(
        loan_id=loan, reason="lost work", on=opened_on, first_payment_on=opened_on, restructuring_id="r1"
    )
    known = executed(ledger, eased, "eased")
    [row] = queries.classified(scheme, opened_on, loan_id=loan)
    assert (row.now, row.since, row.days_past_due) == ("special_mention", opened_on, 0)
    assert [loan] == [each.loan for each in queries.classified(scheme, opened_on) if each.loan == loan]
    assert queries.classified(scheme, opened_on, known_at=before, loan_id=loan) == []
    assert queries.overdue_trace(loan, UNTIL).changes[-1].fact["reason"] == "lost work"
    executed(ledger, WithdrawRestructuring(loan_id=loan, restructuring_id="r1", reason="in error"), "none")
    assert queries.classified(scheme, opened_on, loan_id=loan) == []
    assert queries.classified(scheme, opened_on, known_at=known, loan_id=loan) == [row]


def never_late(queries: Queries) -> str:
    scheme = classification_scheme("cn_loan", TODAY)
    loans = (row.loan for row in queries.balances(limit=1000).loans)
    return next(loan for loan in loans if queries.classified(scheme, UNTIL, loan_id=loan) == [])


def test_classes_say_what_their_loans_owe_and_leave_out_those_that_owe_nothing(queries: Queries) -> None:
    scheme, on = classification_scheme("cn_loan", TODAY), date(2016, 10, 31)
    found = queries.classified(scheme, on)
    assert found
    for row in found:
        assert row.owed_minor == queries.loan_as_of(row.loan, on).total_due_minor > 0
    listed = {row.loan for row in found}
    [paid, *_] = [row.loan for row in queries.classified(scheme, date(2016, 9, 1)) if row.loan not in listed]
    [once] = queries.classified(scheme, on, loan_id=paid)
    assert once.owed_minor == 0


def test_each_counter_counts_by_its_own_rule(ledger: Ledger, queries: Queries) -> None:
    late = [row for row in queries.delinquency(UNTIL) if row.days_past_due > 10][-1]
    executed(ledger, SetOverdueRules(loan_id=late.loan, policy="grace_of_3_days"), "grace")
    trace = queries.overdue_trace(late.loan, UNTIL)
    assert {each.counter: each.days for each in trace.counters} == {
        "contractual": late.days_past_due - 3,
        "bureau": late.days_past_due,
        "regulatory": late.days_past_due,
    }
    contractual = trace.counters[0]
    assert (contractual.policy, contractual.in_time_until) == (
        "grace_of_3_days@1900-01-01",
        late.due_on + timedelta(3),
    )
    assert contractual.missing_minor == late.overdue_minor
    assert sum(each.missing_minor for each in trace.installments) == late.overdue_minor
    [row] = queries.delinquency(UNTIL, loan_id=late.loan)
    assert row.days_past_due == late.days_past_due - 3
    with pytest.raises(LoanNotFound):
        queries.overdue_trace("nobody", UNTIL)


def test_charts_are_drawn_and_the_same_again(queries: Queries, tmp_path: Path) -> None:
    from ledger.entrypoints.cli.charts import draw_roll_rates, draw_vintages  # noqa: PLC0415 - draws only here

    rates, cohorts = queries.roll_rates(UNTIL, 6), queries.vintages(UNTIL, 31)
    files = [tmp_path / name for name in ("a.svg", "b.svg", "c.svg", "d.svg")]
    for rolls, vintage in (files[:2], files[2:]):
        draw_roll_rates(rates, rolls)
        draw_vintages(cohorts, 31, vintage)
    assert files[0].read_bytes() == files[2].read_bytes()
    assert files[1].read_bytes() == files[3].read_bytes()
    assert "from M0" in files[0].read_text()
    assert "Loans ever 31 days past due" in files[1].read_text()
