"""Events that were recorded are read fast: the same facts, and still no wrong ones."""

import re
from pathlib import Path

import msgspec
import pytest

from schemas import envelope
from schemas.envelope import UnreadableEvent
from schemas.registry import REGISTRY, Registry, UnknownEventType
from schemas.values import Event

GOLDEN = Path(__file__).parents[1] / "golden"


def stored(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().strip()


def as_recorded(name: str, encoded: bytes) -> Event:
    return REGISTRY.decode_recorded(name, encoded)


@pytest.mark.parametrize("name", REGISTRY.types)
def test_every_type_reads_as_the_strict_reader_reads_it(name: str) -> None:
    strict = REGISTRY.decode(envelope.read(stored(name)))
    fast = as_recorded(name, stored(name))
    assert isinstance(fast, type(strict))
    assert msgspec.to_builtins(fast) == msgspec.to_builtins(strict)
    assert fast.subject == strict.subject


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        (rb'"amount_minor":', rb'"amount":'),
        (rb'"paid_on":"[0-9-]+"', rb'"paid_on":"soon"'),
        (rb'"credit_minor":\d+', rb'"credit_minor":-1'),
        (rb'"account":"cash","amount_minor":(\d+)', rb'"account":"cash","amount_minor":1\1'),
        (rb'"payment_id":', rb'"extra":1,"payment_id":'),
        (rb"\}$", rb""),
        (rb'"type":"ledger\.payment\.received\.v1"', rb'"type":"ledger.payment.reversed.v1"'),
    ],
    ids=["missing", "no date", "out of range", "postings do not add up", "unknown", "cut off", "another type"],
)
def test_what_no_reader_could_use_is_refused(pattern: bytes, wrong: bytes) -> None:
    name = "ledger.payment.received.v1"
    changed = re.sub(pattern, wrong, stored(name))
    assert changed != stored(name)
    with pytest.raises(UnreadableEvent, match=r"ledger\.payment\.received\.v1"):
        as_recorded(name, changed)


def test_a_type_that_nobody_knows_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"ledger\.loan\.sold\.v9"):
        as_recorded("ledger.loan.sold.v9", b"{}")


def test_older_versions_become_the_newest() -> None:
    name = "ledger.book.day_closed.v1"
    newer = Registry([REGISTRY.types[name]], {name: lambda _: REGISTRY.decode(envelope.read(stored(other)))})
    other = "ledger.book.opened.v1"
    assert other == newer.decode_recorded(name, stored(name)).TYPE
