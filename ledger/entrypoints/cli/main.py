"""The program `ledger`: its commands, and how errors end it."""

import sys

import typer

from ledger.entrypoints.cli import (
    dead_letters,
    development,
    loan_queries,
    projections,
    queries,
    recovery,
    servers,
    setup,
    workers,
    writing,
)
from ledger.entrypoints.cli.output import print_error
from ledger.entrypoints.errors import status_of
from schemas.errors import LedgerError

app = typer.Typer(
    name="ledger",
    help="The event-sourced repayment ledger. Settings come from LEDGER_* variables: ledger config.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for module in (setup, writing, queries, loan_queries, workers, recovery):
    module.register(app)
app.add_typer(queries.audit_app, name="audit")
app.add_typer(projections.app, name="projections")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(servers.app, name="embedded")
app.add_typer(development.app, name="dev")


def main() -> None:
    """Run the command line. Errors of ours end with one message and the exit status of their class."""
    try:
        app()
    except LedgerError as error:
        print_error(error.code, str(error))
        sys.exit(status_of(error).exit_status)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        print_error("output_failed", f"asked to print the answer: {error}; what was asked for has been done")
        sys.exit(6)
