"""Server processes: started so that they outlive us, recognised beyond doubt, ended only when they are ours.

A process is ours when its program and the end of its command line are those of the server of this data folder, and,
where its start was noted, when it started at that moment. A pid alone proves nothing.
"""

import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGCONT, Signals

import psutil

from ledger.embedded.errors import ServerDidNotStop
from ledger.embedded.folder import Note

_POLL_S = 0.01
_START_TOLERANCE_S = 2.0  # the system gives boot time in whole seconds

# The shell's child becomes an orphan, so that no holder has to wait for it. The shell prints its pid and ends.
_DETACH = '"$@" >&2 & echo $!'


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that a server runs as, where that is not ourselves."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Identity:
    """How a server's process is told from all others: `program` is the file name, `tail` the last arguments."""

    program: str
    tail: tuple[str, ...]

    def fits(self, process: psutil.Process) -> bool:
        try:
            line = process.cmdline()  # of a zombie: empty
        except psutil.Error:
            return False
        return bool(line) and Path(line[0]).name == self.program and tuple(line[-len(self.tail) :]) == self.tail


def spawn(
    command: Sequence[str], *, output: Path, folder: Path, environment: dict[str, str], owner: Owner | None = None
) -> int:
    """Start a process in a session of its own, its output in the file `output` (emptied first). The pid."""
    with output.open("wb") as sink:
        started = subprocess.run(  # noqa: S603 - programs of ours, no shell reads the arguments
            ["/bin/sh", "-c", _DETACH, "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
            cwd=folder,
            env=environment,
            start_new_session=True,
            check=True,
            user=None if owner is None else owner.uid,
            group=None if owner is None else owner.gid,
            extra_groups=None if owner is None else [],
        )
    return int(started.stdout)


def noted(note: Note | None, identity: Identity) -> psutil.Process | None:
    """The process of a note, if that is still the server and not another program with its number."""
    if note is None:
        return None
    process = alive(note.pid)
    if process is None or abs(started_s(process) - note.started_s) > _START_TOLERANCE_S:
        return None
    return process if identity.fits(process) else None


def search(identity: Identity) -> psutil.Process | None:
    """The server among all processes: for one whose starter died before it could note it."""
    return next((process for process in psutil.process_iter() if identity.fits(process)), None)


def working_in(program: str, folder: Path) -> list[psutil.Process]:
    """All processes of a program whose working folder is this one, whatever their command lines say."""
    return [each for each in psutil.process_iter() if _works_in(each, program, folder)]


def _works_in(process: psutil.Process, program: str, folder: Path) -> bool:
    try:
        return Path(process.exe()).name == program and Path(process.cwd()) == folder
    except psutil.Error:
        return False


def alive(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except (psutil.Error, ValueError):
        return None


def started_s(process: psutil.Process) -> float:
    """Seconds from the machine's boot to the process's start."""
    return float(process.create_time() - psutil.boot_time())


def since(process: psutil.Process) -> datetime:
    return datetime.fromtimestamp(process.create_time(), UTC)


def signal(process: psutil.Process, number: Signals) -> None:
    """Send the signal; psutil looks once more that the number has not changed hands."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # gone already, as was wished


def end(process: psutil.Process, signals: Iterable[Signals], limit_s: float) -> None:
    """Send one signal after the other, each with its limit, until the process is gone. Raises ServerDidNotStop."""
    for number in signals:
        signal(process, number)
        signal(process, SIGCONT)  # a paused process hears the other only then
        if wait_gone(process, limit_s):
            return
    raise ServerDidNotStop(
        f"The process {process.pid} of an embedded server was asked to stop and then killed; it is still there. "
        "It may hang in the file system: look at the machine's disks."
    )


def wait_gone(process: psutil.Process, limit_s: float) -> bool:
    """Whether the process ended within the limit. It need not be a child of ours."""
    deadline = time.monotonic() + limit_s
    while not _ended(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _ended(process: psutil.Process) -> bool:
    """A zombie counts as ended once its last thread is gone: until then its files and ports are open."""
    try:
        return not process.is_running() or (process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1)
    except psutil.NoSuchProcess:
        return True
