"""Commands for those who develop and measure the ledger: a made-up book."""

from datetime import timedelta
from typing import Annotated

import typer

from ledger.application.dev_book.plan import Plan
from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json, optional_date
from ledger.entrypoints.cli.output import console, print_json, progress
from ledger.settings import read_settings

app = typer.Typer(help="For developing and measuring: made-up books.", no_args_is_help=True)


@app.command("book")
def dev_book(
    loans: Annotated[int, typer.Option(help="How many loans.")] = 10_000,
    payments_per_loan: Annotated[int, typer.Option(help="In how many parts a loan is paid back.")] = 4,
    late_share: Annotated[float, typer.Option(help="The part of all loans, 0 to 1, that miss their due date.")] = 0.1,
    due_share: Annotated[
        float, typer.Option(help="The part of all loans, 0 to 1, that the day end after the last day must see to.")
    ] = 0.0,
    installments_share: Annotated[
        float, typer.Option(help="The part of all loans, 0 to 1, that have installments and interest.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Another number makes another book.")] = 1,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day of the book, which has 360. Default: yesterday.")
    ] = None,
    book: Annotated[str, typer.Option(help="Id of the book.")] = "dev",
    json: Json = False,
) -> None:
    """Open a book in an empty journal and fill it with a year of made-up loans: events that the domain decided on, with
    valid chains and positions, written past the journal's door by COPY. Takes a login that may act as ledger_owner.

    The same options with the same key file make the same book, byte for byte. Never for real loans.
    """
    last_day = optional_date(until)
    with Ledger(read_settings()) as ledger:
        plan = Plan(
            loans=loans,
            payments_per_loan=payments_per_loan,
            late_share=late_share,
            due_share=due_share,
            installments_share=installments_share,
            seed=seed,
            until=last_day or ledger.clock().date() - timedelta(days=1),
        )
        with progress("Writing a book", "loans", rate=True) as report:
            written = ledger.write_dev_book(book, plan, progress=report)
    if json:
        print_json(written)
        return
    console.print(f"Book [bold]{written.book_id}[/]: {written.loans:,} loans, {written.events:,} events")
    console.print(f"  from {plan.first_day} to {plan.until}, all days closed; seed {plan.seed}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="dev")
