"""Versions of one type: each is read as written, then made the newest, step by step."""

from typing import ClassVar

import msgspec
import pytest

from schemas.envelope import Envelope, UnreadableEvent
from schemas.registry import REGISTRY, Registry, UnknownEventType
from schemas.values import Event


class FeeV1(Event, frozen=True):
    """Said how much, in whole units."""

    TYPE: ClassVar[str] = "ledger.fee.charged.v1"
    FAMILY: ClassVar[str] = "ledger.fees"

    amount: int


class FeeV2(Event, frozen=True):
    """Said it in minor units."""

    TYPE: ClassVar[str] = "ledger.fee.charged.v2"
    FAMILY: ClassVar[str] = "ledger.fees"

    amount_minor: int


class FeeV3(Event, frozen=True):
    """Says in what currency too."""

    TYPE: ClassVar[str] = "ledger.fee.charged.v3"
    FAMILY: ClassVar[str] = "ledger.fees"

    amount_minor: int
    currency: str


def second(event: Event) -> Event:
    assert isinstance(event, FeeV1)
    return FeeV2(amount_minor=event.amount * 100)


def third(event: Event) -> Event:
    assert isinstance(event, FeeV2)
    return FeeV3(amount_minor=event.amount_minor, currency="CNY")


FEES = Registry([FeeV1, FeeV2, FeeV3], {FeeV1.TYPE: second, FeeV2.TYPE: third})


def an_envelope(version: int, data: bytes) -> Envelope:
    return msgspec.convert(
        {
            "specversion": "1.0",
            "id": "019b8a5c-7c00-7000-8000-000000000001",
            "type": f"ledger.fee.charged.v{version}",
            "source": "/books/main",
            "subject": "loan-1",
            "time": "2026-01-05T12:00:00.000000Z",
            "datacontenttype": "application/json",
            "stream": "loan/loan-1",
            "streamversion": 1,
            "valuedate": "2026-01-05",
            "actor": "operator:ann",
            "correlationid": "c1",
            "requestindex": 1,
            "requestsize": 1,
            "data": msgspec.Raw(data),
        },
        Envelope,
    )


@pytest.mark.parametrize(
    ("version", "data"),
    [(1, b'{"amount":5}'), (2, b'{"amount_minor":500}'), (3, b'{"amount_minor":500,"currency":"CNY"}')],
)
def test_every_version_is_read_as_the_newest(version: int, data: bytes) -> None:
    assert FEES.decode(an_envelope(version, data)) == FeeV3(amount_minor=500, currency="CNY")


def test_an_old_version_is_read_by_its_own_class_and_by_no_newer_one() -> None:
    with pytest.raises(UnreadableEvent, match="unknown field `amount_minor`"):
        FEES.decode(an_envelope(1, b'{"amount_minor":500}'))


def test_upcasting_leaves_the_envelope_as_it_was_recorded() -> None:
    envelope = an_envelope(1, b'{"amount":5}')
    FEES.decode(envelope)
    assert (envelope.type, bytes(envelope.data)) == ("ledger.fee.charged.v1", b'{"amount":5}')


def test_a_type_that_this_version_does_not_have_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"ledger\.fee\.charged\.v4; this version knows 3 types"):
        FEES.decode(an_envelope(4, b"{}"))


@pytest.mark.parametrize(
    "data", [b"null", b"[]", b"5", b'{"amount":null}', b'{"amount":5.0}', b'{"amount":5,"x":1}', b"{}"]
)
def test_data_that_its_version_does_not_allow_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableEvent, match=r"the data of event .* \(ledger\.fee\.charged\.v1\)"):
        FEES.decode(an_envelope(1, data))


def test_families_are_the_topics_without_repetition() -> None:
    assert FEES.families() == ("ledger.fees",)
    assert REGISTRY.families() == ("ledger.books", "ledger.loans", "ledger.overdue", "ledger.payments")
