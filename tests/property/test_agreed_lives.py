"""Lives of loans with interest that Hypothesis makes up: any policy, facts of any kind and date, in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import adjustments
from ledger.domain.fold import fold
from ledger.domain.loan import Loan, apply, next_action_on, settled
from ledger.domain.payments import Designation
from ledger.domain.terms import DayCount, Method, Revolving, Terms
from schemas.loans.servicing import AllocationRule, CostCap, LateFee, PenaltyInterest, Servicing
from schemas.values import LoanEvent, MoneyEvent
from tests.agreement_builders import DAY, AgreedLife, a_policy, some_terms
from tests.unit.balances import balances

LAST_DAY = 260
INCOME = {"interest_income", "fee_income", "penalty_income"}

policies = st.builds(
    lambda order, across, **chosen: a_policy(
        allocation=(
            AllocationRule(from_days_past_due=0, order=order[0], across=across),
            AllocationRule(from_days_past_due=40, order=order[1], across=across),
        ),
        waiver_limit_minor=10**9,
        **{name: value for name, value in chosen.items() if value is not None},
    ),
    order=st.tuples(*[st.permutations(["principal", "interest", "fee", "penalty_interest"]).map(tuple)] * 2),
    across=st.sampled_from(["installment", "component"]),
    accrual=st.sampled_from(["daily", "scheduled"]),
    accrual_rounding=st.sampled_from(["period", "stretch"]),
    early_money=st.sampled_from(["principal", "interest_first", "hold"]),
    prepayment=st.sampled_from(["next", "shorten", "lower"]),
    payoff_interest=st.sampled_from(["to_date", "to_due_date", "all"]),
)
charges = st.fixed_dictionaries({
    "penalty_interest": st.none() | st.builds(
        PenaltyInterest,
        day_count=st.just("actual/360"),
        uplift=st.sampled_from(["0.5", "1"]),
        grace_days=st.integers(0, 5),
        compounding=st.booleans(),
    ),
    "late_fee": st.none() | st.builds(
        LateFee,
        amount_minor=st.integers(1, 500),
        grace_days=st.integers(0, 5),
        again_after_days=st.sampled_from([0, 30]),
        at_most_minor=st.integers(100, 2000),
    ),
    "cost_caps": st.just(()) | st.builds(
        lambda rate: (CostCap(rule="cap", annual_rate=rate),), st.sampled_from(["0.05", "0.1", "0.24"])
    ),
})  # fmt: skip


Agreed = tuple[Terms, Servicing, int]
"""Terms, a policy that fits them, and what is paid out at first in minor units."""

minimums = st.builds(
    Revolving,
    days_to_pay=st.integers(1, 28),
    minimum_share=st.sampled_from(["0", "0.05", "0.5", "1"]),
    minimum_minor=st.sampled_from([0, 10_00]),
    interest_free=st.booleans(),
)


@st.composite
def agreements(draw: st.DrawFn) -> Agreed:
    """Of all kinds: installments, and balances that revolve within a limit that is never reached."""
    policy = draw(policies)
    chosen = {name: value for name, value in draw(charges).items() if value is not None}
    fields = {name: getattr(policy, name) for name in policy.__struct_fields__ if name != "policy"} | chosen
    rate, first_minor = draw(st.sampled_from(["0", "0.07", "0.24"])), draw(st.integers(50_00, 2000_00))
    if draw(st.integers(0, 3)) == 0:
        terms = some_terms(
            10**9,
            annual_rate=rate,
            term=draw(st.integers(10, 12)),
            method=Method.REVOLVING,
            day_count=draw(st.sampled_from([DayCount.THIRTY_360_US, DayCount.ACTUAL_365F])),
            revolving=draw(minimums),
        )
        return terms, a_policy(**fields | {"accrual": "daily"}), first_minor
    method = draw(st.sampled_from([Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY]))
    terms = some_terms(
        first_minor,
        annual_rate=rate,
        term=draw(st.integers(1, 7)),
        method=method,
        day_count=draw(st.sampled_from([DayCount.THIRTY_360_US, DayCount.ACTUAL_365F, DayCount.PERIOD])),
    )
    return terms, a_policy(**fields), first_minor


@dataclass(frozen=True)
class Entry:
    """A fact with its value date in days after the disbursement."""

    name: str
    kind: str
    amount_minor: int
    day: int


kinds = st.sampled_from(["pays", "pays", "designates", "draws", "refunded", "fee", "goodwill"])
entries = st.lists(st.tuples(kinds, st.integers(1, 600_00), st.integers(0, LAST_DAY)), max_size=7).map(
    lambda found: [Entry(f"e{number}", *each) for number, each in enumerate(found)]
)


def enter(life: AgreedLife, entry: Entry, today: date) -> None:
    on = DAY + timedelta(entry.day)
    wish = life.wish(entry.name, entry.amount_minor, on, today)
    match entry.kind:
        case "pays":
            life.pays(entry.amount_minor, on, name=entry.name, today=today)
        case "designates":
            component = ("principal", "interest", "fee", "penalty_interest", "")[entry.amount_minor % 5]
            number = 1 + entry.amount_minor // 5 % len(life.loan.agreement.installments)
            life.pays(
                entry.amount_minor,
                on,
                name=entry.name,
                today=today,
                designation=Designation(component, 0 if component else number, "test"),
            )
        case "draws":
            if life.terms.revolving:
                life.draws(entry.amount_minor, on, name=entry.name, today=today)
        case "refunded":
            life.merchant_refunds(entry.amount_minor, on, entry.name, today)
        case "fee":
            life.records(adjustments.charge_fee(life.loan, wish, name="certificate"))
        case "goodwill":
            life.records(adjustments.credit_goodwill(life.loan, wish, reason="kind", actor="a"))


@st.composite
def lives(draw: st.DrawFn) -> AgreedLife:
    """Day by day: facts that become known on their day or later, some undone again, and day ends."""
    life = AgreedLife(*draw(agreements()))
    waiting = draw(entries)
    for day in sorted(draw(st.lists(st.integers(0, LAST_DAY + 60), max_size=8))):
        today = DAY + timedelta(day)
        for entry in [each for each in waiting if each.day <= day and draw(st.booleans())]:
            waiting.remove(entry)
            enter(life, entry, today)
            if draw(st.integers(0, 4)) == 0:
                undo(life, entry, today, draw(st.sampled_from(["bank_return", "lender_error"])))
        if draw(st.booleans()):
            life.day_end(today)
    return life


def undo(life: AgreedLife, entry: Entry, today: date, cause: str) -> None:
    if entry.kind in {"pays", "designates"}:
        life.reverses(entry.name, today, cause)
    elif entry.kind != "draws":
        life.undoes(entry.name, today)


@given(life=lives())
def test_every_event_balances_on_every_value_date(life: AgreedLife) -> None:
    for event in life.events:
        if isinstance(event, MoneyEvent):
            sums: dict[date, int] = {}
            for posting in event.postings:
                sums[posting.value_date] = sums.get(posting.value_date, 0) + posting.amount_minor
            assert not any(sums.values())


@given(life=lives())
def test_a_replay_gives_the_state_and_the_balances_that_the_rules_saw(life: AgreedLife) -> None:
    loan: Loan | None = None
    for request in life.requests:
        for event in request:
            loan = apply(loan, event)
        assert loan
        work = fold(loan.agreement, loan.counted, loan.reached)
        assert settled(loan).known == work.tally()
    assert loan == life.loan
    posted = {cell: amount for cell, amount in balances(life.events).items() if cell[1] == "receivable"}
    owed: dict[tuple[str, int], int] = {}
    for (_, _, component, number), amount in posted.items():
        owed[component, number] = owed.get((component, number), 0) + amount
    assert sum(owed.values()) == settled(life.loan).known.owed_minor
    assert all(amount >= 0 for amount in owed.values())


@given(life=lives())
def test_postings_are_those_of_one_fold_from_zero(life: AgreedLife) -> None:
    loan = settled(life.loan)
    folded: dict[object, int] = {}
    for _, line, amount in fold(loan.agreement, loan.counted, loan.reached).entries:
        cell = line.value_date, line.account, line.component, line.installment
        folded[cell] = folded.get(cell, 0) + amount
    assert balances(life.events) == {cell: amount for cell, amount in folded.items() if amount}


@given(life=lives())
def test_no_component_is_ever_below_zero_on_any_date(life: AgreedLife) -> None:
    cells = balances(life.events)
    for component, number in {(cell[2], cell[3]) for cell in cells if cell[1] == "receivable"}:
        total = 0
        days = sorted({cell[0] for cell in cells})
        for day in days:
            total += cells.get((day, "receivable", component, number), 0)
            assert total >= 0, (component, number, day)


@given(life=lives())
def test_a_cap_is_never_crossed(life: AgreedLife) -> None:
    tally = settled(life.loan).known
    for cap, allowed in zip(life.policy.cost_caps, tally.allowed, strict=True):
        assert cap.annual_rate
        assert tally.charged_minor * allowed.denominator <= max(0, allowed.numerator)
    income = -sum(amount for (_, account, _, _), amount in balances(life.events).items() if account in INCOME)
    assert income == tally.charged_minor


@given(agreed=agreements(), entered=entries, data=st.data())
def test_the_order_of_entry_changes_no_balance_of_any_date(
    agreed: Agreed, entered: Sequence[Entry], data: st.DataObject
) -> None:
    today = DAY + timedelta(LAST_DAY + 30)
    found = []
    for order in (entered, data.draw(st.permutations(entered))):
        life = AgreedLife(*agreed)
        for entry in order:
            enter(life, entry, today)
        life.day_end(today)
        found.append((balances(life.events), standing(life), dict(life.loan.marks)))
    assert found[0] == found[1]


@given(agreed=agreements(), entered=entries, extra=st.integers(1, 500_00), day=st.integers(0, LAST_DAY))
def test_undoing_a_fact_leaves_what_there_would_be_without_it(
    agreed: Agreed, entered: Sequence[Entry], extra: int, day: int
) -> None:
    today = DAY + timedelta(LAST_DAY + 30)
    found = []
    for with_it in (True, False):
        life = AgreedLife(*agreed)
        for entry in entered:
            enter(life, entry, today)
        if with_it:
            enter(life, Entry("extra", "pays", extra, day), today)
            life.reverses("extra", today)
        life.day_end(today)
        found.append((balances(life.events), standing(life)))
    assert found[0] == found[1]


@given(agreed=agreements(), amount=st.integers(1, 500_00), day=st.integers(0, LAST_DAY), told=st.integers(1, 90))
def test_an_error_of_the_lender_leaves_no_trace_for_the_time_before_it_was_told(
    agreed: Agreed, amount: int, day: int, told: int
) -> None:
    paid_on, told_on = DAY + timedelta(day), DAY + timedelta(day + told)
    life = AgreedLife(*agreed)
    life.pays(amount, paid_on, name="wrong")
    life.day_end(told_on)
    before = {cell: amount for cell, amount in balances(life.events).items() if cell[1] in INCOME}
    marks = dict(life.loan.marks)
    life.reverses("wrong", told_on, "lender_error")
    after = {cell: amount for cell, amount in balances(life.events).items() if cell[1] in INCOME}
    assert {cell: amount for cell, amount in after.items() if cell[0] < told_on} == {
        cell: amount for cell, amount in before.items() if cell[0] < told_on
    }
    assert all(number in marks or mark.cured_on for number, mark in life.loan.marks)


@given(life=lives())
def test_day_end_comes_to_an_end(life: AgreedLife) -> None:
    for _ in range(25):
        due = next_action_on(life.loan)
        if due is None:
            break
        life.day_end(due)
        assert next_action_on(life.loan) != due
    assert settled(life.loan).known.written_off_on is None


@given(life=lives(), day=st.integers(0, LAST_DAY + 60))
def test_what_a_payoff_says_pays_the_loan_off(life: AgreedLife, day: int) -> None:
    on = max(DAY + timedelta(day), life.loan.reached)
    total_minor = life.payoff(on).total_minor
    if total_minor:
        life.pays(total_minor, on, name="last")
        assert settled(life.loan).known.owed_minor == 0
        assert life.loan.paid_off_on is not None or life.terms.revolving


def standing(life: AgreedLife) -> object:
    newest = next(event for event in reversed(life.events) if isinstance(event, LoanEvent))
    return newest.standing
