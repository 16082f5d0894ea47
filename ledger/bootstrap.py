"""The composition root: puts the parts of one ledger together from settings, each when it is first needed."""

import gc
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, timedelta
from functools import cached_property, partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ledger.application.autopay import Autopay, DebitGateway
from ledger.application.books import BookDesk, BookReader, current_basis
from ledger.application.commands import LoanCommand
from ledger.application.day_end import DayEnds
from ledger.application.decider import Decider
from ledger.application.desk import Desk, DeskLimits
from ledger.application.import_payments import PaymentImport
from ledger.application.joint_desk import JointDesk
from ledger.application.line_commands import CloseLine
from ledger.application.loan_store import LoanStore
from ledger.clock import Clock, EventIds, random_event_ids, system_clock
from ledger.domain import lines
from ledger.domain.book import Book
from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.lines import Line
from ledger.domain.loan import Loan
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.group_commit import CommitLimits, GroupCommit
from ledger.journal.integrity import Progress
from ledger.journal.journal import Journal
from ledger.journal.keys import CommandKeys, make_key_file, read_key_file
from ledger.journal.lease import Lease
from ledger.journal.migrations import migrate
from ledger.journal.partitioning import partition_of
from ledger.journal.published import PublishedJournal
from ledger.journal.restore import JournalRestore
from ledger.settings import Settings
from projections.feed import Feed
from projections.freshness import Patience, bring_current, require_recorded
from projections.journal_feed import JournalFeed
from projections.lag import Lag
from projections.projection import Projection
from projections.queries import Queries
from projections.runner import Runner
from schemas.errors import LedgerError

if TYPE_CHECKING:
    from ledger.application.day_preview import DayPreview
    from ledger.application.dev_book.book import DevBook
    from ledger.application.dev_book.plan import Plan
    from ledger.application.import_loans import LoanImport
    from ledger.embedded.kafka import EmbeddedKafka
    from ledger.journal.inspection import Check
    from ledger.relay.cluster import Cluster
    from ledger.relay.relay import Relay
    from ledger.relay.restoring import Restored
    from ledger.upkeep import Upkeep

zoneinfo.reset_tzpath(to=())  # the pinned tzdata decides business dates, not what the machine happens to have

DAY_END = "service:day-end"


def collect_garbage_less_often() -> None:
    """Loans in memory are many objects that live long and point nowhere back; looking through all of them again and
    again took a fifth of the time of commands, and made the longest pauses."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


class Ledger:
    """One ledger: its servers, its journal, and what works on them. A context manager; closes what it opened.

    `clock` and `event_ids` are the only sources of time and of random ids.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock = system_clock, event_ids: EventIds = random_event_ids
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._event_ids = event_ids
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def embedded_postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.settings.data)

    @cached_property
    def embedded_kafka(self) -> "EmbeddedKafka":
        from ledger.embedded.kafka import EmbeddedKafka  # noqa: PLC0415 - most commands need none of it

        return EmbeddedKafka(self.settings.data, cache=self.settings.cache)

    @cached_property
    def database(self) -> Database:
        """The server that the settings name, or the embedded one, started if need be."""
        return Database(
            url=self.settings.database_url or self.embedded_postgres.start(),
            connect_timeout_s=self.settings.connect_timeout_s,
            statement_timeout_s=self.settings.statement_timeout_s,
        )

    def kafka_bootstrap(self, progress: Callable[[int, int], None] | None = None) -> str:
        """The brokers that the settings name, or the embedded one, started if need be."""
        return self.settings.kafka_bootstrap or self.embedded_kafka.start(progress)

    def has_kafka(self) -> bool:
        """Whether there are brokers to ask without starting any."""
        return bool(self.settings.kafka_bootstrap) or self.embedded_kafka.status().running

    @cached_property
    def journal(self) -> Journal:
        return self.journal_as("ledger_writer")

    def journal_as(self, role: str) -> Journal:
        """The journal in one role; of those that only read, one connection is enough."""
        size = self.settings.pool_size if role == "ledger_writer" else 1
        patience_s = self.settings.append_patience_s
        return self._open.enter_context(Journal(self.database, role=role, pool_size=size, patience_s=patience_s))

    @cached_property
    def _book_reader(self) -> BookReader:
        return BookReader(self.journal)

    @cached_property
    def book(self) -> Book:
        return self._book_reader.require()

    def find_book(self) -> Book | None:
        """The book of the journal, if it has one."""
        return self._book_reader.find()

    @cached_property
    def keys(self) -> CommandKeys:
        return read_key_file(self.settings.key_path, self.book.key_id)

    @cached_property
    def commits(self) -> GroupCommit:
        """What all commands of this process are recorded by."""
        settings = self.settings
        limits = CommitLimits(
            batch=settings.append_batch, capacity=settings.queue_capacity, wait_s=settings.queue_wait_s
        )
        return self._open.enter_context(GroupCommit(self.journal, limits))

    @cached_property
    def desk(self) -> Desk:
        collect_garbage_less_often()
        settings = self.settings
        limits = DeskLimits(
            attempts=settings.attempts,
            at_once=settings.append_batch,
            capacity=settings.queue_capacity,
            wait_s=settings.queue_wait_s,
        )
        desk = Desk(self.journal, self.loans, self._decider, limits)
        return self._open.enter_context(desk)

    @cached_property
    def joint_desk(self) -> JointDesk:
        """For commands about several loans at once."""
        return JointDesk(
            self.journal,
            self.commits,
            self.loans,
            self._decider,
            folds={"line": lines.apply},
            attempts=self.settings.attempts,
        )

    @cached_property
    def _decider(self) -> Decider:
        return Decider(self._book_reader, self.keys, current_basis(), clock=self.clock, event_ids=self._event_ids)

    @cached_property
    def loans(self) -> LoanStore:
        """The loans of the book, as far as commands need them."""
        store = LoanStore(
            self.journal,
            capacity_bytes=self.settings.loan_memory_mib << 20,
            snapshot_every=self.settings.snapshot_every,
        )
        return self._open.enter_context(closing(store))

    @cached_property
    def day_ends(self) -> DayEnds:
        book_desk = self._book_desk(self.keys, DAY_END)
        return DayEnds(self.journal, self.desk, book_desk, principal=DAY_END, chunk=self.settings.day_end_chunk)

    def preview_day_end(self, until: date) -> "DayPreview":
        """What closing all open days up to a date would do; nothing is recorded. Raises `InvalidDate`."""
        from ledger.application.day_preview import preview  # noqa: PLC0415 - most commands need none of it

        days = self.day_ends.open_days(until, today=self.today())
        return preview(self.journal, self.loans, days, until=until, chunk=self.settings.day_end_chunk)

    def loan_import(self, currency: str) -> "LoanImport":
        from ledger.application.import_loans import LoanImport  # noqa: PLC0415 - most commands need none of it

        return LoanImport(self.desk, self.day_ends, currency=currency, principal=self.settings.principal)

    def autopay(self, gateway: DebitGateway) -> Autopay:
        """Announces and presents debits, by whatever presents them."""
        return Autopay(
            self.desk, self.loans, gateway, pages=self._loans_with_mandate, principal=self.settings.principal
        )

    def _loans_with_mandate(self, on: date) -> Iterator[list[str]]:
        after, size = "", self.settings.day_end_chunk
        while True:
            with self.queries() as queries:
                page = queries.loans_with_mandate(on, after=after, limit=size)
            if page:
                yield page
                after = page[-1]
            if len(page) < size:
                return

    def payment_import(self) -> PaymentImport:
        """For payments in great numbers, on today's business date."""
        return PaymentImport(self.desk, principal=self.settings.principal, today=self.today())

    @contextmanager
    def queries(self, *, wait_for: int | None = None) -> Iterator[Queries]:
        """Queries of which each sees everything that was recorded when it was asked.

        While a worker is alive a query waits for it; else it brings the projections that it reads forward itself.
        `wait_for`: what is beyond this position need not be seen, unless a query asks what was known at a later one.
        """
        with Queries(self.database, self.book.book_id, fresh=partial(self._bring_current, wait_for)) as queries:
            yield queries

    def require_recorded(self, position: int) -> None:
        """Raise `NotRecorded` for a position as of which nothing can be known yet."""
        require_recorded(self.reader, position, "for what was known at", least=0)

    def _bring_current(
        self, wait_for: int | None, projections: Sequence[Projection], loan_id: str | None, known_at: int | None
    ) -> None:
        bring_current(
            self.database,
            self.reader,
            self.book,
            patience=self._patience(),
            position=wait_for,
            known_at=known_at,
            partition=None if loan_id is None else partition_of(loan_id, self.book.partitions),
            batch=self.settings.projection_batch,
            projections=projections,
        )

    def _patience(self) -> Patience:
        return Patience(
            timeout_s=self.settings.lag_timeout_s,
            stale_s=self.settings.lease_stale_s,
            poll_s=self.settings.poll_interval_ms / 1000,
        )

    def _queries(self) -> Queries:
        return Queries(self.database, self.book.book_id)

    @cached_property
    def reader(self) -> Journal:
        """The journal for those who only read it."""
        return self.journal_as("ledger_projector")

    def lag(self) -> tuple[list[Lag], list[str]]:
        """How far each projection is behind, and the workers that were seen just now."""
        with self._queries() as queries:
            return queries.lag(self.reader), queries.workers(self.settings.lease_stale_s)

    @cached_property
    def upkeep(self) -> "Upkeep":
        """What operators do to projections."""
        from ledger.upkeep import Upkeep  # noqa: PLC0415 - most commands need none of it

        return Upkeep(
            self.database,
            self.reader,
            self.book,
            self.settings,
            clock=self.clock,
            patience=self._patience(),
            kafka_feed=self._kafka_feed,
            book_desk=lambda: self._book_desk(self.keys, self.settings.principal),
        )

    def runner(self, *, kafka: bool) -> Runner:
        """A projection worker, fed by Kafka or by the journal."""
        batch = self.settings.projection_batch
        feed = self._kafka_feed(batch, "projections") if kafka else self._journal_feed()
        return Runner(self.database, self.reader, self.book, feed, stall_s=self.settings.lag_timeout_s)

    def _journal_feed(self) -> JournalFeed:
        pause_s = self.settings.poll_interval_ms / 1000
        return JournalFeed(self.reader, batch=self.settings.projection_batch, pause_s=pause_s)

    def _kafka_feed(self, batch: int, group: str) -> Feed:
        from projections.kafka_feed import KafkaFeed  # noqa: PLC0415 - most commands need no Kafka client

        return KafkaFeed(
            self.kafka_bootstrap(),
            self.book.book_id,
            batch=batch,
            group=group,
            poll_ms=self.settings.poll_interval_ms,
            timeout_s=self.settings.kafka_timeout_s,
        )

    def _cluster(self) -> "Cluster":
        from ledger.relay.cluster import Cluster  # noqa: PLC0415 - most commands need no Kafka client

        return Cluster(bootstrap=self.kafka_bootstrap(), timeout_s=self.settings.kafka_timeout_s)

    def relay(self) -> "Relay":
        """The relay of this book; it takes the lease when it starts to work."""
        from ledger.relay.relay import Limits, Relay, RelayedBook  # noqa: PLC0415 - most commands need no Kafka client

        settings, book = self.settings, self.book
        return Relay(
            self._open.enter_context(PublishedJournal(self.database)),
            Lease(self.database, stale_s=settings.lease_stale_s),
            self._cluster(),
            RelayedBook(book_id=book.book_id, journal_id=book.journal_id, partitions=book.partitions),
            Limits(
                window=settings.relay_window,
                poll_interval_s=settings.poll_interval_ms / 1000,
                lease_wait_s=settings.lag_timeout_s,
                stall_s=settings.relay_stall_s,
                replication=settings.kafka_replication,
            ),
            clock=self.clock,
        )

    def restore(
        self,
        book_id: str | None,
        *,
        whole: bool,
        copies: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> "Restored":
        """Bring back from Kafka what the journal lacks: all of an empty one (`whole`), or the tail behind a backup.

        `copies`: compare each event with its copy in the topic of its family.
        """
        from ledger.relay.restoring import Restoration, choose_book  # noqa: PLC0415 - most commands need no Kafka client

        self.migrate()  # the database may be empty, or from before an update
        keys = read_key_file(self.settings.key_path)
        with JournalRestore(self.database, keys, batch=self.settings.restore_batch) as restore:
            restore.require(empty=whole)
            cluster, known = self._cluster(), restore.book
            chosen = choose_book(cluster, book_id, known.book_id if known else None)
            return Restoration(cluster, restore, chosen, copies=copies).run(progress)

    def inspect(self, *, quick: bool = False, progress: Progress | None = None) -> "list[Check]":
        """What is as it must be in server, schema, rights, events, key file and topics, and what is not.

        `quick`: without reading the events.
        """
        from ledger.journal.inspection import inspect  # noqa: PLC0415 - most commands need none of it

        checks = inspect(self.database, self.clock, quick=quick, progress=progress)
        if not all(check.ok for check in checks):
            return checks
        return [*checks, self._inspect_key(), *([self._inspect_topics()] if self.has_kafka() else [])]

    def _inspect_topics(self) -> "Check":
        from ledger.journal.inspection import Check  # noqa: PLC0415 - most commands need none of it
        from ledger.relay.topics import topic_findings  # noqa: PLC0415 - most commands need no Kafka client

        book = self.book
        wrong = topic_findings(self._cluster(), book.book_id, book.partitions, self.settings.kafka_replication)
        advice = "correct the topics, or move them away: the relay does not start before" if wrong else ""
        return Check(name="topics", found="; ".join(wrong) or "all that exist keep events for ever", advice=advice)

    def _inspect_key(self) -> "Check":
        from ledger.journal.inspection import Check  # noqa: PLC0415 - most commands need none of it

        try:
            read_key_file(self.settings.key_path, self.book.key_id)
        except LedgerError as error:
            return Check(name="key file", found=str(error), advice="bring back the key of this book")
        return Check(name="key file", found=f"{self.settings.key_path} is the key of book {self.book.book_id}")

    def today(self) -> date:
        """The business date of this moment."""
        return self.book.business_date(self.clock())

    def close_period(self, through: date) -> bool:
        """Close the books of account through the last day of a month; whether they were open until then."""
        return self._book_desk(self.keys, self.settings.principal).close_period(through, today=self.today())

    def yesterday(self) -> date:
        """The last business date that is over."""
        return self.today() - timedelta(days=1)

    def migrate(self) -> list[str]:
        """Bring the database to this version; the names of the migrations that were applied."""
        return migrate(self.database)

    def init(self, book_id: str, *, time_zone: str, cut_off: str, currencies: Sequence[str]) -> tuple[Book, bool]:
        """Migrate, make the key file, and open the book; the book, and whether it is new.

        A journal that holds the same book already is left as it is; another book raises `BookExists`.
        """
        self.migrate()
        wanted = {code: minor_unit_exponent(code) for code in currencies}
        existing = self.find_book()
        if existing and existing.is_as_asked(book_id, time_zone, cut_off, wanted):
            read_key_file(self.settings.key_path, existing.key_id)
            return existing, False
        keys = make_key_file(self.settings.key_path)
        opened = self._book_desk(keys, self.settings.principal).open(
            book_id,
            time_zone=time_zone,
            cut_off=cut_off,
            currencies=wanted,
            partitions=self.settings.kafka_partitions,
        )
        return opened, True

    def write_dev_book(
        self, book_id: str, plan: "Plan", *, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> "DevBook":
        """Fill an empty journal with a made-up book; one that has events raises `JournalNotEmpty`."""
        from ledger.application.dev_book.book import write_dev_book  # noqa: PLC0415 - most commands need none of it
        from ledger.application.dev_book.writer import Writer  # noqa: PLC0415 - most commands need none of it
        from ledger.journal.loading import JournalLoad  # noqa: PLC0415 - most commands need none of it

        plan.require_past(self.clock())
        self.migrate()
        with JournalLoad(self.database) as load:
            writer = Writer(
                plan=plan,
                book_id=book_id,
                partitions=self.settings.kafka_partitions,
                keys=make_key_file(self.settings.key_path),
                basis=current_basis(),
                principal=self.settings.principal,
                day_end=DAY_END,
            )
            return write_dev_book(load, writer, progress)

    def loan(self, loan_id: str) -> Loan:
        """A loan as the journal has it now; `LoanNotFound` if there is none."""
        command = LoanCommand(loan_id=loan_id)
        return command.require(self.loans.load_whole([command.stream])[command.stream].loan)

    def line(self, line_id: str) -> tuple[Line, list[Loan]]:
        """A credit line with its loans, as the journal has them now; `LineNotFound` if there is none."""
        command = CloseLine(line_id=line_id, reason="")
        read = self.joint_desk.read(command)
        return command.require(read), command.loans(read)

    def new_key(self) -> str:
        """A fresh idempotency key for a caller who gave none."""
        return self._event_ids()

    def _book_desk(self, keys: CommandKeys, principal: str) -> BookDesk:
        return BookDesk(
            self.journal,
            self.commits,
            keys,
            reader=self._book_reader,
            principal=principal,
            clock=self.clock,
            event_ids=self._event_ids,
            attempts=self.settings.attempts,
        )
