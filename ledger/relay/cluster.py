"""Where Kafka is: clients with proven settings, the library's errors in our words, no wait without end."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar, cast

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import (
    AuthorizationError,
    InvalidProducerEpochError,
    KafkaConnectionError,
    KafkaError,
    ProducerFencedError,
    TransactionCoordinatorFencedError,
)

from ledger.relay.clients import Admin, Consumer, Producer
from ledger.relay.errors import KafkaMisconfigured, KafkaUnavailable

_RETRY_S = 0.2
_FENCED = (ProducerFencedError, InvalidProducerEpochError, TransactionCoordinatorFencedError)

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Kafka's addresses (host:port, separated by commas), and how long one answer may take.

    `transaction_s`: how long a transaction may last. What a relay leaves open when it dies keeps all readers of those
    partitions waiting, of other books too; it ends after so long, and the seconds that brokers take to notice.
    """

    bootstrap: str
    timeout_s: float = 30.0
    transaction_s: float = 15.0

    @property
    def timeout_ms(self) -> int:
        return int(self.timeout_s * 1000)

    def producer(self, journal_id: str) -> Producer:
        """The transactional producer of a journal. The settings belong together; each one stands against a fault."""
        with self.translated("to connect a producer"):
            made = KafkaProducer(
                bootstrap_servers=self._servers(),
                bootstrap_timeout_ms=self.timeout_ms,
                client_id="ledger-relay",
                transactional_id=f"ledger-relay-{journal_id}",
                transaction_timeout_ms=int(self.transaction_s * 1000),
                enable_idempotence=True,  # said aloud: else a setting that conflicts turns it off without a word
                acks="all",
                delivery_timeout_ms=2_147_483_647,  # a batch that passes it leaves a producer that is dead for ever
                request_timeout_ms=self._request_timeout_ms(),
                retry_backoff_ms=10,
                batch_size=262_144,
                linger_ms=5,
                compression_type="zstd",
                allow_auto_create_topics=False,
                max_block_ms=self.timeout_ms,
            )
            return cast(Producer, made)

    def consumer(self, *, committed: bool) -> Consumer:
        """A reader without a group. `committed`: of committed transactions only; else ends are the true ones."""
        with self.translated("to connect a consumer"):
            made = KafkaConsumer(
                bootstrap_servers=self._servers(),
                bootstrap_timeout_ms=self.timeout_ms,
                client_id="ledger-relay",
                isolation_level="read_committed" if committed else "read_uncommitted",
                auto_offset_reset="none",
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                request_timeout_ms=self._request_timeout_ms(),
                fetch_max_wait_ms=100,
                max_poll_records=5000,
                max_partition_fetch_bytes=4 * 1024 * 1024,
            )
            return cast(Consumer, made)

    def admin(self) -> Admin:
        with self.translated("to connect"):
            made = KafkaAdminClient(
                bootstrap_servers=self._servers(),
                bootstrap_timeout_ms=self.timeout_ms,
                client_id="ledger-relay",
                request_timeout_ms=self._request_timeout_ms(),
            )
            return cast(Admin, made)

    def within(self, asked: str, call: Callable[[], Result]) -> Result:
        """The result of a call that may wait for ever, or `KafkaUnavailable` when the time is up."""
        with self.translated(asked):
            return within(self.timeout_s, call)

    @contextmanager
    def translated(self, asked: str) -> Iterator[None]:
        """Raise the library's errors as ours."""
        try:
            yield
        except AuthorizationError as error:
            raise KafkaMisconfigured(
                f"asked Kafka at {self.bootstrap} {asked}: {describe(error)}; grant the relay's login that right"
            ) from error
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(
                f"asked Kafka at {self.bootstrap} {asked}: {describe(error)}; "
                "see that the brokers run and that LEDGER_KAFKA_BOOTSTRAP is right, then try again"
            ) from error

    def _servers(self) -> list[str]:
        """The addresses, once one of them accepts a connection: a client that finds none leaves its thread behind."""
        servers = [server.strip() for server in self.bootstrap.split(",") if server.strip()]
        if not servers or not all(_is_address(server) for server in servers):
            raise KafkaMisconfigured(
                f"asked for Kafka at {self.bootstrap!r}; write host:port, several separated by commas, "
                "in LEDGER_KAFKA_BOOTSTRAP"
            )
        deadline = time.monotonic() + self.timeout_s
        while not any(self._accepts(server) for server in servers):
            if time.monotonic() > deadline:
                raise KafkaConnectionError(f"no connection for {self.timeout_s:g} s")
            time.sleep(_RETRY_S)
        return servers

    def _accepts(self, server: str) -> bool:
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=self.timeout_s).close()
        except OSError:
            return False
        return True

    def _request_timeout_ms(self) -> int:
        return max(1000, min(30_000, self.timeout_ms))


def within(limit_s: float, call: Callable[[], Result]) -> Result:
    """The result of a call, or `TimeoutError`. The call itself then stays behind in a thread that holds nothing up."""
    answer: Future[Result] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=run, name="kafka-call", daemon=True).start()
    try:
        return answer.result(limit_s)
    except TimeoutError as error:
        if answer.done():
            raise
        raise TimeoutError(f"no answer within {limit_s:g} s") from error


def fenced(error: BaseException | None) -> bool:
    """Whether Kafka refused this producer because a newer one has its transactional id."""
    while error is not None:
        # Later calls of a fenced producer fail with a plain error that only quotes the first one.
        if isinstance(error, _FENCED) or any(kind.__name__ in str(error) for kind in _FENCED):
            return True
        error = error.__cause__
    return False


def describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_address(server: str) -> bool:
    host, colon, port = server.rpartition(":")
    return bool(host and colon and port.isdigit() and 0 < int(port) < 65536)
