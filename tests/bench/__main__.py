"""Measures the path of an event on real servers; one JSON line per figure. `make bench`.

`ratio` compares with a peer measured in the same run on the same servers, so that it means something on any machine.
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psycopg

from ledger.application.commands import OpenLoan
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.settings import Settings
from schemas.errors import LedgerError

LOANS = 2000
SINGLES = 500
MACHINE = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def report(name: str, value: float, unit: str, *, peer: str = "", ratio: float | None = None) -> None:
    """Print one figure."""
    line = {"name": name, "value": round(value, 1), "unit": unit, "machine": MACHINE}
    if ratio is not None:
        line |= {"peer": peer, "ratio": round(ratio, 2)}
    print(orjson.dumps(line).decode(), flush=True)


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


@contextmanager
def bench_ledger() -> Iterator[Ledger]:
    """A new book on servers of its own, which are erased at the end."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        with Ledger(settings) as ledger:
            ledger.init("bench", time_zone="UTC", cut_off="00:00", currencies=["USD"])
            yield ledger
        EmbeddedKafka(settings.data).erase()
        EmbeddedPostgres(settings.data).erase()


def openings(ledger: Ledger, prefix: str, count: int) -> list[Order]:
    today = ledger.today()
    return [
        Order(
            command=OpenLoan(loan_id=f"{prefix}{n}", currency="USD", principal_minor=100_00, due_on=today),
            key=f"{prefix}{n}",
            today=today,
            principal="operator:bench",
        )
        for n in range(count)
    ]


def execute(ledger: Ledger, orders: list[Order]) -> None:
    for result in ledger.desk.execute_many(orders):
        if isinstance(result, LedgerError):
            raise result


def plain_inserts(url: str, count: int) -> None:
    """The peer of single commands: as many committed inserts of rows as large, without any check."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table if not exists plain (n bigserial primary key, state bytea)")
        for _ in range(count):
            connection.execute("insert into plain (state) values (%b)", (os.urandom(1200),))


def main() -> None:
    with bench_ledger() as ledger:
        single_s = timed(lambda: [ledger.desk.execute(order) for order in openings(ledger, "single-", SINGLES)])
        plain_s = timed(lambda: plain_inserts(ledger.database.url, SINGLES))
        report("command", SINGLES / single_s, "commands/s", peer="plain committed inserts", ratio=plain_s / single_s)
        bulk_s = timed(lambda: execute(ledger, openings(ledger, "bulk-", LOANS)))
        report("commands_bulk", LOANS / bulk_s, "commands/s", peer="command", ratio=single_s / SINGLES * LOANS / bulk_s)
        events = ledger.journal.head().position
        with ledger.relay() as relay:
            report("relay", events / timed(relay.drain), "events/s")
        with ledger.runner(kafka=True) as runner:
            report("project_from_kafka", events / timed(runner.catch_up), "events/s")


if __name__ == "__main__":
    main()
