"""Appends to loans that other writers append to as well: `python -m tests.integration.journal.writer URL NAME COUNT`.

Each request is tried again after a conflict, with what the journal then holds, until it is in.
"""

import sys
from random import Random

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.records import Verdict
from tests.integration.journal.requests import a_request, newest

_TRIES_AT_MOST = 1000


def write(journal: Journal, name: str, requests: int, loans: int = 5) -> int:
    """Append so many requests of 1 to 3 events under keys of their own; how many events that were."""
    random = Random(name)
    written = 0
    for number in range(requests):
        loan, count = f"shared-{random.randrange(loans)}", random.randint(1, 3)
        for _ in range(_TRIES_AT_MOST):
            request = a_request(loan, count, after=newest(journal, loan), key=f"{name}-{number}", note=name)
            [outcome] = journal.append([request])
            if outcome.verdict is not Verdict.CONFLICT:
                break
        assert outcome.verdict is Verdict.APPENDED, outcome
        written += count
    return written


def main() -> None:
    url, name, count = sys.argv[1:]
    with Journal(Database(url=url), pool_size=1) as journal:
        sys.stdout.write(f"{write(journal, name, int(count))}\n")


if __name__ == "__main__":
    main()
