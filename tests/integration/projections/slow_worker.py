"""A worker in a process of its own that takes a few events at a time, so that a test can kill it in the middle."""

import sys
from threading import Event as Flag

from ledger.application.books import BookReader
from ledger.journal.database import Database
from ledger.journal.journal import Journal
from projections.feed import Feed
from projections.journal_feed import JournalFeed
from projections.kafka_feed import KafkaFeed
from projections.runner import Runner

if __name__ == "__main__":
    url, bootstrap = sys.argv[1:]
    database = Database(url=url)
    with Journal(database, role="ledger_projector") as journal:
        book = BookReader(journal).require()
        feed: Feed = KafkaFeed(bootstrap, book.book_id, batch=3) if bootstrap else JournalFeed(journal, batch=3)
        with Runner(database, journal, book, feed) as runner:
            runner.run(Flag())
