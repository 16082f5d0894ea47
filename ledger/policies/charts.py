"""Reads the charts of accounts. Each is a file named by the first date on which it holds."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from ledger.domain.accounts import Account, AccountType, Chart, Side
from schemas.errors import Misconfigured


class UnreadableChart(Misconfigured):
    code = "unreadable_chart"


class NoChart(Misconfigured):
    code = "no_chart"


@lru_cache(maxsize=1024)
def chart_on(on: date) -> Chart:
    """The chart that holds on a date: the newest that has begun by then."""
    begun = [chart for chart in _charts() if date.fromisoformat(chart.version) <= on]
    if not begun:
        first = _charts()[0].version
        raise NoChart(f"asked for the chart of accounts on {on}; the first one holds since {first}. Add an earlier one")
    return begun[-1]


def read_chart(version: str, text: str) -> Chart:
    """A chart from its TOML: one table per account. Raises `UnreadableChart` with the account and what is wrong."""
    try:
        tables = tomllib.loads(text)
        date.fromisoformat(version)
        return Chart(version=version, accounts={code: _account(code, table) for code, table in tables.items()})
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableChart(
            f"asked to read the chart of accounts {version}: {error!r}; each account is a table with name, type, side "
            "and components, and the file is named by a date"
        ) from error


@cache
def _charts() -> tuple[Chart, ...]:
    files = resources.files("ledger.policies").joinpath("chart_of_accounts").iterdir()
    texts = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
    return tuple(read_chart(version, texts[version]) for version in sorted(texts))


def _account(code: str, table: Mapping[str, Any]) -> Account:
    if unknown := table.keys() - {"name", "type", "side", "components"}:
        raise ValueError(f"{code} has {', '.join(sorted(unknown))}, which mean nothing")
    return Account(
        code=code,
        name=table["name"],
        type=AccountType(table["type"]),
        side=Side(table["side"]),
        components=frozenset(table["components"]),
    )
