"""Projections built from nothing out of the journal: `loan_now` beside the stock ProjectionRunner, `postings` beside a
bare COPY of the same rows into the same table with its indexes."""

import time
from collections.abc import Iterator, Sequence
from statistics import median

from psycopg import sql

from ledger.bootstrap import Ledger
from projections import loan_now, postings
from tests.bench.competitors.stock_projection import StockProjection
from tests.bench.dev_books import SMALL
from tests.bench.rebuilds import beside, rebuild
from tests.bench.reporting import Figure
from tests.bench.servers import Servers

ROUNDS = 3
STOCK_EVENTS = 1500


def run(servers: Servers) -> Iterator[Figure]:
    with Ledger(servers.dev_book("small", SMALL)) as ledger:
        rounds, stock_rates = [], []
        for number in range(ROUNDS):
            stock = StockProjection(
                servers.database(f"stock_projection_{number}"), ledger.journal.after(0, STOCK_EVENTS)
            )
            stock_rates.append(stock.rate())
            rounds.append(rebuild(ledger, loan_now.PROJECTION))
        _require_same_rows(ledger, stock)
        yield beside("rebuild_journal_loan_now", rounds, stock.name, stock_rates, least=20)
        yield Figure(name="rebuild_stock_projection_runner", value=median(stock_rates), unit="events/s")

        rounds, copy_rates = [], []
        for _ in range(ROUNDS):
            rounds.append(rebuild(ledger, postings.PROJECTION))
            copy_rates.append(rounds[-1].events / _copy_s(ledger, postings.PROJECTION.tables))
        yield beside("rebuild_journal_postings", rounds, "bare COPY of the rows", copy_rates, least=0.5)
        yield Figure(name="rebuild_journal_postings_proof", value=median(each.proved_s for each in rounds), unit="s")


def _require_same_rows(ledger: Ledger, stock: StockProjection) -> None:
    """Loans whose whole life the stock runner has seen have the same row there: it does the same work."""
    theirs = stock.rows()
    with ledger.database.connect("ledger_reader") as connection:
        rows = connection.execute(
            "select * from projections.loan_now where position between 1 and %s", (STOCK_EVENTS,)
        ).fetchall()
    assert rows
    for _, loan, *ours in rows:
        assert list(theirs[loan][2:]) == ours, f"loan {loan} differs: {theirs[loan]}"


def _copy_s(ledger: Ledger, tables: Sequence[str]) -> float:
    """Seconds for the rows of some tables, from memory, into empty ones that are alike."""
    with ledger.database.connect("ledger_projector") as connection:
        connection.execute("set synchronous_commit = off")
        taken_s = 0.0
        for name in tables:
            full, bare = sql.Identifier("projections", name), sql.Identifier("projections", f"bare_{name}")
            with connection.cursor().copy(sql.SQL("copy {} to stdout (format binary)").format(full)) as copy:
                rows = [bytes(data) for data in copy]
            connection.execute(sql.SQL("create table {} (like {} including all)").format(bare, full))
            started_s = time.perf_counter()
            with connection.cursor().copy(sql.SQL("copy {} from stdin (format binary)").format(bare)) as copy:
                for data in rows:
                    copy.write(data)
            taken_s += time.perf_counter() - started_s
            connection.execute(sql.SQL("drop table {}").format(bare))
    return taken_s
