"""A loan: money lent, to be paid back in installments.

agreed       both sides have signed; nothing is paid out yet
active       something is owed, nothing of it is past due
overdue      at least one installment was not covered on its due date and still is not
paid_off     nothing is owed; money that still arrives becomes the borrower's credit
withdrawn    the borrower has withdrawn from the agreement; what was paid out is owed back
written_off  the lender has given up hope; what still arrives is a recovery
closed       nothing is expected any more in either direction

A loan never reads a clock and never asks what the rest of the book does. Its balances are the fold of all facts that
count, in the order of their value dates; events record how that result changed.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from ledger.domain import delinquency, restructured
from ledger.domain.agreement import FREE, Agreement, Installment, share_of
from ledger.domain.autopay import NO_AUTOPAY, Autopay, folded
from ledger.domain.cycles import next_date
from ledger.domain.delinquency import Overdue
from ledger.domain.fold import after, fold, follows, go_on, pass_time
from ledger.domain.history import NO_TRANSACTIONS, RECENT, History
from ledger.domain.marks import Mark, next_bucket_on, next_mark_on, settled_on
from ledger.domain.restructured import Restructuring
from ledger.domain.tally import Part, Tally
from ledger.domain.terms import Terms
from ledger.domain.transactions import (
    CREDIT_REFUND,
    DISBURSEMENT,
    FEE,
    GOODWILL,
    MERCHANT_REFUND,
    PAYMENT,
    TAKE_BACK,
    UNCLAIMED,
    WAIVER,
    WRITE_OFF,
    Transaction,
    order_of,
)
from schemas.loans.events import (
    AgreedInstallment,
    AgreementWithdrawn,
    ChargesPosted,
    CreditAgreed,
    DisbursementFailed,
    FeeCharged,
    InstallmentLine,
    LoanClosed,
    LoanDisbursed,
    LoanOpened,
    LoanPaidOff,
    LoanReopened,
    LoanWrittenOff,
    Party,
    PartyJoined,
    PartyLeft,
    StatementIssued,
)
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.events import DelinquencyChanged
from schemas.payments.events import (
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
from schemas.payments.mandates import MandateEvent
from schemas.values import Basis, Event, MoneyEvent, State

LENDER_ERROR = "lender_error"

_STEP = 4  # facts from one foothold to the next
_FOOTHOLDS = RECENT // _STEP - 1  # all facts since the first of them are recent ones

DISBURSED = "disbursement"
"""Names the one disbursement of a loan that was opened and paid out at once."""


class PartyRole(State, frozen=True):
    """Somebody with a role from `since` on, and before `until`."""

    party_id: str
    role: str
    since: date
    until: date | None = None


class Foothold(State, frozen=True):
    """Where a fold can begin again: the tally of the first `count` facts, as they became known."""

    count: int
    tally: Tally


class Designated(State, frozen=True):
    """What a payment is for. Empty and 0: any."""

    payment_id: str
    component: str
    number: int


class Loan(State, frozen=True):
    """State of one loan, folded from its events.

    `agreed_on`: when it was signed, or opened without that. `history`: all facts, and `gone` those that turned out
    never to have counted. `reached`: the day up to which the journal says what time did. `tally` is None, or lags
    behind that day, where facts came between others since it was last worked out; `settled` does that. `footholds`: of
    the last facts, so that one that comes a little late costs no more in a long life than in a short one; they only
    save time. `statements`: balance and minimum of each that was issued, as it was last told. `bucket`: the one that
    was last told, as of `bucket_on`; what was late then stays so, whatever day a later caller gives. `designated`: what
    a payer has said of the payment that is recorded next.
    """

    loan_id: str
    currency: str
    agreed_on: date
    basis: Basis
    agreement: Agreement
    reached: date
    history: History
    tally: Tally | None = None
    footholds: tuple[Foothold, ...] = ()
    gone: frozenset[str] = frozenset()
    marks: tuple[tuple[int, Mark], ...] = ()
    bucket: str = "M0"
    bucket_on: date = date.min
    pending: tuple[tuple[str, int], ...] = ()
    statements: tuple[tuple[int, int, int], ...] = ()
    designated: Designated | None = None
    autopay: Autopay = NO_AUTOPAY
    parties: tuple[PartyRole, ...] = ()
    restructured: tuple[Restructuring, ...] = ()
    paid_off_on: date | None = None
    withdrawn_on: date | None = None
    closed_on: date | None = None

    @property
    def counted(self) -> list[Transaction]:
        """The facts that count, in the order in which they became known; takes time in a long life."""
        return [each for each in self.history.transactions() if each.id not in self.gone]

    @property
    def known(self) -> Tally:
        """Where it stands. Of a settled loan."""
        assert self.tally, "rules look at settled loans only"
        return self.tally

    @property
    def disbursed_on(self) -> date | None:
        """The first day on which anything is owed. Of a settled loan."""
        return self.known.disbursed_on

    def mark(self, number: int) -> Mark | None:
        return dict(self.marks).get(number)


def settled(loan: Loan) -> Loan:
    """The same loan with its tally known. To fold a long life costs no more than its length that way."""
    tally = loan.tally
    if tally is None:
        last = _last_settled[0]
        if last and _is_of_same_facts(loan, last):
            return loan.changed(tally=last.tally)
        onto, facts = footing(loan)
        return loan.changed(tally=fold(loan.agreement, facts, loan.reached, onto).tally())
    if tally.to >= loan.reached:
        return loan
    work = go_on(loan.agreement, tally)
    pass_time(work, loan.reached)
    return loan.changed(tally=work.tally())


_last_settled: list[Loan | None] = [None]


def remember_settled(loan: Loan) -> None:
    """What decides to record a fact has folded all of them with it; whoever folds its event need not do so again."""
    _last_settled[0] = loan


def footing(loan: Loan, changed: Transaction | None = None) -> tuple[Tally | None, list[Transaction]]:
    """From which tally to fold anew, and the facts that count since: all that stands after one that is to be added or
    left out. None: from the beginning."""
    footholds = loan.footholds if changed is None else _footholds_before(loan, changed)
    if not footholds:
        return None, loan.counted
    since = loan.history.since(footholds[-1].count)
    return footholds[-1].tally, [each for each in since if each.id not in loan.gone]


def apply(loan: Loan | None, event: Event) -> Loan | None:
    """Fold one recorded event; total, decides nothing."""
    match event:
        case LoanOpened():
            return _opened(event)
        case CreditAgreed():
            return _agreed(event)
    if loan is None:
        return None
    loan = _apply_known(loan, event)
    if isinstance(event, MoneyEvent) and event.booking_date > loan.reached:
        loan = loan.changed(reached=event.booking_date)
    return loan


def with_transaction(loan: Loan, transaction: Transaction) -> Loan:
    """The loan with one more fact; its tally goes on where nothing comes after it."""
    history, tally = loan.history.with_transaction(transaction), loan.tally
    if tally and follows(tally, transaction):
        footholds = _footholds_with(loan, tally)
        return loan.changed(history=history, tally=after(loan.agreement, tally, transaction), footholds=footholds)
    return loan.changed(history=history, tally=None, footholds=_footholds_before(loan, transaction))


def without_transaction(loan: Loan, transaction_id: str) -> Loan:
    found = loan.history.find(transaction_id)
    footholds = _footholds_before(loan, found) if found else ()
    return loan.changed(gone=loan.gone | {transaction_id}, tally=None, footholds=footholds)


def with_overdue(loan: Loan, overdue: Overdue) -> Loan:
    """The loan with another meaning of overdue; what was in time is worked out anew."""
    return loan.changed(agreement=loan.agreement.changed(overdue=overdue), tally=None, footholds=())


def _footholds_with(loan: Loan, tally: Tally) -> tuple[Foothold, ...]:
    count = len(loan.history)
    if count == 0 or count % _STEP:
        return loan.footholds
    return (*loan.footholds, Foothold(count=count, tally=tally))[-_FOOTHOLDS:]


def _footholds_before(loan: Loan, changed: Transaction) -> tuple[Foothold, ...]:
    """Those that a fact after all of theirs leaves as they are. A payment that is taken back may be any of theirs."""
    if changed.kind == TAKE_BACK:
        return ()
    order = order_of(changed)
    return tuple(each for each in loan.footholds if each.tally.newest and each.tally.newest < order)


def _is_of_same_facts(loan: Loan, other: Loan) -> bool:
    return (
        loan.agreement is other.agreement
        and loan.reached == other.reached
        and loan.gone == other.gone
        and loan.history == other.history
    )


def agreed_installments(lines: tuple[AgreedInstallment, ...]) -> tuple[Installment, ...]:
    """The installments that an event tells."""
    return tuple(
        Installment(
            number=line.number,
            due_on=line.due_on,
            principal_minor=line.principal_minor,
            interest_minor=line.interest_minor,
            fee_minor=line.fee_minor,
            since=line.interest_from,
            until=line.interest_until,
            share=share_of(line.interest_share),
        )
        for line in lines
    )


def take_back_of(payment_id: str) -> str:
    """Names the fact that a payment was taken back; no caller can use that name."""
    return f"/take_back/{payment_id}"


def next_action_on(loan: Loan) -> date | None:
    """The first date on which day end must look at the loan: an installment with interest or fees falls due, a late
    fee is charged, an installment that is not covered is late, a bucket begins, or a mandate has ended."""
    loan = settled(loan)
    if loan.known.written_off_on or loan.closed_on:
        return None
    waiting: list[date | None] = [*_expiries(loan)]
    for part in loan.known.parts:
        if not part.has_fallen and loan.agreement.terms:
            waiting.append(next_date(part) if loan.agreement.revolving else part.due_on)
        if part.covered_on is None:
            waiting += [*_next_of_mark(loan, part), part.late_fee_on]
    return min((on for on in waiting if on), default=None)


def _expiries(loan: Loan) -> Iterator[date]:
    for mandate in loan.autopay.mandates:
        if mandate.revoked_on is None and mandate.terms.until:
            yield mandate.terms.until + timedelta(1)


def _next_of_mark(loan: Loan, part: Part) -> list[date | None]:
    mark = loan.mark(part.number)
    if mark is None or not mark.is_open:
        return [] if settled_on(loan.agreement, part) else [next_mark_on(loan.agreement, part)]
    return [next_bucket_on(loan.agreement, part, loan.bucket)]


def _opened(event: LoanOpened) -> Loan:
    ordered = sorted(event.installments, key=lambda line: (line.due_on, line.number))
    loan = Loan(
        loan_id=event.loan_id,
        currency=event.currency,
        agreed_on=event.opened_on,
        basis=event.basis,
        agreement=Agreement(installments=tuple(_plain(line, event.opened_on) for line in ordered), servicing=FREE),
        reached=event.booking_date,
        history=NO_TRANSACTIONS,
    )
    paid_out = Transaction(id=DISBURSED, kind=DISBURSEMENT, on=event.opened_on, amount_minor=event.principal_minor)
    return settled(loan.changed(history=loan.history.with_transaction(paid_out)))


def _plain(line: InstallmentLine, opened_on: date) -> Installment:
    return Installment(
        number=line.number,
        due_on=line.due_on,
        principal_minor=line.principal_minor,
        interest_minor=0,
        fee_minor=0,
        since=opened_on,
        until=line.due_on,
    )


def _agreed(event: CreditAgreed) -> Loan:
    agreement = Agreement(
        installments=agreed_installments(event.installments),
        servicing=event.servicing,
        terms=Terms.from_plain(event.terms),
    )
    return Loan(
        loan_id=event.loan_id,
        currency=event.currency,
        agreed_on=event.agreed_on,
        basis=event.basis,
        agreement=agreement,
        reached=event.agreed_on,
        history=NO_TRANSACTIONS,
        parties=tuple(_role(party) for party in event.parties),
    )


def _role(party: Party) -> PartyRole:
    return PartyRole(party_id=party.party_id, role=party.role, since=party.since)


def _apply_known(loan: Loan, event: Event) -> Loan:  # noqa: PLR0911 - one line for each kind of event
    """Fold one event of a loan that is there."""
    if found := fact_of(event):
        return with_transaction(_with_installments(loan, event), _as_designated(loan, found))
    match event:
        case PaymentReversed(cause=cause) if cause == LENDER_ERROR and event.reversed_on > event.paid_on:
            return _taken_back(loan, event)
        case PaymentReversed():
            return without_transaction(loan, event.payment_id)
        case TransactionReversed():
            return without_transaction(loan, event.transaction_id)
        case DisbursementFailed():
            return without_transaction(loan, event.disbursement_id)
        case ChargesPosted():
            return loan.changed(reached=max(loan.reached, event.charged_until))
        case DelinquencyChanged():
            return _with_marks(loan, event)
        case LoanPaidOff():
            return loan.changed(paid_off_on=event.paid_off_on)
        case LoanReopened():
            return loan.changed(paid_off_on=None)
    return _apply_standing(loan, event)


def _apply_standing(loan: Loan, event: Event) -> Loan:  # noqa: PLR0911 - one line for each kind of event
    """What moves no money."""
    match event:
        case OverdueRulesSet() | CountingPaused() | CountingResumed():
            return with_overdue(loan, delinquency.folded(loan.agreement.overdue, event))
        case MandateEvent():
            return loan.changed(autopay=folded(loan.autopay, event))
        case PaymentDesignated():
            told = Designated(
                payment_id=event.payment_id, component=event.component or "", number=event.installment or 0
            )
            return loan.changed(designated=told)
        case PaymentPending():
            return loan.changed(pending=(*loan.pending, (event.payment_id, event.amount_minor)))
        case PaymentFailed():
            return _without_pending(loan, event.payment_id)
        case AgreementWithdrawn():
            return loan.changed(withdrawn_on=event.withdrawn_on)
        case LoanClosed():
            return loan.changed(closed_on=event.closed_on)
        case StatementIssued():
            return _with_statement(loan, event)
        case PartyJoined() | PartyLeft():
            return loan.changed(parties=_parties_after(loan.parties, event))
    return loan.changed(restructured=restructured.folded(loan.restructured, event))


def fact_of(event: Event) -> Transaction | None:  # noqa: PLR0911 - one line for each kind of event
    """The fact in an event that brings one."""
    match event:
        case PaymentReceived() | RecoveryReceived():
            at = event.received_at or "" if isinstance(event, PaymentReceived) else ""
            return Transaction(event.payment_id, PAYMENT, event.paid_on, event.amount_minor, at)
        case LoanDisbursed():
            paid_out = Transaction(event.disbursement_id, DISBURSEMENT, event.disbursed_on, event.amount_minor)
            return paid_out._replace(fee_minor=event.fee_minor)
        case FeeCharged():
            asked_minor = event.asked_minor or event.amount_minor
            return Transaction(event.fee_id, FEE, event.charged_on, asked_minor, number=event.installment)
        case MerchantRefunded():
            return Transaction(event.refund_id, MERCHANT_REFUND, event.refunded_on, event.amount_minor)
        case GoodwillCredited():
            return Transaction(event.credit_id, GOODWILL, event.credited_on, event.amount_minor)
        case AmountWaived():
            return Transaction(event.waiver_id, WAIVER, event.waived_on, event.amount_minor, about=event.component)
        case CreditRefunded():
            return Transaction(event.refund_id, CREDIT_REFUND, event.refunded_on, event.amount_minor)
        case CreditUnclaimed():
            return Transaction(event.unclaimed_id, UNCLAIMED, event.unclaimed_on, event.amount_minor)
        case LoanWrittenOff():
            return Transaction(event.write_off_id, WRITE_OFF, event.written_off_on, event.amount_minor)
    return None


def _as_designated(loan: Loan, fact: Transaction) -> Transaction:
    told = loan.designated
    if told is None or told.payment_id != fact.id:
        return fact
    return fact._replace(about=told.component, number=told.number)


def _with_installments(loan: Loan, event: Event) -> Loan:
    """The first disbursement says from which day the installments count; what has arrived is pending no more."""
    if isinstance(event, PaymentReceived) and loan.pending:
        return _without_pending(loan, event.payment_id)
    if isinstance(event, LoanDisbursed) and not any(each.kind == DISBURSEMENT for each in loan.counted):
        installments = agreed_installments(event.installments)
        return loan.changed(agreement=loan.agreement.changed(installments=installments), tally=None, footholds=())
    return loan


def _taken_back(loan: Loan, event: PaymentReversed) -> Loan:
    taken = Transaction(
        take_back_of(event.payment_id), TAKE_BACK, event.reversed_on, event.amount_minor, about=event.payment_id
    )
    return with_transaction(loan, taken)


def _with_marks(loan: Loan, event: DelinquencyChanged) -> Loan:
    marks = dict(loan.marks)
    for marked in event.marked:
        marks.pop(marked.installment, None)
        marks[marked.installment] = Mark()
    for cured in event.cured:
        marks.pop(cured.installment, None)
        marks[cured.installment] = Mark(cured_on=cured.cured_on)
    for withdrawn in event.withdrawn:
        marks.pop(withdrawn.installment, None)
    return loan.changed(marks=tuple(marks.items()), bucket=event.bucket, bucket_on=event.as_of)


def _with_statement(loan: Loan, event: StatementIssued) -> Loan:
    others = (each for each in loan.statements if each[0] != event.statement)
    return loan.changed(statements=(*others, (event.statement, event.balance_minor, event.minimum_minor)))


def _without_pending(loan: Loan, payment_id: str) -> Loan:
    return loan.changed(pending=tuple(each for each in loan.pending if each[0] != payment_id))


def _parties_after(parties: tuple[PartyRole, ...], event: PartyJoined | PartyLeft) -> tuple[PartyRole, ...]:
    if isinstance(event, PartyJoined):
        return (*parties, _role(event.party))
    return tuple(_left(each, event) for each in parties)


def _left(party: PartyRole, event: PartyLeft) -> PartyRole:
    same = (party.party_id, party.role, party.until) == (event.party_id, event.role, None)
    return party.changed(until=event.left_on) if same else party
