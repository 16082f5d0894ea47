"""Reads a scenario of a loan with terms and a policy, and replays it through the rules.

    day         does                                   events                       principal  interest  fees  ...
    2024-01-01  agrees on 100.00 at 0.07 for 3, daily  CreditAgreed, LoanDisbursed     100.00      0.00  0.00  ...

Columns begin where their headings do; amounts are written to the right. What can be done:

    agrees on AMOUNT at RATE for N, POLICY     and is paid out on the same day; POLICIES has the policies
    agrees to revolve AMOUNT at RATE, draws AMOUNT [, free]  statements on the last day of a month but one, due on the
                                               20th; a tenth of principal and 20.00 at least; free: if paid in full
    draws AMOUNT [on DATE]
    pays AMOUNT [on DATE] [as ID]              value date and name where the table needs them
    reverses ID [for CAUSE]                    bank_return unless told
    fee AMOUNT [as ID], goodwill AMOUNT [as ID], merchant refunds AMOUNT [as ID], refunds credit AMOUNT,
    unclaimed AMOUNT [as ID]
    waives AMOUNT of COMPONENT [as ID]
    undoes ID                                  a fee, waiver, goodwill, refund, unclaimed credit or write-off
    writes off [as ID], closes, withdraws, day end
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.domain import adjustments, opening
from ledger.domain.loan import settled
from ledger.domain.money import format_minor, parse_minor
from ledger.domain.terms import Method
from schemas.errors import LedgerError
from schemas.loans.events import ChargesPosted, StatementIssued
from schemas.loans.servicing import AllocationRule, CostCap, LateFee, PenaltyInterest
from schemas.overdue.events import DelinquencyChanged
from schemas.values import Event, LoanEvent
from tests.agreement_builders import AgreedLife, a_policy, revolving_terms, some_terms

HEADINGS = ("day", "does", "events", "principal", "interest", "fees", "penalty", "credit", "status")
_COLUMN = re.compile(r"\s{2,}")
_AGREES = re.compile(r"agrees on (\S+) at (\S+) for (\d+), (\w+)")
_REVOLVES = re.compile(r"agrees to revolve (\S+) at (\S+), draws ([0-9.]+)(, free)?")
_DRAWS = re.compile(r"draws (\S+)(?: on (\S+))?")
_PAYS = re.compile(r"pays (\S+)(?: on (\S+))?(?: as (\S+))?")
_REVERSES = re.compile(r"reverses (\S+)(?: for (\S+))?")
_AMOUNT = re.compile(r"(fee|goodwill|merchant refunds|refunds credit|unclaimed) (\S+)(?: as (\S+))?")
_WAIVES = re.compile(r"waives (\S+) of (\S+)(?: as (\S+))?")
_ONE = re.compile(r"(undoes|writes off as) (\S+)")

_FIRST = ("fee", "penalty_interest", "interest", "principal")
_PENALTY = PenaltyInterest(day_count="30/360", uplift="1")
POLICIES = {
    "daily": a_policy(accrual="daily"),
    "interest_first": a_policy(accrual="daily", early_money="interest_first"),
    "hold": a_policy(accrual="daily", early_money="hold"),
    "shorten": a_policy(accrual="daily", prepayment="shorten"),
    "lower": a_policy(accrual="daily", prepayment="lower"),
    "scheduled": a_policy(),
    "penalty": a_policy(accrual="daily", penalty_interest=_PENALTY),
    "grace": a_policy(accrual="daily", penalty_interest=PenaltyInterest(day_count="30/360", uplift="1", grace_days=3)),
    "late_fee": a_policy(accrual="daily", late_fee=LateFee(amount_minor=2_00, grace_days=3)),
    "late_fees": a_policy(
        accrual="daily", late_fee=LateFee(amount_minor=2_00, again_after_days=30, at_most_minor=5_00)
    ),
    "capped": a_policy(accrual="daily", cost_caps=(CostCap(rule="8 % a year", annual_rate="0.08"),)),
    "principal_first": a_policy(
        accrual="daily",
        allocation=(
            AllocationRule(from_days_past_due=0, order=_FIRST),
            AllocationRule(from_days_past_due=91, order=_FIRST[::-1], across="component"),
        ),
    ),
    "cooling_off": a_policy(accrual="daily", cooling_off_days=14),
    "generous": a_policy(accrual="daily", penalty_interest=_PENALTY, waiver_limit_minor=50_00),
}


@dataclass(frozen=True)
class Line:
    """One line of a table: what is done on a day, and what must come of it."""

    day: date
    does: str
    expected: tuple[str, ...]


class AgreedTable:
    """A scenario from its text."""

    def __init__(self, text: str) -> None:
        self.heading, _, body = text.strip().partition("\n\n")
        header, *rows = body.splitlines()
        assert tuple(header.split()) == HEADINGS, header
        starts = [header.index(heading) for heading in HEADINGS[:3]]
        self.lines = [_line(row, starts) for row in rows if row.strip()]

    def replay(self) -> list[tuple[str, ...]]:
        """What really comes of it: events, balances by component, credit and status of each line."""
        scene = Scene()
        return [scene.do(line) for line in self.lines]


class Scene:
    """The one loan of a table."""

    life: AgreedLife

    def do(self, line: Line) -> tuple[str, ...]:
        try:
            happened = ", ".join(_named(event) for event in self._events(line.day, line.does))
        except LedgerError as refusal:
            happened = f"refused {refusal.code}"
        tally = settled(self.life.loan).known
        newest = next(event for event in reversed(self.life.events) if isinstance(event, LoanEvent))
        amounts = (
            tally.principal_minor,
            sum(part.interest_minor for part in tally.parts),
            sum(part.fee_minor for part in tally.parts),
            sum(part.penalty_minor for part in tally.parts),
            tally.credit_minor,
        )
        return happened, *(format_minor(amount, 2) for amount in amounts), newest.standing.status

    def _events(self, day: date, does: str) -> Sequence[Event]:
        if found := _AGREES.fullmatch(does):
            flat = {"method": Method.FLAT_INTEREST} if found[4] == "scheduled" else {}
            terms = some_terms(_minor(found[1]), annual_rate=found[2], term=int(found[3]), disbursed_on=day, **flat)
            self.life = AgreedLife(terms, POLICIES[found[4]])
            return self.life.events
        if found := _REVOLVES.fullmatch(does):
            self.life = AgreedLife(
                revolving_terms(_minor(found[1]), day, annual_rate=found[2], is_free=bool(found[4])),
                first_minor=_minor(found[3]),
            )
            return self.life.events
        if found := _DRAWS.fullmatch(does):
            on = date.fromisoformat(found[2]) if found[2] else day
            return self.life.draws(_minor(found[1]), on, today=day)
        if found := _PAYS.fullmatch(does):
            on = date.fromisoformat(found[2]) if found[2] else day
            return self.life.pays(_minor(found[1]), on, name=found[3] or "", today=day)
        if found := _REVERSES.fullmatch(does):
            return self.life.reverses(found[1], day, found[2] or "bank_return")
        return self.life.records(self._adjusted(day, does))

    def _adjusted(self, day: date, does: str) -> Sequence[Event]:
        loan = self.life.loan
        if found := _AMOUNT.fullmatch(does):
            wish = self.life.wish(found[3] or f"a{len(loan.history)}", _minor(found[2]), day)
            adjust: dict[str, Callable[[], list[Event]]] = {
                "fee": lambda: adjustments.charge_fee(loan, wish, name="certificate"),
                "goodwill": lambda: adjustments.credit_goodwill(loan, wish, reason="r", actor="a", approved_by="b"),
                "merchant refunds": lambda: adjustments.refund_by_merchant(loan, wish, method="card"),
                "unclaimed": lambda: adjustments.set_credit_apart(loan, wish, reason="r"),
                "refunds credit": lambda: adjustments.refund_credit(loan, wish, method="card"),
            }
            return adjust[found[1]]()
        if found := _WAIVES.fullmatch(does):
            wish = self.life.wish(found[3] or f"a{len(loan.history)}", _minor(found[1]), day)
            return adjustments.waive(loan, wish, component=found[2], reason="r", actor="a")
        if found := _ONE.fullmatch(does):
            if found[1] == "undoes":
                return adjustments.reverse_transaction(loan, found[2], cause="misdirected", today=day)
            return adjustments.write_off(loan, found[2], on=day, today=day, reason="r")
        return self._simple(day, does)

    def _simple(self, day: date, does: str) -> Sequence[Event]:
        loan = self.life.loan
        match does:
            case "writes off":
                return adjustments.write_off(loan, "loss", on=day, today=day, reason="r")
            case "closes":
                return adjustments.close(loan, reason="r", today=day)
            case "withdraws":
                return opening.withdraw(loan, today=day)
        assert does == "day end", f"{does!r} is nothing that a scenario can do"
        return self.life.day_end(day)


def _line(row: str, starts: Sequence[int]) -> Line:
    day, does, rest = row[: starts[1]].strip(), row[starts[1] : starts[2]].strip(), row[starts[2] :].rstrip()
    *events, principal, interest, fees, penalty, credit, status = _COLUMN.split(rest.strip())
    return Line(date.fromisoformat(day), does, (" ".join(events), principal, interest, fees, penalty, credit, status))


def _named(event: Event) -> str:
    """An event with the one thing that a reader wants to know of it."""
    name = type(event).__name__
    if isinstance(event, ChargesPosted):
        return f"{name} {format_minor(sum(charge.amount_minor for charge in event.charges), 2)}"
    if isinstance(event, StatementIssued):
        return f"{name} {format_minor(event.minimum_minor, 2)} of {format_minor(event.balance_minor, 2)}"
    if isinstance(event, DelinquencyChanged):
        said = [*("Overdue" for _ in event.marked), *("Cured" for _ in event.cured)]
        return ", ".join([*said, *("Withdrawn" for _ in event.withdrawn)]) or "Moved"
    return name


def _minor(text: str) -> int:
    return parse_minor(text, "USD", 2)
