"""The faults of the storm. Each is done to a site while writers and relays work, and is over when its call returns."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from signal import SIGKILL

from schemas.registry import JOURNAL_TOPIC, REGISTRY
from tests.faults.site import Site, wait_until
from tests.integration.relay.relayed import PARTITIONS, another_producer

IDLE_SESSION_S = 1
_STOPPED_S = 2.5 * IDLE_SESSION_S
_RECOVERY_S = 60

Fault = Callable[[Site, random.Random], None]


def writer_killed(site: Site, moments: random.Random) -> None:
    moments.choice(site.writers).kill()


def writer_stopped(site: Site, moments: random.Random) -> None:
    """Longer than the server keeps its sessions."""
    writer = moments.choice(site.writers)
    pid = writer.pause()
    time.sleep(_STOPPED_S)
    writer.resume(pid)


def relay_killed(site: Site, moments: random.Random) -> None:
    site.active_relay().kill()


def relay_stopped(site: Site, moments: random.Random) -> None:
    """Until another holds the lease; then it wakes up and knows nothing of that."""
    relay = site.active_relay()
    pid = relay.pause()
    wait_until(lambda: site.holder() not in {None, pid})
    time.sleep(moments.uniform(0.0, 1.0))
    relay.resume(pid)


def postgres_killed(site: Site, moments: random.Random) -> None:
    site.postgres.kill()
    time.sleep(moments.uniform(0.0, 0.5))
    site.postgres.start()


def postgres_restarted(site: Site, moments: random.Random) -> None:
    site.postgres.stop()
    time.sleep(moments.uniform(0.0, 0.5))
    site.postgres.start()


def backend_killed(site: Site, moments: random.Random) -> None:
    """The server then ends all sessions and recovers as after a crash."""
    sessions = "select pid from pg_stat_activity where application_name = 'ledger_writer'"
    wait_until(lambda: bool(site.asks(sessions)))
    [pid] = moments.choice(site.asks(sessions))
    os.kill(pid, SIGKILL)


def sessions_cut(site: Site, moments: random.Random) -> None:
    site.asks("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'ledger_%'")


def broker_killed(site: Site, moments: random.Random) -> None:
    site.kafka.kill_node(1)
    time.sleep(moments.uniform(0.0, 0.5))
    site.kafka.start_node(1)


def broker_stopped(site: Site, moments: random.Random) -> None:
    site.kafka.pause_node(1)
    time.sleep(moments.uniform(1.0, 6.0))
    site.kafka.resume_node(1)


def foreign_records_sent(site: Site, moments: random.Random) -> None:
    """Something that is no event, and an event of a book that is not ours."""
    with another_producer(site.bootstrap, enable_idempotence=False) as producer:
        for topic in (JOURNAL_TOPIC, *REGISTRY.families()):
            partition = moments.randrange(PARTITIONS)
            headers = [("book", b"of-somebody-else"), ("position", b"1")]
            sent = [
                producer.send(topic, value=b"no event", partition=partition),
                producer.send(topic, value=b"{}", key=b"writer0-0-1", headers=headers, partition=partition),
            ]
            producer.flush(_RECOVERY_S)
            assert all(each.succeeded() for each in sent)


def transaction_left_open(site: Site, moments: random.Random) -> None:
    """Another book's open transaction hides the ends of all partitions, while a new relay has to find them."""
    relay = site.active_relay()
    with open_transaction(site.bootstrap, commits=moments.random() < 0.5):
        starts = relay.starts
        relay.kill()
        wait_until(lambda: relay.starts > starts)
        time.sleep(moments.uniform(0.0, 3.0))


@contextmanager
def open_transaction(bootstrap: str, *, commits: bool) -> Iterator[None]:
    """A transaction with a record in every partition of ours."""
    identity = f"of-somebody-else-{time.monotonic_ns()}"
    with another_producer(bootstrap, transactional_id=identity) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for topic in (JOURNAL_TOPIC, *REGISTRY.families()):
            for partition in range(PARTITIONS):
                headers = [("book", b"of-somebody-else"), ("position", b"1")]
                producer.send(topic, value=b"{}", headers=headers, partition=partition)
        producer.flush(_RECOVERY_S)
        yield
        if commits:
            producer.commit_transaction()
        else:
            producer.abort_transaction()


COUNTS: Mapping[Fault, int] = {
    writer_killed: 9,
    writer_stopped: 2,
    relay_killed: 9,
    relay_stopped: 2,
    postgres_killed: 4,
    postgres_restarted: 3,
    backend_killed: 3,
    sessions_cut: 4,
    broker_killed: 2,
    broker_stopped: 2,
    foreign_records_sent: 2,
    transaction_left_open: 2,
}
"""How often each befalls a site in one storm."""


def a_storm(moments: random.Random) -> list[Fault]:
    """All of them, in an order of chance."""
    faults = [fault for fault, count in COUNTS.items() for _ in range(count)]
    moments.shuffle(faults)
    return faults
