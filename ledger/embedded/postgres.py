"""A real PostgreSQL 18 on loopback, its data below one folder."""

import secrets
import shutil
import time
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, Signals

import psutil

from ledger.embedded import folder, place, ports, postgres_cluster, process
from ledger.embedded.errors import DataMissing, PortTaken, ServerDidNotStart
from ledger.embedded.folder import Note
from ledger.embedded.place import Place
from ledger.embedded.process import Identity
from ledger.embedded.status import ServerStatus
from ledger.embedded.wheels import postgres_binaries

_POLL_S = 0.01
_PORT_TRIES = 3
_ORPHANS_LIMIT_S = 20.0  # how long the children of a killed server may take to end
_ORPHANS_PATIENCE_S = 3.0  # how long they may take by themselves
_READY_LINE = 7  # of postmaster.pid, from 0


class EmbeddedPostgres:
    """The server of one data folder, for every process that names that folder.

    `port` fixes the port; else a free one is chosen at the first start and kept while it is free.
    """

    def __init__(self, data: Path, *, port: int | None = None, start_limit_s: float = 120.0) -> None:
        self._control = data.resolve() / "postgres"
        self._note = self._control / "process.json"
        self._asked_port = port
        self._start_limit_s = start_limit_s

    def start(self) -> str:
        """Start the server, or share the one that runs. Its libpq URL, password included.

        Raises WheelMissing, FolderUnusable, PortTaken, StartIsBusy, ServerDidNotStart, SettingsDiffer, DataMissing.
        """
        note = folder.read_note(self._note)
        if note is not None and self._process(note) is not None:
            return self._url(note.port)
        binaries = postgres_binaries()
        folder.make(self._control, 0o711)
        with folder.locked(self._control, wait_s=self._start_limit_s) as lock:
            note = folder.read_note(self._note)
            if note is None or self._process(note) is None:
                note = self._adopt_or_start(place.find(self._control, binaries), lock)
                folder.write_note(self._note, note)
        return self._url(note.port)

    def stop(self, timeout_s: float = 60.0) -> bool:
        """End the server: fast shutdown, then immediate, then SIGKILL. Whether one ran. Raises ServerDidNotStop."""
        return self._end((SIGINT, SIGQUIT, SIGKILL), timeout_s)

    def _end(self, signals: tuple[Signals, ...], timeout_s: float) -> bool:
        if not folder.present(self._control):
            return False
        with folder.locked(self._control, wait_s=timeout_s):
            server = self._find()
            if server is None:
                return False
            process.end(server, signals, timeout_s)
            return True

    def kill(self) -> None:
        """SIGKILL, for fault tests: the server gets no chance to write anything."""
        self._send(SIGKILL)

    def send(self, number: Signals) -> None:
        """Any other signal, for fault tests (SIGSTOP, SIGCONT)."""
        self._send(number)

    def erase(self) -> None:
        """Stop the server and delete its data, wherever they lie. There is no way back; nothing is written any more."""
        self._end((SIGQUIT, SIGKILL), timeout_s=60.0)
        home = place.known(self._control) if folder.present(self._control) else None
        for path in (home, self._control):
            if path is not None:
                shutil.rmtree(path, ignore_errors=True)

    def status(self) -> ServerStatus:
        """What runs now; looks only, starts and repairs nothing."""
        note = folder.read_note(self._note) if folder.present(self._control) else None
        server = None if note is None else self._process(note)
        return ServerStatus(
            name="postgres",
            running=server is not None,
            pid=None if server is None else server.pid,
            port=None if note is None else note.port,
            address=None if note is None else f"{ports.LOOPBACK}:{note.port}",
            folder=place.known(self._control) or self._control,
            since=None if server is None else process.since(server),
        )

    @property
    def binaries(self) -> Path:
        """The folder with psql, pg_dump, pg_basebackup and the like."""
        return postgres_binaries().folder

    def _url(self, port: int) -> str:
        password = self._password()
        return f"postgresql://{postgres_cluster.ROLE}:{password}@{ports.LOOPBACK}:{port}/{postgres_cluster.DATABASE}"

    def _password(self) -> str:
        path = self._control / "password"
        password = folder.read(path)
        if password is None:
            if folder.present(self.status().folder / "cluster"):
                raise DataMissing(
                    f"The password of the embedded PostgreSQL was asked for at {path}; that file is gone, the data "
                    "are not. Bring the file back from a backup; or, to begin anew with an empty database, delete "
                    f"{path.parent}."
                )
            password = secrets.token_urlsafe(24)
            folder.write(path, password)
        return password

    def _identity(self) -> Identity | None:
        home = place.known(self._control)
        return None if home is None else Identity("postgres", postgres_cluster.tail(home))

    def _process(self, note: Note) -> psutil.Process | None:
        identity = self._identity()
        return None if identity is None else process.noted(note, identity)

    def _find(self) -> psutil.Process | None:
        identity = self._identity()
        if identity is None:
            return None
        return process.noted(folder.read_note(self._note), identity) or process.search(identity)

    def _send(self, number: Signals) -> None:
        server = self._find()
        if server is not None:
            process.signal(server, number)
            if number == SIGKILL:
                process.wait_gone(server, self._start_limit_s)

    def _adopt_or_start(self, where: Place, lock: int) -> Note:
        """Note a server that runs without a note (its starter was killed), else start one on a free port."""
        running = self._find()
        if running is not None and postgres_cluster.folder(where).is_dir():
            return self._wait_ready(where, running.pid)
        if running is not None:  # its data were deleted under it
            process.end(running, (SIGQUIT, SIGKILL), self._start_limit_s)
        postgres_cluster.ensure(where, self._password(), lock)
        kept = folder.read_json(self._control / "port.json")
        for attempt in range(1, _PORT_TRIES + 1):
            port = ports.keep_or_choose(kept, asked=self._asked_port)
            try:
                note = self._start_on(where, port)
            except PortTaken:
                if self._asked_port is not None or attempt == _PORT_TRIES:
                    raise
                continue
            folder.write(self._control / "port.json", str(port))
            return note
        raise AssertionError("the last attempt returns or raises")

    def _start_on(self, where: Place, port: int) -> Note:
        """Spawn; again while children of a killed predecessor still hold its shared memory.

        A child that waits for a lock of one that is gone never hears that the server is: it is killed after a while.
        What it was at is not committed, and recovery does without it.
        """
        postgres_cluster.configure(where, port)
        started_s = time.monotonic()
        while True:
            try:
                return self._wait_ready(where, self._spawn(where))
            except _OrphansHoldMemory as held:
                waited_s = time.monotonic() - started_s
                if waited_s > _ORPHANS_LIMIT_S:
                    raise ServerDidNotStart(str(held)) from held
                if waited_s > _ORPHANS_PATIENCE_S:
                    for orphan in process.working_in("postgres", postgres_cluster.folder(where)):
                        process.signal(orphan, SIGKILL)
                time.sleep(0.2)

    def _spawn(self, where: Place) -> int:
        """The lock file of a killed server may bear a number that another program has by now. PostgreSQL would take
        that program for a server and refuse; a number given as its grandparent's it knows to be stale, and still looks
        whether the old shared memory is in use."""
        environment = dict(postgres_cluster.ENVIRONMENT)
        stale = _lock_lines(where)
        if stale:
            environment["PG_GRANDPARENT_PID"] = stale[0]
        return process.spawn(
            postgres_cluster.command(where),
            output=self._control / "start.log",
            folder=where.home,
            environment=environment,
            owner=where.owner,
        )

    def _wait_ready(self, where: Place, pid: int) -> Note:
        deadline = time.monotonic() + self._start_limit_s
        while time.monotonic() < deadline:
            server = process.alive(pid)
            if server is None:
                raise _why(where, pid, (self._control / "start.log"))
            lines = _lock_lines(where)
            if len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE] == "ready":
                return Note(pid, process.started_s(server), int(lines[3]))
            time.sleep(_POLL_S)
        raise ServerDidNotStart(
            f"PostgreSQL in {where.home} was started (pid {pid}) and is not ready after {self._start_limit_s:.0f} s; "
            "it may still be recovering. Try again later; its log lies beside its data."
        )


class _OrphansHoldMemory(Exception):
    """Children of a killed server are still ending; the next try will do."""


def _lock_lines(where: Place) -> list[str]:
    text = folder.read(postgres_cluster.folder(where) / "postmaster.pid") or ""
    return [line.strip() for line in text.splitlines()]


def _why(where: Place, pid: int, start_log: Path) -> Exception:
    """The error for a server that ended while starting, from its last words."""
    logs = [start_log, *sorted((where.home / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]]
    lines = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in logs).splitlines()
    words = " | ".join([line for line in lines if f"[{pid}]" in line or "[" not in line][-10:])
    if "still in use" in words:
        return _OrphansHoldMemory(words)
    if "could not bind" in words:
        return PortTaken(f"PostgreSQL in {where.home} was started; its port was taken meanwhile: {words}")
    return ServerDidNotStart(
        f"PostgreSQL in {where.home} was started and ended at once. Its last words: {words}. "
        "Repair the cause and try again, or set LEDGER_DATABASE_URL to a server of your own."
    )
