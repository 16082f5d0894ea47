"""All commands that work with a ledger."""

import typer

from ledger.entrypoints.cli import (
    adjusting,
    autopay,
    dead_letters,
    development,
    importing,
    lending,
    line,
    loan_queries,
    periods,
    projections,
    queries,
    recovery,
    servers,
    setup,
    statements,
    tracing,
    workers,
    writing,
)


def register(app: typer.Typer) -> None:
    for module in (
        setup,
        writing,
        importing,
        lending,
        adjusting,
        queries,
        loan_queries,
        statements,
        tracing,
        workers,
        recovery,
    ):
        module.register(app)
    app.add_typer(queries.audit_app, name="audit")
    app.add_typer(line.app, name="line")
    app.add_typer(autopay.app, name="autopay")
    app.add_typer(periods.app, name="period")
    app.add_typer(projections.app, name="projections")
    app.add_typer(dead_letters.app, name="dead-letters")
    app.add_typer(servers.app, name="embedded")
    app.add_typer(development.app, name="dev")
