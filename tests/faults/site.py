"""A book with its servers, its writers, its relays and its projection workers: what faults are done to."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ledger.application.commands import OpenLoan
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database
from ledger.journal.lease import Lease
from ledger.relay.topics import heads_topic
from ledger.settings import Settings, read_settings
from schemas.errors import Unavailable
from tests.faults import writer
from tests.faults.kept import Kept
from tests.faults.writer import PRINCIPAL, SHARED_LOANS, TODAY, Acknowledged, AnswerBook

_SHORT_LIMITS = {
    "LEDGER_CONNECT_TIMEOUT_S": "3",
    "LEDGER_STATEMENT_TIMEOUT_S": "5",
    "LEDGER_LEASE_STALE_S": "3",
    "LEDGER_KAFKA_TIMEOUT_S": "5",
    "LEDGER_RELAY_STALL_S": "15",
    "LEDGER_RELAY_WINDOW": "500",
    "LEDGER_PRINCIPAL": PRINCIPAL,
}
_PAUSE_S = 0.1
_RECOVERY_S = 150  # what a stopped process holds is free after its time limits only, and a busy machine is slow besides
_ENDING_S = 180


def wait_until(condition: Callable[[], bool], limit_s: float = _RECOVERY_S) -> None:
    """Ask now and then, since asking costs something; fail when the condition does not hold in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain"
        time.sleep(_PAUSE_S)


@dataclass
class Site:
    """Writers, relays and projection workers run while it is `working`."""

    folder: Path
    database: Database
    postgres: EmbeddedPostgres
    kafka: EmbeddedKafka
    book_id: str
    replication: int = 1
    writers: list[Kept] = field(default_factory=list)
    relays: list[Kept] = field(default_factory=list)
    workers: list[Kept] = field(default_factory=list)

    @cached_property
    def environment(self) -> dict[str, str]:
        return _SHORT_LIMITS | {
            "LEDGER_DATABASE_URL": self.database.url,
            "LEDGER_KAFKA_BOOTSTRAP": self.bootstrap,
            "LEDGER_KAFKA_REPLICATION": str(self.replication),
            "LEDGER_DATA": str(self.folder),
        }

    @cached_property
    def bootstrap(self) -> str:
        return self.kafka.start()

    @property
    def database_name(self) -> str:
        return str(conninfo_to_dict(self.database.url)["dbname"])

    @property
    def settings(self) -> Settings:
        return read_settings(self.environment)

    @cached_property
    def prepared(self) -> int:
        """Open the book, and the loans that all tellers share; the journal's head."""
        with Ledger(self.settings) as ledger:
            ledger.init(self.book_id, time_zone="UTC", cut_off="00:00", currencies=["USD"])
            orders = [
                Order(
                    command=OpenLoan(loan_id=loan, currency="USD", principal_minor=1_000_000_00, due_on=TODAY),
                    key=loan,
                    today=TODAY,
                    principal=PRINCIPAL,
                )
                for loan in (f"shared-{number}" for number in range(SHARED_LOANS))
            ]
            ledger.desk.execute_many(orders)
            return ledger.journal.head().position

    @contextmanager
    def working(
        self,
        *,
        writers: int = 2,
        relays: int = 2,
        followers: int = 0,
        consumers: int = 0,
        at_least: int,
        pause_ms: int = 0,
    ) -> Iterator[None]:
        """`at_least`: commands of each teller. `pause_ms`: between them, until they are asked to finish. `followers`
        and `consumers`: projection workers, fed by the journal and by Kafka."""
        assert self.prepared
        with ExitStack() as running:
            for name in [f"writer{number}" for number in range(writers)]:
                module = ["tests.faults.writer", str(self.folder), name, str(at_least), str(pause_ms)]
                self.writers.append(running.enter_context(self._kept(name, module)))
            for name in [f"relay{number}" for number in range(relays)]:
                self.relays.append(running.enter_context(self._kept(name, ["ledger", "relay", "--supervised"])))
            projecting = ["ledger", "project", "--supervised"]
            modules = [projecting] * followers + [[*projecting, "--kafka"]] * consumers
            for number, module in enumerate(modules):
                self.workers.append(running.enter_context(self._kept(f"worker{number}", module)))
            yield

    def finish(self) -> None:
        """Let the writers end, the relays publish and the workers project everything, and then end too."""
        (self.folder / "finish").touch()
        wait_until(lambda: not self.writing(), _ENDING_S)
        for each in self.writers:
            each.ends(_RECOVERY_S)
        head = self.position()
        wait_until(lambda: self.published() == head)
        if self.workers:
            wait_until(self.is_projected)
        for each in (*self.workers, *self.relays):
            each.terminate()

    def writing(self) -> bool:
        """Whether any writer still works. None may ever have had reason to complain."""
        complaints = self.folder / "complaints"
        assert not complaints.exists(), complaints.read_text()
        return any(each.running for each in self.writers)

    def position(self) -> int:
        """The journal's head."""
        [(position,)] = self.asks("select position from journal.head")
        return int(position)

    def published(self) -> int:
        """How far a relay says it has come; -1 while Kafka does not answer."""
        try:
            with Ledger(self.settings) as ledger, ledger.relay() as relay:
                return relay.status().published
        except Unavailable:
            return -1

    def is_projected(self) -> bool:
        """Whether every projection has come to the journal's end; False while the server does not answer."""
        try:
            with Ledger(self.settings) as ledger:
                rows, _ = ledger.lag()
        except Unavailable:
            return False
        assert not any(each.problem for each in rows), rows
        return not any(each.events for each in rows)

    def projected(self) -> dict[int, int]:
        """By partition, how far the projection that is the furthest behind has come."""
        return dict(
            self.asks("select partition, min(position) from projections.checkpoint where place = 'live' group by 1")
        )

    def projects_on(self) -> None:
        """Wait until something more is projected, by anybody."""
        before = self.projected()
        wait_until(lambda: self.projected() != before)

    def goes_on(self) -> None:
        """Wait until writers have recorded something more."""
        before = self.position()
        wait_until(lambda: self.position() > before or not self.writing())

    def active_relay(self) -> Kept:
        """The relay that holds the lease, once something more is published."""
        before = self._heads_bytes()
        wait_until(lambda: self._heads_bytes() > before)
        holder = self.holder()
        return next((each for each in self.relays if each.pid == holder), self.relays[0])

    def holder(self) -> int | None:
        """The process that holds the lease."""
        holder = Lease(self.database, stale_s=self.settings.lease_stale_s).current()
        return int(holder.split(":")[1]) if holder else None

    def asks(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """Ask the database as its administrator; while it recovers, wait."""
        answer: list[tuple[Any, ...]] = []

        def answered() -> bool:
            try:
                with psycopg.connect(self.database.url, autocommit=True) as connection:
                    answer[:] = connection.execute(statement).fetchall()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answered)
        return answer

    def does(self, *statements: str) -> None:
        """Change something in the database as its administrator."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def acknowledged(self) -> dict[tuple[str, int], Acknowledged]:
        """By teller and number: what the writers were told, in all their lives."""
        tellers = [teller for each in self.writers for teller in writer.teller_names(each.name)]
        return {(teller, each.number): each for teller in tellers for each in AnswerBook(self.folder, teller).read()}

    def _heads_bytes(self) -> int:
        """How much the broker that has most has of the topic that every transaction writes to.

        By its files, since looking there costs and disturbs nothing.
        """
        topic = f"{heads_topic(self.book_id)}-0"
        logs = [log for node in self.kafka.node_statuses() for log in (node.folder / topic).glob("*.log")]
        return max((log.stat().st_size for log in logs), default=0)

    def _kept(self, name: str, module: Sequence[str]) -> Kept:
        return Kept(name, module, self.environment, self.folder)
