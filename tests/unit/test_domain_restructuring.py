"""Terms that were eased: what may be said of them, and what a loan is then called, and for how long."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import restructuring
from ledger.domain.classification import Change, Spell, classify
from ledger.domain.delinquency import AS_DUE
from ledger.domain.errors import (
    InvalidDate,
    InvalidIdentifier,
    LoanEnded,
    ReasonMissing,
    RestructuringExists,
    RestructuringNotFound,
)
from ledger.domain.loan import apply
from ledger.domain.restructured import Restructuring
from ledger.policies.classification_policies import classification_scheme
from schemas.errors import LedgerError
from schemas.overdue.restructuring import LoanRestructured
from tests.loan_builders import DUE, OPENED, Life, a_loan, days

TODAY = date(2026, 11, 27)


def eased(on: int = 0, first_payment: int = 30, name: str = "r1") -> Restructuring:
    return Restructuring(restructuring_id=name, on=days(on), first_payment_on=days(first_payment))


def a_spell(due: int, ended: int | None = None) -> Spell:
    return Spell(installment=1, due_on=days(due), overdue_minor=500_00, ended_on=None if ended is None else days(ended))


def changes(
    scheme: str, *restructured: Restructuring, spells: tuple[Spell, ...] = (), as_of: int = 4000
) -> list[Change]:
    return classify(
        classification_scheme(scheme, TODAY),
        spells,
        AS_DUE,
        days(as_of),
        principal_minor=10_000_00,
        currency="EUR",
        restructured=restructured,
    )


def told(scheme: str, *restructured: Restructuring, spells: tuple[Spell, ...] = ()) -> list[tuple[date, str]]:
    return [(each.on, each.after) for each in changes(scheme, *restructured, spells=spells)]


def a_year_after(day: int) -> date:
    return days(day).replace(year=days(day).year + 1)


def test_a_restructured_loan_is_special_mention_for_a_year_after_its_first_payment_date() -> None:
    begun, over = changes("cn_loan", eased(first_payment=30))
    until = a_year_after(30)
    assert begun == Change(
        DUE, "normal", "special_mention", 0, f"restructured on {DUE} (r1); restructured, observed until {until}"
    )
    assert over == Change(until, "special_mention", "normal", 0, "12 months of observation are over")


def test_a_delay_meanwhile_begins_the_year_anew() -> None:
    assert told("cn_loan", eased(first_payment=30), spells=(a_spell(200, ended=210),)) == [
        (DUE, "special_mention"),
        (a_year_after(210), "normal"),
    ]


def test_as_long_as_it_is_past_due_it_is_observed() -> None:
    last = changes("cn_loan", eased(), spells=(a_spell(200),), as_of=1000)[-1]
    assert last.after == "loss"
    assert last.reason.endswith("; restructured and observed")


def test_one_that_was_impaired_comes_back_to_special_mention_only() -> None:
    """Six months of probation lead out of the last three classes, and the year of observation still holds it."""
    found = told("cn_loan", eased(on=100), spells=(a_spell(0, ended=100),))
    assert [name for _, name in found] == ["special_mention", "substandard", "special_mention", "normal"]
    assert found[-1][0] == a_year_after(100)


def test_eased_again_while_it_is_observed_it_is_substandard() -> None:
    first, again = eased(first_payment=30), eased(on=100, first_payment=130, name="r2")
    assert told("cn_loan", again, first) == [
        (DUE, "special_mention"),
        (days(100), "substandard"),
        (a_year_after(130), "normal"),
    ]


def test_eased_again_later_it_begins_as_the_first_time() -> None:
    again = eased(on=500, first_payment=500, name="r2")
    assert [name for _, name in told("cn_loan", eased(), again)] == ["special_mention", "normal"] * 2


def test_it_is_default_for_a_year_in_the_union() -> None:
    assert told("eba_default", eased(first_payment=0)) == [(DUE, "default"), (a_year_after(0), "performing")]


@pytest.mark.parametrize("scheme", ["cn_card", "ifrs9", "us_closed_end", "us_open_end"])
def test_schemes_without_observation_take_no_notice(scheme: str) -> None:
    spells = (a_spell(0, ended=100), a_spell(300))
    assert changes(scheme, eased(), spells=spells) == changes(scheme, spells=spells)


@given(
    on=st.integers(0, 300),
    spell=st.tuples(st.integers(0, 300), st.integers(1, 400)),
    scheme=st.sampled_from(["cn_loan", "eba_default"]),
    day=st.integers(0, 1200),
)
def test_easing_terms_never_makes_a_class_better(on: int, spell: tuple[int, int], scheme: str, day: int) -> None:
    names = classification_scheme(scheme, TODAY).classes
    spells = (a_spell(spell[0], ended=sum(spell)),)
    with_it = changes(scheme, eased(on=on), spells=spells, as_of=day)
    without = changes(scheme, spells=spells, as_of=day)
    held = names.index(with_it[-1].after) if with_it else 0
    assert held >= (names.index(without[-1].after) if without else 0)
    assert all(before.after == after.before for before, after in pairwise(with_it))


@given(day=st.integers(0, 2000), later=st.integers(0, 2000))
def test_what_was_said_of_a_day_stays_as_time_goes_on(day: int, later: int) -> None:
    lives = (eased(on=100), eased(on=300, name="r2")), (a_spell(50, ended=250), a_spell(600, ended=601))
    before = changes("cn_loan", *lives[0], spells=lives[1], as_of=day)
    assert changes("cn_loan", *lives[0], spells=lives[1], as_of=day + later)[: len(before)] == before


def test_it_is_recorded_with_reason_and_dates_and_changes_no_amount() -> None:
    life = Life()
    before = life.loan
    [event] = life.records(restructuring.restructure(before, eased(on=1), "lost work", today=days(2)))
    assert isinstance(event, LoanRestructured)
    assert (event.restructured_on, event.first_payment_on, event.reason) == (days(1), days(30), "lost work")
    assert life.loan.changed(restructured=()) == before
    life.records(restructuring.withdraw(life.loan, "r1", "another loan was meant", today=days(3)))
    assert life.loan == before


@pytest.mark.parametrize(
    ("wish", "reason", "error"),
    [
        (eased(on=-1000), "lost work", InvalidDate),
        (eased(on=6), "lost work", InvalidDate),
        (eased(on=1, first_payment=0), "lost work", InvalidDate),
        (eased(), "  ", ReasonMissing),
        (eased(name="a b"), "lost work", InvalidIdentifier),
        (eased(name="known"), "lost work", RestructuringExists),
    ],
)
def test_what_cannot_be_is_refused_by_name(wish: Restructuring, reason: str, error: type[LedgerError]) -> None:
    life = Life()
    life.records(restructuring.restructure(life.loan, eased(name="known"), "lost work", today=days(1)))
    with pytest.raises(error):
        restructuring.restructure(life.loan, wish, reason, today=days(5))


def test_nothing_is_said_of_a_closed_loan_nor_withdrawn_that_was_never_said() -> None:
    with pytest.raises(LoanEnded):
        restructuring.restructure(a_loan().changed(closed_on=DUE), eased(), "lost work", today=DUE)
    with pytest.raises(RestructuringNotFound, match="it has none"):
        restructuring.withdraw(a_loan(), "r1", "never said", today=DUE)


def test_a_loan_may_be_eased_on_the_day_of_its_agreement() -> None:
    first = restructuring.restructure(
        a_loan(), Restructuring(restructuring_id="r", on=OPENED, first_payment_on=OPENED), "refinanced", today=TODAY
    )
    assert apply(a_loan(), first[0]) != a_loan()
    assert first[0].value_date == OPENED < DUE - timedelta(1)
