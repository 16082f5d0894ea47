"""Where projections get events from: the same batches from Kafka or straight from the journal."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.errors import LedgerError
from schemas.values import Event


class FeedEvent(NamedTuple):
    """One event on its way into projections. `type` is as its carrier says; `offset` is its place on Kafka, if it came
    from there; `event` is the fact, if the feed has read it already. A tuple, since nothing else is made as fast, and
    there are as many as events."""

    position: int
    partitionseq: int
    streamversion: int
    recorded_us: int
    type: str
    state: bytes
    offset: int | None = None
    event: Event | None = None


class Batch(NamedTuple):
    """Events of one partition in order of position. `problem`: why nothing can come after them."""

    partition: int
    events: tuple[FeedEvent, ...]
    problem: LedgerError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resume:
    """Where a partition goes on: events at or below `position` are done. `offset` is a hint, never the truth."""

    position: int
    offset: int | None = None


class Owner(Protocol):
    """Who applies what a feed delivers, and so has to own a partition before anything of it arrives."""

    def claim(self, partitions: Collection[int]) -> Mapping[int, Resume]:
        """Take partitions over from whoever had them, and say where each goes on."""

    def share(self, partitions: Collection[int]) -> Collection[int]:
        """Those of some partitions that are ours to take back after somebody else took them."""

    def lose(self, partitions: Collection[int]) -> None:
        """Forget partitions that somebody else works on from now."""


class Feed(Protocol):
    """Delivers events, per partition in order and from the claimed place on; duplicates do no harm.

    Every call returns within a bounded time, from the same thread as the owner's.
    """

    @property
    def name(self) -> str: ...

    def poll(self, owner: Owner) -> list[Batch]:
        """Claim what was newly assigned, then return what came in; an empty list after a short pause."""

    def retry(self, partition: int) -> None:
        """Deliver nothing of a partition that the owner was fenced off; claim it again after a while if it is ours."""

    def close(self) -> None: ...
