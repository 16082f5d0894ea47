"""How a loan begins: opened at once, or agreed, disbursed, and perhaps withdrawn from again."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from ledger.domain.agreeing import agreement
from ledger.domain.agreement import PRINCIPAL, Agreement, Installment
from ledger.domain.due_dates import Calendars
from ledger.domain.errors import (
    AlreadyDisbursed,
    CoolingOffOver,
    DrawnFromLine,
    InvalidAmount,
    InvalidDate,
    LoanEnded,
    LoanExists,
    PaymentExists,
    TransactionNotFound,
)
from ledger.domain.fold import go_on
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.loan import Loan, settled
from ledger.domain.money import require_positive
from ledger.domain.outcomes import Fact, added, removed
from ledger.domain.parties import require_party
from ledger.domain.payments import require_currency
from ledger.domain.payoff import payoff
from ledger.domain.schedule import fee_minor
from ledger.domain.standing import ACTIVE, AGREED, about, standing
from ledger.domain.terms import FeeTiming, Terms
from ledger.domain.transactions import DISBURSEMENT, Transaction
from schemas.loans.events import (
    AgreedInstallment,
    AgreementWithdrawn,
    CreditAgreed,
    DisbursementFailed,
    InstallmentLine,
    LoanDisbursed,
    LoanOpened,
    Party,
)
from schemas.loans.servicing import Servicing
from schemas.values import ABSENT, Basis, Event, MoneyEvent, Posting, Standing

LAST_YEAR = 2999
"""Due dates go no further, so that date arithmetic always has room."""


class Signed(NamedTuple):
    """What both sides have signed. `cost_table_hash`: of the cost table that was shown and confirmed."""

    terms: Terms
    servicing: Servicing
    product: str
    cost_table_hash: str
    parties: tuple[Party, ...]


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
    _require_new(existing, loan_id)
    if borrower_id is not None:
        require_identifier(borrower_id, "borrower")
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


def agree(
    existing: Loan | None, loan_id: str, signed: Signed, calendars: Calendars, *, today: date, basis: Basis
) -> list[Event]:
    """Record that a loan was signed; nothing is paid out by that. Raises as the schedule of its terms does."""
    _require_new(existing, loan_id)
    require_word(signed.product, "product")
    for party in signed.parties:
        require_party(party)
    terms = signed.terms
    found = agreement(terms, signed.servicing, calendars)
    none = Standing(status=AGREED, principal_minor=0, overdue_minor=0, total_due_minor=0, credit_minor=0)
    return [
        CreditAgreed(
            loan_id=loan_id,
            currency=terms.currency,
            standing=none,
            basis=basis.changed(policy=signed.servicing.policy),
            product=signed.product,
            agreed_on=today,
            principal_minor=terms.principal_minor,
            terms=terms.as_plain(),
            servicing=signed.servicing,
            installments=_told(found.installments),
            parties=signed.parties,
            cost_table_hash=signed.cost_table_hash,
        )
    ]


def disburse(
    loan: Loan,
    disbursement_id: str,
    amount_minor: int,
    currency: str,
    calendars: Calendars,
    *,
    paid_out_on: date,
    today: date,
    method: str,
    line_id: str = "",
) -> list[Event]:
    """Pay out a part of what was agreed, or all of it. The first one says from when the installments count. What
    revolves is drawn from a line (`line_id`), up to its limit, again and again, before its last statement."""
    loan = settled(loan)
    asked = f"pay out {disbursement_id}"
    require_identifier(disbursement_id, "disbursement")
    require_word(method, "method")
    require_currency(loan, currency, asked)
    require_positive(amount_minor, currency, "a disbursement", "To undo one, say that it failed")
    _require_open(loan, asked)
    if loan.history.find(disbursement_id):
        raise PaymentExists(f"asked to {asked}, which loan {loan.loan_id} has already")
    if not loan.agreed_on <= paid_out_on <= today:
        raise InvalidDate(
            f"asked to {asked} on {paid_out_on}; loan {loan.loan_id} was signed on {loan.agreed_on}, and today is "
            f"{today}. Give a date between them"
        )
    terms = _require_within(loan, amount_minor, asked)
    if terms.revolving and not line_id:
        raise DrawnFromLine(f"asked to {asked}; loan {loan.loan_id} revolves. Draw it from a credit line")
    if terms.revolving and paid_out_on >= loan.agreement.installments[-1].until:
        raise AlreadyDisbursed(f"asked to {asked} on {paid_out_on}, not before the last statement; agree anew")
    if loan.known.parts and loan.known.part(loan.known.parts[-1].number).due_on <= paid_out_on:
        raise AlreadyDisbursed(f"asked to {asked} on {paid_out_on}, after the last installment is due; agree anew")
    first = not loan.known.parts
    if first and not terms.revolving:
        loan = loan.changed(agreement=_counting_from(loan.agreement, terms, amount_minor, paid_out_on, calendars))
    kept_minor = _deducted(terms) if first else 0
    fact = Transaction(disbursement_id, DISBURSEMENT, paid_out_on, amount_minor, fee_minor=kept_minor)
    return added(loan, fact, today, partial(_disbursed, loan, fact, method, today))


def fail_disbursement(loan: Loan, disbursement_id: str, *, reason: str, today: date) -> list[Event]:
    """Undo a disbursement that never arrived; refused once anything else has happened on the loan. A draw of what
    revolves is undone at any time."""
    loan = settled(loan)
    found = loan.history.find(disbursement_id)
    if found is None or found.kind != DISBURSEMENT or found.id in loan.gone:
        raise TransactionNotFound(
            f"asked to say that disbursement {disbursement_id} failed; loan {loan.loan_id} has none of that name"
        )
    others = [each.id for each in loan.counted if each.id != disbursement_id]
    if others and not loan.agreement.revolving:
        raise AlreadyDisbursed(
            f"asked to undo disbursement {disbursement_id}; {others[0]} was recorded on loan {loan.loan_id} as well. "
            "Reverse that first"
        )
    return removed(loan, found, today, partial(_failed, loan, found, reason, today))


def withdraw(loan: Loan, *, today: date) -> list[Event]:
    """The borrower withdraws: before anything is paid out, or within the days for it, counted from the first
    disbursement."""
    loan = settled(loan)
    asked = f"withdraw from loan {loan.loan_id}"
    _require_open(loan, asked)
    since = loan.disbursed_on
    if since and today > since + timedelta(loan.agreement.servicing.cooling_off_days):
        raise CoolingOffOver(
            f"asked to {asked} on {today}; it was paid out on {since}, and the time to withdraw is "
            f"{loan.agreement.servicing.cooling_off_days} days. It can be paid off instead: see its payoff"
        )
    repay_minor = payoff(go_on(loan.agreement, loan.known), today).total_minor if since else 0
    after = loan.changed(withdrawn_on=today)
    event = AgreementWithdrawn(
        **about(loan, standing(after, today)),
        withdrawn_on=today,
        repay_minor=repay_minor,
    )
    return [event]


def _require_new(existing: Loan | None, loan_id: str) -> None:
    require_identifier(loan_id, "loan")
    if existing:
        raise LoanExists(f"asked to open loan {loan_id}, which was opened on {existing.agreed_on}; choose another id")


def _require_open(loan: Loan, asked: str) -> None:
    ended = loan.withdrawn_on or loan.closed_on or loan.known.written_off_on
    if ended:
        raise LoanEnded(f"asked to {asked}; loan {loan.loan_id} ended on {ended}. Agree on another one")


def _require_within(loan: Loan, amount_minor: int, asked: str) -> Terms:
    terms = loan.agreement.terms
    if terms is None:
        raise AlreadyDisbursed(f"asked to {asked}; loan {loan.loan_id} was paid out when it was opened")
    used_minor = loan.known.principal_minor if terms.revolving else loan.known.lent_minor
    left_minor = max(0, terms.principal_minor - used_minor)
    if amount_minor > left_minor:
        raise InvalidAmount(
            f"asked to {asked} of {amount_minor} {loan.currency} (minor units); of what was agreed, {left_minor} are "
            "left. Pay out no more, or agree on more"
        )
    return terms


def _counting_from(before: Agreement, terms: Terms, amount_minor: int, on: date, calendars: Calendars) -> Agreement:
    """The agreement with installments as they are for what is paid out first, and on that day."""
    changed: dict[str, object] = {}
    if on != terms.disbursed_on:
        changed["disbursed_on"] = on
    if amount_minor != terms.principal_minor or terms.disbursements:
        changed |= {"principal_minor": amount_minor, "disbursements": ()}
    if not changed:
        return before
    anew = agreement(terms.changed(**changed), before.servicing, calendars)
    return before.changed(installments=anew.installments)


def _deducted(terms: Terms) -> int:
    return sum(fee_minor(fee, terms) for fee in terms.fees if fee.timing is FeeTiming.DEDUCTED)


def _disbursed(loan: Loan, fact: Transaction, method: str, today: date, found: Fact) -> MoneyEvent:
    return LoanDisbursed(
        **about(loan, found.standing),
        booking_date=today,
        postings=found.postings,
        disbursement_id=fact.id,
        amount_minor=fact.amount_minor,
        fee_minor=fact.fee_minor,
        disbursed_on=fact.on,
        method=method,
        installments=() if loan.agreement.revolving and loan.known.parts else _told(loan.agreement.installments),
    )


def _failed(loan: Loan, fact: Transaction, reason: str, today: date, found: Fact) -> MoneyEvent:
    return DisbursementFailed(
        **about(loan, found.standing),
        booking_date=today,
        postings=found.postings,
        disbursement_id=fact.id,
        amount_minor=fact.amount_minor,
        disbursed_on=fact.on,
        failed_on=today,
        reason=reason,
    )


def _told(installments: Sequence[Installment]) -> tuple[AgreedInstallment, ...]:
    return tuple(
        AgreedInstallment(
            number=each.number,
            due_on=each.due_on,
            principal_minor=each.principal_minor,
            interest_minor=each.interest_minor,
            fee_minor=each.fee_minor,
            interest_from=each.since,
            interest_until=each.until,
            interest_share=f"{each.share[0]}/{each.share[1]}" if each.share else ABSENT,
        )
        for each in installments
    )
