"""Ends the embedded servers of the folders that standard input names, once it ends; see tests/conftest.py."""

import sys
from pathlib import Path

from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres


def main() -> None:
    folders = [Path(line.rstrip("\n")) for line in sys.stdin]
    for folder in filter(Path.is_dir, folders):
        EmbeddedKafka(folder).erase()
        EmbeddedPostgres(folder).erase()


if __name__ == "__main__":
    main()
