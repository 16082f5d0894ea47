"""The overdue policies are read, dated, and refuse what does not fit together."""

from datetime import date

import pytest

from ledger.policies.dated_folders import UnknownPolicy, UnreadablePolicy
from ledger.policies.overdue_policies import (
    PolicyOfOtherCurrency,
    overdue_policies,
    overdue_policy,
    read_overdue_policy,
)
from schemas.overdue.rules import CounterRule

TODAY = date(2026, 11, 26)
GOOD = """
source = "contract"
confidence = "high"
[values]
[values.contractual]
grace_days = 2
"""


@pytest.mark.parametrize("name", overdue_policies())
def test_every_policy_is_read_and_named_with_its_date(name: str) -> None:
    currency = {"cn_card": "CNY", "eu_retail": "EUR"}.get(name, "JPY")
    assert overdue_policy(name, TODAY, currency).policy.startswith(f"{name}@")


def test_an_amount_that_is_tolerated_is_of_one_currency() -> None:
    with pytest.raises(PolicyOfOtherCurrency, match="loan in JPY by eu_retail@1900-01-01; what it tolerates is in EUR"):
        overdue_policy("eu_retail", TODAY, "JPY")


def test_a_policy_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownPolicy, match="overdue policy 'nobody'; use one of as_agreed, cn_card"):
        overdue_policy("nobody", TODAY, "USD")


def test_default_is_the_contract_alone() -> None:
    found = overdue_policy("as_agreed", TODAY, "USD")
    assert (found.contractual, found.bureau, found.regulatory) == (CounterRule(), CounterRule(), CounterRule())


def test_default_in_the_union_knows_both_thresholds_of_materiality() -> None:
    found = overdue_policy("eu_retail", TODAY, "EUR")
    assert found.regulatory == CounterRule(tolerance_minor=100_00, tolerance_share="0.01")
    assert found.contractual == CounterRule()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("grace_days = 2", "grace_days = -2"), "grace_days"),
        (("grace_days = 2", "first_day = 2"), "first_day"),
        (("grace_days = 2", "days = 2"), "days"),
        (("grace_days = 2", "tolerance_minor = 2"), "need their currency"),
        (("[values]", "[values]\ncurrency = 'EUR'"), "a currency needs amounts"),
        (("grace_days = 2", 'tolerance_share = "0.01"'), "by other counters only"),
        (("[values]", "[values]\ncalendar = 'moon'"), "there is no calendar moon"),
        (('source = "contract"', ""), "source missing or unknown"),
    ],
)
def test_a_policy_that_makes_no_sense_says_why(change: tuple[str, str], said: str) -> None:
    with pytest.raises(UnreadablePolicy, match=said):
        read_overdue_policy("test@2026-01-01", GOOD.replace(*change))
