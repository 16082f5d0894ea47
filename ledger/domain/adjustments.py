"""What changes a debt besides payments: fees, waivers, goodwill, refunds, a write-off; and undoing them."""

from datetime import date
from functools import partial

from ledger.domain.agreement import COMPONENTS, PRINCIPAL
from ledger.domain.errors import (
    AlreadyReversed,
    ApprovalMissing,
    CreditTooSmall,
    InstallmentNotFound,
    InvalidAmount,
    LoanEnded,
    NothingToWaive,
    PaymentExists,
    TransactionNotFound,
    UnknownCause,
)
from ledger.domain.fold import go_on
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.loan import Loan, settled
from ledger.domain.money import require_positive
from ledger.domain.outcomes import Fact, added, removed
from ledger.domain.payments import CAUSES, require_currency, require_money_date
from ledger.domain.payoff import payoff
from ledger.domain.standing import about, is_settled, standing
from ledger.domain.transactions import (
    CREDIT_REFUND,
    FEE,
    GOODWILL,
    MERCHANT_REFUND,
    UNCLAIMED,
    WAIVER,
    WRITE_OFF,
    Transaction,
)
from ledger.domain.working import Charged
from schemas.loans.events import FeeCharged, LoanClosed, LoanWrittenOff
from schemas.payments.events import (
    AmountWaived,
    CreditRefunded,
    CreditUnclaimed,
    GoodwillCredited,
    MerchantRefunded,
    TransactionReversed,
)
from schemas.values import ABSENT, Event, MoneyEvent

_REVERSIBLE = {FEE, WAIVER, GOODWILL, MERCHANT_REFUND, CREDIT_REFUND, UNCLAIMED, WRITE_OFF}


class Wish:
    """What everybody who adjusts a loan says: the name of it, how much, from when it counts, and today."""

    __slots__ = ("amount_minor", "business_date", "currency", "id", "on")

    def __init__(self, name: str, amount_minor: int, currency: str, *, on: date, today: date) -> None:
        self.id, self.amount_minor, self.currency, self.on, self.business_date = name, amount_minor, currency, on, today


def charge_fee(loan: Loan, wish: Wish, *, name: str, installment: int = 0) -> list[Event]:
    """Charge a fee with an installment (0: the next one). A cap may leave less of it, which the event then says."""
    loan = _checked(settled(loan), wish, "charge fee")
    require_word(name, "fee")
    numbers = [each.number for each in loan.agreement.installments]
    if installment and installment not in numbers:
        raise InstallmentNotFound(
            f"asked to charge fee {wish.id} with installment {installment}; loan {loan.loan_id} has installments "
            f"{numbers[0]} to {numbers[-1]}. Name one of them, or none for the next one"
        )
    number = installment or loan.agreement.next_number(wish.on)
    fact = Transaction(wish.id, FEE, wish.on, wish.amount_minor, number=number)

    def write(found: Fact) -> MoneyEvent:
        charged: Charged = found.charged[0]
        return FeeCharged(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            fee_id=wish.id,
            name=name,
            charged_on=wish.on,
            installment=charged.installment,
            amount_minor=charged.amount_minor,
            asked_minor=charged.asked_minor if charged.rule else ABSENT,
            rule=charged.rule or ABSENT,
        )

    return added(loan, fact, wish.business_date, write)


def waive(loan: Loan, wish: Wish, *, component: str, reason: str, actor: str, approved_by: str = "") -> list[Event]:
    """Give up a charge: interest, a fee or penalty interest that is owed on the day, at least as much as is waived."""
    loan = _checked(settled(loan), wish, "waive")
    if component not in COMPONENTS or component == PRINCIPAL:
        raise NothingToWaive(
            f"asked to waive {component!r}; give one of interest, fee and penalty_interest. Principal is given up by "
            "goodwill or a write-off"
        )
    _require_approval(loan, wish.amount_minor, actor, approved_by, "waive")
    fact = Transaction(wish.id, WAIVER, wish.on, wish.amount_minor, about=component)

    def write(found: Fact) -> MoneyEvent:
        waived_minor = sum(part.amount_minor for part in found.allocations)
        if waived_minor < wish.amount_minor:
            raise NothingToWaive(
                f"asked to waive {component} of {wish.amount_minor} {loan.currency} (minor units) on {wish.on}; loan "
                f"{loan.loan_id} owes {waived_minor} of it. Waive no more than that"
            )
        return AmountWaived(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            waiver_id=wish.id,
            waived_on=wish.on,
            component=component,
            amount_minor=wish.amount_minor,
            allocations=found.allocations,
            reason=reason,
            approved_by=approved_by or ABSENT,
        )

    return added(loan, fact, wish.business_date, write)


def credit_goodwill(loan: Loan, wish: Wish, *, reason: str, actor: str, approved_by: str = "") -> list[Event]:
    """Let the borrower off an amount as if it had been paid."""
    loan = _checked(settled(loan), wish, "credit")
    _require_approval(loan, wish.amount_minor, actor, approved_by, "credit")
    fact = Transaction(wish.id, GOODWILL, wish.on, wish.amount_minor)

    def write(found: Fact) -> MoneyEvent:
        return GoodwillCredited(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            credit_id=wish.id,
            credited_on=wish.on,
            amount_minor=wish.amount_minor,
            allocations=found.allocations,
            credit_minor=found.credit_minor,
            reason=reason,
            approved_by=approved_by or ABSENT,
        )

    return added(loan, fact, wish.business_date, write)


def refund_by_merchant(loan: Loan, wish: Wish, *, method: str) -> list[Event]:
    """Take back money from a merchant: due installments first, the rest makes all later ones smaller."""
    loan = _checked(settled(loan), wish, "take merchant refund")
    require_word(method, "method")
    fact = Transaction(wish.id, MERCHANT_REFUND, wish.on, wish.amount_minor)

    def write(found: Fact) -> MoneyEvent:
        return MerchantRefunded(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            refund_id=wish.id,
            refunded_on=wish.on,
            amount_minor=wish.amount_minor,
            method=method,
            allocations=found.allocations,
            credit_minor=found.credit_minor,
        )

    return added(loan, fact, wish.business_date, write)


def refund_credit(loan: Loan, wish: Wish, *, method: str) -> list[Event]:
    """Pay credit out to the borrower, no more than there is."""
    loan = _checked(settled(loan), wish, "refund credit", ended=True)
    require_word(method, "method")
    _require_credit(loan, wish, "refund")
    fact = Transaction(wish.id, CREDIT_REFUND, wish.on, wish.amount_minor)

    def write(found: Fact) -> MoneyEvent:
        return CreditRefunded(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            refund_id=wish.id,
            refunded_on=wish.on,
            amount_minor=wish.amount_minor,
            method=method,
        )

    return added(loan, fact, wish.business_date, write)


def set_credit_apart(loan: Loan, wish: Wish, *, reason: str) -> list[Event]:
    """Keep credit apart that nobody claims, no more than there is."""
    loan = _checked(settled(loan), wish, "set credit apart", ended=True)
    _require_credit(loan, wish, "set apart")
    fact = Transaction(wish.id, UNCLAIMED, wish.on, wish.amount_minor)

    def write(found: Fact) -> MoneyEvent:
        return CreditUnclaimed(
            **about(loan, found.standing),
            booking_date=wish.business_date,
            postings=found.postings,
            unclaimed_id=wish.id,
            unclaimed_on=wish.on,
            amount_minor=wish.amount_minor,
            reason=reason,
        )

    return added(loan, fact, wish.business_date, write)


def write_off(loan: Loan, write_off_id: str, *, on: date, today: date, reason: str) -> list[Event]:
    """Take all that is owed off the books; the claim stays, and what comes later is a recovery."""
    loan = settled(loan)
    owed_minor = loan.known.owed_minor
    if not owed_minor:
        raise InvalidAmount(f"asked to write off loan {loan.loan_id}, which owes nothing")
    loan = _checked(loan, Wish(write_off_id, owed_minor, loan.currency, on=on, today=today), "write off")
    fact = Transaction(write_off_id, WRITE_OFF, on, owed_minor)

    def write(found: Fact) -> MoneyEvent:
        lost_minor = sum(posting.amount_minor for posting in found.postings if posting.account == "write_off")
        return LoanWrittenOff(
            **about(loan, found.standing),
            booking_date=today,
            postings=found.postings,
            write_off_id=write_off_id,
            written_off_on=on,
            amount_minor=lost_minor,
            reason=reason,
        )

    return added(loan, fact, today, write)


def reverse_transaction(loan: Loan, transaction_id: str, *, cause: str, today: date) -> list[Event]:
    """Undo a fee, waiver, goodwill, refund or write-off as if it had never been."""
    if cause not in CAUSES:
        raise UnknownCause(f"asked to reverse {transaction_id} for {cause!r}; give one of {', '.join(CAUSES)}")
    loan = settled(loan)
    found = loan.history.find(transaction_id)
    if found is None or found.kind not in _REVERSIBLE:
        raise TransactionNotFound(
            f"asked to reverse {transaction_id}; loan {loan.loan_id} has no fee, waiver, credit, refund or write-off "
            "of that name. Payments are reversed as payments"
        )
    if transaction_id in loan.gone:
        raise AlreadyReversed(f"asked to reverse {transaction_id}, which is reversed already; nothing was changed")
    return removed(loan, found, today, partial(_reversed, loan, found, cause, today))


def close(loan: Loan, *, reason: str, today: date) -> list[Event]:
    """Close a loan on which nothing is expected any more."""
    loan = settled(loan)
    tally = loan.known
    revolves = loan.agreement.revolving and not payoff(go_on(loan.agreement, tally), today).total_minor
    ended = not tally.parts or is_settled(loan) or tally.written_off_on or revolves
    if loan.closed_on or not ended or tally.credit_minor:
        raise LoanEnded(
            f"asked to close loan {loan.loan_id}; it owes {tally.owed_minor}, the borrower has a credit of "
            f"{tally.credit_minor}, and it was closed on {loan.closed_on or 'no date'}. Close it when all is settled"
        )
    event = LoanClosed(
        **about(loan, standing(loan.changed(closed_on=today), today)),
        closed_on=today,
        reason=reason,
    )
    return [event]


def _checked(loan: Loan, wish: Wish, what: str, *, ended: bool = False) -> Loan:
    """The loan, if a wish about it can be: the refusals that all adjustments have in common."""
    asked = f"{what} {wish.id}"
    require_identifier(wish.id, "transaction")
    require_currency(loan, wish.currency, asked)
    require_positive(wish.amount_minor, wish.currency, what, "To undo one, reverse it")
    require_money_date(loan, wish.on, wish.business_date, asked)
    if loan.history.find(wish.id):
        raise PaymentExists(f"asked to {asked}, which loan {loan.loan_id} has already")
    if not ended and (loan.closed_on or loan.known.written_off_on):
        raise LoanEnded(f"asked to {asked}; loan {loan.loan_id} is written off or closed. Reverse that first")
    return loan


def _require_credit(loan: Loan, wish: Wish, what: str) -> None:
    if wish.amount_minor > loan.known.credit_minor:
        raise CreditTooSmall(
            f"asked to {what} {wish.amount_minor} {loan.currency} (minor units) of credit; loan {loan.loan_id} has "
            f"{loan.known.credit_minor}. Give no more than that"
        )


def _require_approval(loan: Loan, amount_minor: int, actor: str, approved_by: str, what: str) -> None:
    limit_minor = loan.agreement.servicing.waiver_limit_minor
    if amount_minor > limit_minor and (not approved_by or approved_by == actor):
        raise ApprovalMissing(
            f"asked to {what} {amount_minor} {loan.currency} (minor units), more than {limit_minor}; found approval by "
            f"{approved_by or 'nobody'}. Have somebody else than {actor} approve it"
        )


def _reversed(loan: Loan, gone: Transaction, cause: str, today: date, found: Fact) -> MoneyEvent:
    return TransactionReversed(
        **about(loan, found.standing),
        booking_date=today,
        postings=found.postings,
        transaction_id=gone.id,
        kind=gone.kind,
        counted_on=gone.on,
        reversed_on=today,
        cause=cause,
    )
