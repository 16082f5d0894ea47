"""One Kafka node (broker and controller in one JVM): its files, its process, and when it is ready."""

import os
import subprocess
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import psutil

from ledger.embedded import folder, ports, process
from ledger.embedded.errors import PortTaken, ServerDidNotStart
from ledger.embedded.folder import Note
from ledger.embedded.kafka_layout import Layout, addresses
from ledger.embedded.process import Identity

_POLL_S = 0.05
_FORMAT_LIMIT_S = 120

_PROPERTIES = """\
# Written by the ledger before every start. Paths are relative to the folder that the node runs in.
process.roles=broker,controller
node.id={id}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={controllers}
log.dirs=data{id}

auto.create.topics.enable=false
num.partitions=1
default.replication.factor={replicas}
min.insync.replicas={in_sync}
unclean.leader.election.enable=false
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
# A killed node may register again only when its old session has ended: 5 s of waiting, not 9.
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000

log.retention.ms=-1
log.retention.bytes=-1
num.network.threads=2
num.io.threads=4
"""

# It shares few processors with everybody else: the compiler for long runs and the collector that runs beside the work
# took so much of them that a transaction lasted twice as long.
_HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


@dataclass(frozen=True, slots=True)
class Runtime:
    java: Path
    jars: tuple[Path, ...]


class KafkaNode:
    """Node `number` of the cluster in the folder `home`."""

    def __init__(self, home: Path, number: int) -> None:
        self.number = number
        self._home = home
        self._note = home / f"node{number}.json"
        self._properties = home / f"node{number}.properties"
        self._log = home / f"node{number}.log"
        self._identity = Identity("java", ("kafka.Kafka", str(self._properties)))

    @property
    def data(self) -> Path:
        return self._home / f"data{self.number}"

    def noted(self) -> psutil.Process | None:
        """The running process, if its start was noted; cheap."""
        return process.noted(folder.read_note(self._note), self._identity)

    def find(self) -> psutil.Process | None:
        """The running process, also one whose starter was killed before it could note it."""
        return self.noted() or process.search(self._identity)

    def write_properties(self, layout: Layout) -> None:
        many = len(layout.ports) >= 3
        text = _PROPERTIES.format(
            id=self.number,
            host=ports.LOOPBACK,
            port=layout.ports[self.number - 1],
            controller_port=layout.controller_ports[self.number - 1],
            controllers=addresses(layout.controller_ports),
            replicas=3 if many else 1,
            in_sync=2 if many else 1,
        )
        folder.write(self._properties, text)

    def format(self, runtime: Runtime, layout: Layout, lock: int) -> None:
        """Make the node's data folder. `lock`: see `folder.locked`. --name=value, since an id may begin with '-'."""
        voters = f"--initial-controllers={layout.voters}" if layout.voters else "--standalone"
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={layout.cluster_id}", voters]
        ended = subprocess.run(  # noqa: S603 - the wheel's own Java, no shell
            [*self._jvm(runtime, "format.log"), *tool, "--config", str(self._properties)],
            cwd=self._home,
            env=_environment(runtime),
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_FORMAT_LIMIT_S,
            check=False,
            pass_fds=(lock,),
        )
        if ended.returncode != 0:
            raise ServerDidNotStart(
                f"Kafka node {self.number} was to be formatted in {self.data}; its tool said: "
                f"{(ended.stdout + ended.stderr)[-2000:].strip()}. Repair the cause and try again."
            )

    def spawn(self, runtime: Runtime) -> int:
        """Start the process; the log of the run before is kept beside as `.before`."""
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.before"))
        return process.spawn(
            [*self._jvm(runtime, self._log.name), "kafka.Kafka", str(self._properties)],
            output=self._log.with_suffix(".out"),
            folder=self._home,
            environment=_environment(runtime),
        )

    def wait_ready(self, pid: int, port: int, deadline: float) -> None:
        """Until the node says that it started and its port answers; then note it."""
        while time.monotonic() < deadline:
            server = process.alive(pid)
            if server is None:
                raise self._why()
            if "Kafka Server started" in self._words() and ports.answers(port):
                folder.write_note(self._note, Note(pid, process.started_s(server), port))
                return
            time.sleep(_POLL_S)
        raise ServerDidNotStart(
            f"Kafka node {self.number} was started (pid {pid}) and is not ready in time. "
            f"Look at {self._log}; with three nodes two must run before any becomes ready."
        )

    def _jvm(self, runtime: Runtime, log: str) -> list[str]:
        return [
            str(runtime.java), *_HEAP, "-Djava.awt.headless=true", f"-Djava.io.tmpdir={self._home / 'tmp'}",
            "-Dkafka.logs.dir=.", "-Dlog4j2.configurationFile=log4j2.properties", f"-Dledger.log={log}",
        ]  # fmt: skip

    def _words(self) -> str:
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _why(self) -> Exception:
        output = self._log.with_suffix(".out").read_text(encoding="utf-8", errors="replace")
        words = "\n".join((output + self._words()).splitlines()[-30:])[-3000:]
        if "Address already in use" in words:
            return PortTaken(
                f"Kafka node {self.number} was started; one of its ports was taken meanwhile. "
                f"Try again; the log is {self._log}."
            )
        return ServerDidNotStart(
            f"Kafka node {self.number} was started in {self._home} and ended. Its last words: {words}. "
            "Repair the cause and try again, or set LEDGER_KAFKA_BOOTSTRAP to a Kafka of your own."
        )


def prepare(home: Path, runtime: Runtime) -> None:
    """What every JVM in the folder needs.

    Native libraries are unpacked in tmp, so it must not be mounted noexec. The jars are reached through a link, because
    entries of a class path may hold no colon and the cache's path may.
    """
    folder.make(home / "tmp", 0o700)
    text = files("ledger.embedded").joinpath("log4j2.properties").read_text(encoding="utf-8")
    folder.write(home / "log4j2.properties", text)
    link, target = home / "libs", runtime.jars[0].parent
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target, target_is_directory=True)


def _environment(runtime: Runtime) -> dict[str, str]:
    """Nothing of the caller's but this. Java reads file names in the locale's encoding, hence UTF-8."""
    class_path = ":".join(f"libs/{jar.name}" for jar in runtime.jars)
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "CLASSPATH": class_path}
