"""One loan as of a date and as known at a position, among two million postings: loans of 50, and one of 40,000."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from random import Random

from ledger.application.dev_book.long_loan import LONG_LOAN
from ledger.application.dev_book.plan import DAYS
from ledger.bootstrap import Ledger
from projections import loan_now, postings
from projections.queries import Queries
from tests.bench.dev_books import LONG_POSTINGS, MANY_POSTINGS, POSTINGS_EACH
from tests.bench.rebuilds import build
from tests.bench.reporting import Figure, Must, percentile
from tests.bench.servers import Servers

ASKED = 2000
ASKED_OF_LONG = 500
_WARM_UP = 50


def run(servers: Servers) -> Iterator[Figure]:
    with Ledger(servers.dev_book("many_postings", MANY_POSTINGS)) as ledger:
        for projection in (loan_now.PROJECTION, postings.PROJECTION):
            build(ledger, projection)
        with ledger.database.connect("ledger_reader") as connection:
            [(rows,)] = connection.execute("select count(*) from projections.postings").fetchall()
        yield Figure(name="as_of_postings", value=rows, unit="postings")
        random = Random(1)
        with Queries(ledger.database, ledger.book.book_id) as queries:
            ask = partial(_ask_as_of, queries, random, ledger.journal.head().position)
            each = f"as_of_loan_of_{POSTINGS_EACH}"
            yield from _figures(each, lambda: ask(_some_loan(random)), ASKED, most_ms=5)
            yield from _figures(f"as_of_loan_of_{LONG_POSTINGS}", lambda: ask(LONG_LOAN), ASKED_OF_LONG, most_ms=20)
            yield from _figures("as_of_loan_now", lambda: queries.loan(_some_loan(random)), ASKED, most_ms=2)


def _figures(name: str, ask: Callable[[], object], times: int, *, most_ms: float) -> Iterator[Figure]:
    latencies_ms = [_ms(ask) for _ in range(_WARM_UP + times)][_WARM_UP:]
    yield Figure(name=f"{name}_p50", value=percentile(latencies_ms, 0.50), unit="ms")
    must = Must("value", "<", most_ms)
    yield Figure(name=f"{name}_p99", value=percentile(latencies_ms, 0.99), unit="ms", must=must)


def _ms(ask: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    ask()
    return (time.perf_counter() - started_s) * 1000


def _ask_as_of(queries: Queries, random: Random, head: int, loan: str) -> None:
    """Any date of the book, known at any time."""
    value_date = MANY_POSTINGS.first_day + timedelta(days=random.randrange(DAYS))
    queries.balance_as_of(loan, value_date, known_at=random.randint(1, head))


def _some_loan(random: Random) -> str:
    return f"loan-{random.randint(1, MANY_POSTINGS.loans):07}"
