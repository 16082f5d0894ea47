"""Reads the overdue policies: what overdue means, by counter. Each is a folder, with a file for each date from which
other values hold.
"""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.policies.dated_folders import UnreadablePolicy, names, newest, values
from ledger.policies.open_days import calendar_names
from schemas.overdue.rules import OverdueRules


def overdue_policies() -> list[str]:
    """The names of all policies."""
    return names("overdue")


@lru_cache(maxsize=256)
def overdue_policy(name: str, on: date) -> OverdueRules:
    """The policy of a name that holds on a date; its id in events is the name and the first date on which it holds."""
    return read_overdue_policy(*newest("overdue", name, on))


def read_overdue_policy(policy: str, text: str) -> OverdueRules:
    """A policy from its TOML. Raises `UnreadablePolicy` with what is wrong."""
    try:
        rules = msgspec.convert({"policy": policy, **values(text)}, OverdueRules)
        if rules.contractual.tolerance_share:
            raise ValueError("a share of the principal is tolerated by other counters only, not the contractual one")
        if rules.calendar and rules.calendar not in calendar_names():
            raise ValueError(f"there is no calendar {rules.calendar}")
        return rules
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read overdue policy {policy}: {error}; correct the file") from error
