"""`ledger line`: credit lines and what is drawn under them."""

from typing import Annotated

import msgspec
import typer

from ledger.application.joint_desk import JointCommand
from ledger.application.line_commands import ChangeLimit, CloseLine, DrawLoan, DrawMore, FreezeLine, OpenLine
from ledger.bootstrap import Ledger
from ledger.domain.lines import available_minor, used_minor
from ledger.domain.money import parse_minor
from ledger.entrypoints.cli.asking import amounts
from ledger.entrypoints.cli.confirming import confirmed
from ledger.entrypoints.cli.options import Json, Key
from ledger.entrypoints.cli.output import console, print_json, print_table
from ledger.entrypoints.cli.writing import NEGATIVE_AMOUNTS, execute_jointly, minor_of
from ledger.settings import read_settings
from schemas.errors import BadInput

app = typer.Typer(help="Credit lines: a limit, and loans drawn under it.", no_args_is_help=True)


class WhatToDraw(BadInput):
    """A draw from a line is a new loan on its terms, or an amount of a loan that revolves."""

    code = "what_to_draw"


LineId = Annotated[str, typer.Argument(metavar="LINE", help="Id of the line.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


@app.command("open", context_settings=NEGATIVE_AMOUNTS)
def open_line(
    line: LineId,
    limit: Annotated[str, typer.Argument(help="Principal that may be owed at most, for example 5000.00.")],
    borrower: Annotated[str, typer.Option(help="Id of the borrower.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    product: Annotated[str, typer.Option(help="Kind of the loans that are drawn.")] = "installments",
    key: Key = None,
    json: Json = False,
) -> None:
    """Let a borrower draw up to a limit."""
    with Ledger(read_settings()) as ledger:
        command = OpenLine(
            line_id=line,
            currency=currency,
            limit_minor=parse_minor(limit, currency, ledger.book.exponent(currency)),
            party_id=borrower,
            product=product,
        )
        execute_jointly(ledger, command, key, json=json)


@app.command("draw", context_settings=NEGATIVE_AMOUNTS)
def draw(
    line: LineId,
    loan: Annotated[str, typer.Option(help="Id of the new loan, or of one that revolves.")],
    terms: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Of a new loan, as JSON; see ledger quote --explain-defaults.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="How a new loan is served: name of a servicing policy.")] = None,
    confirm: Annotated[str | None, typer.Option(metavar="HASH", help="Hash of the cost table that was shown.")] = None,
    amount: Annotated[str | None, typer.Option(help="How much, with a loan that revolves.")] = None,
    method: Annotated[str, typer.Option(help="wallet, bank_transfer, card ...")] = "wallet",
    key: Key = None,
    json: Json = False,
) -> None:
    """Draw with a new loan, signed and paid out at once, or --amount with one that revolves and was agreed before.

    A new loan needs --terms and --policy. Without --confirm it shows what the loan costs, and the hash.
    """
    if (amount is None) != (terms is not None and policy is not None):
        raise WhatToDraw("asked to draw; give --amount for a loan that revolves, or --terms and --policy for a new one")
    shown = confirmed(terms, confirm, json=json) if terms else None
    with Ledger(read_settings()) as ledger:
        command: JointCommand
        if shown:
            command = DrawLoan(
                line_id=line,
                currency=shown.terms.currency,
                loan_id=loan,
                terms=shown.terms.as_plain(),
                policy=policy or "",
                cost_table_hash=shown.hash,
                method=method,
            )
        else:
            minor = minor_of(ledger, loan, amount or "")
            command = DrawMore(line_id=line, loan_id=loan, amount_minor=minor, method=method)
        execute_jointly(ledger, command, key, json=json)


@app.command("limit", context_settings=NEGATIVE_AMOUNTS)
def limit(
    line: LineId,
    amount: Annotated[str, typer.Argument(help="The new limit.")],
    reason: Reason,
    key: Key = None,
    json: Json = False,
) -> None:
    """Change the limit. Below what is used already, nothing more is drawn until that is paid back."""
    with Ledger(read_settings()) as ledger:
        currency = ledger.line(line)[0].currency
        minor = parse_minor(amount, currency, ledger.book.exponent(currency))
        execute_jointly(ledger, ChangeLimit(line_id=line, limit_minor=minor, reason=reason), key, json=json)


@app.command("freeze")
def freeze(line: LineId, reason: Reason, key: Key = None, json: Json = False) -> None:
    """Let nothing be drawn; payments go on."""
    with Ledger(read_settings()) as ledger:
        execute_jointly(ledger, FreezeLine(line_id=line, frozen=True, reason=reason), key, json=json)


@app.command("unfreeze")
def unfreeze(line: LineId, reason: Reason, key: Key = None, json: Json = False) -> None:
    """Let it be drawn again."""
    with Ledger(read_settings()) as ledger:
        execute_jointly(ledger, FreezeLine(line_id=line, frozen=False, reason=reason), key, json=json)


@app.command("close")
def close(line: LineId, reason: Reason, key: Key = None, json: Json = False) -> None:
    """End a line of which nothing is owed."""
    with Ledger(read_settings()) as ledger:
        execute_jointly(ledger, CloseLine(line_id=line, reason=reason), key, json=json)


@app.command("show")
def show_line(line: LineId, json: Json = False) -> None:
    """Show limit, what is used and left, and the loans of a line."""
    with Ledger(read_settings()) as ledger:
        found, loans = ledger.line(line)
        used, left = used_minor(loans), available_minor(found, loans)
        if json:
            print_json({**msgspec.to_builtins(found), "used_minor": used, "available_minor": left})
            return
        state = "closed" if found.closed_on else "frozen" if found.frozen_on else "open"
        texts = amounts(ledger, found.currency, found.limit_minor, used, left)
        console.print(f"Line {line}, {state}: limit {texts[0]}, used {texts[1]}, left {texts[2]} {found.currency}")
        print_table(
            f"Loans of line {line}",
            {"loan": "left", "principal": "right", "owed": "right"},
            [
                (loan.loan_id, *amounts(ledger, loan.currency, loan.known.principal_minor, loan.known.owed_minor))
                for loan in loans
            ],
        )


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="line")
