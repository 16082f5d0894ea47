"""Draws as SVG: what is owed by bucket over time and what was collected, roll rates, vintages.

The same figures give the same bytes: no date in the file, ids from a fixed salt, text as text.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.domain.money import format_minor
from projections.answers import BucketStock, MonthFlow, Portfolio
from projections.delinquency_history import BUCKETS, RollRates, Vintage
from schemas.errors import BadInput, Misconfigured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = ("#4c9f70", "#f2d35e", "#f0b050", "#ea8a47", "#dc6142", "#c43a3d", "#9c2338", "#661530")
_COLLECTED, _LENT = "#33658a", "#9aa5b1"
_WIDTH, _HEIGHT = 10, 3.6  # inches, of one chart
_LABELS_MOST = 18
_ROOM = 1.05  # height of a chart, by its highest bar
_STYLE: dict[Any, Any] = {"svg.hashsalt": "ledger", "svg.fonttype": "none", "font.size": 9, "axes.spines.right": False,
          "axes.spines.top": False, "axes.axisbelow": True, "axes.grid": True, "axes.grid.axis": "y",
          "grid.color": "#e5e5e5", "axes.titlelocation": "left"}  # fmt: skip


class ChartsMissing(Misconfigured):
    code = "charts_missing"


class DrawingFailed(BadInput):
    """A file for a drawing that cannot be written."""

    code = "drawing_failed"


def draw_portfolio(portfolio: Portfolio, exponents: Mapping[str, int], file: Path) -> None:
    """Two charts for each currency, one below the other. `exponents`: decimals of each currency.

    Raises `ChartsMissing` where the library for it is not installed, `DrawingFailed` where the file cannot be written.
    """
    currencies = sorted({row.currency for row in portfolio.stocks}) or sorted(exponents)[:1]
    with _drawing(file, 2 * len(currencies), f"Portfolio up to {portfolio.until}") as figure:
        for number, currency in enumerate(currencies):
            stocks = [row for row in portfolio.stocks if row.currency == currency]
            flows = [row for row in portfolio.flows if row.currency == currency]
            months = sorted({row.month for row in stocks})
            upper, lower = (figure.add_subplot(2 * len(currencies), 1, 2 * number + place) for place in (1, 2))
            _draw_stocks(upper, stocks, months, f"Owed at the end of each month by bucket, {currency}")
            _draw_flows(lower, flows, months, f"Lent and collected in each month, {currency}")
            for axes in (upper, lower):
                _label(axes, months, exponents[currency])


@contextmanager
def _drawing(file: Path, charts: int, title: str) -> "Iterator[Figure]":
    """A figure with room for so many charts, which is written at the end."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ChartsMissing(
            f"asked to draw {file}: {error}; install the ledger with its extra charts: repayment-ledger[charts]"
        ) from error
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT * charts), layout="constrained")
        yield figure
        try:
            figure.savefig(file, format="svg", metadata={"Date": None, "Title": title})
        except OSError as error:
            raise DrawingFailed(
                f"asked to draw {file}: {error.strerror}; nothing was written. Name a file in a folder that is there "
                f"and may be written to, unlike {file.parent.resolve()}"
            ) from error


def draw_roll_rates(found: Sequence[RollRates], file: Path) -> None:
    """One chart for each currency: by bucket, the part of its loans that was in a worse one a month later. Raises as
    `draw_portfolio` does."""
    currencies = sorted({row.currency for row in found}) or [""]
    with _drawing(file, len(currencies), "Roll rates") as figure:
        for number, currency in enumerate(currencies, 1):
            axes = figure.add_subplot(len(currencies), 1, number)
            rows = [row for row in found if row.currency == currency]
            for bucket in BUCKETS[:-1]:
                rates = [row.rate_worse(bucket) for row in rows]
                if any(rate is not None for rate in rates):
                    _draw_line(axes, rates, f"from {bucket}", _COLORS[int(bucket[1:])])
            axes.set_title(f"Loans that came into a worse bucket within a month, {currency}")
            _label_months(axes, [row.month for row in rows])
            _legend(axes)


def draw_vintages(found: Sequence[Vintage], days: int, file: Path) -> None:
    """One chart for each currency: a line for each month of opening. Raises as `draw_portfolio` does."""
    currencies = sorted({row.currency for row in found}) or [""]
    with _drawing(file, len(currencies), "Vintages") as figure:
        for number, currency in enumerate(currencies, 1):
            axes = figure.add_subplot(len(currencies), 1, number)
            rows = [row for row in found if row.currency == currency]
            for place, row in enumerate(rows):
                shade = _COLORS[place * len(_COLORS) // len(rows)]
                _draw_line(axes, [late / row.loans for late in row.ever_late], f"{row.month:%Y-%m}", shade)
            axes.set_title(f"Loans ever {days} days past due or more, by months on the books, {currency}")
            axes.yaxis.set_major_formatter(_as_percent)
            _legend(axes)


def _draw_line(axes: "Axes", rates: Sequence[float | None], label: str, color: str) -> None:
    shown = [(place, rate) for place, rate in enumerate(rates) if rate is not None]
    axes.plot([place for place, _ in shown], [rate for _, rate in shown], label=label, color=color, marker="o", ms=3)
    axes.set_ylim(bottom=0)


def _label_months(axes: "Axes", months: Sequence[date]) -> None:
    every = -(-len(months) // _LABELS_MOST) or 1
    shown = range(0, len(months), every)
    axes.set_xticks(list(shown), [f"{months[number]:%Y-%m}" for number in shown], rotation=45, ha="right")
    axes.yaxis.set_major_formatter(_as_percent)


def _as_percent(share: float, _: float) -> str:
    return f"{100 * share:.0f} %"


def _draw_stocks(axes: "Axes", stocks: Iterable[BucketStock], months: list[date], title: str) -> None:
    owed: defaultdict[str, defaultdict[date, int]] = defaultdict(lambda: defaultdict(int))
    for row in stocks:
        owed[row.bucket][row.month] += row.owed_minor
    below = [0] * len(months)
    for bucket in sorted(owed):
        heights = [owed[bucket][month] for month in months]
        axes.bar(range(len(months)), heights, bottom=below, label=bucket, color=_COLORS[int(bucket[1:])], width=0.8)
        below = [low + height for low, height in zip(below, heights, strict=True)]
    axes.set_ylim(0, _ROOM * max(below, default=0) or 1)  # said: a bar of nothing on top would leave no room above it
    axes.set_title(title)
    _legend(axes)


def _draw_flows(axes: "Axes", flows: Iterable[MonthFlow], months: list[date], title: str) -> None:
    lent, collected = defaultdict[date, int](int), defaultdict[date, int](int)
    for row in flows:
        lent[row.month] += row.lent_minor
        collected[row.month] += row.collected_minor
    for shift, sums, label, color in ((-0.2, lent, "lent", _LENT), (0.2, collected, "collected", _COLLECTED)):
        places = [number + shift for number in range(len(months))]
        axes.bar(places, [sums[month] for month in months], label=label, color=color, width=0.4)
    axes.set_title(title)
    _legend(axes)


def _legend(axes: "Axes") -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _label(axes: "Axes", months: list[date], exponent: int) -> None:
    every = -(-len(months) // _LABELS_MOST) or 1
    shown = range(0, len(months), every)
    axes.set_xticks(list(shown), [f"{months[number]:%Y-%m}" for number in shown], rotation=45, ha="right")

    def as_money(minor: float, _: float) -> str:
        return format_minor(round(minor), exponent)

    axes.yaxis.set_major_formatter(as_money)
