"""Long lives of loans, made from a seed: after every single operation everything holds that must hold for all lives."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import pytest

from ledger.domain import adjustments
from ledger.domain.errors import AlreadyReversed, CreditTooSmall, LoanEnded, NothingToWaive
from ledger.domain.fold import fold
from ledger.domain.loan import Loan, apply, settled
from ledger.domain.terms import DayCount, Method
from ledger.domain.transactions import DISBURSEMENT, PAYMENT, TAKE_BACK
from schemas.loans.servicing import AllocationRule, CostCap, LateFee, PenaltyInterest, Servicing
from schemas.values import Event, MoneyEvent
from tests.agreement_builders import DAY, PENALTIES_FIRST, AgreedLife, a_policy, some_terms
from tests.unit.balances import Cell, balances

SHORT, LONG = 60, 200
INCOME = {"interest_income", "fee_income", "penalty_income"}
REFUSALS = (AlreadyReversed, CreditTooSmall, LoanEnded, NothingToWaive)
"""What a random wish may run into; nothing else may be raised."""


@dataclass
class LongLife:
    """A life that a seed decides: terms, policy, and one operation after the other while days go by."""

    random: Random
    today: date = DAY
    number: int = 0

    def __post_init__(self) -> None:
        choose = self.random.choice
        terms = some_terms(
            self.random.randint(500_00, 20_000_00),
            annual_rate=choose(["0", "0.07", "0.18", "0.36"]),
            term=choose([1, 6, 12, 24]),
            method=choose([Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY]),
            day_count=choose([DayCount.THIRTY_360_US, DayCount.ACTUAL_365F, DayCount.ACTUAL_360]),
        )
        self.life = AgreedLife(terms, _any_policy(self.random))

    @property
    def loan(self) -> Loan:
        return self.life.loan

    def operate(self) -> list[Event]:
        """Do one thing, on a day that is not before the last one."""
        self.today += timedelta(self.random.choice([0, 0, 1, 3, 9]))
        before = len(self.life.requests)
        with suppress(*REFUSALS):
            self.random.choice(_OPERATIONS)(self)
        return [event for request in self.life.requests[before:] for event in request]

    def pay(self) -> None:
        self.life.pays(self.amount(), self.some_day(), name=self.name(), today=self.today)

    def end_day(self) -> None:
        self.life.day_end(self.today)

    def reverse(self) -> None:
        payments = [each.id for each in self.loan.counted if each.kind == PAYMENT]
        if payments:
            causes = ["bank_return", "payer_dispute", "lender_error", "misdirected"]
            self.life.reverses(self.random.choice(payments), self.today, self.random.choice(causes))

    def undo(self) -> None:
        kinds = {PAYMENT, DISBURSEMENT, TAKE_BACK}
        others = [each.id for each in self.loan.counted if each.kind not in kinds]
        if others:
            self.life.undoes(self.random.choice(others), self.today)

    def refund_by_merchant(self) -> None:
        self.life.merchant_refunds(self.amount(), self.some_day(), self.name(), self.today)

    def refund_credit(self) -> None:
        credit_minor = settled(self.loan).known.credit_minor
        if credit_minor:
            self.life.refunds_credit(self.random.randint(1, credit_minor), self.today, self.name())

    def charge_fee(self) -> None:
        wish = self.life.wish(self.name(), self.random.randint(1, 20_00), self.some_day(), self.today)
        self.life.records(adjustments.charge_fee(self.loan, wish, name="letter"))

    def give(self) -> None:
        wish = self.life.wish(self.name(), self.random.randint(1, 50_00), self.some_day(), self.today)
        self.life.records(adjustments.credit_goodwill(self.loan, wish, reason="kind", actor="a"))

    def waive(self) -> None:
        component = self.random.choice(["interest", "fee", "penalty_interest"])
        wish = self.life.wish(self.name(), self.random.randint(1, 5_00), self.today, self.today)
        self.life.records(
            adjustments.waive(self.loan, wish, component=component, reason="kind", actor="a", approved_by="b")
        )

    def amount(self) -> int:
        return self.random.choice([self.random.randint(1, 5_00), self.random.randint(1, 900_00)])

    def some_day(self) -> date:
        """Today, or a day that is long past."""
        back = self.random.choice([0, 0, 0, self.random.randint(0, (self.today - DAY).days)])
        return self.today - timedelta(back)

    def name(self) -> str:
        self.number += 1
        return f"t{self.number}"


_OPERATIONS: tuple[Callable[[LongLife], None], ...] = (
    *(LongLife.pay,) * 6,
    *(LongLife.end_day,) * 4,
    *(LongLife.reverse,) * 2,
    LongLife.undo,
    LongLife.refund_by_merchant,
    LongLife.refund_credit,
    LongLife.charge_fee,
    LongLife.give,
    LongLife.waive,
)


def _any_policy(random: Random) -> Servicing:
    order = list(PENALTIES_FIRST)
    random.shuffle(order)
    across = random.choice(["installment", "component"])
    fields: dict[str, object] = {
        "allocation": (
            AllocationRule(from_days_past_due=0, order=PENALTIES_FIRST),
            AllocationRule(from_days_past_due=60, order=tuple(order), across=across),
        ),
        "accrual": random.choice(["daily", "scheduled"]),
        "early_money": random.choice(["principal", "interest_first", "hold"]),
        "prepayment": random.choice(["next", "shorten", "lower"]),
        "payoff_interest": random.choice(["to_date", "to_due_date", "all"]),
        "waiver_limit_minor": 10**9,
    }
    if random.random() < 0.6:
        fields["penalty_interest"] = PenaltyInterest(
            day_count="actual/360", uplift="0.5", grace_days=random.randint(0, 3), compounding=random.random() < 0.3
        )
    if random.random() < 0.6:
        fields["late_fee"] = LateFee(amount_minor=5_00, grace_days=2, again_after_days=30, at_most_minor=40_00)
    if random.random() < 0.5:
        fields["cost_caps"] = (CostCap(rule="cap", annual_rate=random.choice(["0.12", "0.24"])),)
    return a_policy(**fields)


def check(life: LongLife, events: list[Event], cells: Counter[Cell], replayed: Loan) -> Loan:
    """All that must hold after an operation; the loan as a replay has it."""
    for event in events:
        after = apply(replayed, event)
        assert after
        replayed = after
        if isinstance(event, MoneyEvent):
            assert not sum(posting.amount_minor for posting in event.postings)
    assert replayed == life.loan, "a replay gives the same state"
    cells.update(balances(events))
    known = settled(replayed).known
    work = fold(replayed.agreement, replayed.counted, replayed.reached)
    assert known == work.tally(), "going on gives what a fold from zero gives"
    folded: Counter[Cell] = Counter()
    for _, line, amount_minor in work.entries:
        folded[line] += amount_minor
    assert {cell: amount for cell, amount in cells.items() if amount} == {
        cell: amount for cell, amount in folded.items() if amount
    }, "all postings together are those of a fold from zero"
    _check_amounts(life, cells, known.owed_minor, known.credit_minor)
    for cap, allowed in zip(life.life.policy.cost_caps, known.allowed, strict=True):
        assert known.charged_minor * allowed.denominator <= max(0, allowed.numerator), cap.rule
    return replayed


def _check_amounts(life: LongLife, cells: Counter[Cell], owed_minor: int, credit_minor: int) -> None:
    totals: Counter[str] = Counter()
    by_installment: dict[tuple[str, int], list[tuple[date, int]]] = {}
    for (day, account, component, number), amount_minor in cells.items():
        totals[account] += amount_minor
        if account == "receivable":
            by_installment.setdefault((component, number), []).append((day, amount_minor))
    assert sum(totals.values()) == 0, "money is neither made nor lost"
    assert (totals["receivable"], -totals["credit"]) == (owed_minor, credit_minor)
    assert -sum(totals[account] for account in INCOME) == settled(life.loan).known.charged_minor
    for place, changes in by_installment.items():
        balance_minor = 0
        sums: Counter[date] = Counter()
        for day, amount_minor in changes:
            sums[day] += amount_minor
        for day in sorted(sums):
            balance_minor += sums[day]
            assert balance_minor >= 0, (place, day, "no component is ever below zero")


def live(seed: int, operations: int) -> None:
    life = LongLife(Random(seed))
    cells: Counter[Cell] = Counter(balances(life.life.events))
    replayed = life.loan
    for _ in range(operations):
        replayed = check(life, life.operate(), cells, replayed)
    assert len(life.life.requests) > operations / 2, "most operations came to something"


@pytest.mark.parametrize("seed", range(6))
def test_everything_holds_after_every_operation_of_a_long_life(seed: int) -> None:
    live(seed, SHORT)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1000, 1500))
def test_everything_holds_after_every_operation_of_many_long_lives(seed: int) -> None:
    live(seed, LONG)
