"""A relay as a process of its own, to be killed and stopped: prints each position that it has published."""

import sys
from typing import TextIO

from ledger.journal.database import Database
from ledger.relay.relay import Limits
from schemas.errors import LedgerError
from tests.integration.relay.relayed import RelayedLedger


def main() -> int:
    url, bootstrap, book_id, window, transaction_ms = sys.argv[1:]
    ledger = RelayedLedger(Database(url=url), bootstrap, book_id)
    try:
        limits, transaction_s = Limits(window=int(window)), int(transaction_ms) / 1000
        with ledger.relay(limits, transaction_s=transaction_s, stale_s=1.0, renew_s=0.2) as relay:
            relay.drain(lambda done, _: say(sys.stdout, str(done)))
    except LedgerError as error:
        say(sys.stderr, f"error {error.code}: {error}")
        return 1
    return 0


def say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
