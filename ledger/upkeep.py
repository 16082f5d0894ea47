"""What operators do to projections: build them anew, compare them, and decide about events that stopped one."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial

from ledger.application.books import BookDesk, SkipEvent
from ledger.clock import Clock
from ledger.domain.book import Book
from ledger.domain.errors import LoanNotFound
from ledger.domain.identifiers import loan_stream
from ledger.journal.database import Database
from ledger.journal.integrity import Progress
from ledger.journal.journal import Journal
from ledger.journal.records import RecordedEvent
from ledger.settings import Settings
from projections.catalogue import PROJECTIONS, named
from projections.dead_letters import DeadLetters
from projections.errors import DeadLetterNotFound, PoisonedEvent, ProjectionStopped
from projections.feed import Feed
from projections.freshness import Patience, bring_current
from projections.inventory import Inventory, drop_aside, inventory
from projections.place import Place
from projections.projection import Projection
from projections.rebuild import Limits, Rebuild, Rebuilt, Step
from projections.verify import Verified, verify


class Upkeep:
    """Works on the projections of one book. `kafka_feed` makes a feed from batch size and group; `book_desk` makes the
    desk that records what is decided about an event."""

    def __init__(
        self,
        database: Database,
        reader: Journal,
        book: Book,
        settings: Settings,
        *,
        clock: Clock,
        patience: Patience,
        kafka_feed: Callable[[int, str], Feed],
        book_desk: Callable[[], BookDesk],
    ) -> None:
        self._database = database
        self._reader = reader
        self._book = book
        self._settings = settings
        self._clock = clock
        self._patience = patience
        self._kafka_feed = kafka_feed
        self._book_desk = book_desk

    def rebuild(
        self,
        name: str,
        *,
        kafka: bool,
        restart: bool,
        accept: str | None,
        progress: Progress | None = None,
        step: Callable[[Step], None] = lambda _: None,
    ) -> Rebuilt:
        """Build a projection anew beside the live one, and swap; see `projections.rebuild`."""
        projection, settings = named(name), self._settings
        limits = Limits(batch=settings.rebuild_batch, stall_s=settings.lag_timeout_s, swap_s=settings.lag_timeout_s)
        with Rebuild(
            self._database,
            self._reader,
            self._book,
            projection,
            clock=self._clock,
            principal=settings.principal,
            limits=limits,
        ) as rebuild:
            feed = partial(self._kafka_feed, settings.rebuild_batch, f"rebuild-{name}") if kafka else None
            return rebuild.run(feed, restart=restart, accept=accept, progress=progress, step=step)

    def verify(self, name: str, *, loan: str | None, sample: int | None, progress: Progress | None = None) -> Verified:
        """Compare live rows with a fold from the first event on: of one loan, of some, or all."""
        if loan and not self._reader.streams([loan_stream(loan)])[loan_stream(loan)]:
            raise LoanNotFound(f"asked to verify loan {loan}; this book has no such loan. ledger balances lists all")
        loans = [loan] if loan else self._reader.some_loans(sample) if sample else None
        return verify(
            self._database,
            self._reader,
            self._book,
            named(name),
            loans=loans,
            batch=self._settings.rebuild_batch,
            progress=progress,
        )

    def inventory(self) -> list[Inventory]:
        """All projections with their builds."""
        return inventory(self._database, self._book.book_id, PROJECTIONS)

    def drop_old(self, name: str) -> None:
        """Drop what was live before the last swap of a projection."""
        drop_aside(self._database, named(name), Place.OLD)

    def drop_next(self, name: str) -> None:
        """Drop what a rebuild of a projection has filled that did not come to a swap."""
        drop_aside(self._database, named(name), Place.NEXT)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Events that a projection could not apply."""
        return DeadLetters(self._database, self._reader, self._book.book_id)

    def recorded_at(self, position: int) -> RecordedEvent | None:
        """What the journal holds at a position."""
        return next(iter(self._reader.between(position, position)), None)

    def retry_dead_letter(self, position: int, projection: str | None) -> list[str]:
        """Have an event applied by the projections (None: all) that stand there; their names, once they have."""
        projections = self.dead_letters.retry(position, projection and named(projection).name)
        self._bring_past(position, projections)
        return [each.name for each in projections]

    def skip_dead_letter(self, position: int, projection: str | None, *, reason: str, key: str) -> int:
        """Have a projection (None: all) pass over an event for good; the position of the event that says so."""
        projection = projection and named(projection).name
        if projection is None:
            self._try_others(position)
        recorded_at = self._book_desk().skip_event(
            SkipEvent(position=position, projection=projection, reason=reason),
            key=key,
            today=self._book.business_date(self._clock()),
            held=partial(self.dead_letters.skipping, position, projection),
        )
        concerned = {each.projection for each in self.dead_letters.at(position)}
        self._bring_past(position, [each for each in PROJECTIONS if each.name in concerned & {projection or each.name}])
        return recorded_at

    def _try_others(self, position: int) -> None:
        """Whoever nobody has asked since may well apply an event that stopped another."""
        with suppress(DeadLetterNotFound, PoisonedEvent, ProjectionStopped):
            stopped = {each.projection for each in self.dead_letters.at(position)}
            self._bring_past(position, [each for each in PROJECTIONS if each.name not in stopped])

    def _bring_past(self, position: int, projections: Sequence[Projection]) -> None:
        """Past a dead letter; another one on another partition is nobody's concern here."""
        partitions = {each.partition for each in self.dead_letters.at(position)}
        bring_current(
            self._database,
            self._reader,
            self._book,
            patience=self._patience,
            position=position,
            partition=partitions.pop() if len(partitions) == 1 else None,
            batch=self._settings.projection_batch,
            projections=projections,
        )
