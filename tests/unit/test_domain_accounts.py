"""Lines of double entry stand on accounts of the chart, and add up to zero on each date."""

from collections.abc import Callable
from datetime import date

import pytest
from msgspec.structs import replace

from ledger.domain.accounts import require_bookable
from ledger.domain.errors import OutsideChart, Unbalanced
from ledger.policies.charts import NoChart, UnreadableChart, chart_on, read_chart
from schemas.values import ABSENT, Posting
from tests.loan_builders import OPENED, Life, a_bullet, days

CHART = chart_on(OPENED)
ACCOUNT = 'name = "Cash"\ntype = "asset"\nside = "debit"\ncomponents = []\n'


def test_all_lines_that_the_rules_of_a_loan_write_are_in_the_chart() -> None:
    life = Life()
    life.pays(60_00, days(3))
    life.pays(70_00, days(1), today=days(4))
    life.reverses("p1", days(5))
    require_bookable(CHART, [a_bullet(), *life.events])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda line: replace(line, account="petty_cash"), "account 'petty_cash', which is not in it"),
        (
            lambda line: replace(line, component="tax"),
            "receivable for component tax; it carries one of fee, interest, penalty_interest, principal",
        ),
        (
            lambda line: replace(line, component=ABSENT),
            "component none; it carries one of fee, interest, penalty_interest, principal",
        ),
        (lambda line: replace(line, installment=ABSENT), "receivable for no installment"),
        (lambda line: replace(line, account="cash"), "cash for component principal; it carries none"),
        (lambda line: replace(line, account="cash", component=ABSENT), "cash for installment 1"),
    ],
)
def test_a_line_that_the_chart_does_not_allow_is_named(wrong: Callable[[Posting], Posting], says: str) -> None:
    opened = a_bullet()
    line, *rest = opened.postings
    with pytest.raises(OutsideChart, match=says):
        require_bookable(CHART, [replace(opened, postings=(wrong(line), *rest))])


def test_lines_that_add_up_over_two_dates_but_not_on_each_are_refused() -> None:
    opened = a_bullet()
    line, rest = opened.postings
    with pytest.raises(Unbalanced, match=f"of {OPENED} add up to -10000 USD|of {days(0)} add up to 10000 USD"):
        require_bookable(CHART, [replace(opened, postings=(replace(line, value_date=days(0)), rest))])


def test_events_that_move_no_money_need_no_chart() -> None:
    require_bookable(read_chart("2026-01-01", ""), Life().day_end(days(1)))


def test_a_date_before_the_first_chart_has_none() -> None:
    with pytest.raises(NoChart, match="1899-12-31"):
        chart_on(date(1899, 12, 31))


@pytest.mark.parametrize(
    ("version", "text", "says"),
    [
        ("2026-01-01", "[cash", "TOMLDecodeError"),
        ("2026-01-01", '[cash]\nname = "Cash"', "type"),
        ("2026-01-01", "[cash]\n" + ACCOUNT.replace("asset", "hope"), "hope"),
        ("2026-01-01", "[cash]\n" + ACCOUNT.replace("debit", "left"), "left"),
        ("2026-01-01", "[cash]\n" + ACCOUNT + 'colour = "red"', "colour"),
        ("2026-01-01", "cash = 1", "cash|int"),
        ("first", "[cash]\n" + ACCOUNT, "first"),
    ],
)
def test_a_chart_that_cannot_be_read_says_what_is_wrong(version: str, text: str, says: str) -> None:
    with pytest.raises(UnreadableChart, match=says):
        read_chart(version, text)


def test_a_chart_has_accounts_with_their_sides() -> None:
    account = read_chart("2026-01-01", "[cash]\n" + ACCOUNT).accounts["cash"]
    assert (account.code, account.name, account.type.value, account.side.value) == ("cash", "Cash", "asset", "debit")
