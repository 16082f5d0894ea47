"""What was believed about a loan at one position, and what is known at a later one, figure by figure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from projections.figures import Changes, Figures
from projections.recorded_facts import RecordedFact
from projections.restatement_answers import (
    SECTIONS,
    EventReference,
    Figure,
    Figured,
    LoanRestatement,
    RestatedFigure,
    RestatementSection,
)
from schemas.loans.events import ChargesPosted, LoanPaidOff, LoanReopened, ScheduleChanged
from schemas.overdue.events import DelinquencyEvent
from schemas.payments.events import AllocationsRestated
from schemas.values import LoanEvent

_FOLLOWS = (AllocationsRestated, ChargesPosted, LoanPaidOff, LoanReopened, DelinquencyEvent, ScheduleChanged)
"""What is recorded because of something else in the same request, or because time has passed."""


@dataclass
class _Course:
    """How one figure went: what it was before, and the events that changed it."""

    before: Figured | None
    events: dict[int, EventReference] = field(default_factory=dict)


class Causes:
    """The fact in the request that an event belongs to, told event by event."""

    def __init__(self) -> None:
        self._fact: RecordedFact | None = None
        self._request: object = None

    def of(self, fact: RecordedFact) -> RecordedFact | None:
        """What an event followed from, where that is another event of its request."""
        request = fact.envelope.commandid
        if request != self._request or not request:
            self._fact, self._request = None, request
        if not isinstance(fact.event, _FOLLOWS):
            self._fact = fact
            return None
        return self._fact


def restatement(
    facts: Iterable[RecordedFact], after: int, until: int, as_of: date | None, *, everything: bool
) -> LoanRestatement | None:
    """Between two positions, of a loan's events up to the second one; None where there are none.

    `as_of`: only what counts by that value date. `everything`: also figures that are the same.
    """
    figures, causes = Figures(as_of), Causes()
    courses: dict[Figure, _Course] = {}
    last: LoanEvent | None = None
    for fact in facts:
        last = fact.event
        changes, cause = figures.apply(fact.event), causes.of(fact)
        if fact.position > after:
            _remember(courses, changes, [cause, fact] if cause else [fact])
    if last is None:
        return None
    restated = {each: course for each, course in courses.items() if course.before != figures.values.get(each)}
    shown = figures.values.keys() | restated.keys() if everything else restated.keys()
    found = [_restated(each, figures.values.get(each), restated.get(each)) for each in sorted(shown, key=_place)]
    return LoanRestatement(
        loan=last.loan_id,
        currency=last.currency,
        between=(after, until),
        as_of=as_of,
        restated=bool(restated),
        sections=tuple(_sections(found)),
    )


def reference(fact: RecordedFact) -> EventReference:
    return EventReference(position=fact.position, type=fact.envelope.type, hash=fact.hash)


def shown(name: str, value: Figured | None) -> Figured | None:
    """An amount that is not there is 0."""
    return 0 if value is None and name.endswith("_minor") else value


def _remember(courses: dict[Figure, _Course], changes: Changes, by: Iterable[RecordedFact]) -> None:
    for figure, (before, _) in changes.items():
        course = courses.setdefault(figure, _Course(before))
        course.events |= {fact.position: reference(fact) for fact in by}


def _restated(figure: Figure, after: Figured | None, course: _Course | None) -> tuple[str, RestatedFigure]:
    """With the section that it belongs to. No course: it is as it was."""
    name = figure.name
    return figure.section, RestatedFigure(
        name=name,
        before=shown(name, course.before if course else after),
        after=shown(name, after),
        changed_by=tuple(course.events.values()) if course else (),
        subject=figure.subject,
        on=figure.on,
        component=figure.component,
        installment=figure.installment,
    )


def _sections(found: list[tuple[str, RestatedFigure]]) -> Iterator[RestatementSection]:
    for name in SECTIONS:
        yield RestatementSection(name=name, figures=tuple(each for section, each in found if section == name))


def _place(figure: Figure) -> tuple[object, ...]:
    return figure.place
