"""What a loan's recorded events say, figure by figure: a fold of results as they were recorded, deciding nothing anew.

Read models keep most of it, but not where each transaction went after it was restated, nor what is charged with each
installment: rows for that would make every payment write twice as much, for questions about one loan that few ask. The
loan's own events hold all of it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from projections.installment_figures import PRINCIPAL, Asked, Installments, Moved
from projections.restatement_answers import Figure, Figured
from schemas.loans.events import (
    AgreedInstallment,
    Charge,
    ChargesPosted,
    CreditAgreed,
    FeeCharged,
    InstallmentAsks,
    InstallmentLine,
    LoanDisbursed,
    LoanOpened,
    LoanPaidOff,
    LoanReopened,
    LoanWrittenOff,
    ScheduleChanged,
)
from schemas.overdue.events import CuredInstallment, DelinquencyChanged, MarkedInstallment, WithdrawnMark
from schemas.payments.events import (
    Allocation,
    AllocationsRestated,
    AmountWaived,
    CreditRefunded,
    CreditUnclaimed,
    GoodwillCredited,
    MerchantRefunded,
    PaymentReceived,
    PaymentReversed,
    RecoveryReceived,
    TransactionReversed,
)
from schemas.values import LoanEvent, MoneyEvent

Changes = dict[Figure, tuple[Figured | None, Figured | None]]
"""Of each figure that differs: before, after."""

_Line = AgreedInstallment | InstallmentAsks | InstallmentLine
_LENDER_ERROR = "lender_error"
_DAILY = "daily"


class _Shares(NamedTuple):
    """What of a transaction went to components of installments, and what to the borrower's credit."""

    allocations: Counter[tuple[str, int]]
    credit_minor: int


_NOWHERE = _Shares(Counter(), 0)


@dataclass(kw_only=True)
class _Placed:
    """Where the amount of a transaction went; `counted`: how much principal of each installment it covers."""

    id: str
    on: date
    is_recovery: bool
    shares: _Shares
    reversed_on: date | None = None
    taken_back_on: date | None = None
    counted: Counter[int] = field(default_factory=Counter)


class Figures:
    """All figures of one loan once some of its events are applied, in order. `as_of`: those of what counts by then."""

    def __init__(self, as_of: date | None = None) -> None:
        self.values: dict[Figure, Figured] = {}
        self._as_of = as_of or date.max
        self._before: dict[Figure, Figured | None] = {}
        self._installments = Installments(self._as_of)
        self._placed: dict[str, _Placed] = {}

    def apply(self, event: LoanEvent) -> Changes:
        """One more event; what it changes."""
        self._before = {}
        touched = self._schedule(event)
        if isinstance(event, MoneyEvent):
            touched |= self._money(event)
        touched |= self._installments.reach(_reached(event))
        if isinstance(event, LoanPaidOff | LoanReopened):  # what had nothing left to pay is covered since then, or not
            touched |= self._installments.asked.keys()
        self._states(event)
        for number in touched:
            self._show_installment(number)
        return {
            figure: (before, self.values.get(figure))
            for figure, before in self._before.items()
            if before != self.values.get(figure)
        }

    def _set(self, figure: Figure, value: Figured | None) -> None:
        self._before.setdefault(figure, self.values.get(figure))
        if value:
            self.values[figure] = value
        else:
            self.values.pop(figure, None)

    def _add(self, figure: Figure, amount_minor: int) -> None:
        was = self.values.get(figure, 0)
        assert isinstance(was, int), "amounts are added to amounts"
        self._set(figure, was + amount_minor)

    def _schedule(self, event: LoanEvent) -> set[int]:
        """The installments of which a schedule now says something."""
        lines: Iterable[_Line] = ()
        if isinstance(event, LoanOpened | CreditAgreed | LoanDisbursed | ScheduleChanged):
            lines = event.installments
        if isinstance(event, CreditAgreed):
            is_open = bool(event.terms.keys() & {"annual_rate", "revolving"})
            self._installments.accrues_daily = event.servicing.accrual == _DAILY and is_open
        asked = {line.number: _asked(line) for line in lines}
        self._installments.asked |= asked
        return set(asked)

    def _money(self, event: MoneyEvent) -> set[int]:
        """The installments that it moves."""
        moved = Moved()
        self._place(event, moved)
        for charge in _charges(event):
            self._charge(charge, moved)
        if isinstance(event, AllocationsRestated):
            self._restate(event, moved)
        self._installments.charge(moved)
        self._installments.post(event)
        if _takes_back(event):
            self._installments.owe_again(event)
        elif not isinstance(event, CreditRefunded | CreditUnclaimed):
            self._installments.use_credit(event, moved)
        self._balances(event)
        touched = {line.installment for line in event.postings if line.installment}
        return touched | {place[2] for place in (*moved.charged, *moved.allocated)}

    def _place(self, event: MoneyEvent, moved: Moved) -> None:
        match event:
            case LoanWrittenOff():
                self._write_off(event.written_off_on)
            case PaymentReversed():
                self._reverse(event.payment_id, event.reversed_on, event.cause, moved, taken_back=_takes_back(event))
            case TransactionReversed():
                if event.kind == "write_off":
                    self._write_off(None)
                self._reverse(event.transaction_id, event.reversed_on, event.cause, moved)
        if found := _placed(event):
            self._placed[found.id] = found
            self._name_amount(event, found)
            self._reallocate(found, _NOWHERE, found.shares, moved)

    def _name_amount(self, event: MoneyEvent, placed: _Placed) -> None:
        if placed.on <= self._as_of:
            self._set(_of_transaction(placed, "amount_minor"), getattr(event, "amount_minor", 0))

    def _reallocate(self, placed: _Placed, before: _Shares, after: _Shares, moved: Moved) -> None:
        """Where a transaction went before, and goes now."""
        placed.shares = after
        for component, number in before.allocations.keys() | after.allocations.keys():
            place = component, number
            if not self._settles_a_claim(placed):
                moved.allocated[placed.on, component, number] += after.allocations[place] - before.allocations[place]
            if placed.on <= self._as_of:
                figure = _of_transaction(placed, "allocated_minor")._replace(component=component, installment=number)
                self._set(figure, after.allocations[place])
        moved.credited[placed.on] += after.credit_minor - before.credit_minor
        if placed.on <= self._as_of:
            self._set(_of_transaction(placed, "credit_minor"), after.credit_minor)
        self._count(placed)

    def _reverse(
        self, transaction_id: str, reversed_on: date, cause: str, moved: Moved, *, taken_back: bool = False
    ) -> None:
        placed = self._placed.get(transaction_id)
        if placed is None:
            return
        if placed.on <= self._as_of:
            self._set(_of_transaction(placed, "reversed_on"), reversed_on)
            self._set(_of_transaction(placed, "cause"), cause)
        if taken_back:
            placed.taken_back_on = reversed_on
            self._count(placed)
        else:
            placed.reversed_on = reversed_on
            self._reallocate(placed, placed.shares, _NOWHERE, moved)

    def _count(self, placed: _Placed) -> None:
        """How much principal it covers: none where it never counted, was taken back, or settles a written-off claim."""
        counted: Counter[int] = Counter()
        taken_back = placed.taken_back_on is not None and placed.taken_back_on <= self._as_of
        if placed.on <= self._as_of and not taken_back and not self._settles_a_claim(placed):
            for (component, number), amount_minor in placed.shares.allocations.items():
                counted[number] += amount_minor if component == PRINCIPAL else 0
        for number in counted.keys() | placed.counted.keys():
            self._installments.pay_principal(number, counted[number] - placed.counted[number], placed.on)
        placed.counted = counted

    def _settles_a_claim(self, placed: _Placed) -> bool:
        lost_on = self._installments.written_off_on
        return lost_on is not None and (placed.on > lost_on or (placed.on == lost_on and placed.is_recovery))

    def _write_off(self, on: date | None) -> None:
        self._installments.written_off_on = on
        for placed in self._placed.values():
            self._count(placed)

    def _restate(self, event: AllocationsRestated, moved: Moved) -> None:
        for change in event.charges:
            charge = Charge(
                charged_on=change.charged_on, component=change.component, installment=change.installment, amount_minor=0
            )
            self._charge(charge, moved, change.after_minor - change.before_minor)
        for restated in event.transactions:
            if placed := self._placed.get(restated.transaction_id):
                before = _Shares(_amounts(restated.before), restated.credit_before_minor)
                after = _Shares(_amounts(restated.after), restated.credit_after_minor)
                self._reallocate(placed, before, after, moved)

    def _charge(self, charge: Charge, moved: Moved, amount_minor: int | None = None) -> None:
        on, component, number = charge.charged_on, charge.component, charge.installment
        more_minor = charge.amount_minor if amount_minor is None else amount_minor
        moved.charged[on, component, number] += more_minor
        if on > self._as_of:
            return
        figure = Figure("charges", "charged_minor", on=on, component=component, installment=number)
        self._add(figure, more_minor)
        if charge.rule:
            self._set(figure._replace(name="cut_by"), charge.rule)
            self._set(figure._replace(name="asked_minor"), charge.asked_minor or 0)

    def _balances(self, event: MoneyEvent) -> None:
        for line in event.postings:
            if line.value_date > self._as_of:
                continue
            if line.account == "receivable":
                self._add(Figure("balances", "balance_minor", component=line.component or ""), line.amount_minor)
                self._add(Figure("balances", "total_due_minor"), line.amount_minor)
            elif line.account == "credit":
                self._add(Figure("balances", "credit_minor"), -line.amount_minor)

    def _states(self, event: LoanEvent) -> None:
        match event:
            case DelinquencyChanged():
                self._change_marks(event)
            case LoanPaidOff():
                self._set(Figure("balances", "paid_off_on"), event.paid_off_on)
            case LoanReopened():
                self._set(Figure("balances", "paid_off_on"), None)

    def _change_marks(self, event: DelinquencyChanged) -> None:
        for marked in event.marked:
            self._mark(marked, state="overdue", cured_on=None, overdue_minor=marked.overdue_minor)
        for cured in event.cured:
            is_cured = cured.cured_on <= self._as_of
            self._mark(cured, state="cured" if is_cured else "overdue", cured_on=cured.cured_on if is_cured else None)
        for withdrawn in event.withdrawn:
            self._mark(withdrawn, state="withdrawn", overdue_since_on=None, overdue_minor=None, cured_on=None)

    def _mark(self, about: MarkedInstallment | CuredInstallment | WithdrawnMark, **state: Figured | None) -> None:
        if about.due_on >= self._as_of:
            return
        for name, value in ({"overdue_since_on": about.due_on} | state).items():
            self._set(Figure("overdue_marks", name, installment=about.installment), value)

    def _show_installment(self, number: int) -> None:
        shown: dict[Figure, Figured] = {
            Figure("installments", name, component=component, installment=number): value
            for name, component, value in self._installments.figures(number)
        }
        covered = Figure("installments", "covered_on", installment=number)
        for figure, value in ({covered: None} | shown).items():
            self._set(figure, value)


def _asked(line: _Line) -> Asked:
    interest_minor, fee_minor = getattr(line, "interest_minor", 0), getattr(line, "fee_minor", 0)
    return Asked(line.due_on, line.principal_minor, interest_minor, fee_minor)


def _charges(event: MoneyEvent) -> Iterator[Charge]:
    """What an event says it charges; a fee that never counted charges less than nothing."""
    match event:
        case ChargesPosted():
            yield from event.charges
        case FeeCharged():
            yield Charge(
                charged_on=event.charged_on,
                component="fee",
                installment=event.installment,
                amount_minor=event.amount_minor,
                asked_minor=event.asked_minor,
                rule=event.rule,
            )
        case TransactionReversed(kind="fee"):
            for line in event.postings:
                if line.account == "receivable" and line.component == "fee" and line.installment:
                    yield Charge(
                        charged_on=line.value_date,
                        component="fee",
                        installment=line.installment,
                        amount_minor=line.amount_minor,
                    )


def _placed(event: MoneyEvent) -> _Placed | None:
    match event:
        case PaymentReceived() | RecoveryReceived():
            name, on = event.payment_id, event.paid_on
        case MerchantRefunded():
            name, on = event.refund_id, event.refunded_on
        case GoodwillCredited():
            name, on = event.credit_id, event.credited_on
        case AmountWaived():
            name, on = event.waiver_id, event.waived_on
        case _:
            return None
    return _Placed(
        id=name,
        on=on,
        is_recovery=isinstance(event, RecoveryReceived),
        shares=_Shares(_amounts(event.allocations), getattr(event, "credit_minor", 0)),
    )


def _amounts(allocations: Iterable[Allocation]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for each in allocations:
        found[each.component, each.installment] += each.amount_minor
    return found


def _of_transaction(placed: _Placed, name: str) -> Figure:
    return Figure("allocations", name, subject=placed.id, on=placed.on)


def _takes_back(event: MoneyEvent) -> bool:
    """Whether a payment counts until it is reversed, because the lender had entered it in error."""
    return isinstance(event, PaymentReversed) and event.cause == _LENDER_ERROR and event.reversed_on > event.paid_on


def _reached(event: LoanEvent) -> date:
    """The day up to which the loan's time has passed."""
    match event:
        case ChargesPosted():
            return max(event.booking_date, event.charged_until)
        case MoneyEvent():
            return event.booking_date
    return date.min
