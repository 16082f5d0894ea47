"""How late a loan is on a date: what each counter of days past due says and why, and what each installment lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger.domain.delinquency import COUNTERS, Pause, bucket
from ledger.domain.fold import fold
from ledger.domain.loan import Loan
from ledger.domain.tally import Part
from schemas.overdue.rules import CounterRule


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterState:
    """`days` past due on a date, from installment `installment`, due on `due_on`: the oldest one at which more was
    missing than is tolerated (None: there is none). `missing_minor`: what all installments that had fallen due lacked
    then. `in_time_until`: of that installment. `policy` and `rule` hold for it; `pauses` stop the counter then."""

    counter: str
    days: int
    installment: int | None
    due_on: date | None
    in_time_until: date | None
    missing_minor: int
    policy: str
    rule: CounterRule
    pauses: Sequence[Pause]


@dataclass(frozen=True, kw_only=True, slots=True)
class LateInstallment:
    """An installment that was not covered when it was due: what it lacks on a date, penalty interest apart, and how
    many days it is past due by each counter, in the order of `COUNTERS`. `bucket`: by the first of these."""

    installment: int
    due_on: date
    missing_minor: int
    days: tuple[int, ...]
    bucket: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """`installments`: those that lack anything, the oldest due date first."""

    counters: Sequence[CounterState]
    installments: Sequence[LateInstallment]


def lateness_on(loan: Loan, as_of: date) -> Lateness:
    """How late a loan is on a date, by the facts that count by then. Works out the loan as of that date."""
    facts = [each for each in loan.counted if each.on <= as_of]
    tally = fold(loan.agreement, facts, as_of).tally()
    late = [part for part in tally.parts if part.covered_on is None and part.late_from < as_of]
    late.sort(key=lambda part: (part.late_from, part.number))
    return Lateness(
        counters=[_state(loan, counter, late, as_of, tally.principal_minor) for counter in COUNTERS],
        installments=[_late(loan, part, as_of) for part in late],
    )


def _late(loan: Loan, part: Part, as_of: date) -> LateInstallment:
    days = tuple(loan.agreement.overdue.days(part.due_on, part.late_from, as_of, counter) for counter in COUNTERS)
    return LateInstallment(
        installment=part.number,
        due_on=part.due_on,
        missing_minor=part.lacks_minor,
        days=days,
        bucket=bucket(days[0]),
    )


def _state(loan: Loan, counter: str, late: Sequence[Part], as_of: date, principal_minor: int) -> CounterState:
    overdue = loan.agreement.overdue
    index = overdue.first_above_tolerance(((each.due_on, each.lacks_minor) for each in late), principal_minor, counter)
    first = None if index is None else late[index]
    due_on = first.due_on if first else loan.agreement.installments[-1].due_on
    dated = overdue.rules_of(due_on)
    return CounterState(
        counter=counter,
        days=overdue.days(first.due_on, first.late_from, as_of, counter) if first else 0,
        installment=first.number if first else None,
        due_on=first.late_from if first else None,
        in_time_until=overdue.in_time_until(first.due_on, first.late_from, counter) if first else None,
        missing_minor=sum(each.lacks_minor for each in late),
        policy=dated.rules.policy,
        rule=overdue.rule_of(due_on, counter),
        pauses=[
            pause
            for pause in overdue.pauses
            if counter in pause.counters and pause.since <= as_of and (pause.until is None or as_of <= pause.until)
        ],
    )
