"""Commands that say where figures of one loan come from: `loan restatement` and `loan why`."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
import typer

from ledger.bootstrap import Ledger
from ledger.domain.counters import CounterState
from ledger.domain.delinquency import COUNTERS
from ledger.entrypoints.cli.asking import amounts, asking, known_position
from ledger.entrypoints.cli.options import AsOf, Json, KnownAt, LoanId, WaitFor, optional_date, read_known_at
from ledger.entrypoints.cli.output import console, print_json, print_table
from ledger.entrypoints.cli.writing import loan_app
from projections.balance_trace import BALANCES, OVERDUE, require_balance
from projections.errors import OneFigure, WrongInterval
from projections.overdue_trace import OverdueTrace
from projections.queries import Queries
from projections.restatement_answers import (
    EventReference,
    Figured,
    LoanRestatement,
    RestatedFigure,
    RestatementSection,
)
from projections.trace_answers import BalanceTrace, InstallmentTrace, StateFigure, TracedChange, TracedLine

_HASH_DIGITS = 12


@loan_app.command("restatement")
def restatement(
    loan: LoanId,
    between: Annotated[
        tuple[str, str],
        typer.Option(metavar="T1 T2", help="Believed at the first, known at the second: positions or instants."),
    ],
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Only what counts by this value date. Default: all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also figures that are the same.")] = False,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """What was believed about a loan at one time and is known at a later one, and which events changed it."""
    on = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        after, until = _positions(ledger, queries, between, loan)
        found = queries.restatement(loan, after, until, as_of=on, everything=everything)
        if json:
            print_json(msgspec.to_builtins(found))
        else:
            _print_restatement(ledger, found)


@loan_app.command("why")
def why(
    loan: LoanId,
    balance: Annotated[
        str | None, typer.Option(metavar="|".join(BALANCES), help="Where this balance comes from.")
    ] = None,
    installment: Annotated[
        int | None, typer.Option(metavar="N", help="How this installment came to its state.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="How late it is, by which rules, and why.")] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many lines, the newest.")] = 200,
    wait_for: WaitFor = None,
    json: Json = False,
) -> None:
    """Where a figure of a loan comes from: postings or changes, with events, rules, and who had them recorded."""
    require_one_figure(balance, installment, overdue or None)
    on = optional_date(as_of)
    with asking(wait_for) as (ledger, queries):
        position = known_position(ledger, queries, known_at, loan)
        if overdue:
            late = queries.overdue_trace(loan, on or ledger.today(), known_at=position, limit=limit)
            print_json(msgspec.to_builtins(late)) if json else _print_overdue(ledger, late)
        elif balance is not None:
            require_balance(balance)
            if on is None and (position is not None or balance == OVERDUE):  # as `loan show` does
                on = ledger.today()
            traced = queries.balance_trace(loan, balance, as_of=on, known_at=position, limit=limit)
            print_json(msgspec.to_builtins(traced)) if json else _print_balance(ledger, traced)
        elif installment is not None:
            found = queries.installment_trace(loan, installment, as_of=on, known_at=position, limit=limit)
            print_json(msgspec.to_builtins(found)) if json else _print_installment(ledger, found)


def require_one_figure(*asked: object) -> None:
    """Raise `OneFigure` unless exactly one of the options that name a figure is given."""
    count = sum(each is not None for each in asked)
    if count != 1:
        raise OneFigure(f"asked why, about {count} figures at once; give either --balance, --installment or --overdue")


def _positions(ledger: Ledger, queries: Queries, between: tuple[str, str], loan: str) -> tuple[int, int]:
    first, second = map(read_known_at, between)
    if isinstance(first, datetime) and isinstance(second, datetime) and first > second:
        raise WrongInterval(f"asked what was believed at {first} and is known at {second}; give the earlier one first")
    after, until = (known_position(ledger, queries, each, loan) for each in between)
    assert after is not None, "it was given"
    assert until is not None, "it was given"
    return after, until


def _print_restatement(ledger: Ledger, found: LoanRestatement) -> None:
    after, until = found.between
    on = f" on {found.as_of}" if found.as_of else ""
    console.print(f"Loan [bold]{found.loan}[/]{on}: believed at position {after:,}, known at position {until:,}")
    if not found.restated:
        console.print("nothing was restated")
    for section in found.sections:
        if section.figures:
            _print_section(ledger, found.currency, section)


def _print_section(ledger: Ledger, currency: str, section: RestatementSection) -> None:
    print_table(
        _words(section.name).capitalize(),
        {"what": "left", "believed": "right", "known": "right", "changed by": "left"},
        [
            (
                _named(figure),
                _text(ledger, currency, figure.name, figure.before),
                _text(ledger, currency, figure.name, figure.after),
                "\n".join(map(_event, figure.changed_by)),
            )
            for figure in section.figures
        ],
    )


def _print_overdue(ledger: Ledger, found: OverdueTrace) -> None:
    console.print(f"Loan [bold]{found.loan}[/] on {found.as_of}, as known at position {found.known_at:,}")
    print_table(
        "Days past due, by counter",
        {"counter": "left", "days": "right", "installment": "right", "due": "left", "in time until": "left",
         "missing": "right", "rule": "left", "stands still": "left"},
        [
            (each.counter, each.days, each.installment or "", each.due_on or "", each.in_time_until or "",
             *amounts(ledger, found.currency, each.missing_minor), _rule(ledger, found.currency, each),
             ", ".join(f"{pause.how} {pause.pause_id}" for pause in each.pauses))
            for each in found.counters
        ],
    )  # fmt: skip
    print_table(
        "What installments lack, by days past due",
        {"installment": "right", "due": "left", "missing": "right", **dict.fromkeys(COUNTERS, "right"),
         "bucket": "left"},
        [
            (each.installment, each.due_on, *amounts(ledger, found.currency, each.missing_minor), *each.days,
             each.bucket)
            for each in found.installments
        ],
    )  # fmt: skip
    if found.cure_minor:
        [cure] = amounts(ledger, found.currency, found.cure_minor)
        by = f"; paid by {found.cure_by}, it stays in {found.bucket}" if found.cure_by else ""
        console.print(f"Last told: bucket {found.bucket}; {cure} {found.currency} cures it{by}")
    if found.earlier_changes:
        console.print(f"{found.earlier_changes} earlier changes are not shown; see --limit")
    print_table(
        "What changed it",
        {"position": "right", "counts on": "left", "what": "left", "because": "left", "by": "left", "hash": "left"},
        [
            (each.position, each.value_date, _told(each.fact, each.type), f"{each.cause} {each.because_of or ''}",
             each.actor, each.hash[:_HASH_DIGITS])
            for each in found.changes
        ],
    )  # fmt: skip


def _rule(ledger: Ledger, currency: str, state: CounterState) -> str:
    rule, [tolerance] = state.rule, amounts(ledger, currency, state.rule.tolerance_minor)
    parts = [
        state.policy,
        *([f"{rule.grace_days} days of grace"] if rule.grace_days else []),
        *([f"{tolerance} tolerated"] if rule.tolerance_minor else []),
        *([f"and {rule.tolerance_share} of the principal"] if rule.tolerance_share else []),
        *(["due date is day 1"] if rule.first_day else []),
    ]
    return ", ".join(parts)


def _told(fact: Mapping[str, Any], kind: str) -> str:
    parts = [
        *(f"installment {each['installment']} overdue" for each in fact.get("marked", ())),
        *(f"installment {each['installment']} cured on {each['cured_on']}" for each in fact.get("cured", ())),
        *(f"installment {each['installment']} was never overdue" for each in fact.get("withdrawn", ())),
    ]
    if "bucket" in fact:
        parts.append(f"{fact['bucket_before']} to {fact['bucket']}, {fact['days_past_due']} days")
    if "rules" in fact:
        parts.append(f"rules {fact['rules']['policy']} from {fact['since']}")
    if "how" in fact:
        parts.append(f"{fact['how']} {fact['pause_id']} from {fact['since']} to {fact.get('until', 'no date yet')}")
    if "restructuring_id" in fact:
        parts.append(f"{_words(kind.split('.')[2])} {fact['restructuring_id']}: {fact['reason']}")
    return "; ".join(parts) or f"{kind.split('.')[2]} {fact.get('pause_id', '')} until {fact.get('until', '')}"


def _print_balance(ledger: Ledger, found: BalanceTrace) -> None:
    [amount] = amounts(ledger, found.currency, found.amount_minor)
    on = f" on {found.as_of}" if found.as_of else ""
    console.print(
        f"Loan [bold]{found.loan}[/]: {_words(found.balance)} is {amount} {found.currency}{on}, "
        f"as known at position {found.known_at:,}"
    )
    if not found.lines:
        console.print("no line counts for it")
        return
    print_table(
        "",
        {"counts on": "left", "what": "left", "component": "left", "no.": "right", "amount": "right", "sum": "right",
         "event": "left", "rule": "left", "policy": "left", "by": "left", "request": "left"},
        [*_opening(ledger, found), *(_line(ledger, found.currency, line) for line in found.lines)],
    )  # fmt: skip
    for rule in found.allocation:
        order = ", then ".join(map(_words, rule.order))
        console.print(f"allocation from {rule.from_days_past_due} days past due on, by {rule.across}: {order}")


def _opening(ledger: Ledger, found: BalanceTrace) -> Iterable[tuple[object, ...]]:
    if found.opening_lines:
        [opening] = amounts(ledger, found.currency, found.opening_minor)
        yield ("", f"{found.opening_lines:,} earlier lines", "", "", opening, opening, "", "", "", "", "")


def _line(ledger: Ledger, currency: str, line: TracedLine) -> tuple[object, ...]:
    return (
        line.value_date,
        line.summary,
        _words(line.component or line.account),
        line.installment or "",
        *amounts(ledger, currency, line.amount_minor, line.running_minor),
        f"{line.position} {line.type} {line.hash[:_HASH_DIGITS]}",
        line.rule,
        f"{line.policy}, engine {line.engine}",
        line.actor,
        (line.request_id or "")[:_HASH_DIGITS],
    )


def _print_installment(ledger: Ledger, found: InstallmentTrace) -> None:
    on = f" on {found.as_of}" if found.as_of else ""
    console.print(
        f"Loan [bold]{found.loan}[/], installment {found.installment}{on}, as known at position {found.known_at:,}"
    )
    print_table(
        "State",
        {"what": "left", "is": "right"},
        [(_named(each), _text(ledger, found.currency, each.name, each.value)) for each in found.state],
    )
    earlier = f"; {found.earlier_changes:,} earlier ones are not shown" if found.earlier_changes else ""
    print_table(
        f"Changes{earlier}",
        {"event": "left", "counts on": "left", "what": "left", "before": "right", "after": "right",
         "because of": "right", "policy": "left", "by": "left", "request": "left"},
        [_change(ledger, found.currency, each) for each in found.changes],
    )  # fmt: skip


def _change(ledger: Ledger, currency: str, change: TracedChange) -> tuple[object, ...]:
    return (
        f"{change.position} {change.type} {change.hash[:_HASH_DIGITS]}",
        change.value_date,
        _named(change),
        _text(ledger, currency, change.name, change.before),
        _text(ledger, currency, change.name, change.after),
        change.because_position or "",
        f"{change.policy}, engine {change.engine}",
        change.actor,
        (change.request_id or "")[:_HASH_DIGITS],
    )


def _named(figure: RestatedFigure | StateFigure | TracedChange) -> str:
    """What a figure is of, and what it is."""
    number = figure.installment if isinstance(figure, RestatedFigure) else 0
    parts = [
        str(figure.on or ""),
        figure.subject,
        f"installment {number}" if number else "",
        _words(figure.component),
        _words(figure.name.removesuffix("_minor")),
    ]
    return " ".join(part for part in parts if part)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(ledger: Ledger, currency: str, name: str, value: Figured | None) -> str:
    if isinstance(value, int) and name.endswith("_minor"):
        return amounts(ledger, currency, value)[0]
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _event(event: EventReference) -> str:
    return f"{event.position} {event.type} {event.hash[:_HASH_DIGITS]}"
