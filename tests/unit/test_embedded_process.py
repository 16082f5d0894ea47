"""Whom the supervisor takes for its own server."""

import os

import psutil

from ledger.embedded import process
from ledger.embedded.folder import Note
from ledger.embedded.process import Identity


def ourselves() -> Identity:
    line = psutil.Process().cmdline()
    return Identity(os.path.basename(line[0]), tuple(line[-1:]))  # noqa: PTH119 - a name, not a path


def note(*, pid: int = os.getpid(), later_s: float = 0) -> Note:
    return Note(pid, process.started_s(psutil.Process()) + later_s, 5432)


def test_a_process_is_ours_when_number_start_and_command_line_fit() -> None:
    found = process.noted(note(), ourselves())
    assert found is not None
    assert found.pid == os.getpid()


def test_a_process_that_started_at_another_moment_is_not_ours() -> None:
    assert process.noted(note(later_s=-60), ourselves()) is None


def test_a_process_of_another_program_is_not_ours() -> None:
    assert process.noted(note(), Identity("postgres", ourselves().tail)) is None


def test_a_process_with_other_arguments_is_not_ours() -> None:
    assert process.noted(note(), Identity(ourselves().program, ("-D", "/elsewhere"))) is None


def test_a_number_that_nobody_has_is_nobody() -> None:
    assert process.noted(note(pid=2**22 + 1), ourselves()) is None
