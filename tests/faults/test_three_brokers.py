"""Three brokers, two of which must have a record before it counts: each may die while it leads."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.embedded.kafka import EmbeddedKafka
from ledger.relay.cluster import Cluster
from ledger.relay.topics import data_topics, heads_topic
from tests.faults.evidence import assert_nothing_lost_or_doubled
from tests.faults.site import Site, wait_until

# Kafka's client leaves sockets open where it gives up on a broker.
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

_COMMANDS_OF_A_TELLER = 500
_KILLS = 2


@pytest.fixture
def brokers(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Iterator[EmbeddedKafka]:
    """A cluster of three."""
    cluster = EmbeddedKafka(reaped(tmp_path_factory.mktemp("brokers")), nodes=3)
    yield cluster
    for number, _ in enumerate(cluster.node_statuses(), 1):
        cluster.kill_node(number)  # to end three in order takes half a minute
    cluster.erase()


def partitions(site: Site, *topics: str) -> list[dict[str, Any]]:
    """What Kafka says about the partitions of some topics."""
    with closing(Cluster(bootstrap=site.bootstrap).admin()) as admin:
        return [partition for topic in admin.describe_topics(topics) for partition in topic["partitions"]]


def are_in_sync(site: Site) -> bool:
    found = partitions(site, *data_topics(), heads_topic(site.book_id))
    return all(len(each["isr_nodes"]) == 3 for each in found)


def leader(site: Site) -> int:
    """The broker that leads the topic which every transaction writes to."""
    [heads] = partitions(site, heads_topic(site.book_id))
    return int(heads["leader_id"])


@pytest.mark.parametrize("kills", [_KILLS, pytest.param(5 * _KILLS, marks=pytest.mark.nightly)])
def test_a_leader_that_is_killed_stops_nobody_and_takes_nothing_with_it(
    site: Callable[..., Site], brokers: EmbeddedKafka, kills: int
) -> None:
    made = site(kafka=brokers, replication=3)
    with made.working(at_least=_COMMANDS_OF_A_TELLER, pause_ms=50, writers=1, relays=1):
        for _ in range(kills):
            made.active_relay()
            wait_until(lambda: are_in_sync(made))
            brokers.kill_node(killed := leader(made))
            made.active_relay()  # it publishes with the two that are left
            brokers.start_node(killed)
        made.finish()
    assert_nothing_lost_or_doubled(made)
