"""The drawing of a portfolio."""

import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

from ledger.entrypoints.cli.charts import draw_portfolio
from projections.answers import BucketStock, MonthFlow, Portfolio

MONTHS = [date(2026, 1, 1), date(2026, 2, 1)]
PORTFOLIO = Portfolio(
    until=date(2026, 2, 20),
    stocks=tuple(
        BucketStock(month=month, product="bullet", currency=currency, bucket=bucket, loans=1, owed_minor=100_00)
        for month in MONTHS
        for currency in ("JPY", "USD")
        for bucket in ("M0", "M7")
    ),
    flows=tuple(
        MonthFlow(
            month=month,
            product="bullet",
            currency=currency,
            loans_opened=1,
            lent_minor=100_00,
            payments=1,
            collected_minor=-50_00,
        )
        for month in MONTHS
        for currency in ("JPY", "USD")
    ),
)
EXPONENTS = {"USD": 2, "JPY": 0}


def drawn(portfolio: Portfolio, file: Path) -> str:
    draw_portfolio(portfolio, EXPONENTS, file)
    return file.read_text("utf-8")


def texts(svg: str) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text")
    ]


def test_each_currency_has_its_charts_with_months_buckets_and_amounts(tmp_path: Path) -> None:
    words = texts(drawn(PORTFOLIO, tmp_path / "p.svg"))
    assert {"2026-01", "2026-02", "M0", "M7", "lent", "collected"} <= set(words)
    for currency in ("JPY", "USD"):
        assert f"Owed at the end of each month by bucket, {currency}" in words
        assert f"Lent and collected in each month, {currency}" in words
    assert {"100.00", "10,000"} <= set(words)


def tops(svg: str) -> tuple[float, float]:
    """Where the first chart and its highest bar begin, from above."""
    [chart] = re.findall(r'<g id="axes_1">.*?<g id="matplotlib.axis_1">', svg, re.DOTALL)
    ground, *_ = re.findall(r' d="(.*?)"', chart, re.DOTALL)
    bars = re.findall(r'<path d="([^"]*)" clip-path', svg[: svg.index('<g id="axes_2">')], re.DOTALL)
    above = [[float(y) for y in re.findall(r"[ML] \S+ (\S+)", path)] for path in (ground, *bars)]
    return min(above[0]), min(min(ys) for ys in above[1:] if len(ys) == 4 and max(ys) - min(ys) > 1)


def test_there_is_room_above_the_highest_bar_also_where_nothing_is_late_in_its_month(tmp_path: Path) -> None:
    owed = [(MONTHS[0], "M0", 300_00), (MONTHS[1], "M0", 100_00), (MONTHS[1], "M7", 100_00)]
    stocks = [
        BucketStock(month=month, product="bullet", currency="USD", bucket=bucket, loans=1, owed_minor=owed_minor)
        for month, bucket, owed_minor in owed
    ]
    svg = drawn(Portfolio(until=date(2026, 2, 20), stocks=tuple(stocks), flows=()), tmp_path / "p.svg")
    chart, bar = tops(svg)
    assert bar > chart + 5


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(PORTFOLIO, tmp_path / "one.svg") == drawn(PORTFOLIO, tmp_path / "two.svg")


def test_an_empty_portfolio_can_be_drawn(tmp_path: Path) -> None:
    empty = Portfolio(until=date(2026, 2, 20), stocks=(), flows=())
    assert "Owed at the end of each month by bucket, JPY" in texts(drawn(empty, tmp_path / "p.svg"))
