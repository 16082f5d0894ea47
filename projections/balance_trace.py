"""Where a balance of a loan comes from: its lines of double entry, each with its event, its rule and its actor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from projections.answers import LoanBalance
from projections.deciding_rules import ALLOCATION, PostedLine, applied_allocations, rule_of
from projections.errors import TraceBroken, UnknownFigure
from projections.loan_views import balance_as_of
from projections.reading import Reader, axes
from projections.recorded_facts import RecordedFact, facts_at, facts_of, first_fact
from projections.statement_answers import COMPONENTS
from projections.trace_answers import BalanceTrace, TracedLine
from schemas.loans.events import CreditAgreed
from schemas.loans.servicing import AllocationRule, Servicing

OVERDUE, TOTAL, CREDIT = "overdue", "total", "credit"
BALANCES = (*COMPONENTS, CREDIT, TOTAL, OVERDUE)
"""What can be traced."""

_FIELDS = {CREDIT: "credit_minor", TOTAL: "total_due_minor"} | {each: f"{each}_minor" for each in COMPONENTS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """What is asked: a balance of one loan on both axes, and how many lines of it. `as_of` None: on whatever date."""

    balance: str
    as_of: date | None
    known_at: int
    limit: int


def require_balance(name: str) -> str:
    """Raise `UnknownFigure` for a balance that no loan has."""
    if name not in BALANCES:
        raise UnknownFigure(f"asked why a loan's {name!r} is what it is; known are {', '.join(BALANCES)}")
    return name


def balance_trace(at: Reader, loan: LoanBalance, asked: Traced) -> BalanceTrace:
    """The newest lines of a balance and what stood before them.

    Raises `TraceBroken` where they do not add up to what `loan show` says of the same date as known at the same time.
    """
    both_axes = axes(asked.as_of or date.max, asked.known_at)
    amount_minor = _figure(at, loan, asked)
    rows = at.dicts("trace_lines", both_axes | _selected(at, loan, asked) | {"limit": asked.limit})
    servicing = _servicing(at, loan)
    lines = tuple(_lines(at, loan.loan, rows, servicing))
    shown_minor = sum(line.amount_minor for line in lines)
    opening_minor = lines[0].running_minor - lines[0].amount_minor if lines else 0
    if opening_minor + shown_minor != amount_minor or (lines and lines[-1].running_minor != amount_minor):
        raise _broken(loan, asked, opening_minor + shown_minor, amount_minor)
    return BalanceTrace(
        loan=loan.loan,
        currency=loan.currency,
        balance=asked.balance,
        as_of=asked.as_of,
        known_at=asked.known_at,
        opening_minor=opening_minor,
        opening_lines=rows[0]["lines"] - len(lines) if rows else 0,
        lines=lines,
        amount_minor=amount_minor,
        allocation=_allocation(servicing),
    )


def _figure(at: Reader, loan: LoanBalance, asked: Traced) -> int:
    """What `loan show` prints: by snapshots of the postings, and now by the current row as well."""
    as_of = asked.as_of or date.max
    if asked.balance == OVERDUE:
        return sum(late.overdue_minor for late in at.delinquency(as_of, asked.known_at, loan.loan))
    found = balance_as_of(at, loan, as_of, asked.known_at)
    amount_minor: int = getattr(found, _FIELDS[asked.balance])
    current_minor = getattr(loan, _FIELDS[asked.balance], amount_minor)
    if asked.as_of is None and asked.known_at == loan.position and current_minor != amount_minor:
        raise _broken(loan, asked, amount_minor, current_minor)
    return amount_minor


def _broken(loan: LoanBalance, asked: Traced, found_minor: int, shown_minor: int) -> TraceBroken:
    on = f"on {asked.as_of}" if asked.as_of else "now"
    return TraceBroken(
        f"asked why {asked.balance} of loan {loan.loan} is {shown_minor} minor units {on}, as known at position "
        f"{asked.known_at}; its postings add up to {found_minor}. Look for the row that is wrong: "
        "ledger projections verify postings, then loan_now and delinquency"
    )


def _selected(at: Reader, loan: LoanBalance, asked: Traced) -> dict[str, Any]:
    """Which lines make the balance, and on which side it stands."""
    selected: dict[str, Any] = {"loan": loan.loan, "account": "receivable", "component": None, "installments": None}
    if asked.balance == CREDIT:
        return selected | {"account": "credit", "side": -1}
    if asked.balance == OVERDUE:
        late = at.late_installments(asked.as_of or date.max, asked.known_at, loan.loan)
        return selected | {"installments": [each.installment for each in late], "side": 1}
    component = asked.balance if asked.balance in COMPONENTS else None
    return selected | {"component": component, "side": 1}


def _lines(
    at: Reader, loan_id: str, rows: Sequence[dict[str, Any]], servicing: Servicing | None
) -> Iterator[TracedLine]:
    """Each with its rule. What is remembered of events is no more than their rules."""
    waiting: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        waiting.setdefault(row["position"], []).append(number)
    decided: dict[int, tuple[str, str, str]] = {}
    for fact in facts_at(at.connection, list(waiting)):
        for number in waiting[fact.position]:
            row = rows[number]
            line = PostedLine(row["value_date"], row["component"], row["installment"], row["amount_minor"])
            decided[number] = (rule_of(fact.event, line), policy_of(fact, servicing), fact.event.basis.engine)
    applied: dict[int, AllocationRule] = {}
    if servicing and len(servicing.allocation) > 1 and waiting:  # else there is no question which one it was
        applied = applied_allocations(facts_of(at.connection, loan_id, until=max(waiting)), waiting)
    for number, row in enumerate(rows):
        rule, policy, engine = decided[number]
        if rule == ALLOCATION and (order := applied.get(row["position"])):
            rule = f"{ALLOCATION} from {order.from_days_past_due} days past due on"
        told = {name: value for name, value in row.items() if name != "lines"}
        yield TracedLine(rule=rule, policy=policy, engine=engine, **told)


def policy_of(fact: RecordedFact, servicing: Servicing | None) -> str:
    """The policy that an agreement took along, else the one that the event names."""
    return servicing.policy if servicing else fact.event.basis.policy


def _servicing(at: Reader, loan: LoanBalance) -> Servicing | None:
    first = first_fact(at.connection, loan.loan)
    return servicing_of(first) if first else None


def servicing_of(fact: RecordedFact) -> Servicing | None:
    """What an agreement says about serving it."""
    return fact.event.servicing if isinstance(fact.event, CreditAgreed) else None


def _allocation(servicing: Servicing | None) -> tuple[AllocationRule, ...]:
    return servicing.allocation if servicing else ()
