"""One window of events to Kafka in one transaction: all of it, once, or nothing.

The library commits even where a record has failed, so every acknowledgement is read before the commit. After any
failure the producer is of no more use: the next one finds the end again and goes on from there.

Every transaction ends with a head. Kafka takes it from the newest relay only, so that a commit also proves who that is.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec
from kafka.errors import KafkaError

from ledger.journal.records import RecordedEvent
from ledger.relay.clients import Partition, Placement, Producer, Sent, announce, name_of
from ledger.relay.cluster import Cluster, describe, fenced, within
from ledger.relay.errors import RelayFailed, RelayFenced
from ledger.relay.heads import Mark, PublishedHead
from ledger.relay.topics import heads_topic
from schemas.envelope import CONTENT_TYPE, digest
from schemas.registry import JOURNAL_TOPIC

_CLOSE_S = 2.0
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())


def headers_of(book_id: str, event: RecordedEvent) -> list[tuple[str, bytes]]:
    """What readers need for routing without decoding the value; all text."""
    return [
        _CONTENT_TYPE,
        ("book", book_id.encode()),
        ("position", b"%d" % event.position),
        ("partitionseq", b"%d" % event.partitionseq),
        ("recorded_us", b"%d" % event.recorded_us),
        ("type", event.type.encode()),
        ("stream", event.stream.encode()),
        ("streamversion", b"%d" % event.version),
    ]


class Publisher:
    """Publishes windows of one book in order, from `head` on. Ends with the first failure."""

    def __init__(self, cluster: Cluster, producer: Producer, book_id: str, head: PublishedHead) -> None:
        self._cluster = cluster
        self._producer = producer
        self._book_id = book_id
        self._head = head

    @property
    def head(self) -> PublishedHead:
        """What is published and committed."""
        return self._head

    def publish(self, events: Sequence[RecordedEvent]) -> None:
        """Publish the events that follow the head, or raise `RelayFailed` or `RelayFenced`.

        Whether a window that failed is in Kafka is decided there, and found out at the next start.
        """
        assert [event.position for event in events[:1]] == [self._head.position + 1], "a window follows the head"
        last = events[-1]
        ahead = msgspec.structs.replace(self._head, position=last.position, hash=digest(last.state).hex())
        self._transact([(topic, event) for event in events for topic in (JOURNAL_TOPIC, event.topic)], ahead)

    def resend(self, partition: Partition, events: Sequence[RecordedEvent], *, more: bool) -> None:
        """Append events to a partition that lost them. `more`: it lacks further ones, and its mark keeps saying so."""
        records = [(partition.topic, event) for event in events]
        self._transact(records, self._head, unmarked=name_of(partition) if more else None)

    def prove(self) -> None:
        """Commit the head once more, or raise `RelayFenced`: proof that no other relay has taken over."""
        self._transact([], self._head)

    def close(self) -> None:
        """Let the producer go. What it might still say does not matter: nothing of ours is open."""
        with suppress(KafkaError, OSError):
            within(2 * _CLOSE_S, lambda: self._producer.close(_CLOSE_S))

    def _transact(
        self, records: Sequence[tuple[str, RecordedEvent]], head: PublishedHead, unmarked: str | None = None
    ) -> None:
        """One transaction: records to their topics, then the head with the new marks. After it, that is the head."""
        try:
            self._producer.begin_transaction()
            touched = {Partition(topic, event.partition) for topic, event in records}
            announce(self._producer, touched | {Partition(heads_topic(self._book_id), 0)})
            marks = self._send_records(records)
            marks.pop(unmarked or "", None)
            head = msgspec.structs.replace(head, partitions=head.partitions | marks)
            self._send_head(head)
            within(self._cluster.timeout_s, self._producer.commit_transaction)
        except (KafkaError, OSError) as error:
            raise self._given_up(error, records) from error
        self._head = head

    def _send_records(self, records: Sequence[tuple[str, RecordedEvent]]) -> dict[str, Mark]:
        """The last mark of each partition written, once every record is acknowledged."""
        sent: list[Sent] = []
        last: dict[tuple[str, int], tuple[int, Sent]] = {}
        event, headers = None, []
        for topic, each in records:
            if each is not event:
                event, headers = each, headers_of(self._book_id, each)
            acknowledgement = self._send(topic, each, headers)
            sent.append(acknowledgement)
            last[topic, each.partition] = each.position, acknowledgement
        if sent:
            self._producer.flush(self._cluster.timeout_s)
        for acknowledgement in sent:
            if not acknowledgement.succeeded():
                self._placed(acknowledgement)  # says why
        marks: dict[str, Mark] = {}
        for position, acknowledgement in last.values():
            placed = self._placed(acknowledgement)
            marks[f"{placed.topic}/{placed.partition}"] = Mark(placed.offset, position)
        return marks

    def _send(self, topic: str, event: RecordedEvent, headers: list[tuple[str, bytes]]) -> Sent:
        return self._producer.send(
            topic,
            value=event.state,
            key=event.key.encode(),
            headers=headers,
            partition=event.partition,
            timestamp_ms=event.recorded_us // 1000,
        )

    def _placed(self, acknowledgement: Sent) -> Placement:
        placed = acknowledgement.get(self._cluster.timeout_s)
        if placed.offset < 0:
            raise KafkaError(f"{placed.topic}/{placed.partition} acknowledged a record without saying where it is")
        return placed

    def _send_head(self, head: PublishedHead) -> None:
        """Its timestamp is the time of publishing, from which the rate is read."""
        sent = self._producer.send(
            heads_topic(self._book_id),
            value=head.encode(),
            key=head.journal.encode(),
            headers=[("content-type", b"application/json"), ("book", self._book_id.encode())],
            partition=0,
        )
        self._producer.flush(self._cluster.timeout_s)
        self._placed(sent)

    def _given_up(self, error: Exception, records: Sequence[tuple[str, RecordedEvent]]) -> RelayFailed | RelayFenced:
        refused = self._abandon()
        first, last = (records[0][1].position, records[-1][1].position) if records else (self._head.position,) * 2
        positions = f"positions {first} to {last} of book {self._book_id}"
        asked = f"asked Kafka at {self._cluster.bootstrap} to take {positions}"
        if fenced(error) or fenced(refused):
            return RelayFenced(
                f"{asked}: {describe(error)}; another relay of this book has taken over. "
                "Nothing is lost; let only one run"
            )
        return RelayFailed(
            f"{asked}: {describe(error)}; start the relay again, it goes on behind the last event that Kafka has"
        )

    def _abandon(self) -> Exception | None:
        """Abort and let the producer go; what the abort said, where it failed too."""
        try:
            within(_CLOSE_S, self._producer.abort_transaction)
        except (KafkaError, OSError) as error:
            return error
        finally:
            self.close()
        return None
