from ledger.journal.database import Database
from ledger.journal.journal import Journal


def test_a_fresh_journal_is_empty(database: Database, kafka_bootstrap: str) -> None:
    with Journal(database) as journal:
        assert journal.head().position == 0
