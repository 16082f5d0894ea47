"""What `journal.append` does with a batch of requests: each verdict, all or nothing, dense numbers."""

from datetime import date

import psycopg
import pytest
from msgspec.structs import replace

from ledger.journal.database import Database
from ledger.journal.errors import SecondBook
from ledger.journal.journal import Journal
from ledger.journal.records import Outcome, Request, Verdict, Waiting
from tests.integration.journal.requests import (
    a_digest,
    a_request,
    append_sql,
    appended,
    assert_dense,
    everything,
    newest,
    some_events,
)

DAY = date(2026, 2, 6)


def verdicts(outcomes: list[Outcome]) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes]


def test_an_appended_request_tells_its_positions(journal: Journal) -> None:
    [first, second] = appended(journal, a_request("a", 2), a_request("b", 3))
    assert first == Outcome(verdict=Verdict.APPENDED, first_position=1, last_position=2)
    assert second == Outcome(verdict=Verdict.APPENDED, first_position=3, last_position=5)


def test_what_is_read_back_is_what_was_written(journal: Journal) -> None:
    request = a_request("a", 2)
    appended(journal, request)
    found = journal.streams(["loan/a"])["loan/a"]
    assert [(e.stream, e.version, e.type, e.topic, e.key, e.partition, e.state) for e in found] == [
        (e.stream, e.version, e.type, e.topic, e.key, e.partition, e.state) for e in request.events
    ]
    assert (journal.after(1, 1), journal.between(1, 2)) == (found[1:], found)


def test_an_empty_batch_is_an_empty_answer(journal: Journal) -> None:
    assert journal.append([]) == []
    assert journal.head().position == 0


def test_a_known_key_gives_the_positions_of_the_first_answer(journal: Journal) -> None:
    appended(journal, a_request("a", 2, key="pay"))
    [again] = appended(journal, a_request("a", 2, key="pay"))
    assert (again.verdict, again.first_position, again.last_position) == (Verdict.KNOWN, 1, 2)
    assert journal.head().position == 2


def test_a_key_for_another_body_is_refused_and_writes_nothing(journal: Journal) -> None:
    appended(journal, a_request("a", key="pay"))
    [reused] = appended(journal, a_request("b", key="pay", body="another"))
    assert (reused.verdict, journal.head().position) == (Verdict.KEY_REUSED, 1)
    assert journal.existing(["loan/b"]) == set()


def test_a_key_is_looked_at_before_versions_and_hashes(journal: Journal) -> None:
    appended(journal, a_request("a", key="pay"))
    stale = replace(a_request("a", key="pay"), reads={"loan/a": 99})
    assert verdicts(appended(journal, stale)) == [Verdict.KNOWN]


def test_a_key_can_be_found_with_what_it_stands_for(journal: Journal) -> None:
    appended(journal, a_request("a", 2, key="pay", body="100 USD"), a_request("b"))
    found = journal.find_commands([a_digest("pay"), a_digest("never used")])
    assert found == {a_digest("pay"): (a_digest("100 USD"), 1, 2)}


def test_a_stream_that_moved_on_is_a_conflict_that_names_both_versions(journal: Journal) -> None:
    appended(journal, a_request("a", 3))
    [outcome] = appended(journal, a_request("a"))
    assert (outcome.verdict, outcome.first_position) == (Verdict.CONFLICT, None)
    assert outcome.detail == "stream loan/a was read at version 0 and is at 3"


def test_a_stream_that_was_only_read_conflicts_too(journal: Journal) -> None:
    appended(journal, a_request("consent"))
    [outcome] = appended(journal, a_request("reminder", also_read={"loan/consent": 0}))
    assert outcome.verdict is Verdict.CONFLICT
    assert outcome.detail == "stream loan/consent was read at version 0 and is at 1"
    [fresh] = appended(journal, a_request("reminder", also_read={"loan/consent": 1}))
    assert fresh.verdict is Verdict.APPENDED


def test_a_stream_that_is_not_there_was_not_read_at_any_version(journal: Journal) -> None:
    [outcome] = appended(journal, a_request("a", also_read={"loan/ghost": 4}))
    assert outcome.detail == "stream loan/ghost was read at version 4 and is at 0"


@pytest.mark.parametrize("hash_before", [None, a_digest("something else")])
def test_an_event_that_does_not_name_the_one_before_breaks_the_chain(journal: Journal, hash_before: bytes) -> None:
    appended(journal, a_request("a"))
    request = a_request("a", after=newest(journal, "a"))
    [outcome] = appended(journal, replace(request, events=[replace(request.events[0], prev_hash=hash_before)]))
    assert outcome.verdict is Verdict.BROKEN_CHAIN
    assert outcome.detail == "stream loan/a version 2 does not follow what was read"


def test_a_first_event_has_no_predecessor_to_name(journal: Journal) -> None:
    request = a_request("a")
    [outcome] = appended(journal, replace(request, events=[replace(request.events[0], prev_hash=a_digest("x"))]))
    assert outcome.verdict is Verdict.BROKEN_CHAIN


def test_the_chain_is_checked_within_a_request_too(journal: Journal) -> None:
    first, second = a_request("a", 2).events
    broken = replace(a_request("a"), events=[first, replace(second, prev_hash=a_digest("x"))])
    assert verdicts(appended(journal, broken)) == [Verdict.BROKEN_CHAIN]


@pytest.mark.parametrize("versions", [(2,), (1, 3), (1, 1), (2, 1)])
def test_versions_that_do_not_count_up_break_the_chain(journal: Journal, versions: tuple[int, ...]) -> None:
    events = some_events("a", len(versions))
    moved = [replace(event, version=version) for event, version in zip(events, versions, strict=True)]
    assert verdicts(appended(journal, replace(a_request("a"), events=moved))) == [Verdict.BROKEN_CHAIN]


def test_an_event_on_a_stream_that_was_not_read_breaks_the_chain(journal: Journal) -> None:
    assert verdicts(appended(journal, replace(a_request("a"), reads={}))) == [Verdict.BROKEN_CHAIN]


def test_a_request_over_two_streams_is_all_or_nothing(journal: Journal) -> None:
    appended(journal, a_request("b"))
    both = Request(
        reads={"loan/a": 0, "loan/b": 0}, events=[*some_events("a", 2), *some_events("b", 1)], command_id=a_digest("k"),
        command_hash=a_digest("body"), next_actions={"loan/a": DAY},
    )  # fmt: skip
    assert verdicts(appended(journal, both)) == [Verdict.CONFLICT]
    assert (journal.head().position, journal.existing(["loan/a"])) == (1, set())
    assert (journal.find_commands([a_digest("k")]), journal.first_action_on()) == ({}, None)


def test_a_request_that_fails_takes_no_number_from_its_batch(journal: Journal) -> None:
    appended(journal, a_request("taken"))
    batch = [a_request("a", 2), a_request("taken", 3), a_request("b", 2), replace(a_request("c"), reads={"loan/c": 1})]
    outcomes = appended(journal, *batch, a_request("d"))
    assert [(outcome.first_position, outcome.last_position) for outcome in outcomes] == [
        (2, 3), (None, None), (4, 5), (None, None), (6, 6),
    ]  # fmt: skip
    assert_dense(everything(journal))


def test_a_transaction_that_is_rolled_back_leaves_no_hole(journal: Journal, database: Database) -> None:
    appended(journal, a_request("a"))
    with database.connect("ledger_writer", autocommit=False) as connection:
        connection.execute(append_sql("rolled-back"))
        connection.rollback()
    appended(journal, a_request("b"))
    assert [event.key for event in everything(journal)] == ["a", "b"]
    assert_dense(everything(journal))


def test_a_batch_that_the_database_cannot_take_leaves_nothing_behind(journal: Journal) -> None:
    appended(journal, a_request("a"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        appended(journal, a_request("b"), a_request("c", key="k"), a_request("d", key="k"))
    appended(journal, a_request("c"))
    assert_dense(everything(journal))
    assert journal.existing(["loan/b", "loan/d"]) == set()


def test_a_second_book_has_no_place_in_a_journal(journal: Journal) -> None:
    def opening(name: str) -> Request:
        request = a_request(name)
        return replace(request, events=[replace(request.events[0], type="ledger.book.opened.v1")])

    appended(journal, opening("one"))
    with pytest.raises(SecondBook, match="One journal holds one book"):
        appended(journal, opening("two"))


def test_the_next_action_is_kept_with_the_stream(journal: Journal) -> None:
    appended(journal, a_request("a", next_action_on=DAY), a_request("b", next_action_on=date(2026, 1, 1)))
    appended(journal, a_request("c"))
    first, second = Waiting(date(2026, 1, 1), "loan/b"), Waiting(DAY, "loan/a")
    assert journal.due_streams(DAY, 10) == [first, second]
    assert (journal.due_streams(date(2026, 2, 5), 10), journal.due_streams(DAY, 1)) == ([first], [first])
    assert (journal.due_streams(DAY, 10, first), journal.due_streams(DAY, 10, second)) == ([second], [])
    assert journal.first_action_on() == date(2026, 1, 1)


def test_a_request_without_events_moves_the_next_action_at_the_expected_version_only(journal: Journal) -> None:
    appended(journal, a_request("a", 2, next_action_on=DAY))
    moved = Request(reads={"loan/a": 2}, next_actions={"loan/a": None})
    assert verdicts(appended(journal, replace(moved, reads={"loan/a": 1}))) == [Verdict.CONFLICT]
    assert journal.due_streams(DAY, 10) == [Waiting(DAY, "loan/a")]
    assert appended(journal, moved) == [Outcome(verdict=Verdict.APPENDED, first_position=None, last_position=None)]
    assert (journal.due_streams(DAY, 10), journal.head().position) == ([], 2)


def test_the_time_of_recording_never_decreases_even_when_the_server_clock_goes_back(
    journal: Journal, database: Database
) -> None:
    appended(journal, a_request("a"))
    tomorrow_us = journal.head().recorded_us + 86_400_000_000
    with database.connect() as connection:
        connection.execute("update journal.head set recorded_us = %s", (tomorrow_us,))
    appended(journal, a_request("b"))
    assert [event.recorded_us for event in everything(journal)][1] == journal.head().recorded_us == tomorrow_us


def test_all_events_of_one_transaction_are_recorded_at_one_time(journal: Journal) -> None:
    appended(journal, *(a_request(f"l{number}", 2) for number in range(10)))
    assert len({event.recorded_us for event in everything(journal)}) == 1


def test_a_partition_is_numbered_for_itself(journal: Journal) -> None:
    for start in (0, 10, 20):
        appended(journal, *(a_request(f"l{number}", 3) for number in range(start, start + 10)))
    events = everything(journal)
    assert_dense(events)
    assert journal.partition_heads() == {event.partition: event.position for event in events}


def test_followers_are_told_the_new_head(journal: Journal, database: Database) -> None:
    with database.connect("ledger_reader") as connection:
        connection.execute("listen journal")
        appended(journal, a_request("a", 3))
        [note] = list(connection.notifies(timeout=10, stop_after=1))
    assert (note.channel, note.payload) == ("journal", "3")


def test_a_request_without_events_keeps_no_key_and_finds_one_that_is_kept(journal: Journal) -> None:
    empty = replace(a_request("a", key="k"), events=[])
    assert verdicts(appended(journal, empty)) == [Verdict.APPENDED]
    assert journal.find_commands([a_digest("k")]) == {}
    [first] = appended(journal, a_request("a", key="k"))
    [again] = appended(journal, empty)
    assert (again.verdict, again.first_position) == (Verdict.KNOWN, first.first_position)
