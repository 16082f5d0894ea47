"""Policies as folders: a name, and in it a TOML file for each date from which other values hold."""

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from schemas.errors import BadInput, Misconfigured

_KEYS = {"source", "confidence", "values"}


class UnknownPolicy(BadInput):
    code = "unknown_policy"


class UnreadablePolicy(Misconfigured):
    code = "unreadable_policy"


def names(kind: str) -> list[str]:
    """The names of all policies of a kind."""
    return sorted(folder.name for folder in _folder(kind).iterdir())


def newest(kind: str, name: str, on: date) -> tuple[str, str]:
    """The id of the policy of a name that holds on a date (the name and the first date on which it holds), and its
    text. Raises `UnknownPolicy`."""
    if name not in names(kind):
        known = ", ".join(names(kind))
        raise UnknownPolicy(f"asked for {kind} policy {name[:60]!r}; use one of {known}")
    begun = [file for file in _folder(kind).joinpath(name).iterdir() if file.name <= f"{on}.toml"]
    if not begun:
        raise UnknownPolicy(f"asked for {kind} policy {name} on {on}; it holds from a later date on")
    found = max(begun, key=lambda file: file.name)
    return f"{name}@{found.name.removesuffix('.toml')}", found.read_text("utf-8")


def values(text: str) -> Mapping[str, Any]:
    """The values in a policy's TOML, which also has a source and says how sure it is; else `ValueError`."""
    found = tomllib.loads(text)
    if wrong := found.keys() ^ _KEYS:
        raise ValueError(f"{', '.join(sorted(wrong))} missing or unknown")
    given: Mapping[str, Any] = found["values"]
    return given


def _folder(kind: str) -> Traversable:
    return resources.files("ledger.policies").joinpath(kind)
