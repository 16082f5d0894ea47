"""Options and arguments that several commands share."""

import re
from datetime import date, datetime
from typing import Annotated

import typer

from ledger.domain.errors import InvalidDate

OverduePolicy = Annotated[
    str, typer.Option(help="By which policy days past due are counted: cn_card, eu_retail ... Default: as agreed.")
]


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


def read_known_at(text: str) -> int | datetime:
    """A position, or an instant with its offset from UTC."""
    try:
        if text.isascii() and text.isdigit():
            return int(text)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidDate(f"asked for what was known at {text!r}; {_KNOWN_AT}") from error
    if moment.tzinfo is None:
        raise InvalidDate(f"asked for what was known at {text!r}, which may be any of many instants; {_KNOWN_AT}")
    return moment


_KNOWN_AT = "give a position, or an instant with its offset like 2016-12-08T18:30:00Z"

AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="Value date. Default: today.")]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at", metavar="T|POSITION", help="Only what was recorded by an instant or a position. Default: all."
    ),
]
WaitFor = Annotated[
    int | None,
    typer.Option("--wait-for", metavar="POSITION", help="Answer once this position is in. Default: all there is."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Idempotency key: the same key gives the same answer. Default: a new one."),
]
LoanId = Annotated[str, typer.Argument(metavar="LOAN", help="Id of the loan.")]
OnDate = Annotated[str | None, typer.Option("--on", metavar="DATE", help="Value date. Default: today.")]
