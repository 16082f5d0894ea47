"""Runs the program `ledger` as a user does: a process of its own, settings in its environment."""

import atexit
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger.journal.database import Database
from tests.e2e.warm_program import WarmProgram

_LIMIT_S = 120


@dataclass(frozen=True)
class Finished:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass(frozen=True)
class Program:
    """`ledger` with an environment; nothing of the surrounding LEDGER_* settings gets in."""

    settings: dict[str, str]
    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        rest = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        return rest | self.settings | {"COLUMNS": "200", "NO_COLOR": "1"}

    def __call__(self, *arguments: str, status: int | None = 0, stdin: str = "") -> Finished:
        """Run a command to its end and demand an exit status (None: any)."""
        finished = Finished(*self._run_warm(arguments, stdin) or self._run(arguments, stdin))
        assert status is None or finished.status == status, finished
        return finished

    def _run(self, arguments: Sequence[str], stdin: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*_COMMAND, *arguments],
            env=self.environment,
            cwd=self.folder,
            input=stdin.encode(),
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def _run_warm(self, arguments: Sequence[str], stdin: str) -> tuple[int, str, str] | None:
        """None where a command starts servers of its own, or another one is running."""
        if arguments[:1] in _STARTS_SERVERS or "LEDGER_DATABASE_URL" not in self.settings:
            return None
        done = _warm_program().run(list(arguments), self.environment, self.folder, stdin.encode())
        return done and (done[0], done[1].decode(), done[2].decode())

    @property
    def command(self) -> str:
        """How a shell calls the program."""
        return " ".join(_COMMAND)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command that keeps running; its output goes to files in the folder. Ended with the test."""
        number = len(self.started)
        with (self.folder / f"{number}.out").open("wb") as out, (self.folder / f"{number}.err").open("wb") as err:
            process = subprocess.Popen(
                [*_COMMAND, *arguments], env=self.environment, cwd=self.folder, stdout=out, stderr=err
            )
        self.started.append(process)
        return process

    def write(self, name: str, text: str) -> str:
        """A file in the folder of the program."""
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)


_COMMAND = (str(Path(sys.executable).parent / "ledger"),)
_STARTS_SERVERS = {("demo",), ("serve",), ("embedded",), ("relay",), ("project",)}


@cache
def _warm_program() -> WarmProgram:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    made = WarmProgram(rest | {"COLUMNS": "200", "NO_COLOR": "1"})
    atexit.register(made.close)
    return made


HEADER = (
    "Loan_ID,loan_status,Principal,terms,effective_date,due_date,paid_off_time,past_due_days,age,education,Gender\n"
)
ON_TIME = "a1,PAIDOFF,1000,30,9/8/2016,10/7/2016,9/14/2016 19:31,,45,college,male\n"
LATE = "b2,COLLECTION_PAIDOFF,300.50,15,9/8/2016,9/22/2016,10/24/2016 10:00,32,30,college,female\n"
OPEN = "c3,COLLECTION,800,7,9/9/2016,9/15/2016,,84,31,Bachelor,male\n"


def program(database: Database, folder: Path) -> Program:
    """The program on a database, with its own data folder and without Kafka."""
    return Program({"LEDGER_DATABASE_URL": database.url, "LEDGER_DATA": str(folder / "data")}, folder)


def import_three(book: Program) -> Program:
    """Three loans, replayed up to 2016-12-08: paid on time, paid late, still open."""
    book("import", book.write("loans.csv", HEADER + ON_TIME + LATE + OPEN), "--until", "2016-12-08")
    return book


@pytest.fixture
def ledger(
    fresh_database: Callable[[str | None], Database], tmp_path: Path, reaped: Callable[[Path], Path]
) -> Iterator[Program]:
    """The program on an empty database; what it started is ended with the test."""
    made = program(fresh_database(None), tmp_path)
    reaped(made.folder / "data")
    yield made
    for process in made.started:
        process.terminate()
    for process in made.started:
        process.wait(timeout=30)


@pytest.fixture
def book(ledger: Program) -> Program:
    """The program with an open book."""
    ledger("init")
    return ledger


@pytest.fixture
def relayed_book(ledger: Program, kafka_bootstrap: str, book_id: str) -> Program:
    """The program with Kafka, and an open book that no other test uses."""
    ledger.settings["LEDGER_KAFKA_BOOTSTRAP"] = kafka_bootstrap
    ledger("init", "--book", book_id)
    return ledger


@pytest.fixture
def imported(book: Program) -> Program:
    """A book of its own with three loans."""
    return import_three(book)


@pytest.fixture(scope="module")
def looked_at(
    fresh_database: Callable[[str | None], Database],
    tmp_path_factory: pytest.TempPathFactory,
    reaped: Callable[[Path], Path],
) -> Program:
    """A book with three loans for tests that change nothing."""
    made = program(fresh_database(None), tmp_path_factory.mktemp("looked_at"))
    reaped(made.folder / "data")
    made("init")
    return import_three(made)
