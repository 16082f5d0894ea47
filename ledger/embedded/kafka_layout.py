"""Which Kafka nodes a data folder has and where they listen: chosen once, kept beside the data."""

import base64
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ledger.embedded import folder, ports
from ledger.embedded.errors import PortTaken, SettingsDiffer

_COUNTS = (1, 3)
_FILE = "cluster.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """Node n stands at n - 1 of both lists of ports."""

    cluster_id: str
    voters: str  # "" for a single node
    ports: tuple[int, ...]  # for clients
    controller_ports: tuple[int, ...]

    @property
    def numbers(self) -> range:
        return range(1, len(self.ports) + 1)

    @property
    def bootstrap(self) -> str:
        return addresses(self.ports)


def read(home: Path) -> Layout | None:
    """None before the cluster was formatted."""
    found = folder.read_json(home / _FILE) if folder.present(home) else None
    if not isinstance(found, dict):
        return None
    return Layout(found["cluster_id"], found["voters"], tuple(found["ports"]), tuple(found["controller_ports"]))


def write(home: Path, layout: Layout) -> None:
    folder.write(home / _FILE, json.dumps(asdict(layout), indent=2))


def check(count: int, fixed_ports: tuple[int, ...]) -> None:
    """Raise SettingsDiffer for a cluster that cannot be made."""
    if count not in _COUNTS or len(fixed_ports) not in (0, count):
        raise SettingsDiffer(
            f"{count} Kafka nodes were asked for with {len(fixed_ports)} fixed ports; "
            f"there can be {' or '.join(map(str, _COUNTS))}, with one fixed port each or none."
        )


def new(count: int, fixed_ports: tuple[int, ...]) -> Layout:
    """A layout of `count` nodes on free ports, the clients' ports fixed where they are given."""
    taken = set(fixed_ports)
    clients = fixed_ports or tuple(_claim(taken) for _ in range(count))
    controllers = tuple(_claim(taken) for _ in range(count))
    voters = [f"{number}@{ports.LOOPBACK}:{port}:{_uuid()}" for number, port in enumerate(controllers, start=1)]
    return Layout(_uuid(), ",".join(voters) if count > 1 else "", clients, controllers)


def with_free_ports(layout: Layout, starting: Iterable[int], fixed_ports: tuple[int, ...]) -> Layout:
    """The layout with other ports for those of the `starting` nodes whose ports somebody took meanwhile.

    Raises PortTaken for a fixed port, and for a controller's port among several nodes: the others know it by that.
    """
    clients, controllers = list(layout.ports), list(layout.controller_ports)
    for place in (number - 1 for number in starting):
        avoid = frozenset((*clients, *controllers))
        asked = fixed_ports[place] if fixed_ports else None
        if asked is not None or not ports.is_free(clients[place]):
            clients[place] = ports.keep_or_choose(None, asked=asked, avoid=avoid)
        if not ports.is_free(controllers[place]):
            if layout.voters:
                raise _controller_port_taken(place + 1, controllers[place])
            controllers[place] = ports.choose(avoid=avoid | set(clients))
    return replace(layout, ports=tuple(clients), controller_ports=tuple(controllers))


def addresses(numbers: Sequence[int]) -> str:
    return ",".join(f"{ports.LOOPBACK}:{port}" for port in numbers)


def _controller_port_taken(number: int, port: int) -> PortTaken:
    return PortTaken(
        f"Kafka node {number} needs its controller port {port}, by which the other nodes know it; "
        "another program listens there. Stop that program and try again."
    )


def _claim(taken: set[int]) -> int:
    port = ports.choose(avoid=frozenset(taken))
    taken.add(port)
    return port


def _uuid() -> str:
    """Kafka's own form: 16 random bytes as unpadded base64url, never beginning with '-'."""
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text
