"""Lives of loans on which restatements and traces are tried, each request recorded by itself."""

from collections.abc import Sequence
from datetime import date

from ledger.domain import adjustments
from schemas.loans.servicing import AllocationRule, CostCap, LateFee, PenaltyInterest
from schemas.values import Event
from tests.agreement_builders import PENALTIES_FIRST, AgreedLife, a_policy, some_terms
from tests.integration.projections.recorded_book import RecordedBook

LOAN = "loan-1"
FIRST_DUE, SECOND_DUE = date(2024, 2, 1), date(2024, 3, 1)
BACKDATED = date(2024, 1, 20)


def an_agreed_life() -> AgreedLife:
    """100.00 USD in three installments: late, with late fee and penalty interest, paid, a fee of its own.

    Then it becomes known that money had come before the first due date, so that the mark and both charges never were;
    at last that money is returned.
    """
    policy = a_policy(
        accrual="daily",
        early_money="hold",
        allocation=(AllocationRule(from_days_past_due=0, order=PENALTIES_FIRST),),
        penalty_interest=PenaltyInterest(day_count="actual/360", uplift="0.5"),
        late_fee=LateFee(amount_minor=2_00),
        cost_caps=(CostCap(rule="a-third", annual_rate="0.33"),),
    )
    life = AgreedLife(some_terms(term=3), policy)
    life.day_end(date(2024, 2, 5))
    life.pays(40_00, date(2024, 2, 10), name="p1")
    life.records(adjustments.charge_fee(life.loan, life.wish("fee-1", 1_00, date(2024, 2, 12)), name="certificate"))
    life.pays(35_00, BACKDATED, name="p2", today=date(2024, 2, 20))
    life.day_end(SECOND_DUE)
    life.pays(60_00, date(2024, 3, 3), name="p3")
    life.reverses("p2", date(2024, 3, 10))
    return life


def recorded_life(recorded: RecordedBook, requests: Sequence[Sequence[Event]], loan: str = LOAN) -> list[int]:
    """Record a loan's requests; the positions of their events."""
    positions: list[int] = []
    for request in requests:
        if request:
            last = recorded.records(f"loan/{loan}", request)
            positions += range(last - len(request) + 1, last + 1)
    recorded.catches_up()
    return positions
