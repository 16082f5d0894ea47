"""What is written can be read; what could not be read is not written; what was tampered with is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import msgspec
import orjson
import pytest

from schemas.books.events import DayClosed
from schemas.envelope import (
    LARGEST_EVENT_BYTES,
    Attributes,
    EventTooLarge,
    InvalidEvent,
    UnreadableEvent,
    digest,
    instant,
    read,
    write,
)
from schemas.registry import REGISTRY
from schemas.values import ABSENT, LARGEST_MINOR, Event
from tests.loan_builders import DUE, Life, a_bullet, a_loan

EVENT = DayClosed(book_id="main", business_date=date(2026, 1, 5), loans_visited=3)


def attributes(event: Event = EVENT, **other: Any) -> Attributes:
    plain = Attributes(
        specversion="1.0",
        id="019b8a5c-7c00-7000-8000-000000000001",
        type=event.TYPE,
        source="/books/main",
        subject=event.subject,
        time="2026-01-05T12:00:00.000000Z",
        datacontenttype="application/json",
        stream="book/main",
        streamversion=1,
        valuedate=event.value_date,
        actor="operator:ann",
        correlationid="c1",
        requestindex=1,
        requestsize=1,
    )
    return msgspec.structs.replace(plain, **other)


def changed(old: str, new: str, event: Event = EVENT) -> bytes:
    """The bytes of an event with one part replaced."""
    text = write(attributes(event), event).decode()
    assert text.count(old) == 1
    return text.replace(old, new).encode()


def decoded(encoded: bytes) -> Event:
    return REGISTRY.decode(read(encoded))


def test_what_was_written_is_read_back_the_same() -> None:
    encoded = write(attributes(), EVENT)
    assert decoded(encoded) == EVENT
    assert (read(encoded).book_id, read(encoded).stream, read(encoded).prevhash) == ("main", "book/main", ABSENT)


def test_absent_attributes_are_not_written() -> None:
    document = orjson.loads(write(attributes(), EVENT))
    assert not {"prevhash", "causationid", "commandid", "commandhash", "nextactionon"} & document.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "019b8a5c-7c00-4000-8000-000000000001"),
        ("type", "Ledger.book.v1"),
        ("type", "ledger.book.opened.v1\n"),
        ("type", "ledger.book.opened.v0"),
        ("source", "/books/a b"),
        ("subject", ""),
        ("time", "2026-01-05T12:00:00Z"),
        ("time", "２０26-01-05T12:00:00.000000Z"),
        ("streamversion", 0),
        ("prevhash", "A" * 64),
        ("prevhash", "a" * 64 + "\n"),
        ("actor", "ann"),
        ("requestsize", 0),
        ("correlationid", "x" * 101),
        ("stream", "b\ud800k"),
    ],
)
def test_an_attribute_out_of_its_range_is_not_written(name: str, value: object) -> None:
    with pytest.raises(InvalidEvent, match=r"asked to record (.|\n)* for "):
        write(msgspec.structs.replace(attributes(), **{name: value}), EVENT)


@pytest.mark.parametrize(
    "change",
    [
        {"principal_minor": 0},
        {"principal_minor": LARGEST_MINOR + 1},
        {"product": "Bullet Loan"},
        {"loan_id": "loan-1\n"},
        {"currency": "usd"},
        {"borrower_id": ""},
        {"currency": "\ud800"},
    ],
)
def test_a_fact_out_of_its_range_is_not_written(change: dict[str, Any]) -> None:
    event = msgspec.structs.replace(a_bullet(), **change)
    with pytest.raises(InvalidEvent, match=r"ledger\.loan\.opened\.v1"):
        write(attributes(a_bullet()), event)


def test_postings_that_do_not_add_up_to_zero_cannot_be_made() -> None:
    event = a_bullet()
    with pytest.raises(ValueError, match=r"ledger.loan.opened.v1 for loan-1 add up to 10000, not to 0"):
        msgspec.structs.replace(event, postings=event.postings[:1])


def test_postings_that_do_not_add_up_to_zero_are_not_read() -> None:
    with pytest.raises(UnreadableEvent, match="add up to 1, not to 0"):
        decoded(changed('"amount_minor":-10000', '"amount_minor":-9999', a_bullet()))


def test_a_payment_whose_parts_do_not_add_up_is_not_read() -> None:
    [payment] = Life().pays(40_00, DUE)
    with pytest.raises(UnreadableEvent, match="payment p1 of 4000 has 4001 placed"):
        decoded(changed('"installment":1,"amount_minor":4000}]', '"installment":1,"amount_minor":4001}]', payment))


def test_an_event_beyond_256_kib_is_not_written() -> None:
    loan = a_loan(*([1] * 5000))
    [event, *_] = Life(loan).pays(5000, DUE)
    with pytest.raises(EventTooLarge, match=f"at most {LARGEST_EVENT_BYTES} are allowed; split the result"):
        write(attributes(event), event)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"loans_visited":3', '"loans_visited":3,"more":1', "unknown field `more`"),
        ('"loans_visited":3', '"loans_visited":null', "got `null`"),
        (',"loans_visited":3', "", "missing required field `loans_visited`"),
        ('"loans_visited":3', '"loans_visited":3.0', "got `float`"),
        ('"loans_visited":3', '"loans_visited":"3"', "got `str`"),
        ('"loans_visited":3', '"loans_visited":-1', ">= 0"),
        ('"2026-01-05","loans', '"2026-01-32","loans', "Invalid RFC3339"),
        ('"2026-01-05","loans', '"2026-01-05T00:00:00Z","loans', "Invalid RFC3339"),
        ('"book_id":"main"', '"book_id":"a b"', "matching regex"),
    ],
)
def test_data_that_its_class_does_not_allow_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(UnreadableEvent, match=why):
        decoded(changed(old, new))


@pytest.mark.parametrize("amount", [2**53, -1, 0, 1.0, "1", None, 10**30])
def test_an_amount_is_a_whole_number_of_minor_units_within_two_to_the_53(amount: object) -> None:
    new = f'"principal_minor":{orjson.dumps(amount).decode() if amount != 10**30 else 10**30},"installments"'
    with pytest.raises(UnreadableEvent, match="principal_minor"):
        decoded(changed('"principal_minor":10000,"installments"', new, a_bullet()))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"specversion":"1.0"', '"specversion":"1.1"', "Invalid enum value"),
        ('"specversion":"1.0",', "", "missing required field `specversion`"),
        ('"requestsize":1', '"requestsize":1,"partition":7', "unknown field `partition`"),
        ('"requestsize":1', '"requestsize":1,"causationid":null', "got `null`"),
        ('"streamversion":1', '"streamversion":1.5', "got `float`"),
        ('"data":{', '"facts":{', "unknown field `facts`"),
    ],
)
def test_an_envelope_that_differs_from_the_contract_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(UnreadableEvent, match=why):
        read(changed(old, new))


@pytest.mark.parametrize(
    "encoded",
    [b"", b" ", b"null", b"[]", b"{}", b"{", b'"text"', b"\x00\x01", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 10_000],
)
def test_bytes_that_are_no_event_are_refused_by_name(encoded: bytes) -> None:
    with pytest.raises(UnreadableEvent, match=f"asked to read an event of {len(encoded)} bytes"):
        read(encoded)


@pytest.mark.parametrize("deep", ["[" * 100_000 + "]" * 100_000, '{"a":' * 40_000 + "1" + "}" * 40_000])
def test_data_without_a_bottom_is_refused(deep: str) -> None:
    with pytest.raises(UnreadableEvent, match="recursion"):
        decoded(changed('"loans_visited":3', f'"loans_visited":{deep}'))


def test_bytes_that_are_cut_short_are_refused() -> None:
    encoded = write(attributes(), EVENT)
    for length in range(len(encoded)):
        with pytest.raises(UnreadableEvent):
            read(encoded[:length])


def test_invalid_utf_8_is_refused_in_the_envelope_and_in_the_data() -> None:
    encoded = write(attributes(), EVENT)
    with pytest.raises(UnreadableEvent):
        read(encoded.replace(b"operator:ann", b"operator:\xff"))
    with pytest.raises(UnreadableEvent):
        decoded(encoded.replace(b'"book_id":"main"', b'"book_id":"m\xc3\x28n"'))


def test_of_a_key_that_comes_twice_the_last_one_counts_silently() -> None:
    """The reader does not notice. The hash chain does: only bytes that we wrote ourselves are in it."""
    encoded = changed('"loans_visited":3', '"loans_visited":3,"loans_visited":4')
    event = decoded(encoded)
    assert isinstance(event, DayClosed)
    assert event.loans_visited == 4
    assert digest(encoded) != digest(write(attributes(event), event))


def test_an_instant_is_utc_with_six_digits() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert instant(datetime(2026, 1, 1, 4, 30, tzinfo=shanghai)) == "2025-12-31T20:30:00.000000Z"
    assert instant(datetime(2026, 1, 1, 4, 30, 0, 7, tzinfo=UTC)) == "2026-01-01T04:30:00.000007Z"


def test_the_digest_of_bytes_is_their_sha_256() -> None:
    assert digest(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_more_bytes_than_are_ever_written_are_not_read_either() -> None:
    encoded = write(attributes(), EVENT)
    assert read(encoded.ljust(LARGEST_EVENT_BYTES)) == read(encoded)
    with pytest.raises(UnreadableEvent, match=rf"{LARGEST_EVENT_BYTES + 1} bytes; none is written with more"):
        read(encoded.ljust(LARGEST_EVENT_BYTES + 1))
