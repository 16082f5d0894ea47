"""Commands that read the whole book: balances, delinquency, trial balance, portfolio; and the trail of one loan."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.asking import amounts, asking, known_position, known_text
from ledger.entrypoints.cli.options import AsOf, Json, KnownAt, LoanId, WaitFor, optional_date
from ledger.entrypoints.cli.output import console, errors, print_json, print_table, print_warning
from projections.answers import LoanAsOf, LoanBalance, Portfolio, Total

audit_app = typer.Typer(help="Look at what was recorded, and prove it.", no_args_is_help=True)

_AMOUNTS = {"principal": "right", "overdue": "right", "owed": "right", "credit": "right", "currency": "left"}


def balances(as_of: AsOf = None, known_at: KnownAt = None, wait_for: WaitFor = None, json: Json = False) -> None:
    """What every loan owes: now, or on a date, or as known at a time."""
    asked = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        title = f"Balances of book {ledger.book.book_id}"
        if asked is None and known_at is None:
            now = queries.balances()
            if json:
                print_json(now.loans)
            else:
                _print_balances(ledger, title, now.loans, now.totals)
            return
        on, position = asked or ledger.today(), known_position(ledger, queries, known_at)
        found = queries.balances_as_of(on, known_at=position)
        if json:
            print_json(found)
        else:
            _print_balances(ledger, f"{title} on {on}{known_text(position)}", found.loans, found.totals)


def delinquency(as_of: AsOf = None, known_at: KnownAt = None, wait_for: WaitFor = None, json: Json = False) -> None:
    """Loans that are past due on a date, the longest first."""
    asked = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        on = asked or ledger.today()
        closed_on = ledger.book.closed_on
        if closed_on is None or on > closed_on:
            closed = f"closed up to {closed_on}" if closed_on else "not closed yet"
            print_warning(f"days are {closed}; what fell due since is marked by ledger day-end")
        position = known_position(ledger, queries, known_at)
        rows = queries.delinquency(on, known_at=position)
        if json:
            print_json(rows)
            return
        print_table(
            f"Past due on {on}{known_text(position)}: {len(rows)} loans",
            {"loan": "left", "due": "left", "days past due": "right", "bucket": "left", "overdue": "right", "": "left"},
            [
                (row.loan, row.due_on, row.days_past_due, row.bucket,
                 *amounts(ledger, row.currency, row.overdue_minor), row.currency)
                for row in rows
            ],
        )  # fmt: skip


def trial_balance(
    as_of: AsOf = None,
    booked_through: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only what is booked by then: a closed period never changes. Default: all."),
    ] = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """What stands on every account on a date, by currency; debits and credits are equal."""
    booked = optional_date(booked_through)
    asked = optional_date(as_of) or booked
    with asking(wait_for) as (ledger, queries):
        on, position = asked or ledger.today(), known_position(ledger, queries, known_at)
        found = queries.trial_balance(on, known_at=position, booked_through=booked)
        if json:
            print_json(found)
            return
        rows: list[tuple[object, ...]] = [
            (line.account, line.name, line.type, *(text if amount else "" for text, amount in zip(
                amounts(ledger, line.currency, line.debit_minor, line.credit_minor),
                (line.debit_minor, line.credit_minor), strict=True)), line.currency)
            for line in found.lines
        ]  # fmt: skip
        booked_text = f", booked through {booked}" if booked else ""
        rows += [("", "", "", *amounts(ledger, each, total, total), each) for each, total in found.sums_minor.items()]
        print_table(
            f"Trial balance of book {ledger.book.book_id} on {on}{booked_text}{known_text(position)}",
            {"account": "left", "name": "left", "type": "left", "debit": "right", "credit": "right", "": "left"},
            rows,
        )


def portfolio(
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Last day to look at. Default: the end of the last month in which a booking or a bucket changed, or "
            "today if that is earlier. Months in which nothing can change any more are left out.",
        ),
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as SVG, too.")] = None,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """Month by month: loans and what they owe by bucket, what was lent and collected."""
    asked = optional_date(until)
    with asking(wait_for) as (ledger, queries):
        found = queries.portfolio(ledger.today(), asked)
        if svg:
            from ledger.entrypoints.cli.charts import draw_portfolio  # noqa: PLC0415 - most commands draw nothing

            draw_portfolio(found, ledger.book.currencies, svg)
        if json:
            print_json(found)
        else:
            _print_portfolio(ledger, found)
        if svg:
            errors.print(f"drawn to {svg}", markup=False)


@audit_app.command("show")
def audit_show(loan: LoanId, wait_for: WaitFor = None, json: Json = False) -> None:
    """Every event of one loan: who did what, when, with the hashes that prove it."""
    with asking(wait_for) as (_, queries):
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
    app.command("trial-balance")(trial_balance)
    app.command()(portfolio)
    app.add_typer(audit_app, name="audit")


def _print_balances(
    ledger: Ledger, title: str, loans: Sequence[LoanBalance | LoanAsOf], totals: Sequence[Total]
) -> None:
    print_table(
        title,
        {"loan": "left", "status": "left", "due": "left", **_AMOUNTS},
        [
            (row.loan, row.status, row.due_on, *amounts(ledger, row.currency, row.principal_minor,
             row.overdue_minor, row.total_due_minor, row.credit_minor), row.currency)
            for row in loans
        ],
    )  # fmt: skip
    for total in totals:
        [owed] = amounts(ledger, total.currency, total.total_due_minor)
        console.print(f"{total.loans:>6} {total.status:<9} {owed:>15} {total.currency}")


def _print_portfolio(ledger: Ledger, found: Portfolio) -> None:
    print_table(
        f"Portfolio of book {ledger.book.book_id} at the end of each month, up to {found.until}",
        {"month": "left", "product": "left", "bucket": "left", "loans": "right", "owed": "right", "currency": "left"},
        [
            (f"{row.month:%Y-%m}", row.product, row.bucket, f"{row.loans:,}",
             *amounts(ledger, row.currency, row.owed_minor), row.currency)
            for row in found.stocks
        ],
    )  # fmt: skip
    print_table(
        "Lent and collected in each month",
        {"month": "left", "product": "left", "loans opened": "right", "lent": "right", "payments": "right",
         "collected": "right", "currency": "left"},
        [
            (f"{row.month:%Y-%m}", row.product, f"{row.loans_opened:,}", *amounts(ledger, row.currency, row.lent_minor),
             f"{row.payments:,}", *amounts(ledger, row.currency, row.collected_minor), row.currency)
            for row in found.flows
        ],
    )  # fmt: skip
