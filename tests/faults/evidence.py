"""What must hold after every fault: acknowledged = recorded = published; each once, in order, byte for byte. And what
is projected is what a fold from the first event makes."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ledger.application.books import BookReader
from ledger.bootstrap import Ledger
from ledger.journal.journal import Journal
from ledger.journal.keys import read_key_file
from ledger.journal.records import RecordedEvent
from projections.kafka_feed import KafkaFeed
from schemas.envelope import Envelope, digest, read
from schemas.registry import JOURNAL_TOPIC, REGISTRY
from schemas.values import ABSENT
from tests.faults.site import Site
from tests.faults.writer import PRINCIPAL, execute, order
from tests.integration.projections.recorded_book import RecordedBook
from tests.integration.relay.relayed import position, read_all

_SHOWN = 3
_ASKED_AGAIN = 200


def assert_nothing_lost_or_doubled(site: Site) -> None:
    """Compare what the writers were told, what the journal holds, and what any Kafka client reads."""
    with Journal(site.database, role="ledger_projector", pool_size=1) as journal:
        recorded = journal.after(0, 1_000_000)
    assert_dense(site, recorded)
    assert_chained(site, recorded)
    assert_acknowledged(site, recorded)
    assert_published(site.bootstrap, site.book_id, recorded)
    assert_answered_again(site)


def assert_projected(site: Site) -> None:
    """What the workers made of the events is what a fold from the first one makes, from the journal and from Kafka."""
    with Journal(site.database, role="ledger_projector", pool_size=1) as journal:
        recorded = RecordedBook(database=site.database, journal=journal, book=BookReader(journal).require())
        made = recorded.digests()
        [(trail,)] = site.asks("select count(*) from projections.audit_trail")
        assert trail == journal.head().position
        assert recorded.digests_from_the_journal() == made
        recorded.forgets_everything()
        with recorded.runner(KafkaFeed(site.bootstrap, site.book_id, batch=2000)) as runner:
            runner.catch_up()
        assert recorded.digests() == made


def assert_dense(site: Site, recorded: Sequence[RecordedEvent]) -> None:
    """Positions and the numbers within each partition have no gap; time never goes back."""
    assert site.asks("select position from journal.head") == [(len(recorded),)]
    assert_same([event.position for event in recorded], range(1, len(recorded) + 1))
    assert_same([event.recorded_us for event in recorded], sorted(event.recorded_us for event in recorded))
    numbers: dict[int, int] = {}
    for event in recorded:
        numbers[event.partition] = numbers.get(event.partition, 0) + 1
        assert event.partitionseq == numbers[event.partition], event
    assert dict(site.asks("select partition, seq from journal.partition")) == numbers


def assert_chained(site: Site, recorded: Sequence[RecordedEvent]) -> None:
    """Each event names the hash of the bytes before it in its stream, and the journal knows the last one."""
    heads: dict[str, tuple[int, bytes]] = {}
    for event in recorded:
        envelope = read(event.state)
        version, before = heads.get(event.stream, (0, b""))
        expected = (event.stream, version + 1, before.hex() if version else ABSENT)
        assert (envelope.stream, envelope.streamversion, envelope.prevhash) == expected, event
        assert event.version == version + 1, event
        heads[event.stream] = (event.version, digest(event.state))
    known = site.asks("select stream, version, head_hash from journal.stream where version > 0")
    assert_same(sorted((stream, version, head) for stream, (version, head) in heads.items()), sorted(known))


def assert_acknowledged(site: Site, recorded: Sequence[RecordedEvent]) -> None:
    """Every answer stands in the journal as one whole request, and nothing else does."""
    keys = read_key_file(site.settings.key_path)
    told = {
        keys.command_id(site.book_id, PRINCIPAL, order(*which).key).hex(): (answer.first, answer.last)
        for which, answer in site.acknowledged().items()
    }
    assert len(told) == len(site.acknowledged())
    assert_same(sorted(told.items()), sorted(requests(recorded[site.prepared :]).items()))


def requests(recorded: Iterable[RecordedEvent]) -> dict[str, tuple[int, int]]:
    """First and last position of each command. A command that stands there twice, or in pieces, fails."""
    found: dict[str, list[tuple[int, Envelope]]] = {}
    for event in recorded:
        envelope = read(event.state)
        found.setdefault(str(envelope.commandid), []).append((event.position, envelope))
    for command_id, events in found.items():
        first, size = events[0][0], len(events)
        expected = [(first + n, n + 1, size) for n in range(size)]
        assert [(at, each.requestindex, each.requestsize) for at, each in events] == expected, command_id
    return {command_id: (events[0][0], events[-1][0]) for command_id, events in found.items()}


def assert_published(bootstrap: str, book_id: str, recorded: Sequence[RecordedEvent]) -> None:
    """The journal's topic and the families hold every event once, each partition in the order of the journal."""
    for topics in ((JOURNAL_TOPIC,), REGISTRY.families()):
        records = [record for topic in topics for record in read_all(bootstrap, [topic])]
        ours = [record for record in records if ("book", book_id.encode()) in record.headers]
        ours.sort(key=position)
        expected = [as_published(event, topics) for event in recorded]
        assert_same([as_read(record) for record in ours], expected)
        assert is_ordered(ours)


def as_published(event: RecordedEvent, topics: Sequence[str]) -> tuple[object, ...]:
    topic = event.topic if event.topic in topics else JOURNAL_TOPIC
    numbers = (event.position, event.partitionseq, event.recorded_us, event.version)
    return (topic, event.partition, event.key.encode(), event.state, numbers)


def as_read(record: Any) -> tuple[object, ...]:
    headers = dict(record.headers)
    numbers = tuple(int(headers[name]) for name in ("position", "partitionseq", "recorded_us", "streamversion"))
    return (record.topic, record.partition, record.key, record.value, numbers)


def is_ordered(records: Iterable[Any]) -> bool:
    """Whether offsets grow with positions in each partition; `records` come by position."""
    last: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        if record.offset <= last.get(place, -1):
            return False
        last[place] = record.offset
    return True


def assert_answered_again(site: Site) -> None:
    """Whoever asks again with the key of a command hears its first answer."""
    given = site.acknowledged()
    with Ledger(site.settings) as ledger:
        for which in list(given)[:: max(1, len(given) // _ASKED_AGAIN)]:
            answer = execute(ledger, order(*which))
            assert answer.again
            assert (answer.first_position, answer.last_position) == (given[which].first, given[which].last)


def assert_same(found: Sequence[object], expected: Sequence[object]) -> None:
    """Two long sequences are equal; else the first differences are shown, not all of them."""
    differences = list(islice(((a, b) for a, b in zip(found, expected, strict=False) if a != b), _SHOWN))
    assert not differences, f"found and expected: {differences}"
    assert len(found) == len(expected)
