"""`ledger quote`: from terms to a schedule with its true cost. It needs no ledger, no server and no data folder."""

import errno
import sys
from contextlib import ExitStack
from typing import Annotated, Any

import msgspec
import typer

from ledger.application.quote_options import options_of
from ledger.application.quote_reading import LineTooLong, QuoteRequest, read_request
from ledger.application.quoting import LINE_BYTES_MAX, answer_of, answers, as_object, quote_of
from ledger.clock import system_clock
from ledger.entrypoints.cli import quote_arguments as arguments
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import errors, print_json, progress
from ledger.entrypoints.cli.quote_tables import print_options, print_quote
from ledger.entrypoints.cli.reading import chunks_of, opened
from schemas.errors import BadInput


class ConflictingOptions(BadInput):
    code = "conflicting_options"


def quote(
    context: typer.Context,
    amount: arguments.Amount = None,
    currency: arguments.Currency = None,
    annual_rate: arguments.AnnualRate = None,
    term: arguments.Term = None,
    every: arguments.Every = None,
    method: arguments.Method = None,
    day_count: arguments.DayCount = None,
    disbursed_on: arguments.DisbursedOn = None,
    first_due_on: arguments.FirstDueOn = None,
    due_day: arguments.DueDay = None,
    rounding: arguments.Mode = None,
    installment_rounding: arguments.InstallmentRounding = None,
    multiple: arguments.Multiple = None,
    residue: arguments.Residue = None,
    installment: arguments.Installment = None,
    fee: arguments.Fees = None,
    principal_grace: arguments.PrincipalGrace = None,
    interest_grace: arguments.InterestGrace = None,
    interest_free: arguments.InterestFree = None,
    down_payment: arguments.DownPayment = None,
    balloon: arguments.Balloon = None,
    month_end: arguments.MonthEnd = None,
    business_day: arguments.BusinessDay = None,
    calendar: arguments.Calendar = None,
    jurisdiction: arguments.Jurisdiction = None,
    lender: arguments.Lender = None,
    terms: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Read all terms from a JSON object instead; see --explain-defaults."),
    ] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="Quote each line of NDJSON: standard input, or the file of --terms.")
    ] = False,
    rows_only: Annotated[bool, typer.Option("--rows-only", help="Leave out rates, cost table and caps.")] = False,
    line_bytes: Annotated[
        int, typer.Option(metavar="N", min=2, help="Longest line of a batch that is read.")
    ] = LINE_BYTES_MAX,
    explain_defaults: Annotated[
        bool, typer.Option("--explain-defaults", help="Print every option with its values, default and meaning.")
    ] = False,
    json: Json = False,
) -> None:
    """Turn terms into a schedule, with what it truly costs. Touches no ledger.

    In a batch every line gets one line back, in order: a quote, or its error, while the others go on; blank lines get
    none. The exit status then is 0, whatever the lines are.
    """
    _require_output()
    given = {name: value for name, value in context.params.items() if name in arguments.ARGUMENTS and _is_given(value)}
    _require_one_way(given, terms=terms is not None, batch=batch, explain=explain_defaults)
    if explain_defaults:
        _explain(json=json)
    elif batch:
        _answer_batch(terms or "-", rows_only=rows_only, line_bytes=line_bytes)
    elif terms is not None:
        _answer_one(read_request(read_terms(terms)), rows_only=rows_only, json=json)
    else:
        _answer_one(arguments.request_of(given, today=system_clock().date()), rows_only=rows_only, json=json)


def register(app: typer.Typer) -> None:
    app.command()(quote)


def _require_output() -> None:
    if sys.stdout is None:  # closed before the program began
        raise OSError(errno.EBADF, "standard output is closed")


def _is_given(value: object) -> bool:
    return value is not None and value not in ([], ())


def _require_one_way(given: dict[str, Any], *, terms: bool, batch: bool, explain: bool) -> None:
    if given and (terms or batch or explain):
        name = next(iter(given)).replace("_", "-")
        other = "--explain-defaults" if explain else "--batch" if batch else "--terms"
        raise ConflictingOptions(f"asked for {name} beside {other}, which leaves no place for it; give one of the two")


def _explain(*, json: bool) -> None:
    options = list(options_of(QuoteRequest).values())
    if json:
        print_json(msgspec.to_builtins(options))
    else:
        print_options(options)


def _answer_one(request: QuoteRequest, *, rows_only: bool, json: bool) -> None:
    found = quote_of(request, rows_only=rows_only)
    if json:
        print_json(as_object(answer_of(request.id, found)))
    else:
        print_quote(request, found)


def _answer_batch(file: str, *, rows_only: bool, line_bytes: int) -> None:
    out = sys.stdout.buffer
    with opened(file, "terms") as stream, ExitStack() as stack:
        report = None
        if errors.is_terminal and not sys.stdout.isatty():
            report = stack.enter_context(progress("Quoting", "lines", rate=True))
        done = 0
        for answered in answers(chunks_of(stream), rows_only=rows_only, line_bytes_max=line_bytes):
            out.write(answered)
            out.flush()
            if report:
                done += answered.count(b"\n")
                report(done, None)
        if report:
            report(done, done)


def read_terms(file: str) -> bytes:
    """Terms as JSON from a file, or from standard input (`-`)."""
    with opened(file, "terms") as stream:
        text = stream.read(LINE_BYTES_MAX + 1)
    if len(text) > LINE_BYTES_MAX:
        raise LineTooLong(f"asked for a quote by {file}, which has more than {LINE_BYTES_MAX} bytes; give one object")
    return text
