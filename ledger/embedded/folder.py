"""The control folder of a server: who may start it, and what was noted about the one that runs."""

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ledger.embedded.errors import FolderUnusable, StartIsBusy

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Note:
    """Which process is the server. A pid alone is not enough: the number may belong to another program by now."""

    pid: int
    started_s: float  # seconds from the machine's boot to the process's start; unlike a date it survives clock changes
    port: int


def make(folder: Path, mode: int) -> None:
    """Make the folder and the missing ones above it; the modes of those that exist stay as they are."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=mode, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unusable(folder, PermissionError("it cannot be written by this user"))


def present(folder: Path) -> bool:
    """Whether there is such a folder; one that cannot be looked at is an error, not an absence."""
    try:
        return stat.S_ISDIR(folder.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(folder: Path, error: OSError) -> FolderUnusable:
    return FolderUnusable(
        f"A folder for an embedded server was asked for at {folder}; found: {error.strerror or error}. "
        "Set LEDGER_DATA (for downloaded jars LEDGER_CACHE) to a folder that this user can write."
    )


@contextmanager
def locked(folder: Path, *, wait_s: float) -> Iterator[int]:
    """Hold the right to start or stop the server of this folder; the system drops it when the holder dies.

    Yields the lock's descriptor. A tool that makes data inherits it: then nobody starts while a tool whose starter was
    killed still writes.
    """
    path = folder / "lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(folder, error) from error
    try:
        _wait_for(lock, path, wait_s)
        yield lock
    finally:
        os.close(lock)


def _wait_for(lock: int, path: Path, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise StartIsBusy(
                f"The lock {path} was asked for; another process has held it for {wait_s:.0f} s. "
                "Wait for that start or stop to end, or end that process, and try again."
            )
        time.sleep(_POLL_S)


def write(path: Path, text: str) -> None:
    """Replace the file in one step, readable by this user only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise unusable(path.parent, error) from error


def read(path: Path) -> str | None:
    """The file's text, none where there is no such file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path.parent, error) from error


def read_json(path: Path) -> Any:
    """The file as JSON; none where it is missing or not JSON (a file of another make is as good as none)."""
    try:
        return json.loads(read(path) or "null")
    except ValueError:
        return None


def read_note(path: Path) -> Note | None:
    try:
        return Note(**read_json(path))
    except TypeError:
        return None


def write_note(path: Path, note: Note) -> None:
    write(path, json.dumps(asdict(note)))
