"""Commands that read: balances, delinquency, one loan, its history, its audit trail."""

from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.domain.money import format_minor
from ledger.entrypoints.cli.options import Json, LoanId, optional_date
from ledger.entrypoints.cli.output import console, print_json, print_table, print_warning
from ledger.entrypoints.cli.writing import loan_app
from ledger.settings import read_settings

audit_app = typer.Typer(help="Look at what was recorded, and prove it.", no_args_is_help=True)

_AMOUNTS = {"principal": "right", "overdue": "right", "owed": "right", "credit": "right", "currency": "left"}


def balances(json: Json = False) -> None:
    """What every loan owes now."""
    with Ledger(read_settings()) as ledger, ledger.queries() as queries:
        found = queries.balances()
        rows = found.loans
        if json:
            print_json(rows)
            return
        print_table(
            f"Balances of book {ledger.book.book_id}",
            {"loan": "left", "status": "left", "due": "left", **_AMOUNTS},
            [
                (row.loan, row.status, row.due_on, *_amounts(ledger, row.currency, row.principal_minor,
                 row.overdue_minor, row.total_due_minor, row.credit_minor), row.currency)
                for row in rows
            ],
        )  # fmt: skip
        for total in found.totals:
            owed = format_minor(total.total_due_minor, ledger.book.exponent(total.currency))
            console.print(f"{total.loans:>6} {total.status:<9} {owed:>15} {total.currency}")


def delinquency(
    as_of: Annotated[str | None, typer.Option(metavar="DATE", help="Value date. Default: today.")] = None,
    json: Json = False,
) -> None:
    """Loans that are past due on a date, the longest first."""
    asked = optional_date(as_of)
    with Ledger(read_settings()) as ledger, ledger.queries() as queries:
        on = asked or ledger.today()
        closed_on = ledger.book.closed_on
        if closed_on is None or on > closed_on:
            closed = f"closed up to {closed_on}" if closed_on else "not closed yet"
            print_warning(f"days are {closed}; what fell due since is marked by ledger day-end")
        rows = queries.delinquency(on)
        if json:
            print_json(rows)
            return
        print_table(
            f"Past due on {on}: {len(rows)} loans",
            {"loan": "left", "due": "left", "days past due": "right", "bucket": "left", "overdue": "right", "": "left"},
            [
                (row.loan, row.due_on, row.days_past_due, row.bucket,
                 *_amounts(ledger, row.currency, row.overdue_minor), row.currency)
                for row in rows
            ],
        )  # fmt: skip


@loan_app.command("show")
def show_loan(loan: LoanId, json: Json = False) -> None:
    """What one loan owes now."""
    with Ledger(read_settings()) as ledger, ledger.queries() as queries:
        row = queries.loan(loan)
        if json:
            print_json(row)
            return
        lent, owed, overdue, credit = _amounts(
            ledger, row.currency, row.lent_minor, row.total_due_minor, row.overdue_minor, row.credit_minor
        )
        dates = f"opened {row.opened_on}, due {row.due_on}"
        console.print(f"Loan [bold]{row.loan}[/]   {lent} {row.currency}   {row.product}, {dates}")
        console.print(f"Status {row.status}   owed {owed}   overdue {overdue}   credit {credit}")
        console.print(f"Known at position {row.position:,}; ledger audit show {row.loan}")


@loan_app.command("history")
def history(loan: LoanId, json: Json = False) -> None:
    """What happened to one loan, in the order in which it became known."""
    with Ledger(read_settings()) as ledger, ledger.queries() as queries:
        rows = queries.history(loan)
        if json:
            print_json(rows)
            return
        print_table(
            f"History of loan {loan}",
            {"counts on": "left", "what": "left", "change": "right", "owed": "right", "currency": "left", "by": "left"},
            [
                (row.value_date, row.summary, *_amounts(ledger, row.currency, row.change_minor, row.due_minor),
                 row.currency, row.actor)
                for row in rows
            ],
        )  # fmt: skip


@audit_app.command("show")
def audit_show(loan: LoanId, json: Json = False) -> None:
    """Every event of one loan: who did what, when, with the hashes that prove it."""
    with Ledger(read_settings()) as ledger, ledger.queries() as queries:
        rows = queries.audit_trail(loan)
        if json:
            print_json(rows)
            return
        print_table(
            f"Audit trail of loan {loan}",
            {
                "position": "right",
                "counts on": "left",
                "decided at": "left",
                "by": "left",
                "what": "left",
                "hash": "left",
            },
            [
                (
                    row.position,
                    row.value_date,
                    f"{row.decided_at:%Y-%m-%d %H:%M:%S}",
                    row.actor,
                    row.summary,
                    row.hash[:12],
                )
                for row in rows
            ],
        )


def register(app: typer.Typer) -> None:
    app.command()(balances)
    app.command()(delinquency)


def _amounts(ledger: Ledger, currency: str, *amounts_minor: int) -> list[str]:
    exponent = ledger.book.exponent(currency)
    return [format_minor(amount, exponent) for amount in amounts_minor]
