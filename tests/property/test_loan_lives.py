"""Lives that Hypothesis makes up: payments of any size and date, reversals, day ends, in any order of entry."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial, reduce

from hypothesis import given
from hypothesis import strategies as st

from ledger.domain import counting
from ledger.domain.delinquency import COUNTERS, FREEZE, PAUSE, Pause
from ledger.domain.fold import fold
from ledger.domain.loan import Loan, apply, settled
from ledger.domain.transactions import PAYMENT
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from schemas.envelope import read
from schemas.overdue.events import DelinquencyChanged
from schemas.overdue.rules import CounterRule, OverdueRules
from schemas.payments.events import PaymentReceived
from schemas.registry import REGISTRY
from schemas.values import Event, LoanEvent, MoneyEvent
from tests.loan_builders import DUE, OPENED, Life, a_loan_opened, days

LAST_DAY = 100
AT = datetime(2026, 1, 5, tzinfo=UTC)

Step = Callable[[], object]


@dataclass(frozen=True)
class Entry:
    """A payment with its value date in days after the opening; `bounces`: it is reversed later."""

    name: str
    amount_minor: int
    day: int
    bounces: bool


entries = st.lists(
    st.builds(
        Entry,
        name=st.just(""),
        amount_minor=st.integers(1, 400),
        day=st.integers(0, LAST_DAY),
        bounces=st.booleans(),
    ),
    max_size=6,
).map(lambda found: [replace(entry, name=f"p{number}") for number, entry in enumerate(found)])


@dataclass(frozen=True)
class Counting:
    """Other rules for what falls due from some day on, or a pause; days after the opening. `until` None: open."""

    rule: CounterRule | None
    since: int
    until: int | None = None
    how: str = PAUSE


ways_to_count = st.builds(
    Counting,
    rule=st.builds(
        CounterRule,
        grace_days=st.integers(0, 10),
        counts_grace=st.booleans(),
        first_day=st.integers(0, 1),
        tolerance_minor=st.integers(0, 50),
    ),
    since=st.integers(0, LAST_DAY),
) | st.builds(
    Counting,
    rule=st.none(),
    since=st.integers(0, LAST_DAY),
    until=st.none() | st.integers(0, LAST_DAY),
    how=st.sampled_from([PAUSE, FREEZE]),
)

principals = st.lists(st.integers(1, 300), min_size=1, max_size=4)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A life by days: late entries, reversals and day ends that skip days, in any order within a day."""
    life, waiting = a_life(draw(principals)), draw(entries)
    for day in sorted(draw(st.lists(st.integers(0, LAST_DAY), max_size=12))):
        today = OPENED + timedelta(day)
        steps: list[Step] = [partial(life.day_end, today)]
        for entry in [entry for entry in waiting if entry.day <= day and draw(st.booleans())]:
            waiting.remove(entry)
            steps.append(partial(enter, life, entry, today))
        if counted := [payment.id for payment in life.loan.counted if payment.kind == PAYMENT]:
            steps += [partial(life.reverses, name, today) for name in counted if draw(st.booleans())]
        if draw(st.integers(0, 3)) == 0:
            steps.append(partial(count_otherwise, life, draw(ways_to_count), today))
        for step in draw(st.permutations(steps)):
            step()
    return life


def a_life(principals_minor: Sequence[int]) -> Life:
    opened = a_loan_opened(*principals_minor)
    loan = apply(None, opened)
    assert loan
    return Life(loan, [[opened]])


def enter(life: Life, entry: Entry, today: date) -> list[Event]:
    return life.pays(entry.amount_minor, OPENED + timedelta(entry.day), payment_id=entry.name, today=today)


def count_otherwise(life: Life, way: Counting, today: date) -> list[Event]:
    since = OPENED + timedelta(way.since)
    if way.rule:
        rules = OverdueRules(policy="drawn@2026-01-01", contractual=way.rule)
        return life.records(counting.set_rules(life.loan, rules, lambda _: lambda _: True, since=since, today=today))
    until = None if way.until is None else max(since, OPENED + timedelta(way.until))
    name = f"pause-{len(life.loan.agreement.overdue.pauses)}"
    wish = Pause(pause_id=name, counters=COUNTERS, how=way.how, since=since, until=until)
    return life.records(counting.pause(life.loan, wish, "relief", "", today=today))


def balances(events: Sequence[Event]) -> Counter[tuple[date, str, int]]:
    """Sums of postings by value date, account and installment; zeros left out."""
    sums: Counter[tuple[date, str, int]] = Counter()
    for event in events:
        if isinstance(event, MoneyEvent):
            for posting in event.postings:
                sums[posting.value_date, posting.account, posting.installment or 0] += posting.amount_minor
    return Counter({line: amount for line, amount in sums.items() if amount})


def account(events: Sequence[Event], name: str) -> int:
    return sum(amount for (_, account, _), amount in balances(events).items() if account == name)


@given(life=lives())
def test_no_event_makes_or_loses_money(life: Life) -> None:
    for event in life.events:
        if isinstance(event, MoneyEvent):
            assert sum(posting.amount_minor for posting in event.postings) == 0
        if isinstance(event, PaymentReceived):
            assert event.amount_minor == event.credit_minor + sum(part.amount_minor for part in event.allocations)


@given(life=lives())
def test_cash_in_is_what_was_allocated_and_what_is_credit(life: Life) -> None:
    cash_minor = sum(payment.amount_minor for payment in life.loan.counted if payment.kind == PAYMENT)
    lent_minor = sum(each.principal_minor for each in life.loan.agreement.installments)
    credit_minor, owed_minor = -account(life.events, "credit"), account(life.events, "receivable")
    assert account(life.events, "cash") == cash_minor
    assert cash_minor == credit_minor + lent_minor - owed_minor
    assert 0 <= owed_minor <= lent_minor
    assert credit_minor >= 0
    assert credit_minor == 0 or owed_minor == 0


@given(life=lives())
def test_no_installment_is_ever_paid_beyond_what_it_needs_on_any_date(life: Life) -> None:
    lines = balances(life.events)
    for due in life.loan.agreement.installments:
        owed_minor = 0
        for value_date in sorted({day for day, _, _ in lines}):
            owed_minor += lines[value_date, "receivable", due.number]
            assert 0 <= owed_minor <= due.principal_minor


@given(principals_minor=principals, entered=entries, data=st.data())
def test_the_order_of_entry_changes_no_balance_of_any_date(
    principals_minor: list[int], entered: list[Entry], data: st.DataObject
) -> None:
    one = life_of(principals_minor, entered)
    other = life_of(principals_minor, data.draw(st.permutations(entered)))
    never = life_of(principals_minor, [entry for entry in entered if not entry.bounces])
    assert balances(one.events) == balances(other.events) == balances(never.events)
    assert one.standing == other.standing == never.standing
    assert dict(one.loan.marks) == dict(other.loan.marks) == dict(never.loan.marks)
    assert one.loan.paid_off_on == other.loan.paid_off_on == never.loan.paid_off_on


def life_of(principals_minor: Sequence[int], entered: Sequence[Entry]) -> Life:
    """All of it becomes known on the last day, in the order given; day end comes between any two."""
    life, today = a_life(principals_minor), OPENED + timedelta(LAST_DAY + 60)
    for entry in entered:
        enter(life, entry, today)
        life.day_end(today)
        if entry.bounces:
            life.reverses(entry.name, today)
    life.day_end(today)
    return life


@given(life=lives())
def test_a_replay_gives_the_state_that_the_rules_saw(life: Life) -> None:
    assert reduce(apply, life.events, None) == life.loan


@given(life=lives())
def test_a_replay_from_stored_bytes_gives_the_same_state(life: Life) -> None:
    provenance = Provenance(
        book_id="main", actor="a:b", decided_at=AT, correlation_id="c", command_id=bytes(32), command_hash=bytes(32)
    )
    decision = Decision(head=StreamHead(stream="loan/loan-1"), events=life.events)
    request = encode([decision], provenance, partitions=12, event_ids=lambda: "019b8a5c-7c00-7000-8000-000000000001")
    restored = [REGISTRY.decode(read(event.state)) for event in request.events]
    assert restored == life.events
    assert reduce(apply, restored, None) == life.loan


@given(life=lives(), on=st.integers(0, LAST_DAY))
def test_after_a_visit_an_installment_is_open_and_marked_exactly_if_it_is_past_due(life: Life, on: int) -> None:
    today = OPENED + timedelta(LAST_DAY + on)
    life.day_end(today)
    overdue = life.loan.agreement.overdue
    for cover in fold(life.loan.agreement, life.loan.counted, today).parts:
        mark, covered = life.loan.mark(cover.number), cover.covered_on
        until = overdue.in_time_until(cover.due_on, cover.due_on)
        missing_minor = cover.asked_minor - cover.in_time_minor
        was_late = until is not None and missing_minor > overdue.rule_of(cover.due_on).tolerance_minor
        if covered is not None:
            assert (mark.cured_on if mark else None) == (covered if was_late and until and covered > until else None)
        elif cover.lacks_minor > overdue.rule_of(cover.due_on).tolerance_minor:
            is_open = mark is not None and mark.cured_on is None
            is_late = was_late and until is not None and today > until
            assert is_open == is_late or overdue.as_seen(today) != today
            assert is_late or not is_open


@given(life=lives())
def test_no_installment_is_marked_twice_for_one_fact(life: Life) -> None:
    """Between two marks of an installment it was cured, or the first one was withdrawn."""
    is_open: set[int] = set()
    for event in life.events:
        if isinstance(event, DelinquencyChanged):
            marked = {each.installment for each in event.marked}
            assert not marked & is_open
            is_open |= marked
            is_open -= {each.installment for each in event.cured} | {each.installment for each in event.withdrawn}
    assert is_open == {number for number, mark in life.loan.marks if mark.is_open}


@given(life=lives())
def test_a_request_leaves_one_event_about_lateness_at_most_and_it_follows_the_one_before(life: Life) -> None:
    bucket, as_of = "M0", date.min
    for request in life.requests:
        told = [event for event in request if isinstance(event, DelinquencyChanged)]
        assert len(told) <= 1
        for event in told:
            assert (event.bucket_before, event.as_of >= as_of) == (bucket, True)
            bucket, as_of = event.bucket, event.as_of


@given(life=lives())
def test_the_tally_kept_from_fact_to_fact_is_that_of_all_facts_at_once(life: Life) -> None:
    loan: Loan | None = None
    for event in life.events:
        loan = apply(loan, event)
        assert loan
        work = fold(loan.agreement, loan.counted, loan.reached)
        assert settled(loan).tally == work.tally()
        shared_minor = sum(share.amount_minor for shares in work.shares.values() for share in shares)
        assert shared_minor == work.paid_minor


@given(life=lives())
def test_a_second_visit_on_the_same_day_finds_nothing(life: Life) -> None:
    today = OPENED + timedelta(LAST_DAY)
    life.day_end(today)
    assert life.day_end(today) == []


@given(life=lives())
def test_every_standing_is_what_a_recomputation_from_the_events_before_gives(life: Life) -> None:
    loan: Loan | None = None
    for request in life.requests:
        loan = reduce(apply, request, loan)
        assert loan
        for event in request:
            assert isinstance(event, LoanEvent)
            assert event.standing == recomputed(loan, event)


def recomputed(loan: Loan, event: LoanEvent) -> object:
    """Standing after a request, from the loan that the request left behind."""
    tally = fold(loan.agreement, loan.counted, loan.reached).tally()
    needed = {part.number: part.principal_minor for part in tally.parts}
    marked = {number for number, mark in loan.marks if mark.cured_on is None}
    principal_minor = sum(needed.values())
    status = "overdue" if marked else "active" if principal_minor else "paid_off"
    lent_minor = sum(each.principal_minor for each in loan.agreement.installments)
    paid_minor = sum(payment.amount_minor for payment in loan.counted if payment.kind == PAYMENT)
    return type(event.standing)(
        status=status,
        principal_minor=principal_minor,
        overdue_minor=sum(needed[number] for number in marked),
        total_due_minor=principal_minor,
        credit_minor=paid_minor - lent_minor + principal_minor,
    )


told = st.lists(st.tuples(st.integers(0, LAST_DAY + 60), ways_to_count), max_size=3)
"""Other ways to count, each told on some day after the opening."""


@given(principals_minor=principals, entered=entries, ways=told)
def test_visits_on_the_next_dates_only_record_what_visits_on_every_day_record(
    principals_minor: list[int], entered: list[Entry], ways: list[tuple[int, Counting]]
) -> None:
    every_day = visited(principals_minor, entered, ways, always=True)
    assert every_day == visited(principals_minor, entered, ways, always=False)


def visited(
    principals_minor: Sequence[int], entered: Sequence[Entry], ways: Sequence[tuple[int, Counting]], *, always: bool
) -> list[Event]:
    """Payments become known on their day, bounce three days later, and day end comes each day or when asked for."""
    life = a_life(principals_minor)
    for day in range(LAST_DAY + 300):
        today = OPENED + timedelta(day)
        for entry in entered:
            if entry.day == day:
                enter(life, entry, today)
            if entry.bounces and entry.day + 3 == day:
                life.reverses(entry.name, today)
        for told_on, way in ways:
            if told_on == day:
                count_otherwise(life, way, today)
        if always or (life.next_action_on and life.next_action_on <= today):
            life.day_end(today)
    return life.events


@given(life=lives())
def test_a_loan_without_a_next_date_never_changes_by_itself(life: Life) -> None:
    if life.next_action_on is None:
        assert life.day_end(days(10_000)) == []
    else:
        assert life.next_action_on > DUE
        assert life.day_end(days(10_000)) != []
