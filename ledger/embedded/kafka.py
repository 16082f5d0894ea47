"""A real Apache Kafka on loopback (KRaft, one node or three), its data below one folder."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals

from ledger.embedded import folder, jars, kafka_layout, kafka_node, ports, process, wheels
from ledger.embedded.errors import SettingsDiffer
from ledger.embedded.jars import Jar, Progress
from ledger.embedded.kafka_layout import Layout
from ledger.embedded.kafka_node import KafkaNode, Runtime
from ledger.embedded.status import ServerStatus


class EmbeddedKafka:
    """The cluster of one data folder, for every process that names that folder.

    `nodes` is 1 or 3, fixed when the folder is made; none takes what the folder has, 1 in a new one. `fixed_ports` are
    the clients' ports, one a node; else free ones are chosen and kept while they are free. `cache` holds the jars.
    """

    def __init__(
        self,
        data: Path,
        nodes: int | None = None,
        cache: Path | None = None,
        *,
        fixed_ports: tuple[int, ...] = (),
        pinned: tuple[Jar, ...] | None = None,
        start_limit_s: float = 120.0,
    ) -> None:
        self._home = data.resolve() / "kafka"
        self._asked_nodes = nodes
        self._cache = cache
        self._fixed_ports = fixed_ports
        self._pinned = pinned
        self._start_limit_s = start_limit_s

    def start(self, progress: Progress | None = None) -> str:
        """Start every node that does not run. The bootstrap addresses, separated by commas.

        `progress` hears of jars fetched, where any are missing. Raises WheelMissing, FolderUnusable, SettingsDiffer,
        StartIsBusy, ServerDidNotStart, JarsUnavailable, WrongJar.
        """
        layout = kafka_layout.read(self._home)
        if layout is None:
            kafka_layout.check(self._asked_nodes or 1, self._fixed_ports)
        else:
            self._check_nodes(layout)
            if all(KafkaNode(self._home, number).noted() for number in layout.numbers):
                return layout.bootstrap
        java = wheels.java()
        folder.make(self._home, 0o700)
        runtime = self._runtime(java, progress)
        with folder.locked(self._home, wait_s=self._start_limit_s) as lock:
            kafka_node.prepare(self._home, runtime)
            layout = kafka_layout.read(self._home) or self._format(runtime, lock)
            self._check_nodes(layout)
            return self._start_nodes(runtime, layout, tuple(layout.numbers)).bootstrap

    def start_node(self, number: int) -> None:
        """Start one node again with its data; the cluster must have been started before."""
        layout = self._known(number)
        runtime = self._runtime(wheels.java(), None)
        with folder.locked(self._home, wait_s=self._start_limit_s):
            self._start_nodes(runtime, layout, (number,))

    def kill_node(self, number: int) -> None:
        """SIGKILL one node, for fault tests; waits until it is gone."""
        self._send(number, SIGKILL)

    def pause_node(self, number: int) -> None:
        """SIGSTOP one node, for fault tests: its ports stay open and nobody answers."""
        self._send(number, SIGSTOP)

    def resume_node(self, number: int) -> None:
        self._send(number, SIGCONT)

    def stop(self, timeout_s: float = 30.0) -> bool:
        """End all nodes together: SIGTERM, and SIGKILL for those that are still there after the limit.

        Whether any ran. Raises ServerDidNotStop.
        """
        layout = kafka_layout.read(self._home)
        if layout is None:
            return False
        with folder.locked(self._home, wait_s=self._start_limit_s):
            servers = [server for node in self._nodes(layout) if (server := node.find())]
            with ThreadPoolExecutor(len(layout.ports)) as pool:
                list(pool.map(lambda server: process.end(server, (SIGTERM, SIGKILL), timeout_s), servers))
            return bool(servers)

    def erase(self) -> None:
        """Stop the cluster and delete its data. There is no way back."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def status(self) -> ServerStatus:
        """The cluster as one server: it runs while any node does. Looks only, starts and repairs nothing."""
        nodes = self.node_statuses()
        running = [node for node in nodes if node.running]
        layout = kafka_layout.read(self._home)
        return ServerStatus(
            name="kafka",
            running=bool(running),
            pid=running[0].pid if running else None,
            port=layout.ports[0] if layout else None,
            address=layout.bootstrap if layout else None,
            folder=self._home,
            since=running[0].since if running else None,
        )

    def node_statuses(self) -> tuple[ServerStatus, ...]:
        """One a node, in order; empty before the first start."""
        layout = kafka_layout.read(self._home)
        return () if layout is None else tuple(_node_status(node, layout) for node in self._nodes(layout))

    def _nodes(self, layout: Layout) -> list[KafkaNode]:
        return [KafkaNode(self._home, number) for number in layout.numbers]

    def _check_nodes(self, layout: Layout) -> None:
        have = len(layout.ports)
        if self._asked_nodes not in (None, have):
            raise SettingsDiffer(
                f"{self._asked_nodes} Kafka nodes were asked for; the data in {self._home} are of {have}. "
                f"Ask for {have}, or use another data folder; the number is fixed when the folder is made."
            )

    def _known(self, number: int) -> Layout:
        layout = kafka_layout.read(self._home)
        if layout is None or number not in layout.numbers:
            raise SettingsDiffer(
                f"Kafka node {number} was asked for; {self._home} has {len(layout.ports) if layout else 0} nodes. "
                "Start the cluster first, with the number of nodes that you want."
            )
        return layout

    def _runtime(self, java: Path, progress: Progress | None) -> Runtime:
        pinned = jars.pinned() if self._pinned is None else self._pinned
        found = jars.ensure(pinned, self._cache or jars.default_cache(), progress)
        return Runtime(java, tuple(found))

    def _format(self, runtime: Runtime, lock: int) -> Layout:
        """Make all nodes' data; the layout is written last, so a broken attempt counts for nothing."""
        layout = kafka_layout.new(self._asked_nodes or 1, self._fixed_ports)
        nodes = self._nodes(layout)
        for node in nodes:
            leftover = node.find()  # its data were deleted under it
            if leftover is not None:
                process.end(leftover, (SIGKILL,), self._start_limit_s)
            shutil.rmtree(node.data, ignore_errors=True)
            node.write_properties(layout)
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(lambda node: node.format(runtime, layout, lock), nodes))
        kafka_layout.write(self._home, layout)
        return layout

    def _start_nodes(self, runtime: Runtime, layout: Layout, numbers: tuple[int, ...]) -> Layout:
        """Start those of the nodes that do not run, all at once: a quorum is needed before any becomes ready."""
        nodes = [KafkaNode(self._home, number) for number in numbers]
        running = {node.number: server.pid for node in nodes if (server := node.find())}
        idle = tuple(node.number for node in nodes if node.number not in running)
        layout = kafka_layout.with_free_ports(layout, idle, self._fixed_ports)
        kafka_layout.write(self._home, layout)
        deadline = time.monotonic() + self._start_limit_s
        pids = {}
        for node in nodes:
            if node.number in idle:
                node.write_properties(layout)
            pids[node.number] = running.get(node.number) or node.spawn(runtime)
        for node in nodes:
            node.wait_ready(pids[node.number], layout.ports[node.number - 1], deadline)
        return layout

    def _send(self, number: int, what: Signals) -> None:
        self._known(number)
        server = KafkaNode(self._home, number).find()
        if server is not None:
            process.signal(server, what)
            if what == SIGKILL:
                process.wait_gone(server, self._start_limit_s)


def _node_status(node: KafkaNode, layout: Layout) -> ServerStatus:
    server = node.noted()
    port = layout.ports[node.number - 1]
    return ServerStatus(
        name=f"kafka node {node.number}",
        running=server is not None,
        pid=None if server is None else server.pid,
        port=port,
        address=f"{ports.LOOPBACK}:{port}",
        folder=node.data,
        since=None if server is None else process.since(server),
    )
