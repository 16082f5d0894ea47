"""Commands that set a ledger up and look at how it is set up: init, migrate, config."""

from contextlib import nullcontext
from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import console, print_json, print_table, progress
from ledger.settings import read_settings


def init(
    book: Annotated[str, typer.Option(help="Id of the book; part of every event.")] = "main",
    time_zone: Annotated[str, typer.Option(help="IANA time zone of the business date.")] = "UTC",
    cut_off: Annotated[str, typer.Option(help="Local time from which the next business date counts.")] = "00:00",
    currency: Annotated[list[str], typer.Option(help="ISO 4217 code; may be given several times.")] = ["USD", "CNY"],  # noqa: B006 - typer copies it
) -> None:
    """Prepare the journal, make the key file, and open the book. What the book is holds for life.

    Repeated with the same answers, it changes nothing.
    """
    with Ledger(read_settings()) as ledger:
        opened, new = ledger.init(book, time_zone=time_zone, cut_off=cut_off, currencies=currency)
        currencies = ", ".join(f"{code} ({exponent} decimals)" for code, exponent in opened.currencies.items())
        console.print(f"Book [bold]{opened.book_id}[/] {'opened' if new else 'is open'}, journal {opened.journal_id}")
        console.print(f"  time zone {opened.time_zone}, cut-off {opened.cut_off}; {currencies}")
        console.print(f"  {opened.partitions} Kafka partitions, hashes {opened.hash_format}")
        console.print(f"  key file {ledger.settings.key_path}: keep a copy apart from the database")


def migrate() -> None:
    """Bring the database of the journal to this version."""
    with Ledger(read_settings()) as ledger:
        applied = ledger.migrate()
    console.print(f"Applied {', '.join(applied)}" if applied else "Nothing to apply")


def config(json: Json = False) -> None:
    """Print all settings, secrets masked."""
    rows = read_settings().rows()
    if json:
        print_json([{"variable": name, "value": value, "meaning": meaning} for name, value, meaning in rows])
    else:
        print_table("Settings", {"variable": "left", "value": "left", "meaning": "left"}, rows)


def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Settings, rights and counts only; read no events.")] = False,
    json: Json = False,
) -> None:
    """Look for what is wrong, and say what to do about it: server, schema, clocks, rights, key file, topics of Kafka
    where it runs, and every event, for gaps and broken hash chains.
    """
    with (
        Ledger(read_settings()) as ledger,
        nullcontext() if quick else progress("Reading all events", "reads") as report,
    ):
        checks = ledger.inspect(quick=quick, progress=report)
    if json:
        print_json(
            [{"check": check.name, "ok": check.ok, "found": check.found, "advice": check.advice} for check in checks]
        )
    else:
        rows = [("ok" if check.ok else "WRONG", check.name, check.found, check.advice) for check in checks]
        print_table("Doctor", {"": "left", "check": "left", "found": "left", "what to do": "left"}, rows)
    if not all(check.ok for check in checks):
        raise typer.Exit(7)


def demo() -> None:
    """Replay 500 real loans through journal, Kafka and projections, and check the outcome against their file."""
    from ledger.entrypoints.demo.story import tell  # noqa: PLC0415 - because only the demo needs a Kafka client

    with Ledger(read_settings()) as ledger:
        tell(ledger)


def register(app: typer.Typer) -> None:
    for command in (init, migrate, config, doctor, demo):
        app.command()(command)
