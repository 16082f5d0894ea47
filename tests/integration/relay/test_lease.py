"""The lease makes a second relay wait; the watchdog ends one that hangs."""

import subprocess
import sys
import threading

import psycopg
import pytest

from ledger.journal.database import Database
from ledger.journal.lease import Lease, LeaseHeld, LeaseLost
from ledger.relay.watchdog import EXIT_STATUS
from tests.integration.relay.relayed import eventually

NEVER = threading.Event()


def a_lease(database: Database, holder: str, *, stale_s: float = 30, renew_s: float = 0.1) -> Lease:
    return Lease(database, holder=holder, stale_s=stale_s, renew_s=renew_s)


def test_a_second_holder_is_told_who_has_the_lease(database: Database) -> None:
    with a_lease(database, "first") as first, a_lease(database, "second") as second:
        assert first.take(NEVER)
        with pytest.raises(LeaseHeld, match="first has been doing so"):
            second.take(NEVER, wait_s=0.2)


def test_a_lease_given_up_is_free_at_once(database: Database) -> None:
    with a_lease(database, "first") as first, a_lease(database, "second") as second:
        first.take(NEVER)
        first.release()
        assert second.take(NEVER, wait_s=0)
        assert second.current() == "second"


def test_the_lease_of_a_silent_holder_passes_on_and_the_holder_finds_out(database: Database) -> None:
    with a_lease(database, "silent") as silent, a_lease(database, "second", stale_s=0.3) as second:
        silent.take(NEVER)
        with psycopg.connect(database.url) as connection:
            connection.execute("update journal.relay_lease set renewed_at = renewed_at - interval '1 minute'")
        assert second.take(NEVER, wait_s=5)
        eventually(lambda: lost(silent))


def lost(lease: Lease) -> bool:
    try:
        lease.check()
    except LeaseLost:
        return True
    return False


def test_a_renewed_lease_does_not_become_stale(database: Database) -> None:
    with a_lease(database, "first", stale_s=0.5) as first, a_lease(database, "second", stale_s=0.5) as second:
        first.take(NEVER)
        with pytest.raises(LeaseHeld):
            second.take(NEVER, wait_s=1.5)
        first.check()


def test_waiting_for_the_lease_ends_when_asked_to_stop(database: Database) -> None:
    stop = threading.Event()
    with a_lease(database, "first") as first, a_lease(database, "second") as second:
        first.take(NEVER)
        threading.Timer(0.3, stop.set).start()
        assert not second.take(stop)


def test_the_watchdog_ends_a_process_that_hangs_and_says_why() -> None:
    hangs = "import threading; from ledger.relay.watchdog import Watchdog\n"
    hangs += "with Watchdog(0.2) as dog: dog.busy('the window behind position 7'); threading.Event().wait()"
    ended = subprocess.run([sys.executable, "-c", hangs], check=False, capture_output=True, text=True, timeout=20)
    assert ended.returncode == EXIT_STATUS
    assert "error relay_stalled: the window behind position 7 made no progress for 0.2 s" in ended.stderr


def test_the_watchdog_lets_an_idle_process_be() -> None:
    idles = "import threading; from ledger.relay.watchdog import Watchdog\n"
    idles += "with Watchdog(0.1) as dog: dog.busy('work'); dog.idle(); threading.Event().wait(0.5)"
    subprocess.run([sys.executable, "-c", idles], check=True, timeout=20)
