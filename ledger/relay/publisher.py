"""One window of events to Kafka in one transaction: all of it, once, or nothing.

The library commits even where a record has failed, so every acknowledgement is read before the commit. After any
failure the producer is of no more use: the next one finds the end again and goes on from there.
"""

from collections.abc import Sequence
from contextlib import suppress

import msgspec
from kafka.errors import KafkaError

from ledger.journal.records import RecordedEvent
from ledger.relay.clients import Placement, Producer, Sent
from ledger.relay.cluster import Cluster, describe, fenced, within
from ledger.relay.errors import RelayFailed, RelayFenced
from ledger.relay.heads import Mark, PublishedHead
from ledger.relay.topics import heads_topic
from schemas.envelope import CONTENT_TYPE, digest
from schemas.registry import JOURNAL_TOPIC

_CLOSE_S = 2.0
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())


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
        try:
            self._producer.begin_transaction()
            marks = self._send_events(events)
            head = self._next_head(events[-1], marks)
            self._send_head(head, events[-1].recorded_us)
            within(self._cluster.timeout_s, self._producer.commit_transaction)
        except (KafkaError, OSError) as error:
            raise self._given_up(error, events) from error
        self._head = head

    def close(self) -> None:
        """Let the producer go. What it might still say does not matter: nothing of ours is open."""
        with suppress(KafkaError, OSError):
            within(2 * _CLOSE_S, lambda: self._producer.close(_CLOSE_S))

    def _send_events(self, events: Sequence[RecordedEvent]) -> dict[str, Mark]:
        """The last mark of each partition written, once every record is acknowledged."""
        sent: list[tuple[int, Sent]] = []
        for event in events:
            headers = self._headers(event)
            for topic in (JOURNAL_TOPIC, event.topic):
                sent.append((event.position, self._send(topic, event, headers)))
        self._producer.flush(self._cluster.timeout_s)
        marks: dict[str, Mark] = {}
        for position, acknowledgement in sent:
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

    def _headers(self, event: RecordedEvent) -> list[tuple[str, bytes]]:
        return [
            _CONTENT_TYPE,
            ("book", self._book_id.encode()),
            ("position", b"%d" % event.position),
            ("partitionseq", b"%d" % event.partitionseq),
            ("recorded_us", b"%d" % event.recorded_us),
            ("type", event.type.encode()),
            ("stream", event.stream.encode()),
            ("streamversion", b"%d" % event.version),
        ]

    def _placed(self, acknowledgement: Sent) -> Placement:
        placed = acknowledgement.get(self._cluster.timeout_s)
        if placed.offset < 0:
            raise KafkaError(f"{placed.topic}/{placed.partition} acknowledged a record without saying where it is")
        return placed

    def _next_head(self, last: RecordedEvent, marks: dict[str, Mark]) -> PublishedHead:
        return msgspec.structs.replace(
            self._head,
            position=last.position,
            hash=digest(last.state).hex(),
            partitions=self._head.partitions | marks,
        )

    def _send_head(self, head: PublishedHead, recorded_us: int) -> None:
        sent = self._producer.send(
            heads_topic(self._book_id),
            value=head.encode(),
            key=head.journal.encode(),
            headers=[("content-type", b"application/json"), ("book", self._book_id.encode())],
            partition=0,
            timestamp_ms=recorded_us // 1000,
        )
        self._producer.flush(self._cluster.timeout_s)
        self._placed(sent)

    def _given_up(self, error: Exception, events: Sequence[RecordedEvent]) -> RelayFailed | RelayFenced:
        refused = self._abandon()
        positions = f"positions {events[0].position} to {events[-1].position} of book {self._book_id}"
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
