"""Which originators and versions the recorders take, and that savers of one stream exclude each other."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import DataError, IntegrityError, StoredEvent

from ledger.journal.database import Database
from ledger.journal.journal import Journal
from ledger.journal.persistence import Factory
from tests.integration.journal.requests import a_request, assert_dense, everything


def events_of(originator_id: UUID | str, *versions: int) -> list[StoredEvent]:
    return [StoredEvent(originator_id, version, "happened", f"{version}".encode()) for version in versions]


@pytest.mark.parametrize("first", [0, 1])
def test_a_sequence_starts_at_0_or_1_and_is_read_as_it_was_saved(factory: Factory, first: int) -> None:
    recorder, events = factory.application_recorder(), events_of(uuid4(), *range(first, first + 5))
    recorder.insert_events(events[:2])
    recorder.insert_events(events[2:])
    selected = recorder.select_events(events[0].originator_id, gt=first + 1, lte=first + 3, desc=True)
    assert [event.originator_version for event in selected] == [first + 3, first + 2]
    assert [n.originator_version for n in recorder.select_notifications(None, 9)] == list(range(first, first + 5))


@pytest.mark.parametrize("versions", [(2,), (5,), (-1,), (1, 3), (1, 1), (0, 2), (2, 1)])
def test_versions_that_leave_a_gap_are_refused(factory: Factory, versions: tuple[int, ...]) -> None:
    recorder = factory.application_recorder()
    with pytest.raises(IntegrityError, match="the next one is"):
        recorder.insert_events(events_of(uuid4(), *versions))
    assert recorder.max_notification_id() is None


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_a_sequence_does_not_start_twice(factory: Factory, first: int, second: int) -> None:
    recorder, originator_id = factory.application_recorder(), uuid4()
    recorder.insert_events(events_of(originator_id, first, first + 1))
    with pytest.raises(IntegrityError):
        recorder.insert_events(events_of(originator_id, second))


def test_of_those_who_start_a_sequence_at_0_and_at_1_together_one_wins(factory: Factory, database: Database) -> None:
    originator_ids, together = [uuid4() for _ in range(40)], Barrier(2)

    def start_all(first: int) -> int:
        return sum(_wins(factory, originator_id, first, together) for originator_id in originator_ids)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(start_all, (0, 1))) == len(originator_ids)
    with Journal(database, pool_size=1) as journal:
        assert_dense(everything(journal))


def _wins(factory: Factory, originator_id: UUID, first: int, together: Barrier) -> bool:
    recorder = factory.application_recorder()
    together.wait()
    try:
        recorder.insert_events(events_of(originator_id, first, first + 1))
    except IntegrityError:
        return False
    return True


@pytest.mark.parametrize("originator_id", ["loan/1", ""])
def test_an_originator_that_is_not_a_uuid_is_refused_unless_names_are_expected(
    factory: Factory, originator_id: str
) -> None:
    with pytest.raises(DataError, match="an originator is a UUID"):
        factory.application_recorder().insert_events(events_of(originator_id, 1))


def test_a_stream_that_is_not_named_by_a_uuid_says_how_to_read_it(factory: Factory, database: Database) -> None:
    with Journal(database, pool_size=1) as journal:
        journal.append([a_request("a")])
    with pytest.raises(DataError, match=r"stream loan/a at position 1 .* Set ORIGINATOR_ID_TYPE to text"):
        factory.application_recorder().select_notifications(None, 1)


def test_a_save_over_many_originators_is_all_or_nothing(factory: Factory) -> None:
    recorder, taken, fresh = factory.application_recorder(), uuid4(), uuid4()
    recorder.insert_events(events_of(taken, 1))
    with pytest.raises(IntegrityError):
        recorder.insert_events([*events_of(fresh, 1, 2), *events_of(taken, 1)])
    assert (recorder.select_events(fresh), recorder.max_notification_id()) == ([], 1)
    assert recorder.insert_events([*events_of(fresh, 1), *events_of(taken, 2), *events_of(fresh, 2)]) == [2, 3, 4]


def test_state_that_postgresql_cannot_keep_is_a_data_error(factory: Factory) -> None:
    with pytest.raises(DataError):
        factory.application_recorder().insert_events([StoredEvent(uuid4(), 1, "nul \x00", b"")])
