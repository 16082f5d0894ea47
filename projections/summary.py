"""One line of English about an event, for people who read a trail."""

from collections.abc import Callable

from ledger.domain.book import Book
from ledger.domain.money import format_minor
from schemas.books.events import BookOpened, DayClosed, EventSkipped
from schemas.loans.events import LoanOpened, LoanPaidOff, LoanReopened
from schemas.overdue.events import InstallmentCured, InstallmentOverdue, OverdueWithdrawn
from schemas.payments.events import PaymentReceived, PaymentReversed
from schemas.values import Event, LoanEvent


def summarize(event: Event, book: Book) -> str:
    """What happened, with amounts in the currency's own notation; the type itself where no words are known."""
    match event:
        case BookOpened():
            return f"opened book {event.book_id} in {event.time_zone}, {', '.join(sorted(event.currencies))}"
        case DayClosed():
            return f"closed {event.business_date}, {_count(event.loans_visited, 'loan')} visited"
        case EventSkipped():
            whose = event.projection or "all projections"
            return f"skipped the event at position {event.position:,} for {whose}: {event.reason}"
        case LoanEvent():
            exponent = book.exponent(event.currency)
            return _about_loan(event, lambda minor: f"{format_minor(minor, exponent)} {event.currency}")
    return event.TYPE


def _about_loan(event: LoanEvent, money: Callable[[int], str]) -> str:
    text = event.TYPE
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
        case InstallmentOverdue():
            text = f"installment {event.installment}, due {event.due_on}, lacked {money(event.overdue_minor)}"
        case InstallmentCured():
            late = _count(event.days_past_due, "day")
            text = f"installment {event.installment} covered on {event.cured_on}, {late} late"
        case OverdueWithdrawn():
            text = f"installment {event.installment} was never overdue: covered on {event.covered_on}"
    return text


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
