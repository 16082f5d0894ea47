"""`ledger serve`: all in one process group, each part started again when it ends, everything stopped at once."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import Program

WAIT_S = 60


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s for {what}"
        time.sleep(0.1)


def part(served: psutil.Process, name: str) -> psutil.Process | None:
    """The child that runs a part."""
    return next((child for child in served.children() if name in words(child)), None)


def words(process: psutil.Process) -> list[str]:
    """The command line of a process; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def served(relayed_book: Program) -> psutil.Process:
    process = psutil.Process(relayed_book.start("serve", "--kafka").pid)
    wait_for(lambda: relayed_book("relay", "status", "--check", status=None).status == 0, "the relay")
    wait_for(lambda: relayed_book("project", "status", "--check", status=None).status == 0, "a worker")
    return process


def test_what_is_recorded_becomes_visible_over_kafka(relayed_book: Program, served: psutil.Process) -> None:
    relayed_book("loan", "open", "l1", "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
    assert [row["loan"] for row in relayed_book("balances", "--json").json] == ["l1"]
    wait_for(lambda: relayed_book("relay", "status", "--json").json["lag"] == 0, "the relay's head")


def test_a_part_that_was_killed_is_started_again(relayed_book: Program, served: psutil.Process) -> None:
    killed = part(served, "relay")
    assert killed
    killed.kill()
    wait_for(lambda: (part(served, "relay") or killed).pid != killed.pid, "another relay")
    relayed_book("loan", "open", "l1", "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
    assert [row["loan"] for row in relayed_book("balances", "--json").json] == ["l1"]


def test_all_is_one_process_group_and_ends_together(served: psutil.Process, tmp_path: Path) -> None:
    parts = served.children(recursive=True)
    assert {os.getpgid(each.pid) for each in parts} == {os.getpgid(served.pid)}
    served.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs([served, *parts], timeout=WAIT_S)
    assert alive == []
    assert "Stopped" in (tmp_path / "0.out").read_text()
    assert (tmp_path / "0.err").read_text() == ""


def test_the_parts_end_with_a_supervisor_that_was_killed(served: psutil.Process) -> None:
    parts = served.children(recursive=True)
    assert parts
    served.kill()
    _, alive = psutil.wait_procs(parts, timeout=WAIT_S)
    assert alive == []


def test_kafka_that_is_away_is_named_within_its_limit(book: Program) -> None:
    book.settings.update(LEDGER_KAFKA_BOOTSTRAP="127.0.0.1:1", LEDGER_KAFKA_TIMEOUT_S="3")
    refused = book("relay", "--once", status=6)
    assert "error kafka_unavailable" in refused.err
    assert "127.0.0.1:1" in refused.err
