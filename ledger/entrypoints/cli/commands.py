"""All commands that work with a ledger, and in which module each is: a command starts without what only others need."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType

import typer

COMMANDS: Mapping[str, Sequence[str]] = {
    "setup": ("init", "migrate", "config", "doctor", "demo"),
    "writing": ("import", "pay", "reverse"),
    "day_ends": ("day-end", "days"),
    "importing": ("import-payments",),
    "queries": ("balances", "delinquency", "trial-balance", "portfolio", "audit"),
    "counting": ("overdue-rules",),
    "risk": ("classification", "roll-rates", "vintages"),
    "workers": ("relay", "project", "serve"),
    "recovery": ("restore",),
    "line": ("line",),
    "autopay": ("autopay",),
    "periods": ("period",),
    "projections": ("projections",),
    "dead_letters": ("dead-letters",),
    "servers": ("embedded",),
    "development": ("dev",),
}
"""By module."""

LOAN_COMMANDS: Mapping[str, Sequence[str]] = {
    "writing": ("open",),
    "lending": (
        *("agree", "disburse", "disbursement-failed", "withdraw", "write-off", "close"),
        *("add-party", "end-party", "payoff", "expected"),
    ),
    "adjusting": (
        *("fee", "waive", "goodwill", "merchant-refund", "refund-credit", "unclaimed", "undo"),
        *("payment-pending", "payment-failed", "move-payment"),
    ),
    "counting": ("overdue-rules", "pause", "resume", "restructured", "not-restructured"),
    "loan_queries": ("show", "history", "schedule", "payments", "diff"),
    "statements": ("statement",),
    "tracing": ("restatement", "why"),
}
"""Those of `ledger loan`, by module; they are there once it is imported."""


def register(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Register the command that arguments name, or all where they name none."""
    first, second = [*arguments[:2], "", ""][:2]
    if first == "loan":
        _add_loan(app, second)
        return
    chosen = [module for module, words in COMMANDS.items() if first in words]
    for module in chosen or COMMANDS:
        _imported(module).register(app)
    if not chosen:
        _add_loan(app, "")


def _add_loan(app: typer.Typer, word: str) -> None:
    chosen = [module for module, words in LOAN_COMMANDS.items() if word in words]
    for module in chosen or LOAN_COMMANDS:
        _imported(module)
    app.add_typer(_imported("writing").loan_app, name="loan")


def _imported(module: str) -> ModuleType:
    return import_module(f"ledger.entrypoints.cli.{module}")
