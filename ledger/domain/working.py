"""A fold at work: what it changes, and the lines of double entry, charges and shares that it writes down on the way.

Every line keeps the date on which it counts and the name of what made it, so that two folds can be compared line by
line. What nobody entered has a name that begins with a slash.
"""

from collections.abc import Iterable
from copy import copy
from datetime import date
from typing import NamedTuple

from ledger.domain.agreement import FEE, INTEREST, NO_RATES, PENALTY, PRINCIPAL, Agreement
from ledger.domain.interest import Accrued, Rates, rates_of, read_rate
from ledger.domain.tally import Part, Tally
from ledger.domain.transactions import Order
from schemas.loans.servicing import CostCap
from schemas.values import with_fields


class Line(NamedTuple):
    """Where an amount is posted; what a posting says besides its amount."""

    value_date: date
    account: str
    component: str = ""
    installment: int = 0


class Entry(NamedTuple):
    """An amount on a line; `source` names what made it."""

    source: str
    line: Line
    amount_minor: int


class Charged(NamedTuple):
    """A charge; `rule` is empty where all that was asked for was charged."""

    source: str
    on: date
    component: str
    installment: int
    amount_minor: int
    asked_minor: int
    rule: str


class Share(NamedTuple):
    """What one transaction gives to one component of one installment; no component: to the credit of the borrower."""

    component: str
    installment: int
    amount_minor: int


CREDIT = ""

_FIELDS = {
    PRINCIPAL: "principal_minor",
    INTEREST: "interest_minor",
    FEE: "fee_minor",
    PENALTY: "penalty_minor",
}
_NO_LIMIT = 2**63
_INCOME = {INTEREST: "interest_income", FEE: "fee_income", PENALTY: "penalty_income"}


class Work:
    """One pass over facts. `entries`, `charges` and `shares` are what this pass has made, `points` how often
    time did something; the rest goes on from a tally. `waiting`: index of the first part that has not fallen due."""

    def __init__(self, agreement: Agreement, tally: Tally) -> None:
        self.agreement = agreement
        self.servicing = agreement.servicing
        self._overdue = agreement.overdue if agreement.overdue.rules or agreement.overdue.pauses else None
        self.parts = list(tally.parts)
        self.waiting = self._first_waiting()
        self._owing = 0
        self.to = tally.to
        self.newest = tally.newest
        self.accrued_to = tally.accrued_to
        self.lent_minor = tally.lent_minor
        self.paid_minor = tally.paid_minor
        self.credit_minor = tally.credit_minor
        self.charged_minor = tally.charged_minor
        self.late_fees_minor = tally.late_fees_minor
        self.allowed = list(tally.allowed)
        self.claims = tally.claims
        self.written_off_on = tally.written_off_on
        self.last_paid_on = tally.last_paid_on
        self.disbursed_on = tally.disbursed_on
        self.points = 0
        self.principal_minor = tally.principal_minor
        self.entries: list[Entry] = []
        self.charges: list[Charged] = []
        self.shares: dict[str, list[Share]] = {}

    def copied(self) -> "Work":
        """The same pass over facts, to go on differently."""
        other = copy(self)
        other.parts, other.allowed = list(self.parts), list(self.allowed)
        other.entries, other.charges = list(self.entries), list(self.charges)
        other.shares = {source: list(shares) for source, shares in self.shares.items()}
        return other

    def tally(self) -> Tally:
        return Tally(
            parts=tuple(self.parts),
            to=self.to,
            newest=self.newest,
            accrued_to=self.accrued_to,
            lent_minor=self.lent_minor,
            paid_minor=self.paid_minor,
            credit_minor=self.credit_minor,
            charged_minor=self.charged_minor,
            late_fees_minor=self.late_fees_minor,
            allowed=tuple(self.allowed),
            claims=self.claims,
            written_off_on=self.written_off_on,
            last_paid_on=self.last_paid_on,
            disbursed_on=self.disbursed_on,
        )

    @property
    def owing(self) -> int:
        """Index of the first part of which anything is owed or still to fall due; how many parts there are, if none."""
        parts, index = self.parts, self._owing
        while index < len(parts) and parts[index].is_done:
            index += 1
        self._owing = index
        return index

    @property
    def is_matured(self) -> bool:
        return self.waiting == len(self.parts)

    def fall(self, index: int, **fields: object) -> Part:
        """A part falls due, or is waiting again: what is next is looked for anew."""
        part = self.change(index, **fields)
        self.waiting = self._first_waiting()
        return part

    def begin(self, parts: list[Part]) -> None:
        """The first money is paid out."""
        self.parts, self._owing = parts, 0
        self.waiting = self._first_waiting()

    def _first_waiting(self) -> int:
        """Index of the first part that has not fallen due; how many parts there are, if all have."""
        for index, part in enumerate(self.parts):
            if not part.has_fallen:
                return index
        return len(self.parts)

    def post(self, source: str, line: Line, amount_minor: int) -> None:
        if amount_minor:
            self.entries.append(Entry(source, line, amount_minor))

    def change(self, index: int, **fields: object) -> Part:
        part = self.parts[index] = with_fields(self.parts[index], **fields)
        self._owing = min(self._owing, index)
        return part

    def open_minor(self, index: int, component: str) -> int:
        amount: int = getattr(self.parts[index], _FIELDS[component])
        return amount

    def add(self, index: int, component: str, amount_minor: int) -> None:
        """More (or less) is open of a component; no line is written."""
        field = _FIELDS[component]
        self.parts[index] = self.parts[index].changed(**{field: getattr(self.parts[index], field) + amount_minor})
        self._owing = min(self._owing, index)
        if component == PRINCIPAL:
            self.principal_minor += amount_minor

    def charge(self, index: int, component: str, asked_minor: int, on: date, source: str, **changes: object) -> int:
        """Charge as much as the caps leave room for; what was charged. `changes`: of the part besides, once something
        is asked for."""
        if not asked_minor:
            return 0
        amount_minor, rule = self._within_caps(asked_minor)
        part, field = self.parts[index], _FIELDS[component]
        number = part.number
        self.charged_minor += amount_minor
        self.charges.append(Charged(source, on, component, number, amount_minor, asked_minor, rule))
        self.post(source, Line(on, "receivable", component, number), amount_minor)
        self.post(source, Line(on, _INCOME[component]), -amount_minor)
        changes[field] = getattr(part, field) + amount_minor
        if component == INTEREST:
            changes["charged_interest_minor"] = part.charged_interest_minor + amount_minor
        self.change(index, **changes)
        return amount_minor

    def pay(self, index: int, component: str, amount_minor: int, source: str, on: date) -> None:
        """Take an amount, of which so much is open, off a component. The line on the other account is the caller's."""
        part, field = self.parts[index], _FIELDS[component]
        changes: dict[str, object] = {field: getattr(part, field) - amount_minor}
        if component == PRINCIPAL:
            changes["repaid_minor"] = part.repaid_minor + amount_minor
            self.principal_minor -= amount_minor
        if component != PENALTY and self._is_in_time(part, on):
            changes["in_time_minor"] = part.in_time_minor + amount_minor
        part = self.parts[index] = with_fields(part, **changes)
        if component != PENALTY and not part.lacks_minor and self.is_covered_once_paid(part):
            self.parts[index] = part.changed(covered_on=on)
        elif self._is_tolerated(part):
            self.parts[index] = part.changed(tolerated_on=part.tolerated_on or on)
        self.last_paid_on = on
        self.post(source, Line(on, "receivable", component, part.number), -amount_minor)
        self.shares.setdefault(source, []).append(Share(component, part.number, amount_minor))

    def _is_in_time(self, part: Part, on: date) -> bool:
        until = self._overdue.in_time_until(part.due_on, part.late_from) if self._overdue else part.late_from
        return until is None or on <= until

    def _is_tolerated(self, part: Part) -> bool:
        if self._overdue is None or not part.has_fallen:
            return False
        return part.lacks_minor <= self._overdue.rule_of(part.due_on).tolerance_minor

    def is_covered_once_paid(self, part: Part) -> bool:
        """Interest that accrues, and what is drawn, is only known when the installment falls due."""
        return part.has_fallen or not (self.agreement.bears_interest or self.agreement.revolving)

    def to_credit(self, amount_minor: int, source: str, on: date) -> None:
        """The borrower has so much more with us."""
        if amount_minor:
            self.credit_minor += amount_minor
            self.post(source, Line(on, "credit"), -amount_minor)
            self.shares.setdefault(source, []).append(Share(CREDIT, 0, amount_minor))

    def move_principal(self, source: str, on: date, wanted: Iterable[tuple[int, int]]) -> None:
        """Plan principal for parts anew: (index, minor units) with the same sum as before."""
        for index, principal_minor in wanted:
            part = self.parts[index]
            self.post(source, Line(on, "receivable", PRINCIPAL, part.number), principal_minor - part.principal_minor)
            if principal_minor != part.principal_minor:
                covered_on = None if principal_minor else part.covered_on
                self.change(index, principal_minor=principal_minor, covered_on=covered_on)

    def reach(self, order: Order) -> None:
        if self.newest is None or self.newest < order:
            self.newest = order

    def _within_caps(self, asked_minor: int) -> tuple[int, str]:
        amount_minor, rule = asked_minor, ""
        for cap, allowed in zip(self.servicing.cost_caps, self.allowed, strict=True):
            room_minor = max(0, _allowed_minor(cap, allowed, self.lent_minor) - self.charged_minor)
            if room_minor < amount_minor:
                amount_minor, rule = room_minor, cap.rule
        return amount_minor, rule


def cap_rates(cap: CostCap) -> Rates:
    return rates_of(cap.annual_rate) if cap.annual_rate else NO_RATES


def _allowed_minor(cap: CostCap, allowed: Accrued, lent_minor: int) -> int:
    """All charges together, rounded down; a cap with two rates allows what both of them do."""
    limit_minor = allowed.numerator // allowed.denominator if cap.annual_rate else _NO_LIMIT
    if cap.of_principal:
        top, bottom = read_rate(cap.of_principal)
        limit_minor = min(limit_minor, lent_minor * top // bottom)
    return limit_minor
