"""`ledger import-payments`: payments by the thousand, from a file or from a pipe."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.application.import_payments import RefusedLine
from ledger.bootstrap import Ledger
from ledger.domain.money import format_minor
from ledger.entrypoints.cli.options import Json
from ledger.entrypoints.cli.output import console, errors, print_json, progress
from ledger.entrypoints.cli.reading import chunks_of, opened
from ledger.settings import read_settings

_SHOWN = 100


def import_payments(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="NDJSON, one payment a line; - for standard input.")],
    rejected: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write refused lines here, each with its code, as NDJSON to correct."),
    ] = None,
    json: Json = False,
) -> None:
    """Record payments on loans, each once: a bank reference that was recorded before changes nothing.

    A line: {"bank_reference": "N7-0042", "loan_id": "l1", "amount_minor": 2500, "currency": "USD", "paid_on":
    "2026-03-01"}, and method and received_at where known. What is refused is reported, while the others go on; the exit
    status is 1 then.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(opened(file, "payments"))
        ledger = stack.enter_context(Ledger(read_settings()))
        refusals = _Refusals(stack, rejected)
        report = stack.enter_context(progress("Importing", "payments", rate=True))
        imported = ledger.payment_import().run(
            chunks_of(stream), refused=refusals.tell, progress=lambda done: report(done, None)
        )
        report(imported.lines, imported.lines)
        amounts = {
            currency: format_minor(amount_minor, ledger.book.exponent(currency))
            for currency, amount_minor in sorted(imported.amounts_minor.items())
        }
    if json:
        print_json(imported)
    else:
        new = ", ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "nothing"
        console.print(
            f"Read {imported.lines} payments: {imported.recorded} recorded ({new}), {imported.again} recorded before, "
            f"{imported.refused} refused"
        )
    if imported.refused:
        sys.exit(1)


def register(app: typer.Typer) -> None:
    app.command("import-payments")(import_payments)


class _Refusals:
    """Tells the first refusals on standard error, and all of them in a file."""

    def __init__(self, stack: ExitStack, file: Path | None) -> None:
        self._out = stack.enter_context(file.open("wb")) if file else None
        self._told = 0

    def tell(self, refused: RefusedLine) -> None:
        self._told += 1
        if self._told <= _SHOWN:
            errors.print(f"line {refused.line}: {refused.code}: {refused.message}", markup=False)
        elif self._told == _SHOWN + 1:
            errors.print("more lines are refused; --rejected FILE has all of them")
        if self._out:
            self._out.write(msgspec.json.encode(refused) + b"\n")
