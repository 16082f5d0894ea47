"""Quotes of 60 months on one core, from bytes of NDJSON to bytes of NDJSON, as `ledger quote --batch` makes them.

No two loans are alike: principal, rate, dates and day count change from line to line, so that little is remembered.
Seconds are those of the processor: nothing is waited for here, and other programs may share the machine.
"""

import random
import time
from collections.abc import Iterator, Sequence
from statistics import median

import orjson

from ledger.application.quoting import answers
from tests.bench.reporting import Figure, Must

LOANS = 3_000
ROUNDS = 5
_CHUNK_BYTES = 1 << 16
_DAY_COUNTS = ("period", "30/360", "actual/365F")


def run(_: object) -> Iterator[Figure]:
    chunks = _requests(LOANS)
    for name, rows_only, least in (("quote_rows", True, 5_000), ("quote_rates", False, 1_500)):
        rates = [_per_second(chunks, rows_only=rows_only) for _ in range(ROUNDS)]
        yield Figure(name=name, value=median(rates), unit="schedules/s", must=Must("value", ">=", least))


def _per_second(chunks: Sequence[bytes], *, rows_only: bool) -> float:
    started_s = time.process_time()
    answered = sum(part.count(b'"installments"') for part in answers(chunks, rows_only=rows_only))
    taken_s = time.process_time() - started_s
    assert answered == LOANS
    return LOANS / taken_s


def _requests(count: int) -> list[bytes]:
    chance = random.Random(60)
    text = b"".join(orjson.dumps(_request(chance, number)) + b"\n" for number in range(count))
    return [text[at : at + _CHUNK_BYTES] for at in range(0, len(text), _CHUNK_BYTES)]


def _request(chance: random.Random, number: int) -> dict[str, object]:
    year, month, day = 2020 + chance.randrange(10), 1 + chance.randrange(12), 1 + chance.randrange(28)
    return {
        "id": f"loan-{number:06}",
        "principal_minor": chance.randrange(1_000_00, 1_000_000_00),
        "currency": "CNY",
        "annual_rate": f"0.{chance.randrange(300, 3600):04}",
        "term": 60,
        "every": "1m",
        "method": "equal_installment",
        "day_count": _DAY_COUNTS[number % len(_DAY_COUNTS)],
        "disbursed_on": f"{year}-{month:02}-{day:02}",
        "rounding": {"mode": "half_up", "installment": "none", "residue": "last"},
        "fees": [],
    }
