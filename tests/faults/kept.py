"""Processes that are kept running: whatever ends them but their own success, they are started again."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from threading import Event, Thread
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]

_PAUSE_S = 0.2
_LAST_WORDS = 4000


class Kept:
    """A Python module run as a process. Its standard input ends with the test, however that ends.

    What it says goes to `<name>.log` in the folder. Status 0 is success, after which it stays ended.
    """

    def __init__(self, name: str, module: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.starts = 0
        self._command = [sys.executable, "-m", *module]
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("LEDGER_")}
        self._environment |= environment
        self._log = folder / f"{name}.log"
        self._given_up = Event()
        self._process = self._start()
        self._keeper = Thread(target=self._keep, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given_up.set()
        while self._keeper.is_alive():  # one that was being started just now is ended in the next round
            self._send(SIGKILL)
            self._keeper.join(_PAUSE_S)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not yet succeeded."""
        return self._keeper.is_alive()

    @property
    def words(self) -> str:
        """The last of what it said, in all its lives."""
        return self._log.read_text(errors="replace")[-_LAST_WORDS:]

    def kill(self) -> None:
        self._send(SIGKILL)

    def pause(self) -> int:
        """SIGSTOP; the number to `resume`, whatever is started meanwhile."""
        self._send(SIGSTOP)
        return self._process.pid

    def resume(self, pid: int) -> None:
        if pid == self._process.pid:
            self._send(SIGCONT)

    def ends(self, limit_s: float) -> None:
        """Wait until it has succeeded."""
        self._keeper.join(limit_s)
        assert not self._keeper.is_alive(), f"{self.name} did not end in {limit_s:g} s: {self.words}"

    def terminate(self, limit_s: float = 30) -> None:
        """Ask it to end in order, and demand that it does, unless it had hardly begun."""
        self._given_up.set()
        self._send(SIGTERM)
        self.ends(limit_s)
        assert self._process.returncode in {0, -SIGTERM}, self.words

    def _send(self, number: Signals) -> None:
        self._process.send_signal(number)

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def _keep(self) -> None:
        while True:
            status = self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
            if status == 0 or self._given_up.wait(_PAUSE_S):
                return
            self._process = self._start()
