"""Reads the servicing policies: how loans are served that are agreed under a name. Each is a folder, with a file for
each date from which other values hold.
"""

import tomllib
from datetime import date
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

import msgspec

from ledger.domain.agreement import COMPONENTS
from schemas.errors import BadInput, Misconfigured
from schemas.loans.servicing import Servicing

_KEYS = {"source", "confidence", "values"}
_WORDS = {
    "accrual": ("scheduled", "daily"),
    "accrual_rounding": ("period", "stretch"),
    "early_money": ("principal", "interest_first", "hold"),
    "prepayment": ("next", "shorten", "lower"),
    "payoff_interest": ("to_date", "to_due_date", "all"),
}


class UnknownPolicy(BadInput):
    code = "unknown_policy"


class UnreadablePolicy(Misconfigured):
    code = "unreadable_policy"


def servicing_policies() -> list[str]:
    """The names of all policies."""
    return sorted(folder.name for folder in _folder().iterdir())


@lru_cache(maxsize=1024)
def servicing_policy(name: str, on: date) -> Servicing:
    """The policy of a name that holds on a date; its id in events is the name and the first date on which it holds."""
    if name not in servicing_policies():
        known = ", ".join(servicing_policies())
        raise UnknownPolicy(f"asked to serve a loan by policy {name[:60]!r}; use one of {known}")
    begun = [file for file in _folder().joinpath(name).iterdir() if file.name <= f"{on}.toml"]
    if not begun:
        raise UnknownPolicy(f"asked to serve a loan by policy {name} on {on}; it holds from a later date on")
    newest = max(begun, key=lambda file: file.name)
    return read_policy(f"{name}@{newest.name.removesuffix('.toml')}", newest.read_text("utf-8"))


def read_policy(policy: str, text: str) -> Servicing:
    """A policy from its TOML. Raises `UnreadablePolicy` with what is wrong."""
    try:
        found = tomllib.loads(text)
        if wrong := found.keys() ^ _KEYS:
            raise ValueError(f"{', '.join(sorted(wrong))} missing or unknown")
        return require_consistent(msgspec.convert({"policy": policy, **found["values"]}, Servicing))
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read servicing policy {policy}: {error}; correct the file") from error


def _folder() -> Traversable:
    return resources.files("ledger.policies").joinpath("servicing")


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
