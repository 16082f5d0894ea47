"""A relay as a process of its own, to be killed and stopped: prints each position that it has published."""

import sys
from typing import TextIO

from kafka import KafkaProducer

from ledger.journal.database import Database
from ledger.relay.relay import Limits
from schemas.errors import LedgerError
from tests.integration.relay.relayed import RelayedLedger


def main() -> int:
    url, bootstrap, book_id, window, transaction_ms = sys.argv[1:]
    KafkaProducer.DEFAULT_CONFIG["transaction_timeout_ms"] = int(transaction_ms)  # the relay leaves it as it is
    ledger = RelayedLedger(Database(url=url), bootstrap, book_id)
    try:
        with ledger.relay(Limits(window=int(window)), stale_s=1.0, renew_s=0.2) as relay:
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
