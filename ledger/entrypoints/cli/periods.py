"""`ledger period`: accounting periods, which are calendar months, closed in their order and once for all."""

from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json, read_date
from ledger.entrypoints.cli.output import console, print_json
from ledger.settings import read_settings

app = typer.Typer(help="Close the books of account, month by month.", no_args_is_help=True)


@app.command("close")
def close(
    through: Annotated[str, typer.Option(metavar="DATE", help="Last day of a month that is over.")],
    json: Json = False,
) -> None:
    """Close the books through a month: nothing is booked in it any more. Closed once, it stays closed.

    Day end must be through with the month. What becomes known later keeps its value date and is booked on the day on
    which it became known.
    """
    day = read_date(through)
    with Ledger(read_settings()) as ledger:
        closed = ledger.close_period(day)
    if json:
        print_json({"through": day, "closed": closed})
    else:
        console.print(f"The books are closed through {day}" if closed else f"{day} was closed before; nothing changed")


@app.command("show")
def show(json: Json = False) -> None:
    """Say how far days and books are closed."""
    with Ledger(read_settings()) as ledger:
        book = ledger.book
    if json:
        print_json({"days_closed_up_to": book.closed_on, "closed_through": book.closed_through})
    else:
        days, books = book.closed_on or "none", book.closed_through or "none"
        console.print(f"Days are closed up to {days}, the books through {books}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="period")
