"""Commands that keep running: the relay, projection workers, all of it at once; and how they are."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import (
    console,
    print_alarm,
    print_json,
    print_table,
    print_warning,
    progress,
)
from ledger.settings import read_settings
from schemas.errors import Corrupt, Unavailable

if TYPE_CHECKING:
    from ledger.relay.relay import Relay
    from ledger.relay.status import RelayStatus

relay_app = typer.Typer(help="Publish the journal to Kafka: follow it until stopped.", invoke_without_command=True)
project_app = typer.Typer(help="Bring the projections forward until stopped.", invoke_without_command=True)

Check = Annotated[
    bool,
    typer.Option("--check", help="Exit with 6 unless one works now, with 8 if a part stands still; for health checks."),
]
Once = Annotated[bool, typer.Option("--once", help="Do what there is to do, then end.")]
RepairFirst = Annotated[
    bool, typer.Option("--repair", help="First compare Kafka with the journal, and send again what it lost.")
]
Supervised = Annotated[bool, typer.Option("--supervised", hidden=True, help="End when standard input ends.")]
Kafka = Annotated[bool, typer.Option("--kafka", help="With Kafka; embedded unless LEDGER_KAFKA_BOOTSTRAP names one.")]

_GATES = {
    "open": "open",
    "closed": "closed: the journal takes nothing new until a relay has confirmed it",
    "none": "none: no relay has confirmed this journal yet",
}
_SHORTEST_LIFE_S = 5.0
_LONGEST_PAUSE_S = 30.0
_STOP_LIMIT_S = 20.0


class NobodyWorks(Unavailable):
    code = "nobody_works"


class PartsStandStill(Corrupt):
    code = "parts_stand_still"


@relay_app.callback()
def relay(
    context: typer.Context, once: Once = False, repair: RepairFirst = False, supervised: Supervised = False
) -> None:
    """Publish the journal to Kafka: follow it until stopped."""
    if context.invoked_subcommand:
        return
    with Ledger(read_settings()) as ledger, ledger.relay() as relaying:
        if repair:
            _repair(relaying)
        if once:
            console.print(f"Published up to position {relaying.drain():,}")
            return
        console.print(f"Relaying book {ledger.book.book_id} to {ledger.kafka_bootstrap()}")
        with until_stopped(supervised=supervised) as stop:
            relaying.run(stop)
    console.print("Stopped")


def _repair(relaying: "Relay") -> None:
    with progress("Comparing and repairing", "records") as report:
        repaired = relaying.repair(report)
    for loss in repaired.losses:
        place = f"{loss.partition.topic}/{loss.partition.partition}"
        console.print(f"Sent {loss.missing:,} events to {place} again, up to position {loss.position:,}")
    if repaired.head_rebuilt:
        console.print("Made the heads topic anew")
    elif not repaired.losses:
        console.print("Nothing to repair: Kafka holds all that it should, as the journal has it")


@relay_app.command("status")
def relay_status(check: Check = False, json: Json = False) -> None:
    """Who relays, and how far Kafka is behind the journal."""
    with Ledger(read_settings()) as ledger:
        if not ledger.has_kafka():
            raise NobodyWorks(
                "asked how the relay is; no Kafka runs here. Start one with ledger relay, or ledger serve"
            )
        with ledger.relay() as relaying:
            status = relaying.status()
    if json:
        print_json(asdict(status) | {"lag": status.lag})
    else:
        _print_status(status)
    if check and status.holder is None:
        raise NobodyWorks("asked whether a relay works; none holds the lease. Start one with ledger relay")


def _print_status(status: "RelayStatus") -> None:
    console.print(f"Relay      {status.holder or 'nobody relays just now'}")
    console.print(f"Published  {status.published:,} of {status.head:,} events, {status.lag:,} behind")
    if status.oldest_waiting_s is not None:
        console.print(f"Waiting    the oldest for {status.oldest_waiting_s:,.1f} s")
    if status.window is not None:
        rate = "" if status.events_per_s is None else f", {status.events_per_s:,.0f} events/s over the newest windows"
        console.print(f"Window     {status.window:,} events in the last one{rate}")
    console.print(f"Gate       {_GATES[status.gate]}")


@project_app.callback()
def project(context: typer.Context, kafka: Kafka = False, once: Once = False, supervised: Supervised = False) -> None:
    """Bring the projections forward until stopped, from Kafka or (without --kafka) from the journal."""
    if context.invoked_subcommand:
        return
    with Ledger(read_settings()) as ledger, ledger.runner(kafka=kafka) as runner:
        if once:
            runner.catch_up()
            console.print("The projections have read everything")
            return
        console.print(f"Projecting book {ledger.book.book_id} from {runner.feed_name}")
        with until_stopped(supervised=supervised) as stop:
            runner.run(stop)
    console.print("Stopped")


@project_app.command("status")
def project_status(check: Check = False, json: Json = False) -> None:
    """How far each projection is behind, and who works."""
    with Ledger(read_settings()) as ledger:
        rows, workers = ledger.lag()
    if json:
        print_json({"workers": workers, "projections": rows})
    else:
        columns = {"projection": "left", "events behind": "right", "partitions behind": "right"}
        columns |= {"stopped": "right", "dead letters": "right"}
        print_table(
            "Projections",
            columns,
            [(each.projection, each.events, each.partitions, each.stopped, each.dead_letters) for each in rows],
        )
        console.print(f"Workers: {', '.join(workers) or 'none just now; queries bring the projections forward'}")
    for each in rows:
        if each.problem:
            where = f"stands still on {each.stopped} partitions" if each.stopped else "is left out"
            print_alarm(f"{each.projection} {where}: {each.problem}")
    if check and any(each.problem for each in rows):
        raise PartsStandStill("asked whether all is well with the projections; the alarms above say what is not")
    if check and not workers:
        raise NobodyWorks("asked whether a projection worker works; none was seen. Start one with ledger project")


def serve(kafka: Kafka = False) -> None:
    """Run everything in one process group until stopped: servers, projections and, with --kafka, the relay.

    A part that ends is started again; a part that keeps failing is started ever more slowly.
    """
    with Ledger(read_settings()) as ledger:
        book = ledger.book.book_id
        parts = [Part("project", ["project", "--kafka"] if kafka else ["project"])]
        if kafka:
            console.print(f"Kafka      {ledger.kafka_bootstrap()}")
            parts.insert(0, Part("relay", ["relay"]))
        console.print(f"PostgreSQL {ledger.database.address}")
    console.print(f"Serving book {book}: {', '.join(part.name for part in parts)}. Ctrl-C stops")
    with until_stopped() as stop:
        _supervise(parts, stop)
    console.print("Stopped; embedded servers go on until ledger embedded stop")


def register(app: typer.Typer) -> None:
    app.add_typer(relay_app, name="relay")
    app.add_typer(project_app, name="project")
    app.command()(serve)


@contextmanager
def until_stopped(*, supervised: bool = False) -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, so that work ends at a safe place.

    `supervised`: the end of standard input sets it too; the supervisor holds the other end, however it dies.
    """
    stop = threading.Event()
    if supervised:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock, held here, would abort the interpreter at its end
        pass
    stop.set()


@dataclass(slots=True)
class Part:
    """A command that is kept running."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    start_at_s: float = 0.0
    failures: int = 0

    def start(self, now_s: float) -> None:
        command = [sys.executable, "-m", "ledger", *self.arguments, "--supervised"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own words
        self.started_at_s = now_s

    def look(self, now_s: float) -> None:
        """Start the part if it is time to; note if it has ended."""
        if self.process is None:
            if now_s >= self.start_at_s:
                self.start(now_s)
        elif (status := self.process.poll()) is not None:
            self.failures = 1 if now_s - self.started_at_s > _SHORTEST_LIFE_S else self.failures + 1
            pause_s = min(_LONGEST_PAUSE_S, 0.25 * 2**self.failures)
            print_warning(f"{self.name} ended with status {status}; starting it again in {pause_s:.1f} s")
            self.process, self.start_at_s = None, now_s + pause_s

    def end(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _supervise(parts: Sequence[Part], stop: threading.Event) -> None:
    while not stop.wait(0.1):
        for part in parts:
            part.look(time.monotonic())
    for part in reversed(parts):
        part.end()
