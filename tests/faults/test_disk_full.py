"""A disk without room for the journal: what was acknowledged stays, what was not is recorded once there is room."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest

from ledger.embedded.postgres import EmbeddedPostgres
from tests.faults.evidence import assert_nothing_lost_or_doubled
from tests.faults.site import Site, wait_until

# Kafka's client leaves sockets open where it gives up on a broker.
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

_COMMANDS_OF_A_TELLER = 400
_LARGEST_FILE = 8 * 1024 * 1024  # half of a file of the write-ahead log
_SMALL_DISK_MB = 12


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, reaped: Callable[[Path], Path]) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, since it will go down."""
    made = EmbeddedPostgres(reaped(tmp_path_factory.mktemp("disk")))
    made.start()
    yield made
    made.erase()


def has_said(server: EmbeddedPostgres, *words: str) -> bool:
    said = "".join(log.read_text(errors="replace") for log in (server.status().folder / "log").glob("*.log"))
    return all(each in said for each in words)


@contextmanager
def no_room_for_the_log(site: Site) -> Iterator[None]:
    """No process of the server may write beyond the first half of a file, so its write-ahead log cannot go on.

    The server goes down, or recovers and fails again and again, as on a full disk. It needs no rights on any machine.
    """
    postmaster = psutil.Process(site.postgres.status().pid)
    limit_files(postmaster)
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess, subprocess.CalledProcessError):  # a session may have ended meanwhile
            limit_files(child)
    with suppress(psycopg.Error):
        site.does(f"select pg_logical_emit_message(true, 'much', repeat('.', {2 * _LARGEST_FILE}))")
    yield
    site.postgres.kill()
    site.postgres.start()


def limit_files(process: psutil.Process) -> None:
    user, group = (process.uids().real, process.gids().real) if os.geteuid() == 0 else (None, None)
    command = ["prlimit", f"--pid={process.pid}", f"--fsize={_LARGEST_FILE}:"]
    subprocess.run(command, user=user, group=group, check=True, capture_output=True)


@contextmanager
def events_on_a_small_disk(site: Site) -> Iterator[Path]:
    """Until the test is over, the events of this site lie on a disk of their own."""
    home = site.postgres.status().folder
    disk = home / "small"
    disk.mkdir()
    options = f"size={_SMALL_DISK_MB}m,mode=0700,uid={home.stat().st_uid},gid={home.stat().st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
    try:
        site.does(f"create tablespace small location '{disk}'", "alter table journal.event set tablespace small")
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """The file that takes all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            for _ in count():
                file.write(bytes(4096))
        except OSError:
            return ballast
    raise AssertionError("a disk has an end")


def test_a_write_ahead_log_without_room_loses_nothing(site: Callable[..., Site], server: EmbeddedPostgres) -> None:
    made = site(postgres=server)
    with made.working(at_least=_COMMANDS_OF_A_TELLER, writers=1, relays=1):
        made.active_relay()
        with no_room_for_the_log(made):
            wait_until(lambda: has_said(server, "PANIC", "File too large"))
        made.finish()
    assert_nothing_lost_or_doubled(made)


@pytest.mark.nightly  # to make a disk takes rights that not every machine gives
def test_a_disk_without_room_for_events_loses_nothing(site: Callable[..., Site], server: EmbeddedPostgres) -> None:
    made = site(postgres=server)
    assert made.prepared
    with events_on_a_small_disk(made) as disk, made.working(at_least=_COMMANDS_OF_A_TELLER, writers=1, relays=1):
        made.active_relay()
        ballast = fill(disk)
        wait_until(lambda: has_said(server, "could not extend file", "No space left on device"))
        made.active_relay()  # what is recorded is still published
        ballast.unlink()
        made.finish()
        assert_nothing_lost_or_doubled(made)
