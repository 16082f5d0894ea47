"""What a projection reads off recorded results is what the engine has, in lives that Hypothesis makes up."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.fold import fold
from ledger.domain.loan import Loan, apply
from ledger.domain.transactions import TAKE_BACK
from ledger.domain.working import Work
from projections.figures import Figures
from projections.restatement_answers import Figured
from schemas.values import Event, LoanEvent
from tests.agreement_builders import DAY, AgreedLife
from tests.golden.lives import whole_lives
from tests.property.test_agreed_lives import LAST_DAY, lives

Cells = dict[tuple[object, ...], Figured]


@settings(max_examples=50)
@given(life=lives(), day=st.integers(0, LAST_DAY + 60))
def test_figures_of_any_date_are_those_of_the_engine(life: AgreedLife, day: int) -> None:
    require_the_same(life.loan, life.events, min(DAY + timedelta(day), life.loan.reached))


def test_figures_of_whole_lives_are_those_of_the_engine() -> None:
    so_far: dict[str, list[Event]] = {}
    for stream, _, events, _ in (step for step in whole_lives() if step[0].startswith("loan/")):
        so_far.setdefault(stream, []).extend(events)
        loan = reduce(apply, so_far[stream], None)
        assert loan
        require_the_same(loan, so_far[stream], loan.reached)


def require_the_same(loan: Loan, events: Sequence[Event], as_of: date) -> None:
    counted = [each for each in loan.counted if each.on <= as_of]
    figures, work = Figures(as_of), fold(loan.agreement, counted, as_of)
    for event in events:
        assert isinstance(event, LoanEvent)
        figures.apply(event)
    assert told(figures, "charges", "charged_minor") == charged(work)
    assert told(figures, "allocations", "allocated_minor", "credit_minor") == placed(work)
    assert by_due_dates(told(figures, "installments", "covered_on"), work) == by_due_dates(covered(work), work)
    assert told(figures, "balances", "balance_minor", "credit_minor") == balances(work)
    if not any(each.kind == TAKE_BACK for each in counted):  # it takes what the engine counts as repaid, too
        assert principal_covered(figures) == {
            part.number: part.repaid_minor for part in work.parts if part.repaid_minor
        }


def told(figures: Figures, section: str, *names: str) -> Cells:
    return {
        (each.subject, each.on if section == "charges" else None, each.component, each.installment): value
        for each, value in figures.values.items()
        if each.section == section and each.name in names
    }


def principal_covered(figures: Figures) -> dict[int, Figured]:
    found = told(figures, "installments", "covered_minor")
    return {number: value for (_, _, component, number), value in found.items() if component == "principal"}  # type: ignore[misc] # keys are told apart by their places


def charged(work: Work) -> Cells:
    found: Counter[tuple[object, ...]] = Counter()
    for charge in work.charges:
        found["", charge.on, charge.component, charge.installment] += charge.amount_minor
    return {place: minor for place, minor in found.items() if minor}


def placed(work: Work) -> Cells:
    found: Counter[tuple[object, ...]] = Counter()
    for name, shares in work.shares.items():
        for share in shares:
            if not name.startswith("/"):  # what nobody entered: credit that was used
                found[name, None, share.component, share.installment] += share.amount_minor
    return {place: minor for place, minor in found.items() if minor}


def covered(work: Work) -> Cells:
    """Of installments that lack nothing: one that was given more principal since it was covered lacks that."""
    return {
        ("", None, "", part.number): part.covered_on for part in work.parts if part.covered_on and not part.lacks_minor
    }


def by_due_dates(cells: Cells, work: Work) -> Cells:
    """Of installments that have fallen due, since when they are covered; how long before that no event says."""
    due = {part.number: part.due_on for part in work.parts if part.has_fallen}
    return {place: max(due[place[-1]], value) for place, value in cells.items() if place[-1] in due}


def balances(work: Work) -> Cells:
    found: Cells = {
        ("", None, "", 0): work.credit_minor,
        ("", None, "principal", 0): sum(part.principal_minor for part in work.parts),
        ("", None, "interest", 0): sum(part.interest_minor for part in work.parts),
        ("", None, "fee", 0): sum(part.fee_minor for part in work.parts),
        ("", None, "penalty_interest", 0): sum(part.penalty_minor for part in work.parts),
    }
    return {place: minor for place, minor in found.items() if minor}
