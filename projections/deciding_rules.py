"""Which rule decided a line of an event, in the words of the servicing policy that its loan was agreed with."""

from collections.abc import Collection, Iterable
from datetime import date
from typing import NamedTuple

from ledger.domain.applied_rules import allocation_rule_of
from ledger.domain.loan import Loan, apply
from projections.recorded_facts import RecordedFact
from schemas.loans.events import ChargesPosted, FeeCharged, LoanDisbursed, LoanOpened, LoanWrittenOff
from schemas.loans.servicing import AllocationRule
from schemas.payments.events import (
    AllocationsRestated,
    AmountWaived,
    CreditRefunded,
    CreditUnclaimed,
    GoodwillCredited,
    MerchantRefunded,
    PaymentReceived,
    RecoveryReceived,
)
from schemas.values import LoanEvent

ALLOCATION = "allocation"

_BY_COMPONENT = {
    "interest": "accrual",
    "penalty_interest": "penalty_interest",
    "fee": "late_fee_or_agreed_fee",
}


class PostedLine(NamedTuple):
    """Of a line, what its rule depends on."""

    value_date: date
    component: str | None
    installment: int | None
    amount_minor: int


def applied_allocations(facts: Iterable[RecordedFact], positions: Collection[int]) -> dict[int, AllocationRule]:
    """By position, the order of allocation that held for money of some events. `facts`: a loan's, from the first."""
    loan: Loan | None = None
    found: dict[int, AllocationRule] = {}
    for fact in facts:
        if loan and fact.position in positions and (rule := allocation_rule_of(loan, fact.event)):
            found[fact.position] = rule
        loan = apply(loan, fact.event)
    return found


def rule_of(event: LoanEvent, line: PostedLine) -> str:  # noqa: PLR0911 - one line for each kind of event
    """See `TracedLine`."""
    match event:
        case LoanOpened() | LoanDisbursed():
            return "terms"
        case ChargesPosted():
            return _charging(event, line)
        case FeeCharged():
            return f"cost_caps {event.rule}" if event.rule else "fee"
        case PaymentReceived() | MerchantRefunded() | GoodwillCredited() | RecoveryReceived():
            return "prepayment" if line.component == "principal" and line.amount_minor > 0 else ALLOCATION
        case AmountWaived():
            return "waiver"
        case CreditRefunded():
            return "credit_refund"
        case CreditUnclaimed():
            return "unclaimed_credit"
        case AllocationsRestated():
            return _restating(event, line)
        case LoanWrittenOff():
            return "write_off"
    return "reversal"


def _restating(event: AllocationsRestated, line: PostedLine) -> str:
    """What is restated: charges, or where money of that day went; all of a day and component is one line."""
    place = (line.value_date, line.component, line.installment)
    if any((each.charged_on, each.component, each.installment) == place for each in event.charges):
        return f"restatement {_BY_COMPONENT.get(line.component or '', 'terms')}"
    if any(each.counted_on == line.value_date for each in event.transactions):
        return "restatement allocation"
    return "restatement"


def _charging(event: ChargesPosted, line: PostedLine) -> str:
    """What time did: charges; and what fell due took credit, or moved principal to other installments."""
    place = (line.value_date, line.component, line.installment)
    charged = [each for each in event.charges if (each.charged_on, each.component, each.installment) == place]
    if charged:
        cut = [each.rule for each in charged if each.rule]
        return f"cost_caps {cut[0]}" if cut else _BY_COMPONENT.get(line.component or "", "terms")
    moves_principal = line.component == "principal" and not any(each.account == "credit" for each in event.postings)
    return "terms" if moves_principal else ALLOCATION
