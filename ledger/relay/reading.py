"""Reading spans of partitions to an end that was captured before: the proof that nothing was overlooked.

The end is the high watermark, not the last stable offset: records that another producer's open transaction hides just
now are waited for. Markers and aborted records take offsets and are never delivered, so what counts is the consumer's
position, not the offset of the last record.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Self

from ledger.relay.clients import Consumer, Partition, Record, name_of
from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaUnavailable, PartitionHeldBack

_POLL_MS = 100


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets from `first` up to and without `end`."""

    first: int
    end: int


class LogReader:
    """Reads committed records. Every wait is bounded by the cluster's time limit without progress."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._opened = ExitStack()
        self._committed = self._open(committed=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def whole(self, partitions: Sequence[Partition]) -> dict[Partition, Span]:
        """What each partition holds now, from its first offset to its high watermark."""
        return self._spans(partitions, self._true_ends)

    def visible(self, partitions: Sequence[Partition]) -> dict[Partition, Span]:
        """What a reader sees of each partition now: up to where the oldest open transaction began."""
        return self._spans(partitions, self._committed)

    @cached_property
    def _true_ends(self) -> Consumer:
        return self._open(committed=False)  # not before it is needed: one that is closed at once leaves its socket open

    def _open(self, *, committed: bool) -> Consumer:
        consumer = self._cluster.consumer(committed=committed)
        self._opened.callback(self._close, consumer)
        return consumer

    def _spans(self, partitions: Sequence[Partition], asked: Consumer) -> dict[Partition, Span]:
        limit_ms = self._cluster.timeout_ms
        with self._cluster.translated(f"for the ends of {len(partitions)} partitions"):
            firsts = self._committed.beginning_offsets(partitions, timeout_ms=limit_ms)
            ends = asked.end_offsets(partitions, timeout_ms=limit_ms)
        return {each: Span(firsts[each], ends[each]) for each in partitions}

    def read(
        self, spans: Mapping[Partition, Span], full: Callable[[], Collection[Partition]] = tuple
    ) -> Iterator[Record]:
        """The committed records of the spans, in order within each partition. Ends only when all ends are reached.

        `full` names the partitions of which no more is wanted just now; when that is all that is left, reading ends
        too. Raises `PartitionHeldBack` or `KafkaUnavailable` when nothing moves for the time limit.
        """
        open_spans = {partition: span for partition, span in spans.items() if span.first < span.end}
        if not open_spans:
            return
        with self._cluster.translated("to read"):
            self._committed.assign(list(open_spans))
            for partition, span in open_spans.items():
                self._committed.seek(partition, span.first)
            positions = {partition: span.first for partition, span in open_spans.items()}
            moved_at = time.monotonic()
            while wanted := open_spans.keys() - full():
                self._committed.resume(*wanted)
                self._committed.pause(*(open_spans.keys() - wanted))
                for partition, records in self._committed.poll(timeout_ms=_POLL_MS).items():
                    yield from (record for record in records if record.offset < spans[partition].end)
                now = {partition: self._position(partition) for partition in open_spans}
                if now != {partition: positions[partition] for partition in open_spans}:
                    positions, moved_at = now, time.monotonic()
                elif time.monotonic() - moved_at > self._cluster.timeout_s:
                    raise self._stalled({partition: now[partition] for partition in open_spans}, open_spans)
                for partition in [each for each, span in open_spans.items() if now[each] >= span.end]:
                    self._committed.pause(partition)
                    del open_spans[partition]

    def _position(self, partition: Partition) -> int:
        return self._committed.position(partition, timeout_ms=self._cluster.timeout_ms) or 0

    def _stalled(
        self, positions: Mapping[Partition, int], spans: Mapping[Partition, Span]
    ) -> PartitionHeldBack | KafkaUnavailable:
        stable = self._committed.end_offsets(list(spans), timeout_ms=self._cluster.timeout_ms)
        for partition, span in spans.items():
            if stable[partition] < span.end:
                return PartitionHeldBack(
                    f"asked to read {name_of(partition)} to offset {span.end}; a transaction of another producer has "
                    f"been open at offset {stable[partition]} for {self._cluster.timeout_s:g} s. Kafka ends it after "
                    "its own time limit; try again then, or see which producer hangs"
                )
        partition, span = next(iter(spans.items()))
        return KafkaUnavailable(
            f"asked Kafka at {self._cluster.bootstrap} to read {name_of(partition)} to offset {span.end}, found "
            f"silence at {positions[partition]} for {self._cluster.timeout_s:g} s; see that its leader runs, "
            "then try again"
        )

    def _close(self, consumer: Consumer) -> None:
        consumer.close(autocommit=False, timeout_ms=self._cluster.timeout_ms)
