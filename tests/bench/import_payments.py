"""Payments from NDJSON on loans that nobody has loaded, beside multi-row inserts of the rows that come of it.

The peer's rows are those that our import has just written, event bytes and keys: encoded already, checked by nobody,
a thousand to a statement and a transaction.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from statistics import median

import orjson

from ledger.application.import_payments import RefusedLine
from ledger.bootstrap import Ledger
from tests.bench.competitors.plain import MultiRowInserts
from tests.bench.orders import PAID_MINOR, open_loans
from tests.bench.reporting import Figure, Must
from tests.bench.servers import Servers

PAYMENTS = 6_000
ROUNDS = 5
_CHUNK_BYTES = 1 << 16
_LEAST = 0.2


def run(servers: Servers) -> Iterator[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    again: list[float] = []
    with closing(MultiRowInserts(servers.database("import_plain"))) as plain, servers.book("import") as opener:
        for nth in range(ROUNDS):
            chunks = _file(open_loans(opener, PAYMENTS), nth, opener.today().isoformat())
            before = opener.journal.head().position
            for rates, recorded in ((ours, PAYMENTS), (again, 0)):
                with Ledger(opener.settings) as ledger:
                    rates.append(_imported(ledger, chunks, recorded))
            events = opener.journal.after(before, PAYMENTS)
            started_s = time.perf_counter()
            plain.insert(events)
            theirs.append(PAYMENTS / (time.perf_counter() - started_s))
    yield Figure(
        name="import_payments",
        value=median(ours),
        unit="payments/s",
        peer="multi-row inserts",
        ratio=median(our / their for our, their in zip(ours, theirs, strict=True)),
        must=Must("ratio", ">=", _LEAST),
    )
    yield Figure(name="import_payments_multi_row_inserts", value=median(theirs), unit="payments/s")
    yield Figure(name="import_payments_again", value=median(again), unit="payments/s")


def _imported(ledger: Ledger, chunks: Sequence[bytes], recorded: int) -> float:
    """Payments per second, from the bytes of the file to the last acknowledgement."""
    bring = ledger.payment_import()
    started_s = time.perf_counter()
    imported = bring.run(chunks, refused=_refuse)
    taken_s = time.perf_counter() - started_s
    assert (imported.lines, imported.recorded) == (PAYMENTS, recorded), imported
    return PAYMENTS / taken_s


def _refuse(line: RefusedLine) -> None:
    raise AssertionError(line)


def _file(loans: Sequence[str], nth: int, paid_on: str) -> list[bytes]:
    lines = (
        orjson.dumps({
            "bank_reference": f"bank-{nth}-{number:06}",
            "loan_id": loan_id,
            "amount_minor": PAID_MINOR,
            "currency": "USD",
            "paid_on": paid_on,
        })
        for number, loan_id in enumerate(loans)
    )  # fmt: skip
    text = b"\n".join(lines)
    return [text[at : at + _CHUNK_BYTES] for at in range(0, len(text), _CHUNK_BYTES)]
