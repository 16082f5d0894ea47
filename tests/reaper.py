"""Stops the embedded servers of a folder once standard input ends; see tests/conftest.py."""

import sys
from pathlib import Path

from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdin.read()
    EmbeddedKafka(folder).erase()
    EmbeddedPostgres(folder).erase()


if __name__ == "__main__":
    main()
