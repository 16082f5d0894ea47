"""The program `ledger`: its commands, and how errors end it."""

import sys

import typer

from ledger.entrypoints.cli import quote
from ledger.entrypoints.cli.output import print_error
from ledger.entrypoints.errors import status_of
from schemas.errors import LedgerError

app = typer.Typer(
    name="ledger",
    help="The event-sourced repayment ledger. Settings come from LEDGER_* variables: ledger config.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """Keeps a program with one command a program with commands."""


def main() -> None:
    """Run the command line. Errors of ours end with one message and the exit status of their class."""
    try:
        if sys.argv[1:2] != ["quote"]:
            from ledger.entrypoints.cli.commands import register  # noqa: PLC0415 - a quote starts in a third of the time

            register(app, sys.argv[1:])
        quote.register(app)
        app()
    except LedgerError as error:
        print_error(error.code, str(error))
        sys.exit(status_of(error).exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        print_error("output_failed", f"asked to print the answer: {error}; what was asked for has been done")
        sys.exit(6)
