"""The servicing policies are read, dated, and refuse what does not fit together."""

from datetime import date

import pytest

from ledger.policies.dated_folders import UnknownPolicy, UnreadablePolicy
from ledger.policies.servicing_policies import (
    read_policy,
    servicing_policies,
    servicing_policy,
)

TODAY = date(2026, 11, 26)
GOOD = """
source = "contract"
confidence = "high"
[values]
[[values.allocation]]
from_days_past_due = 0
order = ["fee", "penalty_interest", "interest", "principal"]
"""


@pytest.mark.parametrize("name", servicing_policies())
def test_every_policy_is_read_and_named_with_its_date(name: str) -> None:
    assert servicing_policy(name, TODAY).policy.startswith(f"{name}@20")


def test_a_policy_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownPolicy, match="servicing policy 'nobody'; use one of as_scheduled, by_the_day, cn_card"):
        servicing_policy("nobody", TODAY)


def test_a_policy_does_not_hold_before_its_first_date() -> None:
    with pytest.raises(UnknownPolicy, match="cn_consumer on 2020-12-31; it holds from a later date on"):
        servicing_policy("cn_consumer", date(2020, 12, 31))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('source = "contract"\n', "", "source missing or unknown"),
        ("[values]", '[values]\naccrual = "hourly"', "accrual is 'hourly', not one of scheduled, daily"),
        ("[values]", '[values]\ncolour = "red"', "unknown field `colour`"),
        ('"fee", ', "", "the allocation rule from 0 days on is"),
        ("from_days_past_due = 0", "from_days_past_due = 5", "no allocation rule holds from 0 days"),
        ("[values]", "[values", "Expected"),
    ],
)
def test_a_policy_that_does_not_fit_together_is_named(old: str, new: str, says: str) -> None:
    assert read_policy("p@2020-01-01", GOOD).accrual == "scheduled"
    with pytest.raises(UnreadablePolicy, match=f"(?i){says}"):
        read_policy("p@2020-01-01", GOOD.replace(old, new))
