"""Figures: one JSON line each. A ratio compares with a peer measured in the same run on the same servers."""

import operator
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import orjson

MACHINE = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"

_RELATIONS = {">=": operator.ge, "<": operator.lt, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Must:
    """What a figure is held to: its `value` or its `ratio`, `>=`, `<` or `==` a number."""

    which: str
    relation: str
    limit: float

    def __str__(self) -> str:
        return f"{self.which} {self.relation} {self.limit:g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measurement. `ratio`: ours by the peer's in rate, so that more is better."""

    name: str
    value: float
    unit: str
    peer: str = ""
    ratio: float | None = None
    must: Must | None = None

    @property
    def is_met(self) -> bool:
        """Whether the figure is as it must be; so is one that is held to nothing."""
        if self.must is None:
            return True
        measured = self.ratio if self.must.which == "ratio" else self.value
        return measured is not None and bool(_RELATIONS[self.must.relation](measured, self.must.limit))

    def line(self) -> str:
        """The figure as JSON; null for what it does not have."""
        document: dict[str, Any] = {
            "name": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "peer": self.peer or None,
            "ratio": None if self.ratio is None else _short(self.ratio),
            "must": str(self.must) if self.must else None,
            "machine": MACHINE,
        }
        return orjson.dumps(document).decode()


def report(figure: Figure) -> Figure:
    """Print one figure."""
    print(figure.line(), flush=True)
    return figure


def report_missed(figures: Sequence[Figure]) -> None:
    """Say on standard error which figures are not as they must be."""
    for figure in figures:
        if not figure.is_met:
            print(f"missed: {figure.name}{f' beside {figure.peer}' if figure.peer else ''}: {figure.must}, found "
                  f"{_short(figure.value)} {figure.unit}{f', ratio {_short(figure.ratio)}' if figure.ratio else ''}",
                  file=sys.stderr)  # fmt: skip


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * share) - 1)]


def peak_mib() -> float:
    """The most memory that this program had, in MiB; what `getrusage` tells counts the one that started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def _short(value: float) -> float:
    """Four digits are more than any measurement here is good for."""
    return value if isinstance(value, int) else float(f"{value:.4g}")
