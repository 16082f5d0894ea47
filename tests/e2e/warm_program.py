"""The program `ledger`, ready to run: all of it is imported once, and every command is a process forked from there.

A command is what it always is, a process of its own with its arguments, environment, folder and files; only the second
in which Python reads the modules is spent once, not at each of hundreds of commands. Commands that start servers, or
that tests kill, are started as a shell would.
"""

import atexit
import contextlib
import gc
import os
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NoReturn

import orjson

ROOT = Path(__file__).parents[2]


class WarmProgram:
    """Runs commands one at a time; `run` returns None while another thread has one running."""

    def __init__(self, environment: dict[str, str]) -> None:
        asked, asks = os.pipe()
        answers, answered = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.warm_program", str(asked), str(answered)],
            pass_fds=(asked, answered),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
        )
        os.close(asked)
        os.close(answered)
        self._asks, self._answers = os.fdopen(asks, "wb"), os.fdopen(answers, "rb")
        self._running = Lock()

    def run(
        self, arguments: list[str], environment: dict[str, str], folder: Path, stdin: bytes
    ) -> tuple[int, bytes, bytes] | None:
        """Exit status and what was printed."""
        if not self._running.acquire(blocking=False):
            return None
        try:
            with TemporaryDirectory() as name:
                place = Path(name)
                (place / "in").write_bytes(stdin)
                order = {"arguments": arguments, "environment": environment, "folder": str(folder), "files": name}
                self._asks.write(orjson.dumps(order) + b"\n")
                self._asks.flush()
                answer = self._answers.readline()
                assert answer, "the warm program has ended"
                return int(answer), (place / "out").read_bytes(), (place / "err").read_bytes()
        finally:
            self._running.release()

    def close(self) -> None:
        self._asks.close()
        self._process.wait(timeout=30)
        self._answers.close()


def serve(asked: int, answered: int) -> None:
    """Fork for every order that comes; say its exit status."""
    commands = import_module("ledger.entrypoints.cli.commands")
    for module in {**commands.COMMANDS, **commands.LOAN_COMMANDS}:
        import_module(f"ledger.entrypoints.cli.{module}")
    for lazy in ("ledger.upkeep", "ledger.journal.inspection", "ledger.relay.relay", "projections.kafka_feed"):
        import_module(lazy)
    gc.freeze()
    with os.fdopen(asked, "rb") as orders, os.fdopen(answered, "wb") as answers:
        for line in orders:
            child = os.fork()
            if child == 0:
                orders.close()
                answers.close()
                _be_the_command(orjson.loads(line))
            _, status = os.waitpid(child, 0)
            answers.write(b"%d\n" % os.waitstatus_to_exitcode(status))
            answers.flush()


def _be_the_command(order: dict[str, Any]) -> NoReturn:
    """Become the program as a shell would have started it."""
    place = Path(order["files"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, (name, mode) in enumerate((("in", os.O_RDONLY), ("out", flags), ("err", flags))):
        opened = os.open(place / name, mode, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["ledger", *order["arguments"]]
    os._exit(_run())


def _run() -> int:
    status = 0
    try:
        import_module("ledger.entrypoints.cli.main").main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    return status


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
