"""Requests to append: the journal never decodes states, so any bytes do."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date

from ledger.journal.journal import Journal
from ledger.journal.partitioning import partition_of
from ledger.journal.records import NewEvent, Outcome, RecordedEvent, Request

PARTITIONS = 12
NOBODY = b"\x00" * 32


def a_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def some_events(loan: str, count: int, *, after: RecordedEvent | None = None, note: str = "") -> list[NewEvent]:
    """The next `count` events of a loan's stream, each naming the hash of the one before."""
    version, previous = (after.version, hashlib.sha256(after.state).digest()) if after else (0, None)
    events = []
    for nth in range(version + 1, version + count + 1):
        state = f'{{"loan":"{loan}","version":{nth},"note":"{note}"}}'.encode()
        events.append(
            NewEvent(
                stream=f"loan/{loan}",
                version=nth,
                type="ledger.test.happened.v1",
                topic="ledger.loans",
                key=loan,
                partition=partition_of(loan, PARTITIONS),
                prev_hash=previous,
                state=state,
            )
        )
        previous = hashlib.sha256(state).digest()
    return events


def a_request(
    loan: str = "a",
    count: int = 1,
    *,
    after: RecordedEvent | None = None,
    key: str | None = None,
    body: str = "body",
    also_read: dict[str, int] | None = None,
    next_action_on: date | None = None,
    note: str = "",
) -> Request:
    """A request that reads and writes one loan's stream, `after` its newest event."""
    stream = f"loan/{loan}"
    return Request(
        reads={stream: after.version if after else 0} | (also_read or {}),
        events=some_events(loan, count, after=after, note=note),
        next_actions={stream: next_action_on},
        command_id=a_digest(key) if key else None,
        command_hash=a_digest(body) if key else None,
    )


def append_sql(loan: str = "z", read_at: int = 0) -> bytes:
    """One event on a loan's stream, as a client of another kind would write the call."""
    return (
        "select * from journal.append(array[null]::bytea[], array[null]::bytea[], array[1], "
        f"array[1], array['loan/{loan}'], array[{read_at}]::bigint[], '{{}}', '{{}}', '{{}}', array[1], array[1], "
        "array[1]::bigint[], array['ledger.test.happened.v1'], array['ledger.loans'], "
        f"array['{loan}'], array[3]::smallint[], array[null]::bytea[], array['{{}}'::bytea], array[true], "
        "array[null]::date[])"
    ).encode()


def appended(journal: Journal, *requests: Request) -> list[Outcome]:
    return journal.append(requests)


def newest(journal: Journal, loan: str) -> RecordedEvent | None:
    events = journal.streams([f"loan/{loan}"])[f"loan/{loan}"]
    return events[-1] if events else None


def everything(journal: Journal) -> list[RecordedEvent]:
    return journal.after(0, 1_000_000)


def assert_dense(events: Sequence[RecordedEvent]) -> None:
    """Positions, versions and partition numbers without gap; times that never decrease; chains that hold."""
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    times = [event.recorded_us for event in events]
    assert times == sorted(times)
    for partition in {event.partition for event in events}:
        numbers = [event.partitionseq for event in events if event.partition == partition]
        assert numbers == list(range(1, len(numbers) + 1))
    for name in {event.stream for event in events}:
        assert [event.version for event in _of(events, name)] == list(range(1, len(list(_of(events, name))) + 1))


def _of(events: Sequence[RecordedEvent], stream: str) -> Iterator[RecordedEvent]:
    return (event for event in events if event.stream == stream)
