"""What a fact that becomes known, or turns out never to have counted, changes: as it is recorded.

The fact's own lines go into its own event. What time has done meanwhile is posted as charges. What earlier facts had
come to, and comes to something else now, is restated: each of its lines keeps its own value date, so that the balance
of every date is as if all had been known from the start.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from ledger.domain.agreement import Agreement
from ledger.domain.fold import fold_twice, follows, go_on, pass_time, remembered, take
from ledger.domain.lateness import TIME, Cause
from ledger.domain.loan import Loan, footing, remember_settled
from ledger.domain.standing import about, consequences, standing
from ledger.domain.tally import Part, Tally
from ledger.domain.transactions import TAKE_BACK, Transaction
from ledger.domain.working import CREDIT, Charged, Entry, Line, Share, Work
from schemas.loans.events import Charge, ChargesPosted, InstallmentAsks, ScheduleChanged
from schemas.payments.events import Allocation, AllocationsRestated, RestatedCharge, RestatedTransaction
from schemas.values import ABSENT, Event, LoanEvent, MoneyEvent, Posting, Standing

_STATEMENT = "statement"

AT_ONCE = 500
"""Changes in one part of a restatement."""


class Fact(NamedTuple):
    """What a fact came to by itself: its postings, where its amount went, and what it charged."""

    postings: tuple[Posting, ...]
    allocations: tuple[Allocation, ...]
    credit_minor: int
    charged: tuple[Charged, ...]
    standing: Standing


Write = Callable[[Fact], MoneyEvent]
"""Makes the event of a fact from what it came to."""


class _Difference(NamedTuple):
    """Between two folds of the same loan, by what made the lines."""

    own: Sequence[Entry]
    new: Sequence[Entry]
    new_charges: Sequence[Charged]
    restated: Mapping[str, "_Restated"]


class _Case(NamedTuple):
    """A fact, and the loan before it and after it is known. `work`: the fold that says so."""

    before: Loan
    after: Loan
    work: Work
    fact: Transaction
    known_on: date
    cause: Cause


class _Restated(NamedTuple):
    lines: Mapping[Line, int]
    transaction: RestatedTransaction | None
    charges: Sequence[RestatedCharge]


def added(loan: Loan, transaction: Transaction, today: date, write: Write) -> list[Event]:
    """All events that follow from one more fact. Of a settled loan."""
    reached = max(loan.reached, today)
    if follows(loan.known, transaction):
        work = go_on(loan.agreement, loan.known)
        take(work, transaction)
        remembered(loan.known, transaction, work)
        pass_time(work, reached)
        found = _in_order(work, transaction.id)
    else:
        onto, facts = footing(loan, transaction)
        before, work, common = fold_twice(loan.agreement, facts, transaction, (loan.reached, reached), onto)
        found = _compared(before, work, common, transaction.id, _by_id([*facts, transaction]))
    after = loan.changed(history=loan.history.with_transaction(transaction), tally=work.tally(), reached=reached)
    remember_settled(after)
    return _written(_Case(loan, after, work, transaction, today, Cause(transaction.kind, transaction.id)), found, write)


def removed(loan: Loan, gone: Transaction, today: date, write: Write) -> list[Event]:
    """All events that follow from a fact that never counted. Of a settled loan."""
    reached = max(loan.reached, today)
    onto, facts = footing(loan, gone)
    left = [each for each in facts if each.id != gone.id]
    work, before, common = fold_twice(loan.agreement, left, gone, (reached, loan.reached), onto)
    found = _compared(before, work, common, gone.id, _by_id(facts))
    after = loan.changed(gone=loan.gone | {gone.id}, tally=work.tally(), reached=reached)
    remember_settled(after)
    return _written(_Case(loan, after, work, gone, today, Cause(f"{gone.kind}_reversed", gone.id)), found, write)


def passed(
    loan: Loan, today: date, cause: Cause = TIME, write: Callable[[Standing], LoanEvent] | None = None
) -> list[Event]:
    """What time alone has done up to the end of a day, after something that moves no money. Of a settled loan.

    `write` makes the event of that from how the loan then stands.
    """
    reached = max(loan.reached, today)
    work = go_on(loan.agreement, loan.known)
    pass_time(work, reached)
    after = loan.changed(tally=work.tally(), reached=reached)
    now = standing(after, today)
    charges = _charges_posted(
        after, work.entries, work.charges, now, today, always=work.points > 0 and loan.agreement.terms is not None
    )
    changed = _schedule_changed(loan.known, after, _STATEMENT, reached, now)
    own = [write(now)] if write else []
    return [*charges, *own, *changed, *consequences(after, now, today, cause)]


def _written(case: _Case, found: _Difference, write: Write) -> list[Event]:
    after, work, today = case.after, case.work, case.known_on
    now = standing(after, today)
    own = write(_fact(found, work, case.fact, now))
    charges = _charges_posted(after, found.new, found.new_charges, now, today, always=False)
    restated = _restatement(case, found, own.TYPE, now)
    changed = _schedule_changed(case.before.known, after, case.fact.kind, case.fact.on, now)
    return [*charges, own, *restated, *changed, *consequences(after, now, today, case.cause)]


def _in_order(work: Work, source: str) -> _Difference:
    return _Difference(
        own=[entry for entry in work.entries if entry.source == source],
        new=[entry for entry in work.entries if entry.source != source],
        new_charges=[charge for charge in work.charges if charge.source != source],
        restated={},
    )


def _compared(
    before: Work, after: Work, common: int, source: str, transactions: Mapping[str, Transaction]
) -> _Difference:
    """Line by line, what was known and what is known; the lines of `source` are its own. The first `common` entries are
    the same in both."""
    old, new = _lines(before.entries[common:]), _lines(after.entries[common:])
    known = {entry.source for entry in before.entries}
    was, now = _charges(before), _charges(after)
    restated: dict[str, _Restated] = {}
    for name in dict.fromkeys([*old, *new]):
        lines = _change(old.get(name), new.get(name))
        if name in known and name != source and lines:
            restated[name] = _Restated(
                lines=lines,
                transaction=_restated_transaction(transactions.get(name), before, after),
                charges=_restated_charges(was.get(name, []), now.get(name, [])),
            )
    return _Difference(
        own=[Entry(source, line, amount) for line, amount in _change(old.get(source), new.get(source)).items()],
        new=[entry for entry in after.entries if entry.source not in known and entry.source != source],
        new_charges=[charge for charge in after.charges if charge.source not in known and charge.source != source],
        restated=restated,
    )


def _lines(entries: Iterable[Entry]) -> dict[str, dict[Line, int]]:
    """By what made them."""
    found: dict[str, dict[Line, int]] = {}
    for source, line, amount_minor in entries:
        lines = found.get(source)
        if lines is None:
            lines = found[source] = {}
        lines[line] = lines.get(line, 0) + amount_minor
    return found


def _change(before: Mapping[Line, int] | None, after: Mapping[Line, int] | None) -> dict[Line, int]:
    if before == after:
        return {}
    lines = dict(after or {})
    for line, amount_minor in (before or {}).items():
        lines[line] = lines.get(line, 0) - amount_minor
    return {line: amount_minor for line, amount_minor in lines.items() if amount_minor}


def _charges(work: Work) -> dict[str, list[Charged]]:
    found: dict[str, list[Charged]] = {}
    for charge in work.charges:
        found.setdefault(charge.source, []).append(charge)
    return found


def _by_id(transactions: Iterable[Transaction]) -> dict[str, Transaction]:
    return {each.id: each for each in transactions}


def _restated_transaction(found: Transaction | None, before: Work, after: Work) -> RestatedTransaction | None:
    if found is None:
        return None
    was, is_now = before.shares.get(found.id, []), after.shares.get(found.id, [])
    return RestatedTransaction(
        transaction_id=found.id,
        counted_on=found.on,
        before=_allocations(was),
        after=_allocations(is_now),
        credit_before_minor=_credited(was),
        credit_after_minor=_credited(is_now),
    )


def _restated_charges(was: Sequence[Charged], is_now: Sequence[Charged]) -> list[RestatedCharge]:
    before, after = _by_place(was), _by_place(is_now)
    return [
        RestatedCharge(
            charged_on=place[0],
            component=place[1],
            installment=place[2],
            before_minor=before[place],
            after_minor=after[place],
        )
        for place in dict.fromkeys([*before, *after])
        if before[place] != after[place]
    ]


def _by_place(charges: Sequence[Charged]) -> Counter[tuple[date, str, int]]:
    found: Counter[tuple[date, str, int]] = Counter()
    for charge in charges:
        found[charge.on, charge.component, charge.installment] += charge.amount_minor
    return found


def _fact(found: _Difference, work: Work, fact: Transaction, now: Standing) -> Fact:
    shares = work.shares.get(fact.id, [])
    return Fact(
        postings=_postings((entry.line, entry.amount_minor) for entry in found.own),
        allocations=_allocations(shares),
        credit_minor=_credited(shares),
        charged=tuple(charge for charge in work.charges if charge.source == fact.id),
        standing=now,
    )


def _charges_posted(
    loan: Loan,
    entries: Sequence[Entry],
    charges: Sequence[Charged],
    now: Standing,
    today: date,
    *,
    always: bool,
) -> list[LoanEvent]:
    """What was charged by the terms alone. `always`: also where that is nothing, so that nobody looks again."""
    if not entries and not always:
        return []
    return [
        ChargesPosted(
            **about(loan, now),
            booking_date=today,
            postings=_postings((entry.line, entry.amount_minor) for entry in entries),
            charged_until=loan.reached,
            charges=tuple(charge_of(charge) for charge in charges),
        )
    ]


def charge_of(charged: Charged) -> Charge:
    """A charge as events tell it."""
    return Charge(
        charged_on=charged.on,
        component=charged.component,
        installment=charged.installment,
        amount_minor=charged.amount_minor,
        asked_minor=charged.asked_minor if charged.rule else ABSENT,
        rule=charged.rule or ABSENT,
    )


def _restatement(case: _Case, found: _Difference, cause: str, now: Standing) -> Iterator[LoanEvent]:
    loan, fact = case.after, case.fact
    changes = list(found.restated.values())
    chunks = [changes[start : start + AT_ONCE] for start in range(0, len(changes), AT_ONCE)]
    for part, chunk in enumerate(chunks, 1):
        yield AllocationsRestated(
            **about(loan, now),
            booking_date=case.known_on,
            postings=_postings((line, amount) for change in chunk for line, amount in change.lines.items()),
            cause=cause,
            caused_by=fact.about if fact.kind == TAKE_BACK else fact.id,
            restated_on=case.known_on,
            counted_on=fact.on,
            part=part,
            parts=len(chunks),
            transactions=tuple(change.transaction for change in chunk if change.transaction),
            charges=tuple(charge for change in chunk for charge in change.charges),
        )


def _schedule_changed(before: Tally, after: Loan, cause: str, on: date, now: Standing) -> Iterator[LoanEvent]:
    """Where later installments ask for other amounts than before."""
    was, is_now = before.parts, after.known.parts
    if not was or not is_now or [part.amount_minor for part in was] == [part.amount_minor for part in is_now]:
        return
    yield ScheduleChanged(
        **about(after, now),
        cause=cause,
        effective_on=on,
        installments=tuple(_asks(part, after.agreement) for part in sorted(is_now, key=lambda part: part.number)),
    )


def _asks(part: Part, agreement: Agreement) -> InstallmentAsks:
    if agreement.revolving:
        return InstallmentAsks(
            number=part.number,
            due_on=part.due_on,
            principal_minor=part.billed.principal_minor if part.billed else 0,
            interest_minor=part.billed.interest_minor if part.billed else 0,
            fee_minor=part.billed.fee_minor if part.billed else 0,
        )
    principal_minor = part.repaid_minor + part.principal_minor
    charged_minor = part.charged_interest_minor + part.uncharged_interest_minor
    interest_minor = charged_minor if part.has_fallen else max(charged_minor, part.amount_minor - principal_minor)
    return InstallmentAsks(
        number=part.number,
        due_on=part.due_on,
        principal_minor=principal_minor,
        interest_minor=interest_minor,
        fee_minor=part.fee_minor + part.uncharged_fee_minor,
    )


def _allocations(shares: Sequence[Share]) -> tuple[Allocation, ...]:
    """By component and installment, in the order in which they were paid."""
    amounts: Counter[tuple[str, int]] = Counter()
    for component, installment, amount_minor in shares:
        if component != CREDIT:
            amounts[component, installment] += amount_minor
    return tuple(
        Allocation(component=component, installment=installment, amount_minor=amount_minor)
        for (component, installment), amount_minor in amounts.items()
    )


def _credited(shares: Sequence[Share]) -> int:
    return sum(share.amount_minor for share in shares if share.component == CREDIT)


def _postings(lines: Iterable[tuple[Line, int]]) -> tuple[Posting, ...]:
    amounts: Counter[Line] = Counter()
    for line, amount_minor in lines:
        amounts[line] += amount_minor
    return tuple(_posting(line, amount_minor) for line, amount_minor in sorted(amounts.items()) if amount_minor)


def _posting(line: Line, amount_minor: int) -> Posting:
    if not line.component:
        return Posting(account=line.account, amount_minor=amount_minor, value_date=line.value_date)
    return Posting(
        account=line.account,
        amount_minor=amount_minor,
        value_date=line.value_date,
        component=line.component,
        installment=line.installment,
    )
