"""Relays that are killed, stopped, or cut off from Kafka: nothing is lost, nothing comes twice."""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from ledger.embedded.kafka import EmbeddedKafka
from ledger.relay.errors import KafkaUnavailable, RelayFailed, RelayFenced
from ledger.relay.relay import Limits
from tests.integration.relay.relayed import RelayedLedger, positions

ROUNDS = 5


@contextmanager
def a_relay_process(ledger: RelayedLedger, window: int) -> Iterator[subprocess.Popen[str]]:
    """Yields once the first window is published."""
    arguments = [ledger.database.url, ledger.bootstrap, ledger.book_id, str(window)]
    command = [sys.executable, "-m", "tests.integration.relay.worker", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip().isdigit()
            yield process
        finally:
            process.kill()


def published_once(ledger: RelayedLedger) -> bool:
    """Whether both topics hold every event once, and each partition in order."""
    wanted = [event.position for event in ledger.journal()]
    return positions(ledger.published()) == wanted == positions(ledger.family_records())


def test_a_relay_killed_at_random_moments_loses_and_doubles_nothing(ledger: RelayedLedger) -> None:
    moments = random.Random(20261123)
    head = ledger.records(400)
    for _ in range(ROUNDS):
        with a_relay_process(ledger, window=15) as process, pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=moments.uniform(0.0, 0.25))
        assert process.returncode == -SIGKILL
    with ledger.relay(stale_s=1.0, renew_s=0.2) as relay:
        assert relay.drain() == head
    assert published_once(ledger)


def test_a_stopped_relay_that_wakes_up_after_another_took_over_ends_and_doubles_nothing(ledger: RelayedLedger) -> None:
    ledger.records(200)
    with a_relay_process(ledger, window=5) as zombie:
        zombie.send_signal(SIGSTOP)
        with ledger.relay(stale_s=1.0, renew_s=0.2) as successor:
            successor.drain()
        zombie.send_signal(SIGCONT)
        _, said = zombie.communicate(timeout=30)
    assert zombie.returncode == 1
    assert "error relay_fenced" in said or "error lease_lost" in said
    assert published_once(ledger)


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
    assert published_once(ledger)


def test_a_broker_that_falls_silent_fails_the_window_and_the_next_start_goes_on(
    ledger: RelayedLedger, server_folder: Path
) -> None:
    kafka = EmbeddedKafka(server_folder)
    with ledger.relay(Limits(window=10), timeout_s=2) as relay:
        ledger.records(1)
        relay.drain()
        ledger.records(20)
        kafka.pause_node(1)
        try:
            with pytest.raises((RelayFailed, KafkaUnavailable)):
                relay.drain()
        finally:
            kafka.resume_node(1)
    ledger.drains()
    assert published_once(ledger)
