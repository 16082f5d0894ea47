"""The subscription of the recorder: each event once, in order, woken by the commit, and never past one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from uuid import uuid4

import pytest
from eventsourcing.persistence import ApplicationRecorder, OperationalError, StoredEvent

from ledger.journal.database import Database
from ledger.journal.persistence import Factory
from tests.integration.projections.recorded_book import eventually

CUT = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity "
    "where query = 'listen journal' and datname = current_database()"
)


def an_event(topic: str = "happened", state: bytes = b"{}") -> StoredEvent:
    return StoredEvent(uuid4(), 1, topic, state)


def save_many(recorder: ApplicationRecorder, saves: int) -> None:
    for _ in range(saves):
        recorder.insert_events([an_event(), an_event()])


def ids(recorder: ApplicationRecorder, count: int, *, gt: int = 0, topics: Sequence[str] = ()) -> list[int]:
    with recorder.subscribe(gt=gt, topics=topics) as subscription:
        return [notification.id for notification in islice(subscription, count)]


def test_a_follower_of_many_writers_sees_each_event_once_and_in_order(factory: Factory) -> None:
    recorder = factory.application_recorder()
    with ThreadPoolExecutor(9) as pool:
        following = pool.submit(ids, recorder, 1600)
        for _ in range(8):
            pool.submit(save_many, recorder, 100)
        assert following.result() == list(range(1, 1601))


def test_a_commit_wakes_a_subscription_that_would_not_look_by_itself(factory: Factory) -> None:
    patient = Factory(factory.env | {"LEDGER_POLL_INTERVAL_MS": "600000"})
    recorder = patient.application_recorder()
    with closing(patient), recorder.subscribe() as subscription:
        for expected in range(1, 21):
            recorder.insert_events([an_event()])
            assert next(subscription).id == expected
        subscription.stop()
        recorder.insert_events([an_event()])  # wakes it, to see that it was stopped


def test_events_are_seen_that_were_committed_while_a_subscription_began(factory: Factory) -> None:
    recorder = factory.application_recorder()
    for count in range(1, 51):
        with recorder.subscribe(gt=count - 1) as subscription:
            recorder.insert_events([an_event()])
            assert next(subscription).id == count


def test_a_subscription_to_one_topic_goes_through_all_the_others(factory: Factory) -> None:
    recorder = factory.application_recorder()
    recorder.insert_events([an_event("rare" if n % 700 == 0 else "common") for n in range(1, 2101)])
    assert ids(recorder, 3, topics=["rare"]) == [700, 1400, 2100]
    assert ids(recorder, 1, gt=1400, topics=["rare"]) == [2100]


def test_a_subscription_whose_connection_is_cut_ends_with_an_error(factory: Factory, database: Database) -> None:
    recorder = factory.application_recorder()
    with recorder.subscribe() as subscription, database.connect() as operator:
        eventually(lambda: operator.execute(CUT).fetchone() == (1,))
        with pytest.raises(OperationalError, match="see that the server runs"):
            next(subscription)
