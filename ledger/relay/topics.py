"""The topics of a book: made with settings that keep every event for ever, or checked that they are so.

Two relays may make them at the same time; whoever is later finds them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType

from ledger.relay.clients import Admin, Partition
from ledger.relay.cluster import Cluster
from ledger.relay.errors import KafkaUnavailable, TopicUnfit
from schemas.registry import JOURNAL_TOPIC, REGISTRY

_ALREADY_THERE = 36  # Kafka's error code
_REPLICATION_ERRORS = {38: "there are fewer brokers than replicas", 44: "a policy of the cluster forbids it"}

# Without these, Kafka forgets events by age or size, or keeps only the last one of each loan.
_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


def heads_topic(book_id: str) -> str:
    """The relay's own topic: where it stopped. One partition; nothing else writes there."""
    return f"ledger.heads.{book_id}"


def data_topics(families: Sequence[str] = REGISTRY.families()) -> tuple[str, ...]:
    """The topics that carry events: each event once in the first, once in its family."""
    return (JOURNAL_TOPIC, *families)


def data_partitions(partitions: int, families: Sequence[str] = REGISTRY.families()) -> list[Partition]:
    return [Partition(topic, number) for topic in data_topics(families) for number in range(partitions)]


def require_topics(cluster: Cluster, book_id: str, partitions: int, replication: int) -> None:
    """Make the topics that are missing, check all. Raises `TopicUnfit` with every finding, or `KafkaUnavailable`."""
    wanted = dict.fromkeys(data_topics(), partitions) | {heads_topic(book_id): 1}
    with closing(cluster.admin()) as admin:
        cluster.within("to make its topics", lambda: _make(cluster, admin, wanted, replication))
        findings = cluster.within("for its topics", lambda: list(_findings(admin, wanted, replication)))
    if findings:
        raise TopicUnfit(
            f"asked for topics that keep the events of book {book_id} for ever and in order, found:\n  "
            + "\n  ".join(findings)
        )


def topic_findings(cluster: Cluster, book_id: str, partitions: int, replication: int) -> list[str]:
    """What is wrong with those topics of a book that exist. Makes none."""
    wanted = dict.fromkeys(data_topics(), partitions) | {heads_topic(book_id): 1}
    with closing(cluster.admin()) as admin:
        present = cluster.within("for its topics", lambda: set(admin.list_topics()))
        there = {topic: count for topic, count in wanted.items() if topic in present}
        return cluster.within("for its topics", lambda: list(_findings(admin, there, replication))) if there else []


def was_relayed(cluster: Cluster, book_id: str) -> bool:
    """Whether a relay of this book has ever started here."""
    with closing(cluster.admin()) as admin:
        return heads_topic(book_id) in cluster.within("for its topics", admin.list_topics)


def _make(cluster: Cluster, admin: Admin, wanted: Mapping[str, int], replication: int) -> None:
    missing = sorted(wanted.keys() - set(admin.list_topics()))
    if not missing:
        return
    settings = _FOR_EVER | ({"min.insync.replicas": "2"} if replication >= 3 else {})
    orders = {
        topic: {"num_partitions": wanted[topic], "replication_factor": replication, "configs": settings}
        for topic in missing
    }
    answer = admin.create_topics(orders, timeout_ms=cluster.timeout_ms, raise_errors=False)
    for topic in answer["topics"]:
        if topic["error_code"] not in (0, _ALREADY_THERE):
            raise _not_made(cluster, topic, replication)
    admin.wait_for_topics(missing, timeout_ms=cluster.timeout_ms)


def _not_made(cluster: Cluster, topic: dict[str, Any], replication: int) -> TopicUnfit | KafkaUnavailable:
    found = topic.get("error_message") or f"error {topic['error_code']}"
    asked = f"asked Kafka at {cluster.bootstrap} to make topic {topic['name']} with {replication} replicas: {found}"
    if topic["error_code"] in _REPLICATION_ERRORS:
        reason = _REPLICATION_ERRORS[topic["error_code"]]
        return TopicUnfit(f"{asked}; {reason}. Set LEDGER_KAFKA_REPLICATION to what the cluster allows")
    return KafkaUnavailable(f"{asked}; try again, or make the topic yourself")


def _findings(admin: Admin, wanted: Mapping[str, int], replication: int) -> Iterator[str]:
    for topic in admin.describe_topics(sorted(wanted)):
        yield from _wrong_layout(topic, wanted[topic["name"]], replication)
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(wanted)]
    settings = admin.describe_configs(resources, config_filter="all")["topic"]
    for name in sorted(wanted):
        yield from _wrong_settings(name, {key: entry["value"] for key, entry in settings[name].items()}, replication)


def _wrong_layout(topic: dict[str, Any], partitions: int, replication: int) -> Iterator[str]:
    found = topic["partitions"]
    if len(found) != partitions:
        yield (
            f"{topic['name']} has {len(found)} partitions, the book {partitions}; another number moves loans between "
            "partitions and breaks their order. Move the topic away, or open a book with that number"
        )
    fewest = min((len(partition["replica_nodes"]) for partition in found), default=0)
    if fewest < replication:
        yield (
            f"{topic['name']} has {fewest} replicas, asked for {replication}; reassign its partitions, "
            "or lower LEDGER_KAFKA_REPLICATION"
        )


def _wrong_settings(name: str, settings: Mapping[str, str], replication: int) -> Iterator[str]:
    for key, value in _FOR_EVER.items():
        if settings.get(key) != value:
            yield f"{name} has {key}={settings.get(key)}, which loses events; set it to {value}"
    if replication >= 3 and int(settings.get("min.insync.replicas", "1")) < 2:
        yield f"{name} has min.insync.replicas=1, which may lose the newest events with one broker; set it to 2"
