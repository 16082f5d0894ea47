"""Where money goes: first to what is due, by the rule for how late the loan is; then to what falls due later.

Charges that are posted already are due at once, also those of an installment that is not. What is left once nothing is
owed becomes the borrower's credit.
"""

from collections.abc import Iterator
from datetime import date

from ledger.domain.agreement import COMPONENTS, FEE, INTEREST, PRINCIPAL
from ledger.domain.charging import charge_fee, charge_interest, forgive_grace, payoff_charges
from ledger.domain.cycles import payoff_interest
from ledger.domain.delinquency import days_past_due
from ledger.domain.interest import NOTHING_ACCRUED
from ledger.domain.reshaping import evenly, from_the_end, give_room, respread
from ledger.domain.transactions import Transaction
from ledger.domain.working import Line, Work
from schemas.loans.servicing import AllocationRule

LOWER = "lower"


def place(work: Work, amount_minor: int, source: str, on: date, *, prepayment: str) -> None:
    """Give an amount to a loan whose charges are known up to `on`. `prepayment`: what it does to later installments."""
    left_minor = pay_due(work, amount_minor, source, on)
    if left_minor and not work.is_matured:
        left_minor = _pay_early(work, left_minor, source, on, prepayment)
    work.to_credit(left_minor, source, on)


def pay_due(work: Work, amount_minor: int, source: str, on: date) -> int:
    """Pay what has fallen due or is charged; what is left."""
    for index, component in _in_order(work, on):
        amount_minor -= _take(work, (index, component), amount_minor, source, on)
        if not amount_minor:
            break
    return amount_minor


def _take(work: Work, place: tuple[int, str], amount_minor: int, source: str, on: date) -> int:
    """Pay of a component of a part what is open, or less; how much that is."""
    index, component = place
    taken_minor = min(amount_minor, work.open_minor(index, component))
    if taken_minor:
        work.pay(index, component, taken_minor, source, on)
        if work.parts[index].covered_on == on:
            forgive_grace(work, index, on)
    return taken_minor


def pay_designated(work: Work, money: Transaction) -> int:
    """Pay first what the payer says, as far as it is due or charged; how much that took."""
    if not (money.about or money.number):
        return 0
    left_minor = money.amount_minor
    for index, component in _in_order(work, money.on):
        if money.about in {"", component} and money.number in {0, work.parts[index].number}:
            left_minor -= _take(work, (index, component), left_minor, money.id, money.on)
    return money.amount_minor - left_minor


def use_credit(work: Work, source: str, on: date) -> None:
    """What has fallen due takes what the borrower has with us."""
    if work.credit_minor:
        left_minor = pay_due(work, work.credit_minor, source, on)
        if work.agreement.revolving:
            left_minor = _pay_revolving(work, left_minor, source, on)
        work.post(source, Line(on, "credit"), work.credit_minor - left_minor)
        work.credit_minor = left_minor


def rule_on(work: Work, on: date) -> AllocationRule | None:
    """By which money of a day goes to what has fallen due; None where nothing has."""
    due = _due(work)
    return _rule(work, due, on) if due else None


def _rule(work: Work, due: list[int], on: date) -> AllocationRule:
    late = min(work.parts[index].late_from for index in due)
    return work.agreement.allocation_rule(days_past_due(late, on))


def _due(work: Work) -> list[int]:
    """Indices of what has fallen due, and of which anything is owed."""
    parts = work.parts
    return [index for index in range(work.owing, len(parts)) if parts[index].has_fallen and parts[index].owed_minor]


def _in_order(work: Work, on: date) -> Iterator[tuple[int, str]]:
    """Indices and components of which anything is open, in the order in which they are paid."""
    first, parts = work.owing, work.parts
    if due := _due(work):
        rule = _rule(work, due, on)
        if rule.across == "component":
            places = ((index, component) for component in rule.order for index in due)
        else:
            places = ((index, component) for index in due for component in rule.order)
        for index, component in places:
            if work.open_minor(index, component):
                yield index, component
    for index in range(first, len(parts)):
        part = work.parts[index]
        if not part.has_fallen and part.owed_minor > part.principal_minor:
            yield from ((index, component) for component in COMPONENTS if component != PRINCIPAL)


def _pay_early(work: Work, amount_minor: int, source: str, on: date, prepayment: str) -> int:
    """Pay what has not fallen due; what is left."""
    if work.agreement.revolving:
        return _pay_revolving(work, amount_minor, source, on)
    waiting_minor = sum(part.principal_minor for part in work.parts if not part.has_fallen)
    if amount_minor + work.credit_minor >= waiting_minor:
        charges = payoff_charges(work, on)
        needed_minor = waiting_minor + sum(interest + fee for _, interest, fee in charges)
        if amount_minor + work.credit_minor >= needed_minor:
            return _pay_off(work, amount_minor, charges, source, on)
    if work.servicing.early_money == "hold":
        return amount_minor
    if not work.agreement.is_daily:
        return _pay_early_scheduled(work, amount_minor, source, on, prepayment)
    if work.servicing.early_money == "interest_first":
        amount_minor = _pay_accrued(work, amount_minor, source, on)
    principal_minor = min(amount_minor, waiting_minor)
    _pay_early_daily(work, principal_minor, source, on, prepayment)
    return amount_minor - principal_minor


def _pay_revolving(work: Work, amount_minor: int, source: str, on: date) -> int:
    """Pay what is billed, then what was drawn since; interest to the day is charged if that pays everything."""
    charges = payoff_interest(work, on)
    waiting_minor = sum(part.principal_minor for part in work.parts if not part.has_fallen)
    if amount_minor >= waiting_minor + sum(interest_minor for _, interest_minor in charges):
        for index, _ in charges:
            charge_interest(work, index, on, f"/payoff/{work.parts[index].number}/{on}")
        amount_minor = pay_due(work, amount_minor, source, on)
    for index in range(work.waiting, len(work.parts)):
        taken_minor = min(amount_minor, work.parts[index].principal_minor)
        if taken_minor:
            work.pay(index, PRINCIPAL, taken_minor, source, on)
            amount_minor -= taken_minor
    return amount_minor


def _pay_off(work: Work, amount_minor: int, charges: list[tuple[int, int, int]], source: str, on: date) -> int:
    """Nothing is owed afterwards: interest and fees as far as they are earned and caps allow, and all principal. What
    the amount lacks comes from the credit; what is left of the amount."""
    from_credit = f"/credit/{source}"
    purse = [(source, amount_minor), (from_credit, work.credit_minor)]
    for index, interest_minor, fee_minor in charges:
        work.fall(index, accrued=NOTHING_ACCRUED, uncharged_interest_minor=0, uncharged_fee_minor=0, has_fallen=True)
        name = f"/payoff/{work.parts[index].number}/{on}"
        work.charge(index, INTEREST, interest_minor, on, name)
        work.charge(index, FEE, fee_minor, on, name)
        for component in (FEE, INTEREST, PRINCIPAL):
            purse = _pay_from(work, purse, index, component, on)
        if work.parts[index].covered_on is None:
            work.change(index, covered_on=on)
    [(_, amount_minor), (_, credit_minor)] = purse
    work.post(from_credit, Line(on, "credit"), work.credit_minor - credit_minor)
    work.credit_minor = credit_minor
    return amount_minor


def _pay_from(work: Work, purse: list[tuple[str, int]], index: int, component: str, on: date) -> list[tuple[str, int]]:
    """Pay all of a component from several sources, the first one first; what is left of them."""
    left = []
    for source, minor in purse:
        taken_minor = min(minor, work.open_minor(index, component))
        if taken_minor:
            work.pay(index, component, taken_minor, source, on)
        left.append((source, minor - taken_minor))
    return left


def _pay_accrued(work: Work, amount_minor: int, source: str, on: date) -> int:
    for index in range(work.waiting, len(work.parts)):
        part = work.parts[index]
        if amount_minor and part.accrued.numerator > 0:
            charge_interest(work, index, on, f"/interest/{part.number}/{on}")
            taken_minor = min(amount_minor, work.parts[index].interest_minor)
            if taken_minor:
                work.pay(index, INTEREST, taken_minor, source, on)
            amount_minor -= taken_minor
    return amount_minor


def _pay_early_daily(work: Work, amount_minor: int, source: str, on: date, prepayment: str) -> None:
    """Principal at once, with the next installment; unless it pays that, the installment still asks for all it did."""
    first = work.waiting
    part = work.parts[first]
    if prepayment == "next":
        exceeds = amount_minor > part.principal_minor
        give_room(work, first, amount_minor, source, on)
    else:
        give_room(work, first, part.principal_minor + amount_minor, source, on)
        work.change(first, amount_minor=part.amount_minor + amount_minor)
    work.pay(first, PRINCIPAL, amount_minor, source, on)
    if prepayment == LOWER:
        respread(work, source, on, since=on, first=first)
    elif prepayment == "next" and exceeds:
        respread(work, source, on, since=part.due_on, first=first + 1)


def _pay_early_scheduled(work: Work, amount_minor: int, source: str, on: date, prepayment: str) -> int:
    first = work.waiting
    if prepayment == "next":
        return _pay_next(work, amount_minor, source, on)
    taken = evenly(work, amount_minor, first) if prepayment == LOWER else from_the_end(work, amount_minor, first)
    for index, part_minor in taken:
        part = work.parts[index]
        if part_minor == part.principal_minor and work.servicing.payoff_interest != "all":
            work.change(index, uncharged_interest_minor=0, uncharged_fee_minor=0)
        work.pay(index, PRINCIPAL, part_minor, source, on)
    return amount_minor - sum(part_minor for _, part_minor in taken)


def _pay_next(work: Work, amount_minor: int, source: str, on: date) -> int:
    """Installment by installment, each with its agreed interest and fees, which are charged when money reaches them."""
    order = work.agreement.allocation_rule(0).order
    for index in range(work.waiting, len(work.parts)):
        for component in order:
            if not amount_minor:
                return 0
            name = f"/early/{work.parts[index].number}/{on}"
            if component == INTEREST:
                charge_interest(work, index, on, name)
            elif component == FEE:
                charge_fee(work, index, on, name)
            taken_minor = min(amount_minor, work.open_minor(index, component))
            if taken_minor:
                work.pay(index, component, taken_minor, source, on)
                amount_minor -= taken_minor
    return amount_minor
