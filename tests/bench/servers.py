"""The servers that are measured: real ones of their own, erased at the end. Books get a database each."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.application.dev_book.plan import Plan
from ledger.bootstrap import Ledger
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.settings import Settings

_CONNECTIONS = 400  # the embedded server allows 100; peers use one per caller
_SYNC_BYTES = 8192
_SYNCS = 200


@dataclass(frozen=True)
class Servers:
    """PostgreSQL, and Kafka once it is asked for, below one folder."""

    folder: Path
    admin_url: str
    _dev_books: dict[str, Settings] = field(default_factory=dict)

    @cached_property
    def kafka_bootstrap(self) -> str:
        return EmbeddedKafka(self.folder).start()

    def database(self, name: str) -> str:
        """The URL of a new, empty database."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return make_conninfo(self.admin_url, dbname=name)

    def dev_book(self, name: str, plan: Plan, *, kafka: bool = False) -> Settings:
        """Settings of a made-up book, written when it is first asked for. `kafka`: it has brokers."""
        if name not in self._dev_books:
            settings = self._settings(name, kafka=kafka)
            with Ledger(settings) as ledger:
                ledger.write_dev_book(name, plan)
            self._dev_books[name] = settings
        return self._dev_books[name]

    def _settings(self, name: str, *, kafka: bool) -> Settings:
        return Settings(
            data=self.folder / name,
            database_url=self.database(name),
            kafka_bootstrap=self.kafka_bootstrap if kafka else "",
            principal="operator:bench",
        )

    @contextmanager
    def book(self, name: str, *, kafka: bool = False) -> Iterator[Ledger]:
        """A ledger with a new book, in a database of its own."""
        with Ledger(self._settings(name, kafka=kafka)) as ledger:
            ledger.init(name, time_zone="UTC", cut_off="00:00", currencies=["USD"])
            yield ledger

    def fdatasync_ms(self) -> float:
        """Median time in which the server's disk takes 8 KiB for good."""
        place = EmbeddedPostgres(self.folder).status().folder
        with tempfile.TemporaryFile(dir=place if os.access(place, os.W_OK) else self.folder) as file:
            return statistics.median(_sync_ms(file.fileno()) for _ in range(_SYNCS))


def _sync_ms(descriptor: int) -> float:
    os.pwrite(descriptor, os.urandom(_SYNC_BYTES), 0)
    started_s = time.perf_counter()
    os.fdatasync(descriptor)
    return (time.perf_counter() - started_s) * 1000


@contextmanager
def bench_servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory() as name:
        postgres = EmbeddedPostgres(Path(name))
        try:
            with psycopg.connect(postgres.start(), autocommit=True) as connection:
                connection.execute(sql.SQL("alter system set max_connections = {}").format(sql.Literal(_CONNECTIONS)))
            postgres.stop()
            yield Servers(Path(name), postgres.start())
        finally:
            EmbeddedKafka(Path(name)).erase()
            postgres.erase()
