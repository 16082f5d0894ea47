"""Commands for the embedded servers: status, stop."""

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import console, print_json, print_table
from ledger.settings import read_settings

app = typer.Typer(help="The PostgreSQL and Kafka that run from the data folder.", no_args_is_help=True)


@app.command()
def status(json: Json = False) -> None:
    """Say which embedded servers run, and where."""
    with Ledger(read_settings()) as ledger:
        found = [ledger.embedded_postgres.status(), ledger.embedded_kafka.status()]
    if json:
        print_json(found)
        return
    rows = [(each.name, "runs" if each.running else "stopped", each.pid or "", each.address or "") for each in found]
    print_table("Embedded servers", {"server": "left", "state": "left", "pid": "right", "address": "left"}, rows)


@app.command()
def stop() -> None:
    """Stop the embedded servers of this data folder. What they hold stays."""
    with Ledger(read_settings()) as ledger:
        for server in (ledger.embedded_kafka, ledger.embedded_postgres):
            stopped = server.stop()
            console.print(f"{server.status().name} {'stopped' if stopped else 'was not running'}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="embedded")
