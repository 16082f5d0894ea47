"""A rebuild in a process of its own that takes a few events at a time, so that a test can kill it in the middle."""

import sys

from ledger.application.books import BookReader
from ledger.clock import system_clock
from ledger.journal.database import Database
from ledger.journal.journal import Journal
from projections import loan_now
from projections.journal_feed import JournalFeed
from projections.rebuild import Rebuild

if __name__ == "__main__":
    database = Database(url=sys.argv[1])
    with Journal(database, role="ledger_projector") as journal:
        book = BookReader(journal).require()
        with Rebuild(
            database, journal, book, loan_now.PROJECTION, clock=system_clock, principal="operator:test"
        ) as rebuild:
            rebuild.run(lambda: JournalFeed(journal, batch=3))
