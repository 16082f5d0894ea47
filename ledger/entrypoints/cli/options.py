"""Options and arguments that several commands share."""

import re
from datetime import date
from typing import Annotated

import typer

from ledger.domain.errors import InvalidDate


def read_date(text: str) -> date:
    """A date as YYYY-MM-DD."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidDate(f"asked for the date {text!r}; write YYYY-MM-DD, for example 2016-12-08") from error


def optional_date(text: str | None) -> date | None:
    return None if text is None else read_date(text)


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Idempotency key: the same key gives the same answer. Default: a new one."),
]
LoanId = Annotated[str, typer.Argument(metavar="LOAN", help="Id of the loan.")]
OnDate = Annotated[str | None, typer.Option("--on", metavar="DATE", help="Value date. Default: today.")]
