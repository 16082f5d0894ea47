"""Loans whose lives have an event of every type that the one loan of the story has not."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from ledger.domain import adjustments, counting, lines, mandates, opening, parties, payments, restructuring
from ledger.domain.adjustments import Wish
from ledger.domain.delinquency import Pause
from ledger.domain.due_dates import OpenDays
from ledger.domain.loan import Loan, apply, next_action_on
from ledger.domain.opening import Signed
from ledger.domain.restructured import Restructuring
from ledger.domain.terms import DayCount, Method, Revolving, Terms
from ledger.domain.visiting import visit
from schemas.loans.events import Party
from schemas.loans.servicing import AllocationRule, CostCap, LateFee, PenaltyInterest, Servicing
from schemas.overdue.events import InstallmentCured, InstallmentOverdue, OverdueWithdrawn
from schemas.overdue.rules import CounterRule, OverdueRules
from schemas.payments.mandates import DebitRules, MandateTerms
from schemas.values import Basis, Event, LoanEvent

Step = tuple[str, date, Sequence[Event], date | None]
Decide = Callable[[Loan], Sequence[Event]]

_BASIS = Basis(engine="2", policy="consumer/cn@2026-01", tzdata="2025.2")
_SERVICING = Servicing(
    policy="consumer/cn@2026-01",
    allocation=(
        AllocationRule(from_days_past_due=0, order=("fee", "penalty_interest", "interest", "principal")),
        AllocationRule(from_days_past_due=91, order=("principal", "interest", "fee", "penalty_interest")),
    ),
    accrual="daily",
    early_money="interest_first",
    prepayment="lower",
    penalty_interest=PenaltyInterest(day_count="actual/360", uplift="0.5", grace_days=3),
    late_fee=LateFee(amount_minor=10_00, grace_days=3, at_most_minor=20_00),
    cost_caps=(CostCap(rule="agreed-48-percent", annual_rate="0.48"),),
    cooling_off_days=7,
    waiver_limit_minor=50_00,
)


def whole_lives() -> Iterator[Step]:
    """Five loans on the same terms: one with all that can happen, one that is lost, one that is withdrawn from,
    one that is paid by debits, one whose days past due are counted by rules of its own. And a credit line, a balance
    that revolves, and a loan of earlier versions."""
    yield from _life("xqd20260106", _STORY)
    yield from _life("xqd20260107", _LOST)
    yield from _life("xqd20260109", _DEBITED)
    yield from _line()
    yield from _life("xqd20260110", _REVOLVED, _revolving())
    yield from _life("xqd20260108", [(_on(1, 9), lambda loan: opening.withdraw(loan, today=_on(1, 9)))])
    yield from _life("xqd20260111", _COUNTED)
    yield from _of_earlier_versions()


def _of_earlier_versions() -> Iterator[Step]:
    """A loan whose installment is marked, cured and then found in time by events of types that are only read now."""
    opened = opening.open_bullet(
        None,
        "xqd20251105",
        500_00,
        "CNY",
        opened_on=date(2025, 11, 5),
        due_on=date(2025, 12, 5),
        today=date(2025, 11, 5),
        basis=_BASIS,
        borrower_id="b-7003",
    )
    yield "loan/xqd20251105", date(2025, 11, 5), opened, None
    assert isinstance(opened[0], LoanEvent)
    said: dict[str, Any] = {
        "loan_id": "xqd20251105",
        "currency": "CNY",
        "standing": opened[0].standing,
        "basis": _BASIS,
        "installment": 1,
        "due_on": date(2025, 12, 5),
    }
    marked = InstallmentOverdue(**said, overdue_minor=500_00, as_of=date(2025, 12, 6), days_past_due=1, bucket="M1")
    cured = InstallmentCured(**said, cured_on=date(2025, 12, 8), days_past_due=3)
    yield "loan/xqd20251105", date(2025, 12, 9), [marked, cured], None
    yield "loan/xqd20251105", date(2025, 12, 10), [OverdueWithdrawn(**said, covered_on=date(2025, 12, 5))], None


def _line() -> Iterator[Step]:
    """A credit line: drawn, its limit lowered, frozen and thawed, closed."""
    day = _on(1, 5)
    opened = lines.open_line(
        None, "cl-7", product="installments", party_id="b-7002", limit_minor=5000_00, currency="CNY", today=day
    )
    line = lines.apply(None, opened[0])
    assert line
    drawn = lines.draw(
        line, [], loan_id="xqd20260106", disbursement_id="out-2", amount_minor=1200_00, currency="CNY", today=day
    )
    rest = [
        *lines.change_limit(line, 3000_00, reason="income fell", today=day),
        *lines.freeze(line, reason="payer's dispute", today=day),
        *lines.unfreeze(line.changed(frozen_on=day), reason="dispute settled", today=day),
        *lines.close_line(line, [], reason="asked by the borrower", today=day),
    ]
    yield "line/cl-7", day, [*opened, *drawn, *rest], None


def _life(loan_id: str, steps: Sequence[tuple[date, Decide]], terms: Terms | None = None) -> Iterator[Step]:
    signed = _signed(terms)
    events = opening.agree(None, loan_id, signed, _no_calendars, today=_on(1, 5), basis=_BASIS)
    loan = _folded(None, events)
    yield f"loan/{loan_id}", _on(1, 5), events, None
    for day, decide in [(_on(1, 6), _pays_out("out-1")), *steps]:
        events = list(decide(loan))
        loan = _folded(loan, events)
        yield f"loan/{loan_id}", day, events, next_action_on(loan)


def _folded(loan: Loan | None, events: Sequence[Event]) -> Loan:
    for event in events:
        loan = apply(loan, event)
    assert loan
    return loan


def _revolving() -> Terms:
    return Terms(
        principal_minor=5000_00,
        currency="CNY",
        disbursed_on=_on(1, 6),
        annual_rate="0.18",
        term=12,
        method=Method.REVOLVING,
        day_count=DayCount.ACTUAL_365F,
        first_due_on=_on(2, 10),
        revolving=Revolving(days_to_pay=20, minimum_share="0.1", minimum_minor=50_00, interest_free=True),
    )


def _signed(revolving: Terms | None) -> Signed:
    terms = revolving or Terms(
        principal_minor=1200_00,
        currency="CNY",
        disbursed_on=_on(1, 6),
        annual_rate="0.18",
        term=3,
        day_count=DayCount.ACTUAL_360,
        jurisdiction="cn",
        lender="consumer_finance",
    )
    borrower = Party(party_id="b-7002", role="borrower", since=_on(1, 5))
    return Signed(terms, _SERVICING, "installments", "7f" * 32, (borrower,))


def _pays_out(name: str) -> Decide:
    return lambda loan: opening.disburse(
        loan,
        name,
        1200_00,
        "CNY",
        _no_calendars,
        paid_out_on=_on(1, 6),
        today=_on(1, 6),
        method="wallet",
        line_id="cl-7",
    )


def _pays(name: str, amount_minor: int, paid_on: date, today: date) -> Decide:
    return lambda loan: payments.receive_payment(
        loan, name, amount_minor, "CNY", paid_on=paid_on, today=today, method="bank_transfer"
    )


def _wish(name: str, amount_minor: int, on: date) -> Wish:
    return Wish(name, amount_minor, "CNY", on=on, today=on)


def _on(month: int, day: int) -> date:
    return date(2026, month, day)


def _closed_on_the_9th(_: str) -> OpenDays:
    return lambda day: day.day != 9


def _no_calendars(name: str) -> Callable[[date], bool]:
    raise AssertionError(f"no life needs the calendar {name}")


_GUARANTOR = Party(party_id="g-31", role="guarantor", since=_on(1, 7))
_STORY: list[tuple[date, Decide]] = [
    (_on(1, 6), lambda loan: opening.fail_disbursement(loan, "out-1", reason="account closed", today=_on(1, 6))),
    (_on(1, 6), _pays_out("out-2")),
    (_on(1, 7), lambda loan: parties.join(loan, _GUARANTOR, today=_on(1, 7))),
    (_on(1, 8), lambda loan: parties.leave(
        loan, "g-31", "guarantor", left_on=_on(1, 9), today=_on(1, 8), reason="replaced"
    )),
    (_on(2, 5), lambda loan: payments.announce_payment(
        loan, "wx-1", 410_00, "CNY", pending_on=_on(2, 5), today=_on(2, 5), method="card"
    )),
    (_on(2, 6), lambda loan: payments.fail_payment(loan, "wx-1", reason="limit of the card", today=_on(2, 6))),
    (_on(2, 6), lambda loan: visit(loan, business_date=_on(2, 6))),
    (_on(2, 11), lambda loan: visit(loan, business_date=_on(2, 11))),
    (_on(2, 12), _pays("bank-1", 900_00, _on(2, 12), _on(2, 12))),
    (_on(2, 13), lambda loan: adjustments.charge_fee(loan, _wish("fee-1", 5_00, _on(2, 13)), name="certificate")),
    (_on(2, 14), lambda loan: adjustments.waive(
        loan, _wish("waiver-1", 2_00, _on(2, 14)), component="fee", reason="complaint 81", actor="lender:ann"
    )),
    (_on(2, 15), lambda loan: adjustments.credit_goodwill(
        loan, _wish("goodwill-1", 60_00, _on(2, 15)), reason="complaint 81", actor="lender:ann",
        approved_by="lender:bo"
    )),
    (_on(2, 16), lambda loan: adjustments.refund_by_merchant(
        loan, _wish("merchant-1", 100_00, _on(2, 16)), method="card"
    )),
    (_on(2, 18), _pays("bank-2", 20_00, _on(2, 6), _on(2, 18))),
    (_on(2, 20), lambda loan: adjustments.reverse_transaction(
        loan, "goodwill-1", cause="lender_error", today=_on(2, 20)
    )),
    (_on(2, 21), lambda loan: payments.receive_payment(
        loan, "bank-4", 1_00, "CNY", paid_on=_on(2, 21), today=_on(2, 21), method="wallet",
        designation=payments.Designation("interest", 2, "agreement"),
    )),
    (_on(2, 25), _pays("bank-3", 900_00, _on(2, 25), _on(2, 25))),
    (_on(2, 26), lambda loan: adjustments.refund_credit(
        loan, _wish("refund-1", 10_00, _on(2, 26)), method="bank_transfer"
    )),
    (_on(2, 27), lambda loan: adjustments.set_credit_apart(
        loan, _wish("unclaimed-1", 5_00, _on(2, 27)), reason="three letters came back"
    )),
]  # fmt: skip
_MANDATE = MandateTerms(
    rail="ach",
    account_token="tok-5f1c",
    at_most_minor=500_00,
    rules=DebitRules(
        policy="ach@2014-09-19",
        attempts=3,
        within_days=180,
        notice_days=10,
        failures=3,
        final_days=60,
        again=("R01", "R09"),
        ending=("R07", "R10"),
    ),
    until=_on(12, 31),
)
_DEBITED: list[tuple[date, Decide]] = [
    (_on(1, 7), lambda loan: mandates.authorise(loan, "m-1", "b-7002", _MANDATE, today=_on(1, 7))),
    (_on(1, 8), lambda loan: mandates.change(
        loan, "m-1", _MANDATE.changed(at_most_minor=450_00), today=_on(1, 8)
    )),
    (_on(1, 27), lambda loan: mandates.take_next_step(loan, today=_on(1, 27))),
    (_on(2, 6), lambda loan: visit(loan, business_date=_on(2, 6))),
    (_on(2, 6), lambda loan: mandates.take_next_step(loan, today=_on(2, 6))),
    (_on(2, 9), lambda loan: mandates.return_(loan, "m-1-1", 1, "R01", returned_on=_on(2, 9), today=_on(2, 9))),
    (_on(2, 10), lambda loan: mandates.submit(loan, "m-1-1", today=_on(2, 10))),
    (_on(2, 12), lambda loan: mandates.settle(loan, "m-1-1", 2, settled_on=_on(2, 11), today=_on(2, 12))),
    (_on(2, 24), lambda loan: mandates.take_next_step(loan, today=_on(2, 24))),
    (_on(2, 25), lambda loan: mandates.return_(loan, "m-1-1", 2, "R10", returned_on=_on(2, 25), today=_on(2, 25))),
]  # fmt: skip
_LOST: list[tuple[date, Decide]] = [
    (_on(9, 1), lambda loan: adjustments.write_off(
        loan, "loss-1", on=_on(9, 1), today=_on(9, 1), reason="cannot be found"
    )),
    (_on(9, 9), _pays("court-1", 30_00, _on(9, 9), _on(9, 9))),
    (_on(9, 10), lambda loan: adjustments.close(loan, reason="sold", today=_on(9, 10))),
]  # fmt: skip
_REVOLVED: list[tuple[date, Decide]] = [
    (_on(1, 21), lambda loan: visit(loan, business_date=_on(1, 21))),
    (_on(2, 9), _pays("bank-9", 300_00, _on(2, 9), _on(2, 9))),
    (_on(2, 21), lambda loan: visit(loan, business_date=_on(2, 21))),
    (_on(2, 22), _pays("bank-10", 100_00, _on(1, 20), _on(2, 22))),
]

_CARD = OverdueRules(
    policy="cn_card@1900-01-01",
    calendar="cn",
    contractual=CounterRule(grace_days=3, tolerance_minor=10_00),
    bureau=CounterRule(grace_days=3, counts_grace=False, first_day=1),
    regulatory=CounterRule(tolerance_minor=100_00, tolerance_share="0.01"),
)
_FLOOD = Pause(
    pause_id="flood-2026",
    counters=("contractual", "bureau"),
    how="pause",
    since=_on(2, 10),
    until=_on(3, 10),
)
_EASED = Restructuring(restructuring_id="r-1", on=_on(3, 1), first_payment_on=_on(4, 5))
_COUNTED: Sequence[tuple[date, Decide]] = [
    (_on(1, 7), lambda loan: counting.set_rules(loan, _CARD, _closed_on_the_9th, since=_on(1, 5), today=_on(1, 7))),
    (_on(2, 20), lambda loan: counting.pause(loan, _FLOOD, "disaster", "flood of the river Hai", today=_on(2, 20))),
    (_on(2, 25), lambda loan: counting.resume(loan, "flood-2026", until=_on(2, 28), today=_on(2, 25))),
    (_on(3, 1), lambda loan: restructuring.restructure(loan, _EASED, "lost work in the flood", today=_on(3, 1))),
    (_on(3, 2), lambda loan: restructuring.withdraw(loan, "r-1", "meant for another loan", today=_on(3, 2))),
]
