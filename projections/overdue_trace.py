"""Why a loan is as late as it is: what each counter says and by which rule, and every event that changed it."""

from collections import deque
from collections.abc import Iterable
from datetime import date, datetime
from functools import reduce

import msgspec

from ledger.domain.counters import CounterState, LateInstallment, lateness_on
from ledger.domain.loan import Loan, apply, settled
from projections.counting import TAKEN
from projections.recorded_facts import RecordedFact
from schemas.overdue.events import DelinquencyChanged
from schemas.values import LoanEvent


class OverdueChange(msgspec.Struct, frozen=True, kw_only=True):
    """An event that changed how late the loan is, or how that is counted. `fact`: its data."""

    position: int
    type: str
    hash: str
    value_date: date
    decided_at: datetime
    actor: str
    cause: str
    because_of: str | None
    fact: dict[str, object]


class OverdueTrace(msgspec.Struct, frozen=True, kw_only=True):
    """`counters` and late `installments` on `as_of`; `bucket`, `cure_minor` and `cure_by` as they were last told by an
    event known at `known_at` (null: nothing is overdue, or the last bucket is reached). `earlier_changes` are not
    shown."""

    loan: str
    currency: str
    as_of: date
    known_at: int
    counters: tuple[CounterState, ...]
    installments: tuple[LateInstallment, ...]
    bucket: str
    cure_minor: int
    cure_by: date | None
    earlier_changes: int
    changes: tuple[OverdueChange, ...]


def overdue_trace(facts: Iterable[RecordedFact], as_of: date, known_at: int, limit: int) -> OverdueTrace | None:
    """Of a loan's events up to a position; None where there are none. The newest `limit` changes."""
    loan: Loan | None = None
    newest: deque[OverdueChange] = deque(maxlen=limit)
    told: DelinquencyChanged | None = None
    count, last = 0, None
    for last in facts:
        loan = reduce(apply, [last.event], loan)
        if isinstance(last.event, DelinquencyChanged):
            told = last.event
        if isinstance(last.event, (DelinquencyChanged, *TAKEN)):
            newest.append(_change(last))
            count += 1
    if last is None or loan is None:
        return None
    late = lateness_on(settled(loan), as_of)
    return OverdueTrace(
        loan=last.event.loan_id,
        currency=last.event.currency,
        as_of=as_of,
        known_at=known_at,
        counters=tuple(late.counters),
        installments=tuple(late.installments),
        bucket=told.bucket if told else "M0",
        cure_minor=told.cure_minor if told else 0,
        cure_by=told.cure_by or None if told else None,
        earlier_changes=count - len(newest),
        changes=tuple(newest),
    )


def _change(fact: RecordedFact) -> OverdueChange:
    event: LoanEvent = fact.event
    said = event.as_plain()
    own = {name: value for name, value in said.items() if name not in {"loan_id", "currency", "standing", "basis"}}
    return OverdueChange(
        position=fact.position,
        type=fact.envelope.type,
        hash=fact.hash,
        value_date=fact.envelope.valuedate,
        decided_at=datetime.fromisoformat(fact.envelope.time),
        actor=fact.envelope.actor,
        cause=event.cause if isinstance(event, DelinquencyChanged) else "decision",
        because_of=event.because_of or None if isinstance(event, DelinquencyChanged) else None,
        fact=own,
    )
