"""A test run that is killed leaves no server behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from tests.conftest import ROOT

KILLED_RUN = """
import os, signal
from pathlib import Path
from ledger.embedded.kafka import EmbeddedKafka
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.journal.database import Database

def test_that_is_killed(database: Database, kafka_bootstrap: str, server_folder: Path) -> None:
    assert EmbeddedPostgres(server_folder).status().running
    assert EmbeddedKafka(server_folder).status().running
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_servers_end_with_a_test_run_that_was_killed(tmp_path: Path) -> None:
    test, base = tmp_path / "test_killed.py", tmp_path / "base"
    test.write_text(KILLED_RUN)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", f"--confcutdir={tmp_path}", f"--basetemp={base}"]
    done = subprocess.run([*command, "-c", ROOT / "pyproject.toml", test], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    servers = (EmbeddedPostgres(base / "servers0"), EmbeddedKafka(base / "servers0"))
    deadline = time.monotonic() + 60
    while any(server.status().running for server in servers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
