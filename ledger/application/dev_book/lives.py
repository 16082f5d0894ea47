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
from ledger.application.loan_commands import AgreeLoan, DisburseLoan
from ledger.domain import loan as loans
from ledger.domain.agreement import Installment
from ledger.domain.loan import Loan
from ledger.domain.terms import DayCount, Terms
from schemas.values import Basis, Event

CURRENCY = "USD"

DAY_0 = date(2900, 1, 1)
"""The day of opening, as lives are decided: no other date in an event can be taken for one of these."""

LOAN, BORROWER = "0loan0id0", "0borrower0id0"
"""Stand for the loan and its borrower in a life."""

LONGEST = 500
"""No life has more days."""

LATEST = 5000
"""No life names a day beyond this one."""

_PRINCIPALS_MINOR = (50_00, 120_00, 250_00, 400_00, 800_00, 1500_00, 3000_00, 7500_00)
_TENORS = (30, 60, 90, 180)
_TERMS = (3, 6, 12)
_EVERY = 30
_ANNUAL_RATE = "0.18"
_POLICY = "as_scheduled"
_CURE_DAYS = 9
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

    `tenor`: days until all is due. With `installments` it is an agreed loan with interest instead, of so many equal
    installments; they fall due every `tenor` days, each is a part, and the one that is missed is the first one.
    """

    principal_minor: int
    tenor: int
    payments: int
    habit: str
    delay: int = 0
    installments: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One request of a life. `next_action`: the day on which day end must look again; None: never."""

    day: int
    at_day_end: bool
    command: LoanCommand
    events: Sequence[Event]
    next_action: int | None


def some_traits(random: Random, payments: int, late_share: float, installments_share: float = 0.0) -> Traits:
    """Those of one loan; `late_share` of all, 0 to 1, are of a kind that misses its due date, and `installments_share`
    of all are agreed loans with interest."""
    habits = _LATE if random.random() < late_share else _PUNCTUAL
    [habit] = random.choices([name for name, _ in habits], [weight for _, weight in habits])
    principal_minor, tenor = random.choice(_PRINCIPALS_MINOR), random.choice(_TENORS)
    delay = random.choice(_DELAYS) if habit == "late" else 0
    if random.random() < installments_share:
        return Traits(principal_minor, _EVERY, payments, habit, delay, random.choice(_TERMS))
    return Traits(principal_minor, tenor, payments, habit, delay)


def live(traits: Traits, basis: Basis) -> list[Step]:
    """A whole life; day end comes whenever it has to."""
    life = _Life(basis)
    for day, command in _agreed_wishes(traits, life) if traits.installments else _wishes(traits):
        life.wait_until(day)
        life.take(day, command)
    life.wait_until(LONGEST)
    return life.steps


class _Life:
    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._loan: Loan | None = None
        self.steps: list[Step] = []

    @property
    def installments(self) -> Sequence[Installment]:
        return self._loan.agreement.installments if self._loan else ()

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


def _agreed_wishes(traits: Traits, life: _Life) -> Iterator[tuple[int, LoanCommand]]:
    """The same for a loan of equal installments with interest. The life knows what they are once it is agreed."""
    yield (
        0,
        AgreeLoan(
            loan_id=LOAN,
            currency=CURRENCY,
            terms=Terms(
                principal_minor=traits.principal_minor,
                currency=CURRENCY,
                disbursed_on=on(0),
                annual_rate=_ANNUAL_RATE,
                term=traits.installments,
                every=f"{traits.tenor}d",
                day_count=DayCount.ACTUAL_365F,
            ).as_plain(),
            policy=_POLICY,
            product="installments",
            cost_table_hash="0" * 64,
            parties=(("borrower", BORROWER),),
        ),
    )
    yield (
        0,
        DisburseLoan(
            loan_id=LOAN, amount_minor=traits.principal_minor, disbursement_id=f"{LOAN}-out", paid_out_on=on(0)
        ),
    )
    parts = [
        (str(each.number), each.principal_minor + each.interest_minor, (each.due_on - DAY_0).days)
        for each in life.installments
    ]
    found = [part for each in parts for part in _parts_of(traits, each, is_last=each is parts[-1])]
    yield from sorted(found, key=lambda wish: wish[0])


def _parts_of(traits: Traits, part: tuple[str, int, int], *, is_last: bool) -> Iterator[tuple[int, LoanCommand]]:
    """What is paid for an installment, by its number, amount and day."""
    name, amount_minor, day = part
    match traits.habit if name == "1" else "on_time" if traits.habit not in {"early", "silent"} else traits.habit:
        case "early":
            yield day - day // 10, _payment(name, amount_minor, day - day // 10)
        case "late":
            yield day + traits.delay, _payment(name, amount_minor, day + traits.delay)
        case "found_late":
            yield day + 3, _payment(name, amount_minor, day)
        case "returned":
            yield day, _payment(name, amount_minor, day)
            yield day + 2, ReversePayment(loan_id=LOAN, payment_id=_payment_id(name), cause="bank_return")
            yield day + _CURE_DAYS, _payment(f"{name}-again", amount_minor, day + _CURE_DAYS)
        case "on_time" | "overpaid":
            too_much_minor = _TOO_MUCH_MINOR if is_last and traits.habit == "overpaid" else 0
            yield day, _payment(name, amount_minor + too_much_minor, day)


def _payment(name: str, amount_minor: int, day: int) -> RecordPayment:
    return RecordPayment(loan_id=LOAN, payment_id=_payment_id(name), amount_minor=amount_minor, paid_on=on(day))


def _payment_id(name: str) -> str:
    return f"{LOAN}-{name}"
