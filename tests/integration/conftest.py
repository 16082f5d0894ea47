"""A ledger with an open book, in this process, at a time that the tests choose."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.bootstrap import Ledger
from ledger.journal.database import Database
from ledger.settings import Settings

NOW = datetime(2016, 12, 24, 12, tzinfo=UTC)


@pytest.fixture
def opened(database: Database, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose clock stands at noon of 2016-12-24, UTC; its book keeps USD."""
    with Ledger(Settings(data=tmp_path, database_url=database.url), clock=lambda: NOW) as ledger:
        ledger.init("main", time_zone="UTC", cut_off="00:00", currencies=["USD"])
        yield ledger
