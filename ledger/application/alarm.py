"""Wakes a thread that waits for answers of servers when something else turns up."""

import select
import socket
from collections.abc import Iterable


class Alarm:
    """One thread waits, any number of others ring."""

    def __init__(self) -> None:
        self.has_rung = True
        """Since whoever waits last set it to false."""
        self._is_asleep = False
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)

    def close(self) -> None:
        self._ear.close()
        self._bell.close()

    def ring(self) -> None:
        """Costs next to nothing while nobody sleeps."""
        self.has_rung = True
        if self._is_asleep:
            self._is_asleep = False
            self._bell.send(b"!")

    def wait(self, others: Iterable[tuple[int, int]]) -> None:
        """Until it rings, or one of some file descriptors has an event of `select.poll`."""
        self._is_asleep = True
        if not self.has_rung:  # asked after falling asleep: whoever rings later sees that we sleep
            poll = select.poll()
            poll.register(self._ear, select.POLLIN)
            for descriptor, events in others:
                poll.register(descriptor, events)
            if any(descriptor == self._ear.fileno() for descriptor, _ in poll.poll()):
                self._ear.recv(64)
        self._is_asleep = False
