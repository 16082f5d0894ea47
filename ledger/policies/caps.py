"""Reads caps on what credit may cost. One file per jurisdiction; each entry says from when to when it holds."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any

from ledger.domain.errors import UnknownJurisdiction, shown
from ledger.domain.rate_caps import CapPolicy, Confidence, Measure, RateCap
from schemas.errors import Misconfigured

REQUIRED = frozenset({"rule", "lenders", "measure", "limit", "effective_from", "source", "confidence"})
OPTIONAL = frozenset({"effective_to", "reference", "blocks", "places", "note"})


class UnreadableCaps(Misconfigured):
    code = "unreadable_caps"


def cap_policy(jurisdiction: str) -> CapPolicy:
    """The caps of a jurisdiction, of all times. Raises `UnknownJurisdiction`."""
    policies = _policies()
    if jurisdiction not in policies:
        raise UnknownJurisdiction(
            f"asked for the caps of {shown(jurisdiction)}; there are those of {', '.join(sorted(policies))}. "
            "Give one of them, or none to have no cap tested"
        )
    return policies[jurisdiction]


def jurisdictions() -> tuple[str, ...]:
    """Those whose caps are known."""
    return tuple(_policies())


def read_caps(jurisdiction: str, text: str) -> CapPolicy:
    """A policy from its TOML: kinds of lenders, and a table per cap. Raises `UnreadableCaps` with the cap's rule."""
    try:
        tables = tomllib.loads(text)
        lenders = {str(kind): str(meaning) for kind, meaning in tables["lenders"].items()}
        caps = tuple(_cap(table, lenders) for table in tables.get("cap", []))
        return CapPolicy(jurisdiction=jurisdiction, lenders=lenders, caps=caps)
    except (tomllib.TOMLDecodeError, InvalidOperation, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableCaps(
            f"asked to read the caps of {jurisdiction}: {error!r}; there is a table of lenders, and each cap has "
            f"{', '.join(sorted(REQUIRED))}"
        ) from error


@cache
def _policies() -> Mapping[str, CapPolicy]:
    files = resources.files("ledger.policies").joinpath("rate_caps").iterdir()
    texts = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
    return {jurisdiction: read_caps(jurisdiction, texts[jurisdiction]) for jurisdiction in sorted(texts)}


def _cap(table: Mapping[str, Any], lenders: Mapping[str, str]) -> RateCap:
    rule = table["rule"]
    if missing := REQUIRED - table.keys():
        raise ValueError(f"{rule} has no {', '.join(sorted(missing))}")
    if unknown := table.keys() - REQUIRED - OPTIONAL:
        raise ValueError(f"{rule} has {', '.join(sorted(unknown))}, which mean nothing")
    if unknown := set(table["lenders"]) - lenders.keys():
        raise ValueError(f"{rule} is for {', '.join(sorted(unknown))}, which are not among the lenders")
    confidence = Confidence(table["confidence"])
    return RateCap(
        rule=rule,
        lenders=tuple(table["lenders"]),
        measure=Measure(table["measure"]),
        limit=positive(rule, table["limit"]),
        effective_from=day(rule, table["effective_from"]),
        effective_to=day(rule, table["effective_to"]) if "effective_to" in table else None,
        source=table["source"],
        confidence=confidence,
        blocks=table.get("blocks", confidence is Confidence.CONFIRMED),
        reference=table.get("reference"),
        places=table.get("places", 2),
        note=table.get("note", ""),
    )


def positive(entry: str, text: object) -> Decimal:
    number = Decimal(text) if isinstance(text, str) else Decimal(0)
    if not number.is_finite() or number <= 0:
        raise ValueError(f"{entry} has {text!r} where a decimal number above 0 is written as a string")
    return number


def day(entry: str, found: object) -> date:
    if type(found) is not date:
        raise ValueError(f"{entry} has {found!r} where a date is")
    return found
