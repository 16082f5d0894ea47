"""What the installments of a loan ask for, what of it is covered, and since when: sums over what its events recorded.

No event says what is covered in so many words. It is what was charged, less what is still owed of it; of principal,
what was allocated to it. Penalty interest plays no part in whether an installment is covered.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from projections.restatement_answers import Figured
from projections.statement_answers import COMPONENTS
from schemas.values import MoneyEvent

PRINCIPAL, *_CHARGED = COMPONENTS
_PENALTY = "penalty_interest"

Place = tuple[date, str, int]
"""Value date, component, installment."""


class Asked(NamedTuple):
    """What a line of a schedule asks for."""

    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int


@dataclass(kw_only=True)
class Moved:
    """What one event says in words about money, beside its postings. `allocated`: more (or less) of transactions that
    count on a date. `credited`: the same, of what went to the borrower's credit."""

    charged: Counter[Place] = field(default_factory=Counter)
    allocated: Counter[Place] = field(default_factory=Counter)
    credited: Counter[date] = field(default_factory=Counter)


class Installments:
    """The installments of one loan, as far as what is told to it counts by `as_of`."""

    def __init__(self, as_of: date) -> None:
        self._as_of = as_of
        self.asked: dict[int, Asked] = {}
        self.written_off_on: date | None = None
        self.accrues_daily = False
        self._reached = date.min
        self._lent_minor = 0
        self._paid_minor: Counter[int] = Counter()
        self._charged_minor: Counter[tuple[str, int]] = Counter()
        self._owed_minor: Counter[tuple[str, int]] = Counter()
        self._days: defaultdict[int, Counter[date]] = defaultdict(Counter)
        self._touched: defaultdict[int, Counter[date]] = defaultdict(Counter)

    def pay_principal(self, installment: int, amount_minor: int, on: date) -> None:
        """So much more (or less) of its principal is covered, since a day."""
        self._paid_minor[installment] += amount_minor
        self._touched[installment][on] += amount_minor

    def charge(self, moved: Moved) -> None:
        for (on, component, number), amount_minor in moved.charged.items():
            if on <= self._as_of:
                self._charged_minor[component, number] += amount_minor
                if component != _PENALTY:
                    self._touched[number][on] += amount_minor

    def post(self, event: MoneyEvent) -> None:
        """What is owed of each installment. What is written off is neither owed nor covered."""
        for line in event.postings:
            if line.account == "funding" and line.value_date <= self._as_of:
                self._lent_minor -= line.amount_minor
        for (on, component, number), amount_minor in owed_lines(event).items():
            if on <= self._as_of:
                self._owed_minor[component, number] += amount_minor
                if component != _PENALTY:
                    self._days[number][on] += amount_minor

    def owe_again(self, event: MoneyEvent) -> None:
        """What a payment had covered that is taken back: what covers it now came no earlier, maybe on the same day."""
        for (on, component, number), amount_minor in owed_lines(event).items():
            if on <= self._as_of and component != _PENALTY:
                self._touched[number][on] += amount_minor

    def use_credit(self, event: MoneyEvent, moved: Moved) -> None:
        """What fell due took the borrower's credit: no event says how much of it was principal, but what the lines say
        beyond charges and allocations is that, of the installment that fell due on the day, or was owed again."""
        owed = owed_lines(event)
        for on, used_minor in self._credit_used(event, moved):
            rest_minor = used_minor - sum(
                moved.charged[place] - owed[place] - moved.allocated[place]
                for place in owed.keys() | moved.charged.keys() | moved.allocated.keys()
                if place[0] == on and place[1] != PRINCIPAL
            )
            less = [place[2] for place in sorted(owed) if place[:2] == (on, PRINCIPAL) and owed[place] < 0]
            fell_due = [number for number, asked in self.asked.items() if asked.due_on == on]
            if on <= self._as_of and (fell_due or less):
                self._paid_minor[(fell_due or less)[0]] += rest_minor

    def _credit_used(self, event: MoneyEvent, moved: Moved) -> Iterator[tuple[date, int]]:
        used = Counter(moved.credited)
        for line in event.postings:
            if line.account == "credit":
                used[line.value_date] += line.amount_minor
        yield from ((on, minor) for on, minor in used.items() if minor)

    def reach(self, day: date) -> set[int]:
        """Time has passed up to a day: the installments that have fallen due since."""
        was, self._reached = self._reached, max(self._reached, day)
        return {number for number, asked in self.asked.items() if was < asked.due_on <= self._reached}

    def figures(self, number: int) -> Iterator[tuple[str, str, Figured]]:
        """Name, component, value; those that are not 0."""
        asked = self.asked.get(number)
        if asked:
            yield "due_on", "", asked.due_on
            yield "asked_minor", PRINCIPAL, asked.principal_minor
            yield "asked_minor", "interest", asked.interest_minor
            yield "asked_minor", "fee", asked.fee_minor
        yield "covered_minor", PRINCIPAL, self._paid_minor[number]
        for component in _CHARGED:
            charged_minor = self._charged_minor[component, number]
            yield "charged_minor", component, charged_minor
            yield "covered_minor", component, charged_minor - self._owed_minor[component, number]
        if covered_on := self._covered_on(number):
            yield "covered_on", "", covered_on

    def _covered_on(self, number: int) -> date | None:
        """The value date of what completed it; its due date where nothing was left to pay by then.

        Before its due date only where no interest can come any more, as far as events say so: all that it asks for is
        charged, or nothing is owed on the whole loan.
        """
        asked = self.asked.get(number)
        moved = [on for days in (self._days, self._touched) for on, minor in days[number].items() if minor]
        if asked is None or not self._lent_minor or sum(self._days[number].values()) != 0:
            return None
        last = max(moved, default=date.min)
        if moved and (last >= asked.due_on or self._is_all_charged(number, asked)):
            return last
        paid_off_on = self._paid_off_on(last)
        if paid_off_on and paid_off_on < asked.due_on:
            return paid_off_on
        return asked.due_on if asked.due_on <= min(self._reached, self._as_of) else None

    def _is_all_charged(self, number: int, asked: Asked) -> bool:
        return self._charged_minor["interest", number] >= asked.interest_minor and not self.accrues_daily

    def _paid_off_on(self, since: date) -> date | None:
        """The first day from one on at whose end nothing was owed."""
        moved: Counter[date] = Counter()
        for days in self._days.values():
            moved.update(days)
        owed_minor = 0
        for on in sorted(moved):
            owed_minor += moved[on]
            if on >= since and not owed_minor:
                return on
        return None


def owed_lines(event: MoneyEvent) -> Counter[Place]:
    """What an event changes in what is owed, but not by writing it off."""
    lost = {line.value_date for line in event.postings if line.account == "write_off"}
    found: Counter[Place] = Counter()
    for line in event.postings:
        if line.account == "receivable" and line.value_date not in lost:
            found[line.value_date, line.component or "", line.installment or 0] += line.amount_minor
    return found
