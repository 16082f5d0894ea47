"""What was believed and what is known: a restatement leads from one to the other, and names the events that did it."""

from itertools import combinations, pairwise

import msgspec
import pytest

from ledger.domain.errors import LoanNotFound
from projections.errors import WrongInterval
from projections.queries import Queries
from projections.restatement_answers import SECTIONS, LoanRestatement, RestatedFigure
from schemas.loans.events import ChargesPosted
from schemas.overdue.events import DelinquencyChanged
from schemas.payments.events import AllocationsRestated, PaymentReceived
from tests.golden.lives import whole_lives
from tests.integration.projections.recorded_book import RecordedBook, a_life, a_withdrawn_mark
from tests.integration.projections.traced_lives import (
    BACKDATED,
    FIRST_DUE,
    LOAN,
    SECOND_DUE,
    an_agreed_life,
    recorded_life,
)
from tests.loan_builders import days
from tests.statement_builders import a_charged_life

Belief = dict[tuple[object, ...], object]


def named(section: str, figure: RestatedFigure) -> tuple[object, ...]:
    return section, figure.subject, figure.on, figure.component, figure.installment, figure.name


def figures(found: LoanRestatement) -> dict[tuple[object, ...], RestatedFigure]:
    return {named(section.name, each): each for section in found.sections for each in section.figures}


def belief(queries: Queries, position: int, loan: str = LOAN) -> Belief:
    found = figures(queries.restatement(loan, position, position, everything=True))
    return {name: each.after for name, each in found.items()}


def applied(before: Belief, found: LoanRestatement) -> Belief:
    changed = {name: each.after for name, each in figures(found).items()}
    return {name: value for name, value in {**before, **changed}.items() if value}


def test_every_restatement_leads_from_what_was_believed_to_what_is_known(
    recorded: RecordedBook, queries: Queries
) -> None:
    positions = recorded_life(recorded, an_agreed_life().requests)
    known = {position: belief(queries, position) for position in positions}
    for after, until in combinations(positions, 2):
        found = queries.restatement(LOAN, after, until)
        assert applied(known[after], found) == known[until]
        for name, figure in figures(found).items():
            assert (figure.before or None) == known[after].get(name)
            assert figure.before != figure.after
            assert all(after < event.position <= until for event in figure.changed_by[-1:])


@pytest.mark.parametrize("make_events", [lambda: a_charged_life(LOAN), lambda: a_life(LOAN).events])
def test_step_by_step_or_at_once_is_the_same(recorded: RecordedBook, queries: Queries, make_events: object) -> None:
    assert callable(make_events)
    positions = recorded_life(recorded, [make_events()])
    stepwise: Belief = {}
    for after, until in pairwise([0, *positions]):
        stepwise = applied(stepwise, queries.restatement(LOAN, after, until))
    assert stepwise == applied({}, queries.restatement(LOAN, 0, positions[-1])) == belief(queries, positions[-1])


def test_a_life_with_all_that_can_happen_is_restated_request_by_request(
    recorded: RecordedBook, queries: Queries
) -> None:
    lives = [(stream, events) for stream, _, events, _ in whole_lives() if stream.startswith("loan/")]
    steps = [(stream.removeprefix("loan/"), events) for stream, events in lives]
    for loan in dict.fromkeys(name for name, _ in steps):
        known: Belief = {}
        after = 0
        for events in (each for name, each in steps if name == loan):
            *_, until = recorded_life(recorded, [events], loan)
            known = applied(known, queries.restatement(loan, after, until))
            after = until
        assert known == belief(queries, after, loan)


def test_balances_are_those_of_either_position_on_every_date(recorded: RecordedBook, queries: Queries) -> None:
    positions = recorded_life(recorded, an_agreed_life().requests)
    for on in (BACKDATED, FIRST_DUE, SECOND_DUE, days(400)):
        for position in positions[1:]:
            found = figures(queries.restatement(LOAN, position, position, as_of=on, everything=True))
            stated = {name[3] or name[-1]: each.after for name, each in found.items() if name[0] == "balances"}
            balance = queries.balance_as_of(LOAN, on, known_at=position)
            for component in ("principal", "interest", "fee", "penalty_interest"):
                assert stated.get(component, 0) == getattr(balance, f"{component}_minor")
            assert stated.get("total_due_minor", 0) == balance.total_due_minor
            assert stated.get("credit_minor", 0) == balance.credit_minor


def test_a_backdated_payment_restates_charges_marks_and_what_others_had_paid(
    recorded: RecordedBook, queries: Queries
) -> None:
    life = an_agreed_life()
    recorded_life(recorded, life.requests[:5])
    [after] = recorded.journal.after(0, 1000)[-1:]
    *_, until = recorded_life(recorded, life.requests[5:6])
    found = figures(queries.restatement(LOAN, after.position, until))
    mark = found["overdue_marks", "", None, "", 1, "state"]
    assert (mark.before, mark.after) == ("cured", "withdrawn")
    assert [event.type for event in mark.changed_by] == [PaymentReceived.TYPE, DelinquencyChanged.TYPE]
    late_fee = next(each for name, each in found.items() if name[0] == "charges" and each.component == "fee")
    assert (late_fee.before, late_fee.after) == (2_00, 0)
    assert late_fee.changed_by[-1].type == AllocationsRestated.TYPE
    assert any(name[:2] == ("allocations", "p1") for name in found)
    assert found["installments", "", None, "", 1, "covered_on"].after == FIRST_DUE


def test_a_figure_names_its_events_by_the_hashes_of_the_trail(recorded: RecordedBook, queries: Queries) -> None:
    positions = recorded_life(recorded, an_agreed_life().requests)
    trail = {line.position: line for line in queries.audit_trail(LOAN)}
    found = figures(queries.restatement(LOAN, 0, positions[-1]))
    events = [event for figure in found.values() for event in figure.changed_by]
    assert all((event.hash, event.type) == (trail[event.position].hash, trail[event.position].type) for event in events)
    assert {ChargesPosted.TYPE, AllocationsRestated.TYPE} <= {event.type for event in events}


def test_only_what_differs_is_shown_unless_all_is_asked_for(recorded: RecordedBook, queries: Queries) -> None:
    positions = recorded_life(recorded, [a_withdrawn_mark(LOAN).events])
    nothing = queries.restatement(LOAN, positions[-1], positions[-1])
    assert (nothing.restated, [section.name for section in nothing.sections]) == (False, list(SECTIONS))
    assert figures(nothing) == {}
    everything = queries.restatement(LOAN, positions[0], positions[-1], everything=True)
    assert figures(queries.restatement(LOAN, positions[0], positions[-1])).items() < figures(everything).items()


def test_a_restatement_is_read_back_from_its_json(recorded: RecordedBook, queries: Queries) -> None:
    positions = recorded_life(recorded, an_agreed_life().requests)
    found = queries.restatement(LOAN, 0, positions[-1], as_of=SECOND_DUE)
    assert msgspec.json.decode(msgspec.json.encode(found))["as_of"] == SECOND_DUE.isoformat()


def test_what_cannot_be_restated_is_refused(recorded: RecordedBook, queries: Queries) -> None:
    first, *_ = recorded_life(recorded, an_agreed_life().requests)
    with pytest.raises(WrongInterval, match="give an earlier position"):
        queries.restatement(LOAN, first + 1, first)
    with pytest.raises(LoanNotFound, match="nobody"):
        queries.restatement("nobody", 0, first)
    with pytest.raises(LoanNotFound, match="knew no such loan then"):
        queries.restatement(LOAN, 0, first - 1)
