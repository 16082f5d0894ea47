"""Lives of made-up loans: what is asked for on which day, and what the domain decides.

A life is counted in days from the day of its opening, so that thousands of loans can live it, each from another day on.
Nothing in the domain depends on the calendar, only on how many days lie between two dates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from random import Random
from typing import NamedTuple

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment, VisitLoan
from ledger.domain import loan as loans
from ledger.domain.loan import Loan
from schemas.values import Basis, Event

CURRENCY = "USD"

DAY_0 = date(2900, 1, 1)
"""The day of opening, as lives are decided: no other date in an event can be taken for one of these."""

LOAN, BORROWER = "0loan0id0", "0borrower0id0"
"""Stand for the loan and its borrower in a life."""

LONGEST = 400
"""No life has more days."""

_PRINCIPALS_MINOR = (50_00, 120_00, 250_00, 400_00, 800_00, 1500_00, 3000_00, 7500_00)
_TENORS = (30, 60, 90, 180)
_TOO_MUCH_MINOR = 1_00
_DELAYS = (3, 12, 35, 70, 120)
_PUNCTUAL = (("on_time", 80), ("early", 15), ("overpaid", 5))
_LATE = (("late", 60), ("silent", 25), ("returned", 10), ("found_late", 5))


class Traits(NamedTuple):
    """What makes one life differ from another.

    on_time     the last part comes on the due date
    early       all is paid back in half of the time
    overpaid    as on_time, with a little too much
    late        the last part comes `delay` days late
    silent      the last part never comes
    returned    as on_time, but the bank takes the last part back; it is paid again a week later
    found_late  the last part was in time, but becomes known after the loan was marked overdue
    """

    principal_minor: int
    tenor: int
    payments: int
    habit: str
    delay: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One request of a life. `next_action`: the day on which day end must look again; None: never."""

    day: int
    at_day_end: bool
    command: LoanCommand
    events: Sequence[Event]
    next_action: int | None


def some_traits(random: Random, payments: int, late_share: float) -> Traits:
    """Those of one loan; `late_share` of all, 0 to 1, are of a kind that misses its due date."""
    habits = _LATE if random.random() < late_share else _PUNCTUAL
    [habit] = random.choices([name for name, _ in habits], [weight for _, weight in habits])
    principal_minor, tenor = random.choice(_PRINCIPALS_MINOR), random.choice(_TENORS)
    delay = random.choice(_DELAYS) if habit == "late" else 0
    return Traits(principal_minor, tenor, payments, habit, delay)


def live(traits: Traits, basis: Basis) -> list[Step]:
    """A whole life; day end comes whenever it has to."""
    life = _Life(basis)
    for day, command in _wishes(traits):
        life.wait_until(day)
        life.take(day, command)
    life.wait_until(LONGEST)
    return life.steps


class _Life:
    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._loan: Loan | None = None
        self.steps: list[Step] = []

    def wait_until(self, day: int) -> None:
        """Let the day ends pass that must look at the loan before that day."""
        while (due := self._next_action()) is not None and due < day:
            self.take(due, VisitLoan(loan_id=LOAN, business_date=on(due)), at_day_end=True)

    def take(self, day: int, command: LoanCommand, *, at_day_end: bool = False) -> None:
        events = command.decide(self._loan, today=on(day), basis=self._basis, fallback_id="")
        self._loan = reduce(loans.apply, events, self._loan)
        next_action = self._next_action()
        self.steps.append(Step(day=day, at_day_end=at_day_end, command=command, events=events, next_action=next_action))

    def _next_action(self) -> int | None:
        found = loans.next_action_on(self._loan) if self._loan else None
        return None if found is None else (found - DAY_0).days


def on(day: int) -> date:
    """The date of a day of a life, as it is decided."""
    return DAY_0 + timedelta(days=day)


def _wishes(traits: Traits) -> Iterator[tuple[int, LoanCommand]]:
    """What borrower and bank ask for, in order of days."""
    tenor, habit = traits.tenor, traits.habit
    yield (
        0,
        OpenLoan(
            loan_id=LOAN,
            currency=CURRENCY,
            principal_minor=traits.principal_minor,
            due_on=on(tenor),
            opened_on=on(0),
            borrower_id=BORROWER,
        ),
    )
    span = tenor // 2 if habit == "early" else tenor
    part_minor = traits.principal_minor // traits.payments
    for number in range(1, traits.payments):
        day = span * number // traits.payments
        yield day, _payment(str(number), part_minor, day)
    last = str(traits.payments)
    rest_minor = traits.principal_minor - part_minor * (traits.payments - 1)
    match habit:
        case "overpaid":
            yield span, _payment(last, rest_minor + _TOO_MUCH_MINOR, span)
        case "late":
            yield tenor + traits.delay, _payment(last, rest_minor, tenor + traits.delay)
        case "found_late":
            yield tenor + 3, _payment(last, rest_minor, tenor)
        case "returned":
            yield span, _payment(last, rest_minor, span)
            yield span + 2, ReversePayment(loan_id=LOAN, payment_id=_payment_id(last), cause="bank_return")
            yield span + 9, _payment(f"{last}-again", rest_minor, span + 9)
        case "on_time" | "early":
            yield span, _payment(last, rest_minor, span)


def _payment(name: str, amount_minor: int, day: int) -> RecordPayment:
    return RecordPayment(loan_id=LOAN, payment_id=_payment_id(name), amount_minor=amount_minor, paid_on=on(day))


def _payment_id(name: str) -> str:
    return f"{LOAN}-{name}"
