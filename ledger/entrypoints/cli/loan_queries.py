"""Commands that read one loan: show, history, schedule, payments, and what changed between two positions."""

from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.asking import amounts, asking, known_position, known_text
from ledger.entrypoints.cli.options import AsOf, Json, KnownAt, LoanId, WaitFor, optional_date
from ledger.entrypoints.cli.output import console, print_json, print_table
from ledger.entrypoints.cli.writing import loan_app
from projections.answers import LoanAsOf, LoanBalance, LoanDiff, Mark, Payment, Schedule


@loan_app.command("show")
def show_loan(
    loan: LoanId, as_of: AsOf = None, known_at: KnownAt = None, wait_for: WaitFor = None, json: Json = False
) -> None:
    """What one loan owes: now, or on a date, or as known at a time."""
    asked = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        if asked is None and known_at is None:
            now = queries.loan(loan)
            if json:
                print_json(now)
            else:
                _print_loan(ledger, now, f"Known at position {now.position:,}; ledger audit show {now.loan}")
            return
        on, position = asked or ledger.today(), known_position(ledger, queries, known_at, loan)
        found = queries.loan_as_of(loan, on, known_at=position)
        if json:
            print_json({"value_date": on, "known_at": position, **_fields(found)})
        else:
            late = f"{found.days_past_due} days past due, bucket {found.bucket}"
            _print_loan(ledger, found, f"On {on}{known_text(position)}   {late}")


@loan_app.command("history")
def history(loan: LoanId, wait_for: WaitFor = None, json: Json = False) -> None:
    """What happened to one loan, in the order in which it became known."""
    with asking(wait_for) as (ledger, queries):
        rows = queries.history(loan)
        if json:
            print_json(rows)
            return
        print_table(
            f"History of loan {loan}",
            {"counts on": "left", "what": "left", "change": "right", "owed": "right", "currency": "left", "by": "left"},
            [
                (row.value_date, row.summary, *amounts(ledger, row.currency, row.change_minor, row.due_minor),
                 row.currency, row.actor)
                for row in rows
            ],
        )  # fmt: skip


@loan_app.command("schedule")
def schedule(loan: LoanId, known_at: KnownAt = None, wait_for: WaitFor = None, json: Json = False) -> None:
    """What falls due and when: every version of it that was known."""
    with asking(wait_for) as (ledger, queries):
        found = queries.schedules(loan, known_at=known_position(ledger, queries, known_at, loan))
        if json:
            print_json(found)
            return
        currency = queries.loan(loan).currency
        for version in found:
            _print_schedule(ledger, version, currency)


@loan_app.command("payments")
def payments(loan: LoanId, known_at: KnownAt = None, wait_for: WaitFor = None, json: Json = False) -> None:
    """Every payment: from when it counts, where it went, and whether it was reversed."""
    with asking(wait_for) as (ledger, queries):
        position = known_position(ledger, queries, known_at, loan)
        found = queries.payments(loan, known_at=position)
        if json:
            print_json(found)
        else:
            _print_payments(ledger, f"Payments of loan {loan}{known_text(position)}", found)


@loan_app.command("diff")
def diff(
    loan: LoanId,
    between: Annotated[
        tuple[int, int], typer.Option(metavar="P1 P2", help="What became known after the first, up to the second.")
    ],
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """What became known about a loan between two positions: balances, schedule, marks, payments."""
    after, until = between
    with asking(wait_for) as (ledger, queries):
        ledger.require_recorded(max(between))
        found = queries.loan_diff(loan, after, until)
        if json:
            print_json(found)
        else:
            _print_diff(ledger, found)


def _fields(found: LoanAsOf) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__slots__}


def _print_loan(ledger: Ledger, row: LoanBalance | LoanAsOf, last_line: str) -> None:
    lent, owed, principal, overdue, credit = amounts(
        ledger,
        row.currency,
        row.lent_minor,
        row.total_due_minor,
        row.principal_minor,
        row.overdue_minor,
        row.credit_minor,
    )
    dates = f"opened {row.opened_on}, due {row.due_on}"
    console.print(f"Loan [bold]{row.loan}[/]   {lent} {row.currency}   {row.product}, {dates}")
    console.print(f"Status {row.status}   owed {owed}, principal {principal}   overdue {overdue}   credit {credit}")
    if isinstance(row, LoanAsOf):
        names = ("interest", "fees", "penalty interest")
        charges = amounts(ledger, row.currency, row.interest_minor, row.fee_minor, row.penalty_interest_minor)
        console.print("Of it " + ", ".join(f"{name} {amount}" for name, amount in zip(names, charges, strict=True)))
    console.print(last_line)


def _print_diff(ledger: Ledger, found: LoanDiff) -> None:
    console.print(f"Loan [bold]{found.loan}[/]: known at position {found.until:,} and not at {found.after:,}")
    print_table(
        f"What happened: {len(found.events)} events",
        {"position": "right", "counts on": "left", "what": "left", "by": "left"},
        [(line.position, line.value_date, line.summary, line.actor) for line in found.events],
    )
    print_table(
        "Balances over all value dates",
        {"account": "left", "component": "left", "installment": "right", "before": "right", "after": "right", "": ""},
        [
            (row.account, row.component or "", row.installment or "",
             *amounts(ledger, found.currency, row.before_minor, row.after_minor), found.currency)
            for row in found.balances
        ],
    )  # fmt: skip
    for version in found.schedules:
        _print_schedule(ledger, version, found.currency)
    print_table(
        "Overdue marks",
        {"position": "right", "installment": "right", "due": "left", "": "left"},
        [(mark.position, mark.installment, mark.due_on, _said(mark)) for mark in found.marks],
    )
    _print_payments(ledger, "Payments received or reversed", found.payments)


def _print_schedule(ledger: Ledger, version: Schedule, currency: str) -> None:
    print_table(
        f"Schedule, version {version.version}, known from position {version.from_position:,}",
        {
            "installment": "right",
            "due": "left",
            "principal": "right",
            "interest": "right",
            "fees": "right",
            "currency": "left",
        },
        [
            (
                line.number,
                line.due_on,
                *amounts(ledger, currency, line.principal_minor, line.interest_minor, line.fee_minor),
                currency,
            )
            for line in version.lines
        ],
    )


def _print_payments(ledger: Ledger, title: str, found: list[Payment] | tuple[Payment, ...]) -> None:
    print_table(
        title,
        {"payment": "left", "position": "right", "counts on": "left", "by": "left", "amount": "right",
         "credit": "right", "currency": "left", "to installments": "left", "reversed": "left"},
        [
            (row.payment, row.position, row.value_date, row.method,
             *amounts(ledger, row.currency, row.amount_minor, row.credit_minor), row.currency,
             ", ".join(str(each.installment) for each in row.allocations),
             f"{row.reversed_on} ({row.cause})" if row.reversed_on else "")
            for row in found
        ],
    )  # fmt: skip


def _said(mark: Mark) -> str:
    if mark.withdrawn:
        return "never was overdue"
    return f"covered on {mark.cured_on}" if mark.cured_on else "overdue"
