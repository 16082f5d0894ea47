"""How an installment came to its state: every event that changed a figure of it, in the order of their positions."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date

from ledger.domain.errors import InstallmentNotFound
from projections.balance_trace import policy_of, servicing_of
from projections.figures import Changes, Figures
from projections.recorded_facts import RecordedFact
from projections.restatement import Causes, shown
from projections.restatement_answers import Figure
from projections.trace_answers import InstallmentTrace, StateFigure, TracedChange
from schemas.loans.servicing import Servicing


def installment_trace(
    facts: Iterable[RecordedFact], number: int, as_of: date | None, known_at: int, limit: int
) -> InstallmentTrace | None:
    """Of a loan's events up to a position; None where there are none. The newest `limit` changes.

    Raises `InstallmentNotFound` for a number that no schedule has told.
    """
    figures, causes = Figures(as_of), Causes()
    newest: deque[TracedChange] = deque(maxlen=limit)
    servicing: Servicing | None = None
    count, last = 0, None
    for last in facts:
        servicing = servicing_of(last) or servicing
        cause = causes.of(last)
        for change in _changes(figures.apply(last.event), number, last, cause, servicing):
            newest.append(change)
            count += 1
    if last is None:
        return None
    state = [each for each in figures.values if each.installment == number]
    if not state:
        raise _not_found(figures, last, number, known_at)
    return InstallmentTrace(
        loan=last.event.loan_id,
        currency=last.event.currency,
        installment=number,
        as_of=as_of,
        known_at=known_at,
        state=tuple(_state(figures, each) for each in sorted(state, key=lambda each: each.place)),
        earlier_changes=count - len(newest),
        changes=tuple(newest),
    )


def _changes(
    changes: Changes, number: int, fact: RecordedFact, cause: RecordedFact | None, servicing: Servicing | None
) -> Iterator[TracedChange]:
    for figure in sorted((each for each in changes if each.installment == number), key=lambda each: each.place):
        before, after = changes[figure]
        yield TracedChange(
            position=fact.position,
            type=fact.envelope.type,
            hash=fact.hash,
            value_date=fact.envelope.valuedate,
            section=figure.section,
            name=figure.name,
            before=shown(figure.name, before),
            after=shown(figure.name, after),
            policy=policy_of(fact, servicing),
            engine=fact.event.basis.engine,
            actor=fact.envelope.actor,
            request_id=fact.envelope.commandid or None,
            subject=figure.subject,
            on=figure.on,
            component=figure.component,
            because_position=cause.position if cause else None,
        )


def _state(figures: Figures, figure: Figure) -> StateFigure:
    return StateFigure(
        section=figure.section,
        name=figure.name,
        value=figures.values[figure],
        subject=figure.subject,
        on=figure.on,
        component=figure.component,
    )


def _not_found(figures: Figures, last: RecordedFact, number: int, known_at: int) -> InstallmentNotFound:
    known = sorted({each.installment for each in figures.values if each.section == "installments"})
    has = f"its installments are {known[0]} to {known[-1]}" if known else "it has none yet"
    return InstallmentNotFound(
        f"asked for installment {number} of loan {last.event.loan_id} as known at position {known_at}; {has}"
    )
