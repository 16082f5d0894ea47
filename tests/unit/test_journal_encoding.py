"""From decided events to the bytes of one request."""

from datetime import UTC, date, datetime
from itertools import count

import pytest

from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.partitioning import partition_of
from ledger.journal.records import Request
from schemas.books.events import DayClosed
from schemas.envelope import Envelope, InvalidEvent, digest, read
from schemas.values import ABSENT
from tests.loan_builders import DUE, Life, a_bullet, days

PROVENANCE = Provenance(
    book_id="main",
    actor="operator:ann",
    decided_at=datetime(2026, 1, 5, 12, tzinfo=UTC),
    correlation_id="c1",
    command_id=b"\x01" * 32,
    command_hash=b"\x02" * 32,
)
LOAN, BOOK = StreamHead(stream="loan/loan-1"), StreamHead(stream="book/main", version=7, hash=b"\x07" * 32)


def encoded(
    *decisions: Decision, provenance: Provenance = PROVENANCE, also_read: tuple[StreamHead, ...] = ()
) -> Request:
    ids = (f"019b8a5c-7c00-7000-8000-{number:012x}" for number in count(1))
    return encode(decisions, provenance, partitions=12, event_ids=lambda: next(ids), also_read=also_read)


def envelopes(request: Request) -> list[Envelope]:
    return [read(event.state) for event in request.events]


def test_the_first_event_of_a_stream_has_version_one_and_no_predecessor() -> None:
    [envelope] = envelopes(encoded(Decision(head=LOAN, events=[a_bullet()])))
    assert (envelope.streamversion, envelope.prevhash) == (1, ABSENT)


def test_each_event_names_the_hash_of_the_bytes_before_it() -> None:
    head = StreamHead(stream="loan/loan-1", version=4, hash=b"\x09" * 32)
    request = encoded(Decision(head=head, events=Life().pays(100_00, days(2))))
    hashes = [head.hash, *(digest(event.state) for event in request.events)]
    assert [event.prev_hash for event in request.events] == hashes[:-1]
    assert [envelope.prevhash for envelope in envelopes(request)] == [each.hex() for each in hashes[:-1] if each]
    assert [event.version for event in request.events] == [5, 6, 7]


def test_columns_say_what_the_bytes_say() -> None:
    [event] = (request := encoded(Decision(head=LOAN, events=[a_bullet()]))).events
    [envelope] = envelopes(request)
    assert (event.stream, event.version, event.type) == (envelope.stream, envelope.streamversion, envelope.type)
    assert (event.key, event.topic) == (envelope.subject, "ledger.loans")
    assert event.partition == partition_of("loan-1", 12)


def test_a_request_over_several_streams_counts_its_events_once_through() -> None:
    closed = DayClosed(book_id="main", business_date=DUE, loans_visited=1)
    request = encoded(Decision(head=LOAN, events=Life().pays(1, DUE)), Decision(head=BOOK, events=[closed]))
    assert [(each.requestindex, each.requestsize) for each in envelopes(request)] == [(1, 2), (2, 2)]
    assert {each.commandid for each in envelopes(request)} == {"01" * 32}
    assert request.reads == {"loan/loan-1": 0, "book/main": 7}


def test_the_next_date_is_on_the_last_event_of_each_stream_only() -> None:
    decision = Decision(head=LOAN, events=Life().pays(100_00, days(2)), next_action_on=date(2026, 5, 1))
    request = encoded(
        decision, Decision(head=BOOK, events=[DayClosed(book_id="main", business_date=DUE, loans_visited=1)])
    )
    assert [each.nextactionon for each in envelopes(request)] == [ABSENT] * 2 + [date(2026, 5, 1), ABSENT]
    assert request.next_actions == {"loan/loan-1": date(2026, 5, 1), "book/main": None}


def test_a_stream_that_was_read_only_is_named_with_its_version() -> None:
    request = encoded(Decision(head=LOAN, events=[a_bullet()]), also_read=(BOOK,))
    assert request.reads == {"loan/loan-1": 0, "book/main": 7}
    assert "book/main" not in request.next_actions


def test_a_decision_without_events_moves_the_date_and_still_brings_its_key_to_be_looked_up() -> None:
    request = encoded(Decision(head=BOOK, events=[], next_action_on=DUE))
    assert (request.events, request.command_id) == ([], PROVENANCE.command_id)
    assert (request.reads, request.next_actions) == ({"book/main": 7}, {"book/main": DUE})


def test_the_same_decision_with_the_same_ids_and_time_gives_the_same_bytes() -> None:
    decision = Decision(head=LOAN, events=Life().pays(40_00, DUE))
    assert encoded(decision) == encoded(decision)


def test_a_fact_that_could_not_be_read_again_is_refused_before_anything_is_recorded() -> None:
    bad = DayClosed(book_id="main", business_date=DUE, loans_visited=-1)
    with pytest.raises(InvalidEvent, match=r"asked to record ledger\.book\.day_closed\.v1 for main"):
        encoded(Decision(head=BOOK, events=[bad]))
