"""Relays that are killed, stopped, or cut off from Kafka: nothing is lost, nothing comes twice."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest
from kafka import KafkaAdminClient

from ledger.embedded.kafka import EmbeddedKafka
from ledger.relay.errors import KafkaUnavailable, RelayFailed, RelayFenced
from ledger.relay.relay import Limits
from tests.faults.evidence import is_ordered
from tests.integration.relay.relayed import RelayedLedger, eventually, positions

ROUNDS = 4


@contextmanager
def a_relay_process(
    ledger: RelayedLedger, window: int, *, transaction_ms: int = 15_000
) -> Iterator[subprocess.Popen[str]]:
    """Yields once the first window is published. `transaction_ms`: Kafka ends its transactions after so long."""
    arguments = [ledger.database.url, ledger.bootstrap, ledger.book_id, str(window), str(transaction_ms)]
    command = [sys.executable, "-m", "tests.faults.relay_worker", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip().isdigit()
            yield process
        finally:
            process.kill()


@contextmanager
def a_silent_broker(broker: EmbeddedKafka) -> Iterator[None]:
    """It accepts connections and answers nothing."""
    broker.pause_node(1)
    try:
        yield
    finally:
        broker.resume_node(1)


def assert_published_once(ledger: RelayedLedger) -> None:
    """Both topics hold every event once, and each partition in the order of the journal."""
    wanted = [event.position for event in ledger.journal()]
    for log in (ledger.published(), ledger.family_records()):
        assert positions(log) == wanted
        assert is_ordered(log)


def stop_within_a_transaction(relay: subprocess.Popen[str], ledger: RelayedLedger) -> None:
    """SIGSTOP at a moment when Kafka has records of it that are not committed."""
    relay.send_signal(SIGSTOP)
    while not has_open_transaction(ledger):
        assert relay.poll() is None, "the relay ended before it was stopped within a transaction"
        relay.send_signal(SIGCONT)
        time.sleep(0.02)
        relay.send_signal(SIGSTOP)


def has_open_transaction(ledger: RelayedLedger) -> bool:
    """Whether Kafka waits for a relay of the book to commit."""
    name = f"ledger-relay-{ledger.book.journal_id}"
    with closing(KafkaAdminClient(bootstrap_servers=ledger.bootstrap)) as admin:
        return str(admin.describe_transactions([name])[name].state.value) == "Ongoing"


def test_a_relay_killed_at_random_moments_loses_and_doubles_nothing(ledger: RelayedLedger) -> None:
    moments = random.Random(20261123)
    head = ledger.records(300)
    assert head > 3000
    for _ in range(ROUNDS):
        with a_relay_process(ledger, window=15) as process, pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.0, 0.25))
        assert process.returncode == -SIGKILL
    with ledger.relay(stale_s=1.0, renew_s=0.2) as relay:
        assert relay.status().published < head == relay.drain()
    assert_published_once(ledger)


def test_a_stopped_relay_that_wakes_up_after_another_took_over_ends_and_doubles_nothing(ledger: RelayedLedger) -> None:
    ledger.records(200)
    with a_relay_process(ledger, window=5) as zombie:
        zombie.send_signal(SIGSTOP)
        with ledger.relay(stale_s=1.0, renew_s=0.2) as successor:
            successor.drain()
        zombie.send_signal(SIGCONT)
        _, said = zombie.communicate(timeout=30)
    assert zombie.returncode == 1
    assert "error relay_fenced" in said
    assert_published_once(ledger)


def test_a_relay_stopped_until_kafka_ended_its_transaction_ends_and_loses_nothing(ledger: RelayedLedger) -> None:
    ledger.records(400)
    with a_relay_process(ledger, window=1000, transaction_ms=1000) as stopped:
        stop_within_a_transaction(stopped, ledger)
        eventually(lambda: not has_open_transaction(ledger), limit_s=60)
        stopped.send_signal(SIGCONT)
        _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 1
    assert "error relay_fenced" in said or "error relay_failed" in said
    ledger.drains()
    assert_published_once(ledger)


def test_kafka_fences_a_relay_that_does_not_know_its_lease_is_gone(ledger: RelayedLedger) -> None:
    ledger.records(1)
    with ledger.relay(stale_s=0.2, renew_s=600) as zombie:
        zombie.drain()
        with ledger.relay(stale_s=0.2, renew_s=0.1) as successor:
            successor.drain()
        ledger.records(1)
        with pytest.raises(RelayFenced, match="another relay of this book has taken over"):
            zombie.drain()
    ledger.drains()
    assert_published_once(ledger)


def test_a_broker_that_falls_silent_fails_the_window_and_the_next_start_goes_on(
    ledger: RelayedLedger, broker: EmbeddedKafka
) -> None:
    with ledger.relay(Limits(window=10), timeout_s=2) as relay:
        ledger.records(1)
        relay.drain()
        ledger.records(20)
        with a_silent_broker(broker), pytest.raises((RelayFailed, KafkaUnavailable)):
            relay.drain()
    ledger.drains()
    assert_published_once(ledger)


def test_a_broker_that_is_silent_from_the_start_is_said_in_time(ledger: RelayedLedger, broker: EmbeddedKafka) -> None:
    ledger.records(1)
    began = time.monotonic()
    with a_silent_broker(broker), ledger.relay(timeout_s=2) as relay, pytest.raises(KafkaUnavailable):
        relay.drain()
    assert time.monotonic() - began < 20
    ledger.drains()
    assert_published_once(ledger)


@pytest.mark.nightly
def test_a_broker_killed_and_started_again_loses_and_doubles_nothing(
    ledger: RelayedLedger, broker: EmbeddedKafka
) -> None:
    ledger.records(300)
    with a_relay_process(ledger, window=5) as process:
        broker.kill_node(1)
        _, said = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "error relay_failed" in said or "error kafka_unavailable" in said
    broker.start_node(1)
    ledger.drains()
    assert_published_once(ledger)
