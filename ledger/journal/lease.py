"""Who relays a book just now: a lease in the database, by the database's clock.

It makes a second relay wait, and lets it take over when the first one falls silent. It protects nothing: a relay that
was stopped and goes on without knowing is refused by Kafka.
"""

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from types import TracebackType
from typing import Self

from ledger.journal.database import Connection, Database, translated
from ledger.journal.errors import JournalUnavailable
from schemas.errors import Unavailable

_TAKE = """
insert into journal.relay_lease as l (holder, renewed_at)
values (%(holder)s, clock_timestamp())
    on conflict (only_one) do update
   set holder = excluded.holder, renewed_at = excluded.renewed_at
 where l.holder = excluded.holder
    or l.renewed_at < clock_timestamp() - make_interval(secs => %(stale_s)s)
returning true
"""
_RENEW = "update journal.relay_lease set renewed_at = clock_timestamp() where holder = %(holder)s returning true"
_RELEASE = "delete from journal.relay_lease where holder = %(holder)s"
_HOLDER = "select holder from journal.relay_lease where renewed_at >= clock_timestamp() - make_interval(secs => %s)"


class LeaseHeld(Unavailable):
    code = "lease_held"


class LeaseLost(Unavailable):
    code = "lease_lost"


def this_process() -> str:
    """A holder's name that no other process has, and that tells a person where to look."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Lease:
    """The lease of one holder. While it is held, a thread renews it every `renew_s` seconds.

    A lease that was not renewed for `stale_s` seconds may be taken by another holder. Use from one thread.
    """

    def __init__(
        self, database: Database, *, holder: str | None = None, stale_s: float = 5.0, renew_s: float = 1.0
    ) -> None:
        self._database = replace(database, statement_timeout_s=max(1, int(stale_s)))
        self._stale_s = stale_s
        self._renew_s = renew_s
        self._keeper: _Keeper | None = None
        self.holder = holder or this_process()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self, stop: Event, wait_s: float | None = None) -> bool:
        """Wait for the lease, and keep it. False when `stop` was set first.

        Raises `LeaseHeld` when another holder still had it after `wait_s` seconds (None: wait for as long as it takes).
        """
        tries = None if wait_s is None else max(1, round(wait_s / self._renew_s) + 1)
        while not stop.is_set():
            if self._try_take():
                self._keep()
                return True
            tries = tries and tries - 1
            if tries == 0:
                raise LeaseHeld(
                    f"asked to relay the journal at {self._database.address}; {self.current()} has been doing so for "
                    f"the {wait_s:g} s that were waited. Let it work, or stop it first"
                )
            stop.wait(self._renew_s)
        return False

    def check(self) -> None:
        """Raise `LeaseLost` if the lease is no longer ours."""
        if self._keeper and self._keeper.lost:
            raise LeaseLost(
                f"asked to go on relaying the journal at {self._database.address} as {self.holder}: "
                f"{self._keeper.lost}; start again, it then waits for its turn"
            )

    def release(self) -> None:
        """Give the lease up, so that the next holder need not wait until it is stale."""
        if self._keeper:
            self._keeper.stop()
            self._keeper = None
            with self._connect() as connection, translated(self._database):
                connection.execute(_RELEASE, {"holder": self.holder})

    def current(self) -> str | None:
        """Who holds a lease that is not stale."""
        with self._connect() as connection, translated(self._database):
            row = connection.execute(_HOLDER, (self._stale_s,)).fetchone()
        return row[0] if row else None

    def _try_take(self) -> bool:
        with self._connect() as connection, translated(self._database):
            cursor = connection.execute(_TAKE, {"holder": self.holder, "stale_s": self._stale_s})
            return cursor.fetchone() is not None

    def _keep(self) -> None:
        if self._keeper is None:
            self._keeper = _Keeper(self._database, self._connect, self.holder, self._renew_s, self._stale_s)
            self._keeper.start()

    def _connect(self) -> Connection:
        return self._database.connect("ledger_relay")


class _Keeper(Thread):
    """Renews the lease until it is stopped or the lease is lost; `lost` then says how."""

    def __init__(
        self, database: Database, connect: Callable[[], Connection], holder: str, renew_s: float, stale_s: float
    ) -> None:
        super().__init__(name="lease", daemon=True)
        self._database = database
        self._connect = connect
        self._holder = holder
        self._renew_s = renew_s
        self._failures_allowed = max(1, int(stale_s / renew_s))
        self._stopped = Event()
        self.lost = ""

    def run(self) -> None:
        failures = 0
        while not self.lost and not self._stopped.wait(self._renew_s):
            try:
                failures = 0 if self._renewed() else failures
            except JournalUnavailable as error:
                failures += 1
                if failures >= self._failures_allowed:
                    self.lost = f"it could not be renewed ({error})"

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _renewed(self) -> bool:
        with self._connect() as connection, translated(self._database):
            kept = connection.execute(_RENEW, {"holder": self._holder}).fetchone() is not None
        if not kept:
            self.lost = "another relay has taken the lease"
        return kept
