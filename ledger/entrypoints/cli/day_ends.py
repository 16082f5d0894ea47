"""`ledger day-end` closes business days, `ledger days` proves what it has recorded of them."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from ledger.application.day_preview import DayPreview
from ledger.bootstrap import DAY_END, Ledger
from ledger.entrypoints.cli.asking import amounts, asking
from ledger.entrypoints.cli.autopay import debits_text, refuse
from ledger.entrypoints.cli.options import Json, WaitFor, optional_date
from ledger.entrypoints.cli.output import console, print_json, print_table, print_warning, progress
from ledger.entrypoints.day_end_workers import day_end_workers
from ledger.gateways.http_debits import HttpDebitGateway
from ledger.settings import read_settings
from projections.day_proofs import DayProof
from schemas.books.events import OverdueTotals
from schemas.errors import Corrupt

_NAMED = 10
_TIMEOUT_S = 30.0


class DayNotProved(Corrupt):
    code = "day_not_proved"


def day_end(
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Close all days up to this one. Default: yesterday.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Processes that visit loans beside this one, each its share.")
    ] = 0,
    gateway: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Then run autopay: announce and present what is due today to this gateway."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be recorded.")] = False,
    json: Json = False,
) -> None:
    """Close business days: mark what was not paid on its due date.

    Loans that wait are found by an index. Stopped in the middle, it goes on where it was when it is run again.
    """
    settings = read_settings()
    with Ledger(settings) as ledger:
        today, last = ledger.today(), optional_date(until) or ledger.yesterday()
        if dry_run:
            _show_preview(ledger, ledger.preview_day_end(last), json=json)
            return
        with day_end_workers(settings, workers) as visit_first, progress("Visiting", "loans", rate=True) as report:
            done = ledger.day_ends.run_until(last, today=today, progress=report, visit_first=visit_first)
        debits = ledger.autopay(HttpDebitGateway(gateway, timeout_s=_TIMEOUT_S)).run(today) if gateway else None
    if json:
        print_json({"days": done, "autopay": debits} if debits else done)
    else:
        closed = [day for day in done if day.closed]
        visited = sum(day.loans_visited for day in done)
        reached = f" up to {closed[-1].business_date}" if closed else "; all days up to that date were closed"
        console.print(f"Closed {len(closed)} days{reached}, visited {visited} loans")
        if debits:
            console.print(debits_text(debits))
    if debits and debits.refused:
        refuse(debits)


def _show_preview(ledger: Ledger, found: DayPreview, *, json: bool) -> None:
    if json:
        print_json(found)
        return
    console.print(
        f"Would close {found.days} days up to {found.until}, visit {found.loans} loans in {found.visits} visits; "
        "nothing was recorded"
    )
    for kind, count in found.events.items():
        console.print(f"  {count:>10,} {kind}")
    for each in found.overdue:
        [marked] = amounts(ledger, each.currency, each.marked_minor)
        console.print(
            f"  {each.marks:>10,} marks of {marked} {each.currency}, {each.cures:,} cures, "
            f"{each.withdrawals:,} withdrawals"
        )
    if found.failing:
        print_warning(f"{len(found.failing)} loans cannot be visited: {', '.join(found.failing[:_NAMED])}")


def days(
    last: Annotated[int, typer.Option(min=1, help="How many of the newest days to show.")] = 30,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """Show what day ends have recorded, and count it again from projections; exit status 1 where the two differ."""
    with asking(wait_for) as (ledger, queries):
        found = queries.day_proofs(DAY_END, last)
        if json:
            print_json([_as_object(each) for each in found])
        else:
            print_table(
                f"Days closed in book {ledger.book.book_id}, with control totals",
                {"date": "left", "positions": "right", "loans": "right", "marks": "right", "marked": "right",
                 "cured": "right", "withdrawn": "right", "proved": "left"},
                [row for each in found for row in _rows(ledger, each)],
            )  # fmt: skip
        if wrong := [each for each in found if not each.proved]:
            raise DayNotProved(_told(wrong))


def _rows(ledger: Ledger, day: DayProof) -> Iterable[Sequence[object]]:
    """One for each currency with a mark, or one without."""
    between = f"{day.after_position + 1:,}-{day.through_position:,}"
    proved = "yes" if day.proved else "no"
    if not day.overdue:
        yield day.business_date, between, day.loans_visited, 0, "", 0, 0, proved
    for each in day.overdue:
        [marked] = amounts(ledger, each.currency, each.marked_minor)
        yield (day.business_date, between, day.loans_visited, each.marks, f"{marked} {each.currency}", each.cures,
               each.withdrawals, proved)  # fmt: skip


def _told(wrong: Sequence[DayProof]) -> str:
    first = wrong[0]
    if not first.follows:
        difference = f"they begin after position {first.after_position:,}, where the day before does not end"
    else:
        recorded, counted = _said(first.loans_visited, first.overdue), _said(first.counted_loans, first.counted)
        difference = f"recorded: {recorded}; counted: {counted}"
    return (
        f"asked to prove the totals of day ends; {len(wrong)} cannot be, the first is {first.business_date}: "
        f"{difference}. Run ledger audit verify, then ledger projections verify"
    )


def _said(loans: int, overdue: Sequence[OverdueTotals]) -> str:
    parts = [
        f"{each.marks} marks of {each.marked_minor} {each.currency} (minor units), {each.cures} cures, "
        f"{each.withdrawals} withdrawals"
        for each in overdue
    ]
    return "; ".join([f"{loans} loans", *parts])


def _as_object(day: DayProof) -> dict[str, object]:
    return {
        "business_date": day.business_date,
        "after_position": day.after_position,
        "through_position": day.through_position,
        "loans_visited": day.loans_visited,
        "overdue": day.overdue,
        "counted_loans": day.counted_loans,
        "counted": day.counted,
        "proved": day.proved,
    }


def register(app: typer.Typer) -> None:
    app.command("day-end")(day_end)
    app.command()(days)
