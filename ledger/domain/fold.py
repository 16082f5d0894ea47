"""The fold of a loan's facts in their own order: the whole engine, from one event in the loan's own time to the next.

An installment falls due, a late fee is charged, a transaction is taken; in between interest accrues on what is really
owed (`daily`), or is as agreed (`scheduled`). It refuses nothing: whatever facts there are, they come to something.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date
from operator import itemgetter

from ledger.domain.agreement import COMPONENTS, FEE, PRINCIPAL, Agreement
from ledger.domain.allocation import LOWER, pay_designated, place, use_credit
from ledger.domain.charging import (
    accrue,
    begin_lateness,
    charge_fee,
    charge_interest,
    charge_late_fee,
    charge_penalties,
    end_stretch,
    next_late_fee,
)
from ledger.domain.cycles import next_date, open_index
from ledger.domain.reshaping import hold_amount, respread
from ledger.domain.revolving import end_cycle, issue_statement
from ledger.domain.tally import Tally, nothing_yet, part_of
from ledger.domain.transactions import (
    CREDIT_REFUND,
    DISBURSEMENT,
    DUE_RANK,
    GOODWILL,
    LATE_FEE_RANK,
    MERCHANT_REFUND,
    PAYMENT,
    TAKE_BACK,
    UNCLAIMED,
    WAIVER,
    WRITE_OFF,
    Order,
    Transaction,
    order_of,
)
from ledger.domain.transactions import (
    FEE as FEE_CHARGED,
)
from ledger.domain.working import CREDIT, Line, Share, Work

_LAST_IN_DAY = (99, "", 0, "")
_last: list[tuple[Tally | None, Transaction | None, Tally]] = [(None, None, Tally(parts=(), to=date.min))]


def fold(agreement: Agreement, transactions: Iterable[Transaction], to: date, onto: Tally | None = None) -> Work:
    """All that is known: transactions in any order, and what time does up to the end of `to`. From the beginning, or
    from a tally that all of them follow (`onto`)."""
    work = Work(agreement, onto or nothing_yet(agreement, to))
    for transaction in sorted(transactions, key=order_of):
        take(work, transaction)
    pass_time(work, to)
    return work


def fold_twice(
    agreement: Agreement,
    transactions: Iterable[Transaction],
    changed: Transaction,
    to: tuple[date, date],
    onto: Tally | None = None,
) -> tuple[Work, Work, int]:
    """The fold without a transaction and the fold with it, each to its own day (`to`), and how many entries both have
    in common from their beginnings. What stands before the transaction is folded once."""
    order, (to_without, to_with) = order_of(changed), to
    ordered = sorted(transactions, key=order_of)
    split = bisect_left(ordered, order, key=order_of)
    without = fold(agreement, ordered[:split], date.min, onto)
    with_it, common = without.copied(), len(without.entries)
    take(with_it, changed)
    for transaction in ordered[split:]:
        take(without, transaction)
        take(with_it, transaction)
    pass_time(without, to_without)
    pass_time(with_it, to_with)
    return without, with_it, common


def go_on(agreement: Agreement, tally: Tally) -> Work:
    """A fold that goes on where another one has ended."""
    return Work(agreement, tally)


def follows(tally: Tally, transaction: Transaction) -> bool:
    """Whether a transaction comes after all that has happened, so that a fold can go on with it."""
    return transaction.kind != TAKE_BACK and (tally.newest is None or tally.newest < order_of(transaction))


def after(agreement: Agreement, tally: Tally, transaction: Transaction) -> Tally:
    """The tally with one more transaction, which follows it. The last one is remembered: what decides to record a fact
    and what folds its event ask for the same."""
    known_tally, known_transaction, known = _last[0]
    if known_tally is tally and known_transaction == transaction:
        return known
    work = go_on(agreement, tally)
    take(work, transaction)
    return remembered(tally, transaction, work)


def remembered(tally: Tally, transaction: Transaction, work: Work) -> Tally:
    """The tally of a fold that went on from one with a transaction, kept for whoever asks next."""
    found = work.tally()
    _last[0] = tally, transaction, found
    return found


def take(work: Work, transaction: Transaction) -> None:
    """Take a transaction, after all that comes before it in the loan's own time."""
    order = order_of(transaction)
    _pass_until(work, order)
    accrue(work, transaction.on)
    charge_penalties(work, transaction.on)
    end_stretch(work)
    _TAKE[transaction.kind](work, transaction)
    work.reach(order)


def pass_time(work: Work, to: date) -> None:
    """Let installments fall due and late fees be charged up to the end of a day."""
    _pass_until(work, (to, *_LAST_IN_DAY))
    work.to = max(work.to, to)


def next_point(work: Work) -> tuple[Order, int] | None:
    """What time does next, and the index of the part."""
    if work.written_off_on:
        return None
    index = work.waiting
    due = None
    if index < len(work.parts):
        part = work.parts[index]
        due = ((next_date(part) if work.agreement.revolving else part.due_on, DUE_RANK, "", 0, ""), index)
    late = next_late_fee(work)
    if late and (due is None or late[0] <= due[0][0]):
        return (late[0], LATE_FEE_RANK, "", 0, ""), late[1]
    return due


def _pass_until(work: Work, before: Order) -> None:
    while (found := next_point(work)) and found[0] < before:
        order, index = found
        accrue(work, order[0])
        charge_penalties(work, order[0])
        if order[1] == LATE_FEE_RANK:
            charge_late_fee(work, index, order[0])
        elif work.agreement.revolving and work.parts[index].billed is None:
            issue_statement(work, index, order[0])
        else:
            _fall_due(work, index, order[0])
        work.reach(order)
        work.points += 1


def _fall_due(work: Work, index: int, on: date) -> None:
    name = f"/due/{work.parts[index].number}"
    if work.agreement.revolving:
        end_cycle(work, index, name)
    charge_interest(work, index, on, name)
    charge_fee(work, index, on, name)
    if work.agreement.bears_interest and work.agreement.holds_amount:
        hold_amount(work, index, name, on)
    part = work.parts[index]
    covered_on = part.covered_on or (None if part.lacks_minor else part.due_on)
    work.fall(index, has_fallen=True, asked_minor=part.in_time_minor + part.lacks_minor, covered_on=covered_on)
    use_credit(work, name, on)
    begin_lateness(work, index)


def _disburse(work: Work, paid_out: Transaction) -> None:
    source, on = paid_out.id, paid_out.on
    work.lent_minor += paid_out.amount_minor
    work.post(source, Line(on, "funding"), paid_out.fee_minor - paid_out.amount_minor)
    work.post(source, Line(on, "fee_income"), -paid_out.fee_minor)
    work.charged_minor += paid_out.fee_minor
    if work.parts:
        _disburse_more(work, paid_out)
        return
    work.begin([part_of(installment, work.agreement) for installment in work.agreement.installments])
    work.accrued_to = work.disbursed_on = on
    for part in work.parts:
        work.principal_minor += part.principal_minor
        work.post(source, Line(on, "receivable", PRINCIPAL, part.number), part.principal_minor)
    if work.agreement.revolving:
        _pass_until(work, order_of(paid_out))
        _disburse_more(work, paid_out)


def _disburse_more(work: Work, paid_out: Transaction) -> None:
    """What is paid out later is repaid with the installments that have not fallen due, else with the last one; what
    revolves, with the next statement."""
    if work.agreement.revolving:
        _draw(work, paid_out.amount_minor, paid_out.id, paid_out.on)
        use_credit(work, f"/credit/{paid_out.id}", paid_out.on)
        return
    first = work.waiting if not work.is_matured else len(work.parts) - 1
    each, odd = divmod(paid_out.amount_minor, len(work.parts) - first)
    for place_, index in enumerate(range(first, len(work.parts))):
        _owe_again(work, index, Share(PRINCIPAL, 0, each + (place_ < odd)), paid_out.id, paid_out.on)
    if not work.is_matured:
        respread(work, paid_out.id, paid_out.on, since=paid_out.on, first=first)
    use_credit(work, f"/credit/{paid_out.id}", paid_out.on)


def _draw(work: Work, amount_minor: int, source: str, on: date) -> None:
    """More is owed of what revolves, and the next statement bills it."""
    index = open_index(work, on)
    work.post(source, Line(on, "receivable", PRINCIPAL, work.parts[index].number), amount_minor)
    work.add(index, PRINCIPAL, amount_minor)
    work.change(index, covered_on=None)


def _charge(work: Work, fee: Transaction) -> None:
    index = next((i for i, part in enumerate(work.parts) if part.number == fee.number), len(work.parts) - 1)
    part = work.parts[index]
    if part.covered_on:
        work.change(
            index, covered_on=None, late_from=max(part.late_from, fee.on), overdue_to=max(part.overdue_to, fee.on)
        )
    work.charge(index, FEE, fee.amount_minor, fee.on, fee.id)
    if not work.parts[index].lacks_minor and part.covered_on:
        work.change(index, covered_on=part.covered_on)
    work.change(index, asked_minor=work.parts[index].asked_minor + work.charges[-1].amount_minor)
    use_credit(work, f"/credit/{fee.id}", fee.on)


def _receive(work: Work, money: Transaction) -> None:
    if work.written_off_on:
        _recover(work, money)
        return
    if money.kind == PAYMENT:
        work.paid_minor += money.amount_minor
    work.post(money.id, Line(money.on, _SOURCES[money.kind]), money.amount_minor)
    prepayment = LOWER if money.kind == MERCHANT_REFUND else work.servicing.prepayment
    designated_minor = pay_designated(work, money)
    place(work, money.amount_minor - designated_minor, money.id, money.on, prepayment=prepayment)


def _recover(work: Work, money: Transaction) -> None:
    """Money after the write-off settles the claim, the oldest installment first; what is beyond it is credit."""
    work.paid_minor += money.amount_minor
    work.post(money.id, Line(money.on, _SOURCES[money.kind]), money.amount_minor)
    left_minor, claims = money.amount_minor, []
    for component, number, claimed_minor in work.claims:
        taken_minor = min(left_minor, claimed_minor)
        left_minor -= taken_minor
        if taken_minor:
            work.post(money.id, Line(money.on, "recovery"), -taken_minor)
            work.shares.setdefault(money.id, []).append(Share(component, number, taken_minor))
        if claimed_minor > taken_minor:
            claims.append((component, number, claimed_minor - taken_minor))
    work.claims = tuple(claims)
    work.to_credit(left_minor, money.id, money.on)


def _waive(work: Work, waiver: Transaction) -> None:
    left_minor = waiver.amount_minor
    for index in range(len(work.parts)):
        taken_minor = min(left_minor, work.open_minor(index, waiver.about))
        if taken_minor:
            work.pay(index, waiver.about, taken_minor, waiver.id, waiver.on)
            work.post(waiver.id, Line(waiver.on, "waivers"), taken_minor)
            left_minor -= taken_minor


def _refund_credit(work: Work, refund: Transaction) -> None:
    """Credit is paid out, or kept apart. What is not credit after all is principal that is owed with the next
    installment."""
    work.post(refund.id, Line(refund.on, "unclaimed" if refund.kind == UNCLAIMED else "cash"), -refund.amount_minor)
    used_minor = min(work.credit_minor, refund.amount_minor)
    work.credit_minor -= used_minor
    work.post(refund.id, Line(refund.on, "credit"), used_minor)
    if refund.amount_minor > used_minor:
        _owe_again(work, _next_part(work), Share(PRINCIPAL, 0, refund.amount_minor - used_minor), refund.id, refund.on)


def _take_back(work: Work, error: Transaction) -> None:
    """What a payment had settled is owed again from now on; nobody is late with it for the time before."""
    work.post(error.id, Line(error.on, "cash"), -error.amount_minor)
    for share in work.shares.get(error.about, []):
        if share.component == CREDIT:
            used_minor = min(work.credit_minor, share.amount_minor)
            work.credit_minor -= used_minor
            work.post(error.id, Line(error.on, "credit"), used_minor)
            if share.amount_minor > used_minor:
                owed = Share(PRINCIPAL, 0, share.amount_minor - used_minor)
                _owe_again(work, _next_part(work), owed, error.id, error.on)
        else:
            index = next(i for i, part in enumerate(work.parts) if part.number == share.installment)
            _owe_again(work, index, share, error.id, error.on)
    use_credit(work, f"/credit{error.id}", error.on)


def _owe_again(work: Work, index: int, debt: Share, source: str, on: date) -> None:
    """More of a component is owed of a part; what had covered it did not, but it is late only from now on."""
    component, _, amount_minor = debt
    if not amount_minor:
        return
    if work.agreement.revolving and component == PRINCIPAL and not work.is_matured:
        _draw(work, amount_minor, source, on)
        return
    part = work.parts[index]
    work.post(source, Line(on, "receivable", component, part.number), amount_minor)
    work.add(index, component, amount_minor)
    has_fallen = part.has_fallen and part.due_on <= on
    changes: dict[str, object] = {"has_fallen": has_fallen}
    if component == PRINCIPAL:
        changes["amount_minor"] = part.amount_minor + max(0, amount_minor - part.repaid_minor)
        changes["repaid_minor"] = max(0, part.repaid_minor - amount_minor)
    was_covered = part.covered_on is not None and has_fallen
    if was_covered:
        changes["late_from"] = max(part.late_from, on)
    if has_fallen:  # what was not owed until now costs nothing for the time before
        changes["overdue_to"] = max(part.overdue_to, on)
    changes["covered_on"] = None
    part = work.fall(index, **changes)
    work.change(index, asked_minor=part.lacks_minor + part.in_time_minor)
    if was_covered:
        begin_lateness(work, index)


def _write_off(work: Work, loss: Transaction) -> None:
    """Nothing is left on the books of what is owed; the claim stays."""
    claims = []
    for index, part in enumerate(work.parts):
        for component in COMPONENTS:
            if owed_minor := work.open_minor(index, component):
                work.post(loss.id, Line(loss.on, "receivable", component, part.number), -owed_minor)
                work.post(loss.id, Line(loss.on, "write_off"), owed_minor)
                work.add(index, component, -owed_minor)
                claims.append((component, part.number, owed_minor))
    work.claims = tuple(sorted(claims, key=itemgetter(1)))
    work.written_off_on = loss.on


def _next_part(work: Work) -> int:
    return min(work.waiting, len(work.parts) - 1)


_SOURCES = {PAYMENT: "cash", GOODWILL: "goodwill", MERCHANT_REFUND: "merchant"}
_TAKE: dict[str, Callable[[Work, Transaction], None]] = {
    DISBURSEMENT: _disburse,
    FEE_CHARGED: _charge,
    PAYMENT: _receive,
    GOODWILL: _receive,
    MERCHANT_REFUND: _receive,
    WAIVER: _waive,
    CREDIT_REFUND: _refund_credit,
    UNCLAIMED: _refund_credit,
    TAKE_BACK: _take_back,
    WRITE_OFF: _write_off,
}
