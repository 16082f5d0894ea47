"""Reads the servicing policies: how loans are served that are agreed under a name. Each is a file of that name."""

import tomllib
from datetime import date
from functools import cache
from importlib import resources

import msgspec

from ledger.domain.agreement import COMPONENTS
from schemas.errors import BadInput, Misconfigured
from schemas.loans.servicing import Servicing

_KEYS = {"source", "confidence", "effective_from", "values"}
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
    files = resources.files("ledger.policies").joinpath("servicing").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


@cache
def servicing_policy(name: str) -> Servicing:
    """The policy of a name; its id in events is the name and the date since when it holds."""
    if name not in servicing_policies():
        raise UnknownPolicy(
            f"asked to serve a loan by policy {name[:60]!r}; use one of {', '.join(servicing_policies())}"
        )
    text = resources.files("ledger.policies").joinpath("servicing", f"{name}.toml").read_text("utf-8")
    return read_policy(name, text)


def read_policy(name: str, text: str) -> Servicing:
    """A policy from its TOML. Raises `UnreadablePolicy` with what is wrong."""
    try:
        found = tomllib.loads(text)
        if wrong := found.keys() ^ _KEYS:
            raise ValueError(f"{', '.join(sorted(wrong))} missing or unknown")
        since: date = found["effective_from"]
        servicing = msgspec.convert({"policy": f"{name}@{since}", **found["values"]}, Servicing)
        return require_consistent(servicing)
    except (ValueError, TypeError, msgspec.ValidationError) as error:
        raise UnreadablePolicy(f"asked to read servicing policy {name}: {error}; correct the file") from error


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
