"""Ports on loopback: which are free, and does anybody answer."""

import secrets
import socket

from ledger.embedded.errors import PortTaken, ServerDidNotStart

LOOPBACK = "127.0.0.1"

# Below the range that Linux hands to outgoing connections, so that a port kept for the next start is seldom taken then.
_FIRST, _LAST = 20_000, 32_000
_TRIES_MAX = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port; connections in TIME_WAIT do not count, as for the servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def choose(*, avoid: frozenset[int] = frozenset()) -> int:
    """A random free port outside `avoid`."""
    for _ in range(_TRIES_MAX):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if port not in avoid and is_free(port):
            return port
    raise ServerDidNotStart(
        f"A free port on {LOOPBACK} was needed; {_TRIES_MAX} tries between {_FIRST} and {_LAST} found none. "
        "Stop programs that listen there, or name a port."
    )


def keep_or_choose(kept: int | None, *, asked: int | None, avoid: frozenset[int] = frozenset()) -> int:
    """The port asked for, else the one kept from the last start if it is free, else a new one.

    Raises PortTaken when a port was asked for by number and somebody else listens there.
    """
    if asked is not None:
        if not is_free(asked):
            raise PortTaken(
                f"Port {asked} on {LOOPBACK} was asked for, but another program listens there. "
                "Stop that program, or leave the port out and a free one is chosen."
            )
        return asked
    return kept if kept is not None and kept not in avoid and is_free(kept) else choose(avoid=avoid)
