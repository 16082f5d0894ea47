"""Reads the servicing policies: how loans are served that are agreed under a name. Each is a folder, with a file for
each date from which other values hold.
"""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.domain.agreement import COMPONENTS
from ledger.policies.dated_folders import UnreadablePolicy, names, newest, values
from schemas.loans.servicing import Servicing

_WORDS = {
    "accrual": ("scheduled", "daily"),
    "accrual_rounding": ("period", "stretch"),
    "early_money": ("principal", "interest_first", "hold"),
    "prepayment": ("next", "shorten", "lower"),
    "payoff_interest": ("to_date", "to_due_date", "all"),
}


def servicing_policies() -> list[str]:
    """The names of all policies."""
    return names("servicing")


@lru_cache(maxsize=1024)
def servicing_policy(name: str, on: date) -> Servicing:
    """The policy of a name that holds on a date; its id in events is the name and the first date on which it holds."""
    return read_policy(*newest("servicing", name, on))


def read_policy(policy: str, text: str) -> Servicing:
    """A policy from its TOML. Raises `UnreadablePolicy` with what is wrong."""
    try:
        return require_consistent(msgspec.convert({"policy": policy, **values(text)}, Servicing))
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read servicing policy {policy}: {error}; correct the file") from error


def require_consistent(servicing: Servicing) -> Servicing:
    """The policy, if its words are known and each of its rules names every component once; else `ValueError`."""
    for field, words in _WORDS.items():
        if getattr(servicing, field) not in words:
            raise ValueError(f"{field} is {getattr(servicing, field)!r}, not one of {', '.join(words)}")
    if all(rule.from_days_past_due for rule in servicing.allocation):
        raise ValueError("no allocation rule holds from 0 days past due on")
    for rule in servicing.allocation:
        if sorted(rule.order) != sorted(COMPONENTS) or rule.across not in {"installment", "component"}:
            raise ValueError(
                f"the allocation rule from {rule.from_days_past_due} days on is {rule.order}, {rule.across}"
            )
    return servicing
