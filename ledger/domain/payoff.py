"""What a loan will ask for: the schedule as it is now expected to run, and what pays it off on a day."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from ledger.domain.agreement import FEE, INTEREST, PENALTY, Agreement
from ledger.domain.charging import accrue, charge_penalties, end_stretch, payoff_charges
from ledger.domain.cycles import still_asked_minor
from ledger.domain.fold import fold, go_on, next_point, pass_time, take
from ledger.domain.tally import Part, Tally
from ledger.domain.transactions import PAYMENT, Transaction
from ledger.domain.working import Work
from schemas.values import State

_EXPECTED = "/expected"


class ExpectedInstallment(State, frozen=True):
    """What an installment asks for in all, and what of it is still to be paid; in minor units."""

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_interest_minor: int
    owed_minor: int


class Payoff(State, frozen=True):
    """What pays a loan off on a day. `credit_minor`: the part of the credit that is used for it."""

    on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    penalty_interest_minor: int
    credit_minor: int
    total_minor: int


def projected(
    agreement: Agreement, transactions: Iterable[Transaction], as_of: date
) -> tuple[ExpectedInstallment, ...]:
    """The whole schedule as known on a day, if what is overdue is paid on that day and all else when it falls due.

    Installments that have nothing left to ask for, because the loan ends before them, are left out.
    """
    known = [each for each in transactions if each.on <= as_of]
    work = fold(agreement, known, as_of)
    accrue(work, as_of)
    charge_penalties(work, as_of)
    open_minor = {part.number: part.owed_minor for part in work.parts if part.has_fallen}
    _pay_all_due(work, as_of)
    while found := next_point(work):
        on = found[0][0]
        if agreement.revolving and on > as_of:  # the day before is the last one on which money is in time
            eve = on - timedelta(1)
            pass_time(work, eve)
            open_minor |= {part.number: _billed_minor(part) for part in work.parts if part.due_on == eve}
            _pay_all_due(work, eve)
        pass_time(work, on)
        fallen = {part.number: part.owed_minor for part in work.parts if part.has_fallen}
        open_minor = fallen | open_minor
        _pay_all_due(work, on)
    return _expected(work, open_minor)


def payoff(work: Work, on: date) -> Payoff:
    """What pays off a loan that is folded up to a day at most; the day is that of the payment."""
    pass_time(work, on)
    accrue(work, on)
    charge_penalties(work, on)
    end_stretch(work)  # as the payment will
    charges = payoff_charges(work, on)
    interest_minor = sum(part.interest_minor for part in work.parts) + sum(interest for _, interest, _ in charges)
    fee_minor = sum(part.fee_minor for part in work.parts) + sum(fee for _, _, fee in charges)
    penalty_minor = sum(part.penalty_minor for part in work.parts)
    total_minor = work.principal_minor + interest_minor + fee_minor + penalty_minor
    return Payoff(
        on=on,
        principal_minor=work.principal_minor,
        interest_minor=interest_minor,
        fee_minor=fee_minor,
        penalty_interest_minor=penalty_minor,
        credit_minor=min(work.credit_minor, total_minor),
        total_minor=max(0, total_minor - work.credit_minor),
    )


def due_on(agreement: Agreement, tally: Tally, on: date) -> int:
    """What has fallen due or is charged by the end of a day, less the credit, in minor units, if nothing is paid until
    then."""
    work = go_on(agreement, tally)
    pass_time(work, on)
    accrue(work, on)
    charge_penalties(work, on)
    return max(0, _due_minor(work, on) - work.credit_minor)


def _pay_all_due(work: Work, on: date) -> None:
    due_minor = _due_minor(work, on)
    if due_minor:
        take(work, Transaction(id=f"{_EXPECTED}/{on}", kind=PAYMENT, on=on, amount_minor=due_minor))


def _due_minor(work: Work, on: date) -> int:
    """What has fallen due, and charges that are owed at once; what a statement asks for is owed by its due date."""
    due_minor = sum(part.owed_minor for part in work.parts if part.has_fallen)
    waiting = [part for part in work.parts if not part.has_fallen]
    if work.agreement.revolving:
        return due_minor + sum(_billed_minor(part) for part in waiting if part.due_on <= on)
    return due_minor + sum(part.owed_minor - part.principal_minor for part in waiting)


def _billed_minor(part: Part) -> int:
    """What of a statement's minimum is not paid yet."""
    return part.owed_minor - part.principal_minor + still_asked_minor(part)


def _expected(work: Work, open_minor: dict[int, int]) -> tuple[ExpectedInstallment, ...]:
    charged: Counter[tuple[str, int]] = Counter()
    for charge in work.charges:
        charged[charge.component, charge.installment] += charge.amount_minor
    found = [
        ExpectedInstallment(
            number=part.number,
            due_on=part.due_on,
            principal_minor=part.repaid_minor,
            interest_minor=charged[INTEREST, part.number],
            fee_minor=charged[FEE, part.number],
            penalty_interest_minor=charged[PENALTY, part.number],
            owed_minor=open_minor.get(part.number, 0),
        )
        for part in work.parts
    ]
    return tuple(
        each
        for each in found
        if each.principal_minor or each.interest_minor or each.fee_minor or each.penalty_interest_minor
    )
