"""The drawing of a portfolio."""

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


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(PORTFOLIO, tmp_path / "one.svg") == drawn(PORTFOLIO, tmp_path / "two.svg")


def test_an_empty_portfolio_can_be_drawn(tmp_path: Path) -> None:
    empty = Portfolio(until=date(2026, 2, 20), stocks=(), flows=())
    assert "Owed at the end of each month by bucket, JPY" in texts(drawn(empty, tmp_path / "p.svg"))
