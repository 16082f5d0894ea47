"""Classes by days past due: every edge of every scheme, the way back, pauses, thresholds of materiality."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.classification import Change, Scheme, Spell, classify
from ledger.domain.delinquency import AS_DUE, COUNTERS, FREEZE, PAUSE, Overdue, Pause
from ledger.policies.classification_policies import classification_scheme, classification_schemes, read_scheme
from ledger.policies.dated_folders import UnreadablePolicy

TODAY = date(2026, 11, 27)
DUE = date(2024, 1, 31)
PRINCIPAL = 10_000_00
LATER = DUE + timedelta(4000)


def days(count: int) -> date:
    return DUE + timedelta(count)


def scheme(name: str) -> Scheme:
    return classification_scheme(name, TODAY)


def changes(
    name: str, *spells: Spell, as_of: date = LATER, overdue: Overdue = AS_DUE, principal_minor: int = PRINCIPAL
) -> list[Change]:
    return classify(scheme(name), spells, overdue, as_of, principal_minor=principal_minor, currency="EUR")


def a_spell(due: int = 0, ended: int | None = None, minor: int = 500_00, installment: int = 1) -> Spell:
    ended_on = None if ended is None else days(ended)
    return Spell(installment=installment, due_on=days(due), overdue_minor=minor, ended_on=ended_on)


def class_on(name: str, day: int, *spells: Spell, overdue: Overdue = AS_DUE) -> str:
    found = changes(name, *spells, as_of=days(day), overdue=overdue)
    return found[-1].after if found else scheme(name).classes[0]


@pytest.mark.parametrize("name", classification_schemes())
def test_each_class_begins_on_its_first_day_and_not_a_day_before(name: str) -> None:
    found = scheme(name)
    for first, (before, after) in zip(found.from_days, pairwise(found.classes), strict=True):
        assert (class_on(name, first - 1, a_spell()), class_on(name, first, a_spell())) == (before, after)


@pytest.mark.parametrize(
    ("name", "edges"),
    [
        ("cn_loan", {0: "normal", 1: "special_mention", 90: "special_mention", 91: "substandard",
                     270: "substandard", 271: "doubtful", 360: "doubtful", 361: "loss"}),
        ("cn_card", {0: "normal", 1: "special_mention", 90: "special_mention", 91: "substandard",
                     120: "substandard", 121: "doubtful", 180: "doubtful", 181: "loss"}),
        ("ifrs9", {30: "stage_1", 31: "stage_2", 89: "stage_2", 90: "stage_3"}),
        ("eba_default", {90: "performing", 91: "default"}),
        ("us_closed_end", {29: "current", 30: "past_due_30", 59: "past_due_30", 60: "past_due_60",
                           89: "past_due_60", 90: "past_due_90", 119: "past_due_90", 120: "charge_off_due"}),
        ("us_open_end", {119: "past_due_90", 120: "past_due_120", 149: "past_due_120", 150: "past_due_150",
                         179: "past_due_150", 180: "charge_off_due"}),
    ],
)  # fmt: skip
def test_the_published_edges(name: str, edges: dict[int, str]) -> None:
    assert {day: class_on(name, day, a_spell()) for day in edges} == edges


def test_each_change_says_when_and_why() -> None:
    first, second = changes("cn_loan", a_spell(), as_of=days(91))
    assert first == Change(
        days(1), "normal", "special_mention", 1, "1 day past due since installment 1, due 2024-01-31"
    )
    assert second == Change(
        days(91), "special_mention", "substandard", 91, "91 days past due since installment 1, due 2024-01-31"
    )


def test_who_was_never_impaired_is_back_with_the_payment() -> None:
    *_, last = changes("cn_loan", a_spell(ended=80))
    assert last == Change(days(80), "special_mention", "normal", 0, "nothing past due")


def test_who_was_impaired_comes_back_after_six_months_without_a_delay() -> None:
    *_, doubtful, probation, back = changes("cn_loan", a_spell(ended=300))
    paid_on = days(300)  # 2024-11-26
    assert doubtful.after == "doubtful"
    assert probation == Change(paid_on, "doubtful", "substandard", 0, "probation until 2025-05-26")
    assert back == Change(date(2025, 5, 26), "substandard", "normal", 0, "6 months of probation are over")


def test_a_delay_in_probation_begins_it_anew() -> None:
    late_again = a_spell(due=400, ended=405, installment=2)
    found = changes("cn_loan", a_spell(ended=300), late_again)
    assert [change.after for change in found] == [
        *("special_mention", "substandard", "doubtful", "substandard", "normal"),
    ]
    assert found[-1].on == date(2025, 9, 11)  # six months after 2025-03-11


def test_probation_that_begins_at_the_end_of_a_month_ends_with_one() -> None:
    spell = Spell(installment=1, due_on=date(2024, 8, 1), overdue_minor=1_00, ended_on=date(2025, 8, 31))
    assert changes("cn_loan", spell)[-1].on == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("missing_minor", "principal_minor", "defaults"),
    [
        (100_00, 1_000_00, False),  # not more than 100
        (100_01, 1_000_00, True),
        (100_01, 10_001_00, False),  # not more than 1 %
        (100_02, 10_001_00, True),
    ],
)
def test_default_needs_both_thresholds(missing_minor: int, principal_minor: int, defaults: bool) -> None:
    found = changes("eba_default", a_spell(minor=missing_minor), principal_minor=principal_minor, as_of=days(91))
    assert bool(found) == defaults


def test_the_amount_of_a_threshold_is_of_its_currency_only() -> None:
    """Of 1,000 JPY, which have no decimals, 50 are more than 1 %: no amount in EUR says otherwise."""
    spells, ladder = [a_spell(minor=50)], scheme("eba_default")
    assert classify(ladder, spells, AS_DUE, days(91), principal_minor=1_000, currency="JPY")
    assert not classify(ladder, spells, AS_DUE, days(91), principal_minor=1_000, currency="EUR")
    assert not classify(ladder, spells, AS_DUE, days(91), principal_minor=5_000, currency="JPY")


def test_days_count_from_the_due_date_at_which_too_much_was_missing() -> None:
    spells = [a_spell(minor=60_00), a_spell(due=30, minor=60_00, installment=2)]
    [found] = changes("eba_default", *spells, principal_minor=1_000_00, as_of=days(200))
    assert (found.on, found.reason) == (days(121), "91 days past due since installment 2, due 2024-03-01")


def test_a_pause_moves_the_edges_and_a_freeze_holds_the_class() -> None:
    pause = Pause(pause_id="p", counters=COUNTERS, how=PAUSE, since=days(10), until=days(40))
    assert class_on("cn_loan", 120, a_spell(), overdue=Overdue(pauses=(pause,))) == "special_mention"
    assert class_on("cn_loan", 121, a_spell(), overdue=Overdue(pauses=(pause,))) == "substandard"
    freeze = Pause(pause_id="f", counters=COUNTERS, how=FREEZE, since=days(80), until=days(300))
    assert class_on("cn_loan", 300, a_spell(), overdue=Overdue(pauses=(freeze,))) == "special_mention"
    assert class_on("cn_loan", 301, a_spell(), overdue=Overdue(pauses=(freeze,))) == "doubtful"


def test_what_is_not_confirmed_says_so() -> None:
    assert not any(scheme(name).confirmed for name in classification_schemes())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("from_days = [1]", "each class but the first"),
        ("from_days = [5, 5]", "must rise"),
        ("from_days = [0, 5]", "must rise"),
        ('from_days = [1, 5]\nimpaired = "a"', "a is none of the classes after the first"),
        ("from_days = [1, 5]\nlimit = 3", "limit"),
    ],
)
def test_a_scheme_that_makes_no_sense_says_why(values: str, said: str) -> None:
    text = f"""
source = "nobody"
confidence = "low"
[values]
title = "test"
confirmed = false
classes = ["a", "b", "c"]
{values}
"""
    with pytest.raises(UnreadablePolicy, match=said):
        read_scheme("test@2026-01-01", text)


@st.composite
def some_spells(draw: st.DrawFn) -> list[Spell]:
    dues = sorted(draw(st.lists(st.integers(0, 900), max_size=6, unique=True)))
    return [
        a_spell(due, draw(st.none() | st.integers(due + 1, due + 500)), draw(st.integers(1, 300_00)), number)
        for number, due in enumerate(dues, 1)
    ]


@st.composite
def some_pauses(draw: st.DrawFn) -> Overdue:
    pauses = [
        Pause(
            pause_id=f"p{number}",
            counters=COUNTERS,
            how=draw(st.sampled_from([PAUSE, FREEZE])),
            since=days(since),
            until=draw(st.none() | st.dates(days(since), days(since + 200))),
        )
        for number, since in enumerate(draw(st.lists(st.integers(0, 900), max_size=2)))
    ]
    return Overdue(pauses=tuple(pauses))


schemes = st.sampled_from(classification_schemes())


@given(name=schemes, spells=some_spells(), overdue=some_pauses(), day=st.integers(0, 1500))
def test_what_comes_later_changes_no_class_of_before(
    name: str, spells: list[Spell], overdue: Overdue, day: int
) -> None:
    whole = changes(name, *spells, overdue=overdue)
    assert changes(name, *spells, overdue=overdue, as_of=days(day)) == [each for each in whole if each.on <= days(day)]


@given(name=schemes, spells=some_spells(), overdue=some_pauses())
def test_changes_follow_each_other(name: str, spells: list[Spell], overdue: Overdue) -> None:
    found = changes(name, *spells, overdue=overdue)
    assert all(before.after == after.before and before.on <= after.on for before, after in pairwise(found))
    assert not found or found[0].before == scheme(name).classes[0]


@given(spells=some_spells(), overdue=some_pauses(), day=st.integers(0, 1500))
def test_without_a_probation_the_class_is_that_of_the_days_alone(
    spells: list[Spell], overdue: Overdue, day: int
) -> None:
    ladder, on = scheme("us_open_end"), days(day)
    late = [
        overdue.days(spell.due_on, spell.due_on, on, "regulatory")
        for spell in spells
        if spell.due_on < on and (spell.ended_on is None or spell.ended_on > on)
    ]
    reached = sum(1 for first in ladder.from_days if max(late, default=0) >= first)
    assert class_on("us_open_end", day, *spells, overdue=overdue) == ladder.classes[reached]
