"""One line of English about an event, for people who read a trail."""

from collections.abc import Callable

from ledger.domain.book import Book
from ledger.domain.money import format_minor
from schemas.books.events import BookEvent, BookOpened, DayClosed, DayTotals, EventSkipped, PeriodClosed
from schemas.loans.events import (
    AgreementWithdrawn,
    ChargesPosted,
    CreditAgreed,
    DisbursementFailed,
    FeeCharged,
    LoanClosed,
    LoanDisbursed,
    LoanOpened,
    LoanPaidOff,
    LoanReopened,
    LoanWrittenOff,
    PartyJoined,
    PartyLeft,
    ScheduleChanged,
    StatementIssued,
)
from schemas.loans.lines import (
    LineClosed,
    LineDrawn,
    LineEvent,
    LineFrozen,
    LineLimitChanged,
    LineOpened,
    LineUnfrozen,
)
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.events import DelinquencyChanged
from schemas.overdue.restructuring import LoanRestructured, RestructuringWithdrawn
from schemas.payments.events import (
    AllocationsRestated,
    AmountWaived,
    CreditRefunded,
    CreditUnclaimed,
    GoodwillCredited,
    MerchantRefunded,
    PaymentDesignated,
    PaymentFailed,
    PaymentPending,
    PaymentReceived,
    PaymentReversed,
    RecoveryReceived,
    TransactionReversed,
)
from schemas.payments.mandates import (
    DebitCancelled,
    DebitNotified,
    DebitReturned,
    DebitSettled,
    DebitSubmitted,
    MandateAuthorised,
    MandateChanged,
    MandateRevoked,
)
from schemas.values import Event, LoanEvent


def summarize(event: Event, book: Book) -> str:
    """What happened, with amounts in the currency's own notation; the type itself where no words are known."""
    match event:
        case BookEvent():
            return _about_book(event)
        case LineEvent():
            exponent = book.exponent(event.currency)
            return _about_line(event, lambda minor: f"{format_minor(minor, exponent)} {event.currency}")
        case LoanEvent():
            exponent = book.exponent(event.currency)
            return _about_loan(event, lambda minor: f"{format_minor(minor, exponent)} {event.currency}")
    return event.TYPE


def _about_book(event: BookEvent) -> str:
    match event:
        case BookOpened():
            return f"opened book {event.book_id} in {event.time_zone}, {', '.join(sorted(event.currencies))}"
        case DayClosed():
            return f"closed {event.business_date}, {_count(event.loans_visited, 'loan')} visited"
        case DayTotals():
            marks = _count(sum(each.marks for each in event.overdue), "mark")
            return f"counted for {event.business_date} up to position {event.through_position:,}: {marks}"
        case PeriodClosed():
            return f"closed the books through {event.through}"
        case EventSkipped():
            whose = event.projection or "all projections"
            return f"skipped the event at position {event.position:,} for {whose}: {event.reason}"
    return event.TYPE


def _about_line(event: LineEvent, money: Callable[[int], str]) -> str:
    text = event.TYPE
    match event:
        case LineOpened():
            text = f"opened a line of {money(event.limit_minor)} for {event.party_id}, {event.product}"
        case LineLimitChanged():
            text = f"changed the limit to {money(event.limit_minor)}: {event.reason}"
        case LineFrozen():
            text = f"frozen: {event.reason}"
        case LineUnfrozen():
            text = f"frozen no more: {event.reason}"
        case LineDrawn():
            used = f"{money(event.used_minor)} of {money(event.limit_minor)} used"
            text = f"drew {money(event.amount_minor)} with loan {event.loan_id}, {used}"
        case LineClosed():
            text = f"closed: {event.reason}"
    return text


def _about_loan(event: LoanEvent, money: Callable[[int], str]) -> str:
    text = ""
    match event:
        case LoanOpened():
            last = max(line.due_on for line in event.installments)
            text = f"lent {money(event.principal_minor)}, {event.product}, due {last}"
        case LoanPaidOff():
            text = f"paid off on {event.paid_off_on}"
        case LoanReopened():
            text = f"owes {money(event.standing.total_due_minor)} again"
        case PaymentReceived():
            credit = f", {money(event.credit_minor)} of it credit" if event.credit_minor else ""
            text = f"received {money(event.amount_minor)} by {event.method} (payment {event.payment_id}){credit}"
        case PaymentReversed():
            text = f"reversed payment {event.payment_id} of {money(event.amount_minor)} ({event.cause})"
        case DelinquencyChanged():
            text = _about_lateness(event, money)
    return text or _about_its_life(event, money)


def _about_counting(event: LoanEvent) -> str:
    match event:
        case OverdueRulesSet():
            return f"overdue means {event.rules.policy} for what falls due from {event.since} on"
        case CountingPaused():
            until = f" to {event.until}" if event.until else ""
            counters = " and ".join(event.counters)
            return f"{event.how} of {counters} days from {event.since}{until}: {event.reason} ({event.pause_id})"
        case CountingResumed():
            return f"pause {event.pause_id} lasts until {event.until}"
        case LoanRestructured():
            first = f"first payment by them on {event.first_payment_on}"
            return f"terms were eased on {event.restructured_on}, {first}: {event.reason} ({event.restructuring_id})"
        case RestructuringWithdrawn():
            return f"{event.restructuring_id} was no restructuring: {event.reason}"
    return event.TYPE


def _about_lateness(event: DelinquencyChanged, money: Callable[[int], str]) -> str:
    parts = [
        f"installment {each.installment}, due {each.due_on}, lacked {money(each.overdue_minor)}"
        for each in event.marked
    ]
    parts += [
        f"installment {each.installment} covered on {each.cured_on}, {_count(each.days_past_due, 'day')} late"
        for each in event.cured
    ]
    parts += [
        f"installment {each.installment} was never overdue"
        + (f": covered on {each.covered_on}" if each.covered_on else "")
        for each in event.withdrawn
    ]
    if event.bucket != event.bucket_before and not parts:
        parts = [f"moved from {event.bucket_before} to {event.bucket}, {_count(event.days_past_due, 'day')} past due"]
    return "; ".join(parts)


def _about_its_life(event: LoanEvent, money: Callable[[int], str]) -> str:  # noqa: C901 - one for each type
    text = ""
    match event:
        case CreditAgreed():
            last = max(line.due_on for line in event.installments)
            text = f"agreed on {money(event.principal_minor)}, {event.product}, {len(event.installments)} due by {last}"
        case LoanDisbursed():
            text = f"paid out {money(event.amount_minor)} by {event.method} (disbursement {event.disbursement_id})"
        case DisbursementFailed():
            text = f"disbursement {event.disbursement_id} of {money(event.amount_minor)} failed: {event.reason}"
        case AgreementWithdrawn():
            text = f"borrower withdrew, owing {money(event.repay_minor)}"
        case ChargesPosted():
            text = f"charged {money(sum(charge.amount_minor for charge in event.charges))} up to {event.charged_until}"
        case FeeCharged():
            cut = f", cut by {event.rule}" if event.rule else ""
            text = f"charged {money(event.amount_minor)} for {event.name} (fee {event.fee_id}){cut}"
        case ScheduleChanged():
            text = f"installments changed from {event.effective_on} on ({event.cause})"
        case StatementIssued():
            asked = f"{money(event.minimum_minor)} of {money(event.balance_minor)} asked for by {event.due_on}"
            text = f"statement {event.statement}: {asked}"
        case LoanWrittenOff():
            text = f"wrote off {money(event.amount_minor)}: {event.reason}"
        case LoanClosed():
            text = f"closed: {event.reason}"
        case PartyJoined():
            text = f"{event.party.party_id} is {event.party.role} since {event.party.since}"
        case PartyLeft():
            text = f"{event.party_id} is {event.role} no more from {event.left_on} on: {event.reason}"
    return text or _about_money(event, money)


def _about_money(event: LoanEvent, money: Callable[[int], str]) -> str:
    text = ""
    match event:
        case PaymentPending():
            text = f"{money(event.amount_minor)} by {event.method} is on its way (payment {event.payment_id})"
        case PaymentFailed():
            text = f"payment {event.payment_id} of {money(event.amount_minor)} failed: {event.reason}"
        case MerchantRefunded():
            text = f"merchant gave back {money(event.amount_minor)} by {event.method} (refund {event.refund_id})"
        case GoodwillCredited():
            text = f"let the borrower off {money(event.amount_minor)}: {event.reason}"
        case AmountWaived():
            text = f"waived {money(event.amount_minor)} of {event.component}: {event.reason}"
        case CreditRefunded():
            text = f"refunded {money(event.amount_minor)} of credit by {event.method} (refund {event.refund_id})"
        case CreditUnclaimed():
            text = f"set {money(event.amount_minor)} of credit apart that nobody claims: {event.reason}"
        case RecoveryReceived():
            text = f"recovered {money(event.amount_minor)} by {event.method} (payment {event.payment_id})"
    return text or _about_corrections(event, money)


def _about_corrections(event: LoanEvent, money: Callable[[int], str]) -> str:
    text = ""
    match event:
        case PaymentDesignated():
            whose = f" of installment {event.installment}" if event.installment else ""
            text = f"payment {event.payment_id} is for {event.component or 'all'}{whose} ({event.rule})"
        case TransactionReversed():
            text = f"reversed {event.kind} {event.transaction_id} ({event.cause})"
        case AllocationsRestated():
            changed = f"{_count(len(event.transactions), 'transaction')} and {_count(len(event.charges), 'charge')}"
            text = f"restated {changed} because of {event.caused_by} (part {event.part} of {event.parts})"
    return text or _about_autopay(event, money)


def _about_autopay(event: LoanEvent, money: Callable[[int], str]) -> str:
    text = ""
    match event:
        case MandateAuthorised():
            most = money(event.mandate.at_most_minor)
            text = f"{event.party_id} allows debits up to {most} (mandate {event.mandate_id})"
        case MandateChanged():
            text = f"mandate {event.mandate_id} allows up to {money(event.mandate.at_most_minor)} a debit"
        case MandateRevoked():
            text = f"mandate {event.mandate_id} ended: {event.reason}"
        case DebitNotified():
            text = f"announced debit {event.debit_id} of {money(event.amount_minor)} on {event.collect_on}"
        case DebitSubmitted():
            text = f"presented debit {event.debit_id} of {money(event.amount_minor)}, attempt {event.attempt}"
        case DebitSettled():
            text = f"debit {event.debit_id} of {money(event.amount_minor)} settled, final on {event.final_on}"
        case DebitReturned():
            late = ", after it had settled" if event.was_settled else ""
            text = f"debit {event.debit_id} of {money(event.amount_minor)} returned: {event.code}{late}"
        case DebitCancelled():
            text = f"cancelled debit {event.debit_id}: {event.reason}"
    return text or _about_counting(event)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
