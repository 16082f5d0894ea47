"""Uses the embedded servers as an ordinary user: as root this process first becomes `nobody`, for good.

postgres FOLDER         start, print version and the owner of the data folder, stop
kafka FOLDER CACHE      start, print the bootstrap address, stop
jars CACHE ARTIFACT     print where the checked jar lies
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ledger.embedded import jars
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from schemas.errors import LedgerError


def become_ordinary() -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def use_postgres(folder: str) -> str:
    server = EmbeddedPostgres(Path(folder))
    try:
        asked = [str(server.binaries / "psql"), server.start(), "-Atc", "show server_version"]
        version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        return f"{version.strip()} {server.status().folder.owner()}"
    finally:
        server.stop()


def use_kafka(folder: str, cache: str) -> str:
    server = EmbeddedKafka(Path(folder), cache=Path(cache))
    try:
        return server.start()
    finally:
        server.stop()


def use_jars(cache: str, artifact: str) -> str:
    wanted = tuple(jar for jar in jars.pinned() if jar.artifact == artifact)
    return str(*jars.ensure(wanted, Path(cache)))


if __name__ == "__main__":
    become_ordinary()
    uses: dict[str, Callable[..., str]] = {"postgres": use_postgres, "kafka": use_kafka, "jars": use_jars}
    try:
        sys.stdout.write(uses[sys.argv[1]](*sys.argv[2:]))
    except LedgerError as error:
        sys.stdout.write(error.code)
