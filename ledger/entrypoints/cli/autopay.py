"""`ledger autopay`: mandates, and the debits under them."""

import sys
from dataclasses import asdict
from typing import Annotated, NoReturn

import msgspec
import typer

from ledger.application.autopay import AuthoriseMandate, AutopayRun, ChangeMandate, RevokeMandate
from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.asking import amounts
from ledger.entrypoints.cli.options import Json, Key, LoanId, optional_date
from ledger.entrypoints.cli.output import console, errors, print_json, print_table
from ledger.entrypoints.cli.writing import NEGATIVE_AMOUNTS, execute, minor_of
from ledger.gateways.http_debits import HttpDebitGateway
from ledger.settings import read_settings

app = typer.Typer(help="Debit what is due, as payers have allowed.", no_args_is_help=True)

MandateId = Annotated[str, typer.Argument(metavar="MANDATE", help="Id of the mandate.")]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="The last day of the mandate. Default: none.")]


@app.command("authorise", context_settings=NEGATIVE_AMOUNTS)
def authorise(
    loan: LoanId,
    mandate: MandateId,
    at_most: Annotated[str, typer.Option(help="The highest amount of one debit, for example 450.00.")],
    party: Annotated[str, typer.Option(help="Id of the payer.")],
    account_token: Annotated[str, typer.Option(help="Names the account to whoever presents the debit.")],
    policy: Annotated[str, typer.Option(help="What is allowed of debits: ach, ach_covered_loan or as_agreed.")],
    rail: Annotated[str, typer.Option(help="By which scheme or channel.")] = "ach",
    until: Until = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that a payer allows debits from today on."""
    with Ledger(read_settings()) as ledger:
        command = AuthoriseMandate(
            loan_id=loan,
            mandate_id=mandate,
            party_id=party,
            rail=rail,
            account_token=account_token,
            at_most_minor=minor_of(ledger, loan, at_most),
            policy=policy,
            until=optional_date(until),
        )
        execute(ledger, command, key, json=json)


@app.command("change", context_settings=NEGATIVE_AMOUNTS)
def change(
    loan: LoanId,
    mandate: MandateId,
    at_most: Annotated[str | None, typer.Option(help="The highest amount of one debit from now on.")] = None,
    account_token: Annotated[str | None, typer.Option(help="Names another account.")] = None,
    until: Until = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that other terms hold from today on. What is not given stays as it is."""
    with Ledger(read_settings()) as ledger:
        command = ChangeMandate(
            loan_id=loan,
            mandate_id=mandate,
            at_most_minor=None if at_most is None else minor_of(ledger, loan, at_most),
            account_token=account_token,
            until=optional_date(until),
        )
        execute(ledger, command, key, json=json)


@app.command("revoke")
def revoke(
    loan: LoanId,
    mandate: MandateId,
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that nothing more may be debited. A debit on its way may still settle."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, RevokeMandate(loan_id=loan, mandate_id=mandate, reason=reason), key, json=json)


@app.command("show")
def show(loan: LoanId, json: Json = False) -> None:
    """Show a loan's mandates and debits."""
    with Ledger(read_settings()) as ledger:
        found = ledger.loan(loan)
        if json:
            print_json(msgspec.to_builtins(found.autopay))
            return
        print_table(
            f"Mandates of loan {loan}",
            {"mandate": "left", "payer": "left", "rail": "left", "at most": "right", "since": "left", "ends": "left"},
            [
                (each.mandate_id, each.party_id, each.terms.rail,
                 *amounts(ledger, found.currency, each.terms.at_most_minor), each.since,
                 each.revoked_on or each.terms.until or "")
                for each in found.autopay.mandates
            ],
        )  # fmt: skip
        print_table(
            f"Debits of loan {loan}",
            {"debit": "left", "on": "left", "amount": "right", "status": "left", "attempt": "right", "code": "left",
             "final on": "left"},
            [
                (each.debit_id, each.collect_on, *amounts(ledger, found.currency, each.amount_minor), each.status,
                 each.attempt or "", each.code, each.final_on or "")
                for each in found.autopay.debits
            ],
        )  # fmt: skip


@app.command("run")
def run(
    gateway: Annotated[str, typer.Option(metavar="URL", help="Who presents the debits.")],
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each answer.")] = 30.0,
    json: Json = False,
) -> None:
    """Book what came of debits, then announce and present what is due today. May end anywhere and be run again.

    The exit status is 1 where news was refused; it is told again next time.
    """
    debits = HttpDebitGateway(gateway, timeout_s=timeout)
    with Ledger(read_settings()) as ledger:
        done = ledger.autopay(debits).run(ledger.today())
    if json:
        print_json(asdict(done))
    else:
        console.print(debits_text(done))
    if done.refused:
        refuse(done)


def debits_text(done: AutopayRun) -> str:
    """What a run of autopay did, in one line."""
    return (
        f"Booked {done.settled} settled and {done.returned} returned debits; announced {done.announced}, presented "
        f"{done.presented}, cancelled {done.cancelled}; {len(done.refused)} refused"
    )


def refuse(done: AutopayRun) -> NoReturn:
    """End the program with status 1, and say what was refused."""
    for name, why in done.refused.items():
        errors.print(f"refused {name}: {why}", markup=False)
    sys.exit(1)


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="autopay")
