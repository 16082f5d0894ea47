"""Commands about the risk of the whole book: classes, roll rates, vintages."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.bootstrap import Ledger
from ledger.domain.classification import Scheme
from ledger.entrypoints.cli.asking import amounts, asking, known_position, known_text
from ledger.entrypoints.cli.options import AsOf, Json, KnownAt, WaitFor, optional_date
from ledger.entrypoints.cli.output import console, errors, print_json, print_table, print_warning
from ledger.policies.classification_policies import classification_scheme
from projections.delinquency_history import BUCKETS, PAID, Classified, RollRates, Vintage

Svg = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as SVG, too.")]


def classification(
    scheme: Annotated[
        str, typer.Argument(help="cn_loan, cn_card, ifrs9, eba_default, us_closed_end or us_open_end.")
    ] = "cn_loan",
    loan: Annotated[str | None, typer.Option(help="Only this loan, with every change of its class.")] = None,
    rules_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="By the scheme that held on this date. Default: as of.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """Loans by class: how long they have been past due, and since when they are in it and why."""
    asked = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        on, position = asked or ledger.today(), known_position(ledger, queries, known_at)
        found_scheme = classification_scheme(scheme, optional_date(rules_of) or on)
        found = queries.classified(found_scheme, on, known_at=position, loan_id=loan)
        if json:
            print_json({"scheme": found_scheme, "as_of": on, "loans": found})
            return
        if not found_scheme.confirmed:
            print_warning(f"{found_scheme.policy} is not confirmed by its source; look before you rely on it")
        title = f"{found_scheme.title} ({found_scheme.policy}) on {on}{known_text(position)}"
        if loan is None:
            _print_classes(ledger, found_scheme, found, title)
        else:
            _print_changes(found, title)


def _print_classes(ledger: Ledger, scheme: Scheme, found: Sequence[Classified], title: str) -> None:
    best = scheme.classes[0]
    late = [row for row in found if row.now != best]
    print_table(
        title,
        {"loan": "left", "owes": "right", "class": "left", "since": "left", "days past due": "right", "why": "left"},
        [
            (
                row.loan,
                *amounts(ledger, row.currency, row.owed_minor),
                row.now,
                row.since,
                row.days_past_due,
                row.reason,
            )
            for row in late
        ],
    )
    sums: Counter[tuple[int, str]] = Counter()
    for row in late:
        sums[scheme.classes.index(row.now), row.currency] += row.owed_minor
    counts = Counter((scheme.classes.index(row.now), row.currency) for row in late)
    for (place, currency), owed_minor in sorted(sums.items()):
        [owed] = amounts(ledger, currency, owed_minor)
        console.print(f"{scheme.classes[place]}: {counts[place, currency]:,} loans that owe {owed} {currency}")
    console.print(f"all others are {best}" if late else f"no loan is in a lower class; all are {best}")


def _print_changes(found: Sequence[Classified], title: str) -> None:
    print_table(
        title,
        {"loan": "left", "from": "left", "class": "left", "before": "left", "why": "left"},
        [(row.loan, each.on, each.after, each.before, each.reason) for row in found for each in row.changes],
    )


def roll_rates(
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Up to the last end of a month by then. Default: today.")
    ] = None,
    months: Annotated[int, typer.Option(min=1, max=120, help="How many months to look back.")] = 12,
    known_at: KnownAt = None,
    svg: Svg = None,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """Where the loans of each bucket were a month later: better, the same, worse, or paid."""
    asked = optional_date(until)
    with asking(wait_for) as (ledger, queries):
        position = known_position(ledger, queries, known_at)
        found = queries.roll_rates(asked or ledger.today(), months, known_at=position)
        if svg:
            from ledger.entrypoints.cli.charts import draw_roll_rates  # noqa: PLC0415 - most commands draw nothing

            draw_roll_rates(found, svg)
            errors.print(f"drawn to {svg}", markup=False)
        if json:
            print_json(found)
            return
        for each in found:
            _print_roll_rates(each)
        if not found:
            console.print("no loan owed anything at the end of any of these months")


def _print_roll_rates(found: RollRates) -> None:
    columns = (*BUCKETS, PAID)
    print_table(
        f"{found.currency}: from {found.month} to {found.following}",
        {"from": "left", "loans": "right", **dict.fromkeys(columns, "right")},
        [
            (before, sum(after.values()), *(_percent(found.rate(before, name)) for name in columns))
            for before, after in found.loans.items()
        ],
    )


def vintages(
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Last day to look at. Default: today.")] = None,
    days: Annotated[int, typer.Option(min=1, max=4000, help="From how many days past due on a loan counts.")] = 31,
    known_at: KnownAt = None,
    svg: Svg = None,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """By month of opening: what part of the loans had ever been so late, month by month on the books."""
    asked = optional_date(until)
    with asking(wait_for) as (ledger, queries):
        position = known_position(ledger, queries, known_at)
        found = queries.vintages(asked or ledger.today(), days, known_at=position)
        if svg:
            from ledger.entrypoints.cli.charts import draw_vintages  # noqa: PLC0415 - most commands draw nothing

            draw_vintages(found, days, svg)
            errors.print(f"drawn to {svg}", markup=False)
        if json:
            print_json(found)
        else:
            _print_vintages(found, days)


_MONTHS_SHOWN = 12


def _print_vintages(found: Sequence[Vintage], days: int) -> None:
    most = min(_MONTHS_SHOWN, max((len(each.ever_late) for each in found), default=0))
    print_table(
        f"Ever {days} days past due or more, by months on the books",
        {"opened": "left", "": "left", "loans": "right", **{str(number): "right" for number in range(most)}},
        [
            (f"{each.month:%Y-%m}", each.currency, each.loans,
             *(_percent(late / each.loans) for late in each.ever_late[:most]), *[""] * (most - len(each.ever_late)))
            for each in found
        ],
    )  # fmt: skip


def _percent(rate: float | None) -> str:
    return "" if not rate else f"{100 * rate:.1f} %"


def register(app: typer.Typer) -> None:
    app.command()(classification)
    app.command("roll-rates")(roll_rates)
    app.command()(vintages)
