"""A book with a journal, and what Kafka holds of it."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from ledger.clock import random_event_ids
from ledger.domain.book import apply as apply_to_book
from ledger.domain.book import close_day, open_book, skip_event
from ledger.domain.day_totals import Counted
from ledger.domain.loan import apply
from ledger.journal.database import Database
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys
from ledger.journal.lease import Lease
from ledger.journal.published import PublishedJournal
from ledger.journal.records import RecordedEvent, Request, Verdict
from ledger.relay.cluster import Cluster
from ledger.relay.relay import Limits, Relay, RelayedBook
from schemas.books.events import PeriodClosed
from schemas.registry import JOURNAL_TOPIC, REGISTRY
from schemas.values import Event
from tests.golden.lives import whole_lives
from tests.loan_builders import OPENED, Life, a_loan_opened, days

PARTITIONS = 12
KEYS = CommandKeys(b"k" * 32)
TABLES = ("event", "stream", "command", "partition", "head")
_REQUESTS_AT_ONCE = 200
_READ_S = 20


@dataclass
class RelayedLedger:
    """A journal of its own and the shared Kafka. `relay()` makes relays as separate processes would have them."""

    database: Database
    bootstrap: str
    book_id: str
    loans: int = field(default=0)

    @property
    def book(self) -> RelayedBook:
        return RelayedBook(book_id=self.book_id, journal_id=f"journal-of-{self.book_id}", partitions=PARTITIONS)

    def records(self, loans: int) -> int:
        """Record the lives of so many new loans, several events each; the journal's head."""
        names = [f"loan-{number}" for number in range(self.loans, self.loans + loans)]
        self.loans += loans
        with Journal(self.database) as journal:
            for first in range(0, loans, _REQUESTS_AT_ONCE):
                requests = [
                    self.request(f"loan/{name}", a_life(name)) for name in names[first : first + _REQUESTS_AT_ONCE]
                ]
                assert {outcome.verdict for outcome in journal.append(requests)} == {Verdict.APPENDED}
            return journal.head().position

    def records_days(self) -> int:
        """Open the book, close its first day, and skip an event; the journal's head."""
        opened = open_book(
            None,
            self.book_id,
            journal_id=self.book.journal_id,
            opened_on=OPENED,
            time_zone="UTC",
            cut_off="00:00",
            currencies={"USD": 2},
            partitions=PARTITIONS,
            key_id=KEYS.key_id,
        )
        book = apply_to_book(None, opened[0])
        assert book
        closed = close_day(book, OPENED, counted=Counted(through_position=1, loans_visited=0), today=days(0))
        skipped = skip_event(
            book, 1, partition=0, projection="postings", reason="tried with another version", today=days(0)
        )
        with Journal(self.database) as journal:
            [outcome] = journal.append([self.request(f"book/{self.book_id}", [*opened, *closed, *skipped])])
            assert outcome.verdict is Verdict.APPENDED
            return journal.head().position

    def records_whole_lives(self) -> int:
        """Record lives that have between them an event of every type but those of the book's days, of which there must
        be some; the journal's head."""
        period = PeriodClosed(book_id=self.book_id, through=days(-5), closed_on=days(0))
        book = f"book/{self.book_id}"
        with Journal(self.database) as journal:
            [*_, last_of_book] = journal.streams([book])[book]
            head_hash = hashlib.sha256(last_of_book.state).digest()
            heads = {book: StreamHead(stream=book, version=last_of_book.version, hash=head_hash)}
            for stream, _, events, _ in [*whole_lives(), (book, None, [period], None)]:
                [outcome] = journal.append([self.request(stream, events, heads.get(stream))])
                assert outcome.verdict is Verdict.APPENDED
                last = journal.streams([stream])[stream]
                heads[stream] = StreamHead(
                    stream=stream, version=len(last), hash=hashlib.sha256(last[-1].state).digest()
                )
            return journal.head().position

    def journal(self) -> list[RecordedEvent]:
        with Journal(self.database) as journal:
            return journal.after(0, 1_000_000)

    @contextmanager
    def relay(
        self,
        limits: Limits | None = None,
        *,
        book: RelayedBook | None = None,
        timeout_s: float = 15,
        transaction_s: float = 15,
        **lease: float,
    ) -> Iterator[Relay]:
        cluster = Cluster(bootstrap=self.bootstrap, timeout_s=timeout_s, transaction_s=transaction_s)
        held = Lease(self.database, **lease)  # type: ignore[arg-type] # because only the numbers of a lease are passed
        with (
            PublishedJournal(self.database) as journal,
            Relay(journal, held, cluster, book or self.book, limits) as relay,
        ):
            yield relay

    def drains(self) -> int:
        with self.relay() as relay:
            return relay.drain()

    def tables(self) -> dict[str, list[Any]]:
        """All rows that a journal is made of."""
        with self.database.connect() as connection:
            return {name: connection.execute(f"select * from journal.{name} order by 1").fetchall() for name in TABLES}

    def gate(self) -> str:
        with PublishedJournal(self.database) as journal:
            return journal.gate_state().gate

    def published(self, *topics: str) -> list[Any]:
        """The book's committed records, read by a plain consumer, in order of position."""
        records = [
            record
            for record in read_all(self.bootstrap, topics or (JOURNAL_TOPIC,))
            if dict(record.headers).get("book") == self.book_id.encode()
        ]
        return sorted(records, key=position)

    def family_records(self) -> list[Any]:
        return self.published(*REGISTRY.families())

    def request(self, stream: str, events: Sequence[Event], head: StreamHead | None = None) -> Request:
        keyed = secrets.token_bytes(32)
        provenance = Provenance(
            book_id=self.book_id,
            actor="operator:test",
            decided_at=datetime.now(UTC),
            correlation_id="test",
            command_id=keyed,
            command_hash=keyed,
        )
        decision = Decision(head=head or StreamHead(stream=stream), events=events, next_action_on=days(40))
        return encode([decision], provenance, partitions=PARTITIONS, event_ids=random_event_ids)


def a_life(loan_id: str) -> Sequence[Event]:
    """All that can happen to a loan, in events of three families.

    Paid in part, marked overdue; a payment found late withdraws the mark and pays off; it is returned, which opens the
    loan again, overdue; the next one cures it.
    """
    opened = a_loan_opened(100_00, loan_id=loan_id)
    loan = apply(None, opened)
    assert loan
    life = Life(loan=loan, requests=[[opened]])
    life.pays(40_00, days(-3))
    life.day_end(days(1))
    life.pays(60_00, days(-1), today=days(2))
    life.reverses("p2", days(20))
    life.pays(60_00, days(21))
    return life.events


def read_all(bootstrap: str, topics: Sequence[str]) -> list[Any]:
    """Every committed record of the topics, as any Kafka client would read them.

    To the true ends: the ends that a reader of committed records is told trail behind a commit that was just
    acknowledged, since the coordinator writes its markers to the partitions afterwards.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_poll_records=5000,
    )
    try:
        parts = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic)]
        ends = true_ends(bootstrap, parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        records: list[Any] = []
        deadline = time.monotonic() + _READ_S
        while any(consumer.position(part) < ends[part] for part in parts):
            assert time.monotonic() < deadline, "the end of the topics was not reached"
            for batch in consumer.poll(timeout_ms=50).values():
                records += batch
        return records
    finally:
        consumer.close()


def true_ends(bootstrap: str, parts: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted")
    try:
        return dict(consumer.end_offsets(parts))
    finally:
        consumer.close()


def lose(ledger: RelayedLedger, topic: str, partition: int, *, keep: Sequence[Any] = ()) -> None:
    """Kafka forgets what a partition holds; of the book only some records are there again, as `published` read them."""
    place = TopicPartition(topic, partition)
    with closing(KafkaAdminClient(bootstrap_servers=ledger.bootstrap)) as admin:
        admin.delete_records(true_ends(ledger.bootstrap, [place]))
    with another_producer(ledger.bootstrap) as producer:
        for each in keep:
            producer.send(
                topic, value=each.value, key=each.key, headers=list(each.headers), partition=partition,
                timestamp_ms=each.timestamp,
            )  # fmt: skip
        producer.flush(timeout=10)


def fullest(records: Sequence[Any]) -> tuple[int, list[Any]]:
    """The partition with most of some records, and those."""
    by_partition = {n: [record for record in records if record.partition == n] for n in range(PARTITIONS)}
    return max(by_partition.items(), key=lambda entry: len(entry[1]))


@contextmanager
def another_producer(bootstrap: str, **settings: Any) -> Iterator[Any]:
    """A producer that is not the relay."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    try:
        yield producer
    finally:
        producer.close(timeout=10)


def eventually(condition: Callable[[], bool], limit_s: float = 20) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain"
        time.sleep(0.02)


def position(record: Any) -> int:
    return int(dict(record.headers)["position"])


def positions(records: Sequence[Any]) -> list[int]:
    return [position(record) for record in records]
