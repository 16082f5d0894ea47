"""Reads published series of rates that caps are multiples of, such as the LPR of one year."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from decimal import InvalidOperation
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from ledger.domain.rate_caps import Confidence, ReferenceRate, ReferenceSeries
from ledger.policies.caps import day, positive
from schemas.errors import Misconfigured

FIELDS = frozenset({"rate", "effective_from", "effective_to", "source", "confidence"})


class UnreadableSeries(Misconfigured):
    code = "unreadable_series"


@cache
def reference_rates() -> Mapping[str, ReferenceSeries]:
    """All series, by name."""
    files = resources.files("ledger.policies").joinpath("lpr").iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
    series = [read_series(name, texts[name]) for name in sorted(texts)]
    return {each.name: each for each in series}


def read_series(file: str, text: str) -> ReferenceSeries:
    """A series from its TOML. Raises `UnreadableSeries` if a value is missing or its dates leave a gap or overlap."""
    try:
        tables = tomllib.loads(text)
        name = tables["name"]
        values = tuple(_value(name, table) for table in tables["value"])
        _require_no_gap(name, values)
        return ReferenceSeries(name=name, known_until=day(name, tables["known_until"]), values=values)
    except (tomllib.TOMLDecodeError, InvalidOperation, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableSeries(
            f"asked to read the series {file}: {error!r}; it has name, known_until, and values with "
            f"{', '.join(sorted(FIELDS))} (the newest without effective_to)"
        ) from error


def _value(name: str, table: Mapping[str, Any]) -> ReferenceRate:
    if unknown := table.keys() - FIELDS:
        raise ValueError(f"{name} has {', '.join(sorted(unknown))}, which mean nothing")
    return ReferenceRate(
        rate=positive(name, table["rate"]),
        effective_from=day(name, table["effective_from"]),
        effective_to=day(name, table["effective_to"]) if "effective_to" in table else None,
        source=table["source"],
        confidence=Confidence(table["confidence"]),
    )


def _require_no_gap(name: str, values: tuple[ReferenceRate, ...]) -> None:
    for earlier, later in pairwise(values):
        if earlier.effective_to != later.effective_from - timedelta(days=1):
            raise ValueError(f"{name} ends on {earlier.effective_to} and goes on from {later.effective_from}")
    if not values or values[-1].effective_to is not None:
        raise ValueError(f"{name} has no value that holds until further notice")
