"""A loan: money lent, to be paid back in installments.

active    something is owed, nothing of it is past due
overdue   at least one installment was not covered on its due date and still is not
paid_off  nothing is owed; money that still arrives becomes the borrower's credit

A loan never reads a clock and never asks what the rest of the book does. Its balances are the allocation of all
payments that count, in the order of their value dates; events record how that result changed.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ledger.domain.allocation import (
    PRINCIPAL,
    Cover,
    Coverage,
    Due,
    Payment,
    Share,
    cover,
    cover_all,
    difference,
    uncovered,
)
from ledger.domain.delinquency import bucket, days_past_due
from ledger.domain.errors import (
    AlreadyReversed,
    InvalidAmount,
    InvalidDate,
    LoanExists,
    PaymentExists,
    PaymentNotFound,
    UnknownCause,
    WrongCurrency,
)
from ledger.domain.history import NO_PAYMENTS, History
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.money import require_positive
from schemas.loans.events import InstallmentLine, LoanOpened, LoanPaidOff, LoanReopened
from schemas.overdue.events import InstallmentCured, InstallmentOverdue, OverdueWithdrawn
from schemas.payments.events import Allocation, PaymentReceived, PaymentReversed
from schemas.values import ABSENT, LARGEST_MINOR, Basis, Event, LoanEvent, Posting, Standing, State

ACTIVE, OVERDUE, PAID_OFF = "active", "overdue", "paid_off"

LAST_YEAR = 2999
"""Due dates go no further, so that date arithmetic always has room."""

CAUSES = ("bank_return", "payer_dispute", "lender_error")
"""Why a payment may be reversed."""


class Mark(State, frozen=True):
    """An installment that was found overdue; `cured_on` is the value date of the money that ended it."""

    cured_on: date | None = None


class Loan(State, frozen=True):
    """State of one loan, folded from its events. `coverage` is None where a payment came between others, or was taken
    away, since it was last worked out; `settled` does that."""

    loan_id: str
    currency: str
    opened_on: date
    dues: tuple[Due, ...]
    basis: Basis
    coverage: Coverage | None
    history: History
    reversed_ids: frozenset[str] = frozenset()
    marks: tuple[tuple[int, Mark], ...] = ()
    paid_off_on: date | None = None

    @property
    def counted(self) -> list[Payment]:
        """The payments that were not reversed, in the order in which they became known; takes time in a long life."""
        return [payment for payment in self.history.payments() if payment.payment_id not in self.reversed_ids]

    def mark(self, number: int) -> Mark | None:
        return dict(self.marks).get(number)


def settled(loan: Loan) -> Loan:
    """The same loan with its coverage known. To fold a long life costs no more than its length that way."""
    return loan if loan.coverage else loan.changed(coverage=cover_all(loan.dues, loan.counted)[0])


def _coverage(loan: Loan) -> Coverage:
    assert loan.coverage, "rules look at settled loans only"
    return loan.coverage


def open_bullet(
    existing: Loan | None,
    loan_id: str,
    principal_minor: int,
    currency: str,
    *,
    opened_on: date,
    due_on: date,
    today: date,
    basis: Basis,
    borrower_id: str | None = None,
) -> list[Event]:
    """Lend `principal_minor` (> 0, minor units) on `opened_on`, to be paid back at once on `due_on`."""
    require_identifier(loan_id, "loan")
    if borrower_id is not None:
        require_identifier(borrower_id, "borrower")
    if existing:
        raise LoanExists(f"asked to open loan {loan_id}, which was opened on {existing.opened_on}; choose another id")
    require_positive(principal_minor, currency, "a loan", "A loan lends something")
    if due_on < opened_on:
        raise InvalidDate(f"asked for loan {loan_id}, due on {due_on}, before it is opened on {opened_on}")
    if due_on.year > LAST_YEAR:
        raise InvalidDate(f"asked for loan {loan_id}, due on {due_on}; give a date up to the end of {LAST_YEAR}")
    if opened_on > today:
        raise InvalidDate(
            f"asked to open loan {loan_id} on {opened_on}; today is {today}. Open it when the day has come"
        )
    line = InstallmentLine(number=1, due_on=due_on, principal_minor=principal_minor)
    lent = Posting(
        account="receivable",
        amount_minor=principal_minor,
        value_date=opened_on,
        component=PRINCIPAL,
        installment=1,
    )
    paid_out = Posting(account="funding", amount_minor=-principal_minor, value_date=opened_on)
    return [
        LoanOpened(
            loan_id=loan_id,
            currency=currency,
            standing=Standing(
                status=ACTIVE,
                principal_minor=principal_minor,
                overdue_minor=0,
                total_due_minor=principal_minor,
                credit_minor=0,
            ),
            basis=basis,
            booking_date=today,
            postings=(lent, paid_out),
            product="bullet",
            opened_on=opened_on,
            principal_minor=principal_minor,
            installments=(line,),
            borrower_id=ABSENT if borrower_id is None else borrower_id,
        )
    ]


def receive_payment(
    loan: Loan,
    payment_id: str,
    amount_minor: int,
    currency: str,
    *,
    paid_on: date,
    today: date,
    method: str,
    received_at: str = "",
) -> list[Event]:
    """Take a payment of `amount_minor` (> 0) that counts from `paid_on`, and say all that follows from it.

    What exceeds the debt becomes the borrower's credit. A payment may become known late; it then changes what later
    ones had covered, and may cure, withdraw or correct overdue marks.
    """
    loan = settled(loan)
    require_identifier(payment_id, "payment")
    require_word(method, "payment method")
    _require_currency(loan, currency, f"record payment {payment_id}")
    require_positive(amount_minor, currency, "a payment", "To undo a payment, reverse it")
    if loan.history.find(payment_id):
        raise PaymentExists(f"asked to record payment {payment_id}, which loan {loan.loan_id} has already")
    _require_date(loan, paid_on, today, f"record payment {payment_id}")
    if amount_minor + _coverage(loan).paid_minor > LARGEST_MINOR:
        raise InvalidAmount(
            f"asked to record {amount_minor} {currency} (minor units) more; all payments then pass 2^53 - 1"
        )
    payment = Payment(payment_id=payment_id, amount_minor=amount_minor, paid_on=paid_on, received_at=received_at)
    before_shares: list[Share] = []
    if _coverage(loan).is_followed_by(payment):  # as almost every payment does: it changes nothing of what others cover
        coverage, shares = cover(_coverage(loan), payment)
        after = loan.changed(history=loan.history.with_payment(payment), coverage=coverage)
    else:
        after = settled(_with_payment(loan, payment))
        before_shares, shares = _changed_shares(loan, after)
    standing = _standing(after, today)
    own = [share for share in shares if share.payment == payment]
    return [
        PaymentReceived(
            loan_id=loan.loan_id,
            currency=loan.currency,
            standing=standing,
            basis=loan.basis,
            booking_date=today,
            postings=difference(before_shares, shares),
            payment_id=payment_id,
            amount_minor=amount_minor,
            paid_on=paid_on,
            method=method,
            allocations=tuple(
                Allocation(component=PRINCIPAL, installment=share.installment, amount_minor=share.amount_minor)
                for share in own
                if share.installment is not None
            ),
            credit_minor=sum(share.amount_minor for share in own if share.installment is None),
            received_at=received_at or ABSENT,
        ),
        *_consequences(after, standing, today),
    ]


def reverse_payment(loan: Loan, payment_id: str, *, cause: str, today: date) -> list[Event]:
    """Undo a payment as if it had never counted: what it covered is owed again since its value date."""
    if cause not in CAUSES:
        raise UnknownCause(f"asked to reverse payment {payment_id} for {cause!r}; give one of {', '.join(CAUSES)}")
    found = loan.history.find(payment_id)
    if found is None:
        raise PaymentNotFound(
            f"asked to reverse payment {payment_id}, which loan {loan.loan_id} does not have; see its history"
        )
    if payment_id in loan.reversed_ids:
        raise AlreadyReversed(f"asked to reverse payment {payment_id}, which is reversed already; nothing was changed")
    after = settled(_without_payment(loan, payment_id))
    before_shares, shares = _changed_shares(loan, after)
    standing = _standing(after, today)
    return [
        PaymentReversed(
            loan_id=loan.loan_id,
            currency=loan.currency,
            standing=standing,
            basis=loan.basis,
            booking_date=today,
            postings=difference(before_shares, shares),
            payment_id=payment_id,
            amount_minor=found.amount_minor,
            paid_on=found.paid_on,
            reversed_on=today,
            cause=cause,
        ),
        *_consequences(after, standing, today),
    ]


def visit(loan: Loan, *, business_date: date) -> Sequence[Event]:
    """Day end: mark what was not covered on its due date, for all days up to `business_date` at once."""
    loan = settled(loan)
    return _consequences(loan, _standing(loan, business_date), business_date)


def next_action_on(loan: Loan) -> date | None:
    """The first date on which day end must look at the loan: the day after the next unpaid, unmarked due date."""
    loan = settled(loan)
    waiting = [
        cover.due_on for cover in _coverage(loan).covers if cover.covered_on is None and loan.mark(cover.number) is None
    ]
    return min(waiting) + timedelta(days=1) if waiting else None


def apply(loan: Loan | None, event: Event) -> Loan | None:
    """Fold one recorded event; total, decides nothing."""
    if isinstance(event, LoanOpened):
        dues = tuple(
            Due(number=line.number, due_on=line.due_on, principal_minor=line.principal_minor)
            for line in event.installments
        )
        return Loan(
            loan_id=event.loan_id,
            currency=event.currency,
            opened_on=event.opened_on,
            dues=dues,
            basis=event.basis,
            coverage=uncovered(dues),
            history=NO_PAYMENTS,
        )
    return loan and _apply_known(loan, event)


def _apply_known(loan: Loan, event: Event) -> Loan:
    """Fold one event of a loan that is open."""
    match event:
        case PaymentReceived():
            payment = Payment(
                payment_id=event.payment_id,
                amount_minor=event.amount_minor,
                paid_on=event.paid_on,
                received_at=event.received_at or "",
            )
            return _with_payment(loan, payment)
        case PaymentReversed():
            return _without_payment(loan, event.payment_id)
        case InstallmentOverdue() | InstallmentCured() | OverdueWithdrawn():
            return _with_mark(loan, event)
        case LoanPaidOff():
            return loan.changed(paid_off_on=event.paid_off_on)
        case LoanReopened():
            return loan.changed(paid_off_on=None)
    return loan


def _with_mark(loan: Loan, event: InstallmentOverdue | InstallmentCured | OverdueWithdrawn) -> Loan:
    marks = tuple((number, mark) for number, mark in loan.marks if number != event.installment)
    match event:
        case InstallmentOverdue():
            marks = (*marks, (event.installment, Mark()))
        case InstallmentCured():
            marks = (*marks, (event.installment, Mark(cured_on=event.cured_on)))
    return loan.changed(marks=marks)


def _with_payment(loan: Loan, payment: Payment) -> Loan:
    history = loan.history.with_payment(payment)
    coverage = loan.coverage
    if coverage:
        coverage = cover(coverage, payment)[0] if coverage.is_followed_by(payment) else None
    return loan.changed(history=history, coverage=coverage)


def _without_payment(loan: Loan, payment_id: str) -> Loan:
    return loan.changed(reversed_ids=loan.reversed_ids | {payment_id}, coverage=None)


def _changed_shares(before: Loan, after: Loan) -> tuple[list[Share], list[Share]]:
    """All shares of all payments, as they were and as they are."""
    return cover_all(before.dues, before.counted)[1], cover_all(after.dues, after.counted)[1]


def _consequences(loan: Loan, standing: Standing, today: date) -> list[LoanEvent]:
    """What the payments now known make of marks and of the whole loan, beyond what is already recorded."""
    covers = _coverage(loan).by_number
    events = [event for due in loan.dues for event in _mark_changes(loan, due, covers[due.number], standing, today)]
    return [*events, *_ending(loan, standing, today)]


def _mark_changes(loan: Loan, due: Due, cover: Cover, standing: Standing, today: date) -> Iterator[LoanEvent]:
    mark, covered = loan.mark(due.number), cover.covered_on
    if covered is not None and covered <= due.due_on:
        if mark:
            yield _withdrawn(loan, due, standing, covered)
        return
    if not _is_late(loan, cover, today):
        return
    if mark is None or (mark.cured_on and covered is None):
        yield _overdue(loan, due, cover, standing, covered or today)
    if covered is not None and (mark is None or mark.cured_on != covered):
        yield _cured(loan, due, standing, covered)


def _is_late(loan: Loan, cover: Cover, today: date) -> bool:
    """Whether an installment is or was past due; once marked it stays so, whatever `today` a later caller gives."""
    if cover.covered_on is not None:
        return cover.covered_on > cover.due_on
    return today > cover.due_on or loan.mark(cover.number) is not None


def _ending(loan: Loan, standing: Standing, today: date) -> Iterator[LoanEvent]:
    dates = [cover.covered_on for cover in _coverage(loan).covers]
    paid_off_on = max((day for day in dates if day), default=None) if all(dates) else None
    if paid_off_on and paid_off_on != loan.paid_off_on:
        yield LoanPaidOff(
            loan_id=loan.loan_id, currency=loan.currency, standing=standing, basis=loan.basis, paid_off_on=paid_off_on
        )
    if loan.paid_off_on and not paid_off_on:
        yield LoanReopened(
            loan_id=loan.loan_id, currency=loan.currency, standing=standing, basis=loan.basis, reopened_on=today
        )


def _overdue(loan: Loan, due: Due, cover: Cover, standing: Standing, as_of: date) -> InstallmentOverdue:
    late = days_past_due(due.due_on, as_of)
    return InstallmentOverdue(
        loan_id=loan.loan_id,
        currency=loan.currency,
        standing=standing,
        basis=loan.basis,
        installment=due.number,
        due_on=due.due_on,
        overdue_minor=due.principal_minor - cover.in_time_minor,
        as_of=as_of,
        days_past_due=late,
        bucket=bucket(late),
    )


def _cured(loan: Loan, due: Due, standing: Standing, cured_on: date) -> InstallmentCured:
    return InstallmentCured(
        loan_id=loan.loan_id,
        currency=loan.currency,
        standing=standing,
        basis=loan.basis,
        installment=due.number,
        due_on=due.due_on,
        cured_on=cured_on,
        days_past_due=days_past_due(due.due_on, cured_on),
    )


def _withdrawn(loan: Loan, due: Due, standing: Standing, covered: date) -> OverdueWithdrawn:
    return OverdueWithdrawn(
        loan_id=loan.loan_id,
        currency=loan.currency,
        standing=standing,
        basis=loan.basis,
        installment=due.number,
        due_on=due.due_on,
        covered_on=covered,
    )


def _standing(loan: Loan, today: date) -> Standing:
    """Balances once all that is known is recorded: past due is what today's marks will say."""
    coverage = _coverage(loan)
    principal_minor = coverage.needed_minor
    late_minor = [
        cover.needed_minor for cover in coverage.covers if cover.needed_minor and _is_late(loan, cover, today)
    ]
    return Standing(
        status=OVERDUE if late_minor else ACTIVE if principal_minor else PAID_OFF,
        principal_minor=principal_minor,
        overdue_minor=sum(late_minor),
        total_due_minor=principal_minor,
        credit_minor=coverage.credit_minor,
    )


def _require_currency(loan: Loan, currency: str, asked: str) -> None:
    if currency != loan.currency:
        raise WrongCurrency(f"asked to {asked} in {currency}; loan {loan.loan_id} is in {loan.currency}. Convert first")


def _require_date(loan: Loan, value_date: date, today: date, asked: str) -> None:
    if value_date < loan.opened_on:
        raise InvalidDate(
            f"asked to {asked} on {value_date}; loan {loan.loan_id} was opened on {loan.opened_on}. "
            "Give that date or a later one"
        )
    if value_date > today:
        raise InvalidDate(f"asked to {asked} on {value_date}; today is {today}. Record it when it has arrived")
