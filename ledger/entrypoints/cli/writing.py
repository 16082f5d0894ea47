"""Commands that record: import, open a loan, pay, reverse, day end."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ledger.application.commands import LoanCommand, OpenLoan, RecordDesignatedPayment, RecordPayment, ReversePayment
from ledger.application.joint_desk import JointCommand, JointOrder
from ledger.application.loan_file import read_loan_file
from ledger.application.orders import Answer, Order
from ledger.bootstrap import Ledger
from ledger.domain.identifiers import require_key
from ledger.domain.money import format_minor, parse_minor
from ledger.domain.payments import CHANNELS
from ledger.entrypoints.cli.options import Json, Key, LoanId, OnDate, OverduePolicy, optional_date, read_date
from ledger.entrypoints.cli.output import console, errors, print_json, progress
from ledger.settings import read_settings
from schemas.values import LoanEvent

NEGATIVE_AMOUNTS = {"ignore_unknown_options": True}
"""Lets `-5` reach the command as an amount, which then says why it is refused."""

loan_app = typer.Typer(help="Open and look at loans.", no_args_is_help=True)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Loans, in the columns of the demo's file.")],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Replay up to this date. Default: the file's last date.")
    ] = None,
    skip_invalid: Annotated[bool, typer.Option(help="Import the good lines and report the others.")] = False,
    currency: Annotated[str, typer.Option(help="Currency of the amounts.")] = "USD",
    json: Json = False,
) -> None:
    """Import loans and replay their lives in date order: opened, paid off, day end by day end.

    Everything is checked before anything is recorded. Importing the same file again changes nothing.
    """
    last = optional_date(until)
    with Ledger(read_settings()) as ledger:
        loan_file = read_loan_file(file, currency, ledger.book.exponent(currency))
        with progress("Replaying", "days") as report:
            imported = ledger.loan_import(currency).run(
                loan_file, today=ledger.today(), until=last, skip_invalid=skip_invalid, progress=report
            )
    for finding in imported.rejected:
        errors.print(f"rejected {finding}", markup=False)
    if json:
        print_json(imported)
    else:
        console.print(
            f"Imported {file.name} up to {imported.until}: {imported.opened} loans opened, {imported.paid} payments, "
            f"{imported.days} days; {imported.again} recorded before, {len(imported.rejected)} findings rejected"
        )


@loan_app.command("open", context_settings=NEGATIVE_AMOUNTS)
def open_loan(
    loan: LoanId,
    amount: Annotated[str, typer.Argument(help="Principal, for example 1000.00.")],
    due: Annotated[str, typer.Option(metavar="DATE", help="When all of it falls due.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    on: OnDate = None,
    borrower: Annotated[str | None, typer.Option(help="Id of the borrower.")] = None,
    overdue_policy: OverduePolicy = "",
    key: Key = None,
    json: Json = False,
) -> None:
    """Lend money: a bullet loan, due at once on one date, without interest."""
    with Ledger(read_settings()) as ledger:
        command = OpenLoan(
            loan_id=loan,
            currency=currency,
            principal_minor=parse_minor(amount, currency, ledger.book.exponent(currency)),
            due_on=read_date(due),
            opened_on=optional_date(on),
            borrower_id=borrower,
            overdue=overdue_policy,
        )
        execute(ledger, command, key, json=json)


def pay(
    loan: LoanId,
    amount: Annotated[str, typer.Argument(help="Amount, for example 250.00.")],
    currency: Annotated[str | None, typer.Option(help="Refused unless it is the loan's. Default: the loan's.")] = None,
    on: OnDate = None,
    method: Annotated[str, typer.Option(help=f"By which way it came: {', '.join(CHANNELS)}, or another.")] = "wallet",
    payment: Annotated[str | None, typer.Option(help="Id of the payment. Default: made from the key.")] = None,
    component: Annotated[str, typer.Option("--for", help="What the payer wants to pay first: fee, principal ...")] = "",
    installment: Annotated[int, typer.Option(help="The installment that the payer wants to pay first.")] = 0,
    rule: Annotated[str, typer.Option(help="By what the payer may say so, such as a law; it is recorded.")] = "",
    key: Key = None,
    json: Json = False,
) -> None:
    """Record a payment. What exceeds the debt becomes the borrower's credit."""
    with Ledger(read_settings()) as ledger:
        of_loan = currency or ledger.loan(loan).currency
        asked: dict[str, Any] = {
            "loan_id": loan,
            "currency": currency,
            "amount_minor": parse_minor(amount, of_loan, ledger.book.exponent(of_loan)),
            "paid_on": optional_date(on),
            "payment_id": payment,
            "method": method,
        }
        command = RecordPayment(**asked)
        if component or installment:
            command = RecordDesignatedPayment(**asked, component=component, installment=installment, rule=rule)
        execute(ledger, command, key, json=json)


def reverse(
    loan: LoanId,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="Id of the payment; see ledger loan history.")],
    cause: Annotated[
        str, typer.Option(help="bank_return, payer_dispute, lender_error or misdirected.")
    ] = "bank_return",
    key: Key = None,
    json: Json = False,
) -> None:
    """Reverse a payment, as if it had never counted."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, ReversePayment(loan_id=loan, payment_id=payment, cause=cause), key, json=json)


def register(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.command(context_settings=NEGATIVE_AMOUNTS)(pay)
    app.command()(reverse)


def execute(ledger: Ledger, command: LoanCommand, key: str | None, *, json: bool) -> None:
    """Have a command decided and recorded, and print what came of it."""
    used = ledger.new_key() if key is None else require_key(key)
    order = Order(command=command, key=used, today=ledger.today(), principal=ledger.settings.principal)
    print_answer(ledger, ledger.desk.execute(order), used, json=json)


def minor_of(ledger: Ledger, loan_id: str, amount: str) -> int:
    """An amount in the currency of a loan."""
    currency = ledger.loan(loan_id).currency
    return parse_minor(amount, currency, ledger.book.exponent(currency))


def execute_jointly(ledger: Ledger, command: JointCommand, key: str | None, *, json: bool) -> None:
    """As `execute`, of a command about several loans."""
    used = ledger.new_key() if key is None else require_key(key)
    order = JointOrder(command=command, key=used, today=ledger.today(), principal=ledger.settings.principal)
    print_answer(ledger, ledger.joint_desk.execute(order), used, json=json)


def print_answer(ledger: Ledger, answer: Answer, key: str, *, json: bool) -> None:
    if json:
        print_json(_as_object(answer, key))
        return
    for event in answer.events:
        if isinstance(event, LoanEvent):
            exponent = ledger.book.exponent(event.currency)
            owed = format_minor(event.standing.total_due_minor, exponent)
            console.print(f"{type(event).__name__:<20} {event.value_date}  owed {owed} {event.currency}")
    again = " (recorded before; nothing was changed)" if answer.again else ""
    console.print(f"Recorded at {answer.first_position} to {answer.last_position}, key {key}{again}")


def _as_object(answer: Answer, key: str) -> dict[str, object]:
    return {
        "key": key,
        "first_position": answer.first_position,
        "last_position": answer.last_position,
        "again": answer.again,
        "events": [{"type": event.TYPE, **msgspec.to_builtins(event)} for event in answer.events],
    }
