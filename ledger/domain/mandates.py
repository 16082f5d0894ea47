"""Autopay: mandates and the debits under them.

mandate      in force from the day of its authorisation to its last day, unless it is revoked; one at a time
debit        notified -> submitted -> settled (provisional, then final)
                             |            \\-> returned late: its payment is reversed
                             \\-> returned -> submitted again, within the rules of the mandate
             cancelled: announced, or returned, and not presented any more; or withheld: nobody presents it now

A debit takes no more than is due on its day, less what is on its way already. Nothing is presented before the notice is
over, nor after the mandate has ended; what was presented before may still settle, and is a payment then.

Rules: NACHA Operating Rules (returned entries are presented at most twice more within 180 days), 12 CFR 1005.10(d)
(notice of varying amounts), 12 CFR 1041.8 (two failed debits in a row end it). Which hold is the mandate's to say.
"""

from datetime import date, timedelta
from typing import NamedTuple

from ledger.domain.autopay import Debit, Mandate
from ledger.domain.errors import (
    DebitExists,
    DebitNotFound,
    DebitRefused,
    InvalidDate,
    LoanEnded,
    MandateEnded,
    MandateExists,
    MandateNotFound,
    PartyNotFound,
)
from ledger.domain.identifiers import require_identifier, require_word
from ledger.domain.loan import Loan, settled, take_back_of
from ledger.domain.money import require_positive
from ledger.domain.payments import receive_payment, reverse_payment
from ledger.domain.payoff import due_on
from ledger.domain.standing import about, is_settled, standing
from schemas.payments.mandates import (
    DebitCancelled,
    DebitNotified,
    DebitReturned,
    DebitSettled,
    DebitSubmitted,
    MandateAuthorised,
    MandateChanged,
    MandateRevoked,
    MandateTerms,
)
from schemas.values import Event, LoanEvent, Standing

AUTOPAY = "autopay"
EXPIRED = "expired"
NOT_HANDED_OVER = "not handed over before the mandate ended"


def authorise(loan: Loan, mandate_id: str, party_id: str, terms: MandateTerms, *, today: date) -> list[Event]:
    """A payer allows debits from today on. One mandate is in force at a time."""
    loan = settled(loan)
    require_identifier(mandate_id, "mandate")
    asked = f"authorise mandate {mandate_id} on loan {loan.loan_id}"
    if loan.autopay.mandate(mandate_id):
        raise MandateExists(f"asked to {asked}, which has had it already; use another id")
    if other := next((each for each in loan.autopay.mandates if is_in_force(each, today)), None):
        raise MandateExists(
            f"asked to {asked}; mandate {other.mandate_id} is in force. Change that, or revoke it first"
        )
    if loan.closed_on or loan.known.written_off_on or is_settled(loan):
        raise LoanEnded(f"asked to {asked}, of which nothing is due any more")
    if loan.parties and not any(each.party_id == party_id and each.until is None for each in loan.parties):
        raise PartyNotFound(f"asked to {asked} for {party_id}, who has no role on it; see its parties")
    _require_terms(loan, terms, asked, today)
    require_identifier(party_id, "party")
    return [
        MandateAuthorised(
            **about(loan, standing(loan, today)),
            mandate_id=mandate_id,
            party_id=party_id,
            authorised_on=today,
            mandate=terms,
        )
    ]


def change(loan: Loan, mandate_id: str, terms: MandateTerms, *, today: date) -> list[Event]:
    """Other terms hold from today on, for debits that are not yet presented too."""
    loan = settled(loan)
    asked = f"change mandate {mandate_id} of loan {loan.loan_id}"
    require_in_force(loan, mandate_id, asked, today)
    _require_terms(loan, terms, asked, today)
    return [
        MandateChanged(
            **about(loan, standing(loan, today)),
            mandate_id=mandate_id,
            changed_on=today,
            mandate=terms,
        )
    ]


def revoke(loan: Loan, mandate_id: str, *, reason: str, today: date) -> list[Event]:
    """Nothing more is presented under it; debits that wait are cancelled."""
    loan = settled(loan)
    asked = f"revoke mandate {mandate_id} of loan {loan.loan_id}"
    mandate = _mandate(loan, mandate_id, asked)
    if mandate.revoked_on:
        raise MandateEnded(f"asked to {asked}, which is revoked since {mandate.revoked_on}; nothing was changed")
    return _revoked(loan, mandate_id, reason, today, standing(loan, today))


def expire(loan: Loan, now: Standing, *, today: date) -> list[Event]:
    """End the mandates whose last day is over. `now`: how the loan stands after all events of the request."""
    ended = [each for each in loan.autopay.mandates if each.revoked_on is None and _ends_on(each) < today]
    return [event for each in ended for event in _revoked(loan, each.mandate_id, EXPIRED, today, now)]


def _ends_on(mandate: Mandate) -> date:
    return mandate.terms.until or date.max


def notify(
    loan: Loan, mandate_id: str, debit_id: str, amount_minor: int, *, collect_on: date, today: date
) -> list[Event]:
    """Tell the payer of a debit on a day; what it takes must be due by then."""
    loan = settled(loan)
    require_identifier(debit_id, "debit")
    asked = f"announce debit {debit_id} of {amount_minor} {loan.currency} (minor units) on {collect_on}"
    if loan.autopay.debit(debit_id):
        raise DebitExists(f"asked to {asked}, which loan {loan.loan_id} has had already; use another id")
    require_positive(amount_minor, loan.currency, "a debit", "To give money back, refund it")
    mandate = require_in_force(loan, mandate_id, asked, today)
    require_in_force(loan, mandate_id, asked, collect_on)
    if amount_minor > mandate.terms.at_most_minor:
        raise DebitRefused(f"asked to {asked}; mandate {mandate_id} allows {mandate.terms.at_most_minor} at most")
    earliest = today + timedelta(mandate.terms.rules.notice_days)
    if collect_on < earliest:
        raise DebitRefused(f"asked to {asked}; the payer has notice until {earliest}. Take that day or a later one")
    free_minor = collectable(loan, collect_on)
    if amount_minor > free_minor:
        raise DebitRefused(
            f"asked to {asked}; {free_minor} is due by then and not on its way already. Debit no more than that"
        )
    return [
        DebitNotified(
            **about(loan, standing(loan, today)),
            mandate_id=mandate_id,
            debit_id=debit_id,
            amount_minor=amount_minor,
            notified_on=today,
            collect_on=collect_on,
        )
    ]


def submit(loan: Loan, debit_id: str, *, today: date) -> list[Event]:
    """Present a debit, on its day or later; again after a return that allows it. It takes no more than is still due."""
    loan = settled(loan)
    asked = f"present debit {debit_id} of loan {loan.loan_id}"
    debit = _debit(loan, debit_id, asked)
    mandate = require_in_force(loan, debit.mandate_id, asked, today)
    rules = mandate.terms.rules
    if debit.status not in {Debit.NOTIFIED, Debit.RETURNED} or (debit.status == Debit.RETURNED and not debit.again):
        raise DebitRefused(f"asked to {asked}, which is {debit.status}; it is not presented (again)")
    if today < debit.collect_on:
        raise DebitRefused(f"asked to {asked} on {today}; the payer was told {debit.collect_on}. Wait for that day")
    if debit.attempt >= rules.attempts:
        raise DebitRefused(f"asked to {asked} again; it was presented {debit.attempt} times, as often as is allowed")
    if debit.first_on and today > debit.first_on + timedelta(rules.within_days):
        last = debit.first_on + timedelta(rules.within_days)
        raise DebitRefused(f"asked to {asked} again on {today}; that was allowed until {last}")
    free_minor = collectable(loan, today, without=debit_id)
    amount_minor = min(debit.amount_minor, free_minor, mandate.terms.at_most_minor)
    if not amount_minor:
        raise DebitRefused(f"asked to {asked}; nothing is due that is not on its way already. Cancel it")
    return [
        DebitSubmitted(
            **about(loan, standing(loan, today)),
            mandate_id=debit.mandate_id,
            debit_id=debit_id,
            attempt=debit.attempt + 1,
            amount_minor=amount_minor,
            submitted_on=today,
        )
    ]


def settle(loan: Loan, debit_id: str, attempt: int, *, settled_on: date, today: date) -> list[Event]:
    """The money of a presentation came: a payment, provisional for as long as the rules of the mandate say."""
    loan = settled(loan)
    asked = f"settle debit {debit_id} of loan {loan.loan_id}"
    debit = _presented(loan, debit_id, attempt, asked)
    if debit.status != Debit.SUBMITTED:
        raise DebitRefused(f"asked to {asked}, whose presentation {attempt} is {debit.status} already")
    payment_id = payment_of(debit_id, attempt)
    paid = receive_payment(
        loan, payment_id, debit.amount_minor, loan.currency, paid_on=settled_on, today=today, method=AUTOPAY
    )
    rules = _mandate(loan, debit.mandate_id, asked).terms.rules
    settlement = DebitSettled(
        **about(loan, _standing_of(paid) or standing(loan, today)),
        mandate_id=debit.mandate_id,
        debit_id=debit_id,
        attempt=attempt,
        amount_minor=debit.amount_minor,
        payment_id=payment_id,
        settled_on=settled_on,
        final_on=settled_on + timedelta(rules.final_days),
    )
    return [settlement, *paid]


def return_(loan: Loan, debit_id: str, attempt: int, code: str, *, returned_on: date, today: date) -> list[Event]:
    """A presentation did not come, or was taken back: its payment is reversed then. A code may end the mandate, as may
    failures in a row; a code that nobody knows lets nothing be presented again."""
    loan = settled(loan)
    asked = f"return debit {debit_id} of loan {loan.loan_id}"
    debit = _presented(loan, debit_id, attempt, asked)
    if debit.status not in {Debit.SUBMITTED, Debit.SETTLED}:
        raise DebitRefused(f"asked to {asked}, whose presentation {attempt} is {debit.status} already")
    if returned_on > today:
        raise InvalidDate(f"asked to {asked} on {returned_on}; today is {today}. Record it when it is there")
    was_settled = debit.status == Debit.SETTLED
    reversed_: list[Event] = []
    if was_settled and _counts(loan, payment_of(debit_id, attempt)):
        reversed_ = reverse_payment(loan, payment_of(debit_id, attempt), cause="bank_return", today=today)
    mandate = _mandate(loan, debit.mandate_id, asked)
    rules, now = mandate.terms.rules, _standing_of(reversed_) or standing(loan, today)
    again = code in rules.again and debit.attempt < rules.attempts
    returned = DebitReturned(
        **about(loan, now),
        mandate_id=debit.mandate_id,
        debit_id=debit_id,
        attempt=attempt,
        amount_minor=debit.amount_minor,
        code=code,
        returned_on=returned_on,
        was_settled=was_settled,
        again=again,
    )
    ended = _reason_to_end(mandate, code)
    ending = _revoked(loan, mandate.mandate_id, ended, today, now, but=debit_id) if ended else []
    return [returned, *reversed_, *ending]


def cancel(loan: Loan, debit_id: str, *, reason: str, today: date) -> list[Event]:
    """A debit that waits is not presented any more."""
    loan = settled(loan)
    debit = _debit(loan, debit_id, f"cancel debit {debit_id} of loan {loan.loan_id}")
    if not debit.waits:
        raise DebitRefused(f"asked to cancel debit {debit_id} of loan {loan.loan_id}, which is {debit.status}")
    return [_cancelled(loan, debit, reason, today, standing(loan, today))]


def withhold(loan: Loan, debit_id: str, attempt: int, *, today: date) -> list[Event]:
    """A presentation under a mandate that has ended was never handed over, and whoever presents has promised not to
    take it any more: no money comes of it."""
    loan = settled(loan)
    asked = f"withhold debit {debit_id} of loan {loan.loan_id}"
    debit = _presented(loan, debit_id, attempt, asked)
    if debit.status != Debit.SUBMITTED:
        raise DebitRefused(f"asked to {asked}, whose presentation {attempt} is {debit.status} already")
    if is_in_force(_mandate(loan, debit.mandate_id, asked), today):
        raise DebitRefused(f"asked to {asked}, whose mandate {debit.mandate_id} is in force; hand it over instead")
    return [_cancelled(loan, debit, NOT_HANDED_OVER, today, standing(loan, today))]


def collectable(loan: Loan, on: date, *, without: str = "") -> int:
    """What is due by a day, in minor units, less what is on its way: debits that wait or are presented (but one), and
    payments that are announced. Of a settled loan."""
    debits = sum(each.amount_minor for each in loan.autopay.debits if each.debit_id != without and each.is_open)
    announced = sum(amount_minor for _, amount_minor in loan.pending)
    return max(0, due_on(loan.agreement, loan.known, on) - debits - announced)


def payment_of(debit_id: str, attempt: int) -> str:
    """Names the payment that a presentation comes to."""
    return f"{debit_id[:58]}.{attempt}"


def require_in_force(loan: Loan, mandate_id: str, asked: str, on: date) -> Mandate:
    """The mandate, if it is in force on a day, else `MandateNotFound` or `MandateEnded`."""
    mandate = _mandate(loan, mandate_id, asked)
    if not is_in_force(mandate, on):
        ended = f"revoked since {mandate.revoked_on}" if mandate.revoked_on else f"in force up to {mandate.terms.until}"
        raise MandateEnded(f"asked to {asked}; on {on} mandate {mandate_id} is {ended}. Get a new authorisation")
    return mandate


def is_in_force(mandate: Mandate, on: date) -> bool:
    """From the day of its authorisation to its last day, unless it is revoked."""
    until = mandate.terms.until
    return mandate.revoked_on is None and on >= mandate.since and not (until and on > until)


def _require_terms(loan: Loan, terms: MandateTerms, asked: str, today: date) -> None:
    require_positive(terms.at_most_minor, loan.currency, "a mandate", "Give the highest amount of a debit")
    require_identifier(terms.account_token, "account")
    require_word(terms.rail, "rail")
    if terms.until and terms.until < today:
        raise InvalidDate(f"asked to {asked} until {terms.until}; today is {today}. Give a later day, or none")


def _mandate(loan: Loan, mandate_id: str, asked: str) -> Mandate:
    found = loan.autopay.mandate(mandate_id)
    if found is None:
        raise MandateNotFound(
            f"asked to {asked}; loan {loan.loan_id} has no mandate {mandate_id}. See ledger autopay show"
        )
    return found


def _debit(loan: Loan, debit_id: str, asked: str) -> Debit:
    found = loan.autopay.debit(debit_id)
    if found is None:
        raise DebitNotFound(f"asked to {asked}, which has no such debit. See ledger autopay show {loan.loan_id}")
    return found


def _presented(loan: Loan, debit_id: str, attempt: int, asked: str) -> Debit:
    debit = _debit(loan, debit_id, asked)
    if attempt != debit.attempt or not attempt:
        raise DebitRefused(f"asked to {asked}, presentation {attempt}; it was presented {debit.attempt} times")
    return debit


def _counts(loan: Loan, payment_id: str) -> bool:
    """Whether a payment has not been undone for another cause already."""
    return payment_id not in loan.gone and not loan.history.find(take_back_of(payment_id))


def _reason_to_end(mandate: Mandate, code: str) -> str:
    rules = mandate.terms.rules
    if mandate.revoked_on:
        return ""
    if code in rules.ending:
        return f"return code {code} ({rules.policy})"
    if rules.failures and mandate.failures + 1 >= rules.failures:
        return f"{rules.failures} failed debits in a row ({rules.policy})"
    return ""


def _revoked(loan: Loan, mandate_id: str, reason: str, today: date, now: Standing, *, but: str = "") -> list[Event]:
    revoked = MandateRevoked(
        **about(loan, now),
        mandate_id=mandate_id,
        revoked_on=today,
        reason=reason,
    )
    waiting = [
        each for each in loan.autopay.debits if each.mandate_id == mandate_id and each.waits and each.debit_id != but
    ]
    return [revoked, *(_cancelled(loan, each, f"mandate ended: {reason}", today, now) for each in waiting)]


def _cancelled(loan: Loan, debit: Debit, reason: str, today: date, now: Standing) -> DebitCancelled:
    return DebitCancelled(
        **about(loan, now),
        mandate_id=debit.mandate_id,
        debit_id=debit.debit_id,
        cancelled_on=today,
        reason=reason,
    )


def _standing_of(events: list[Event]) -> Standing | None:
    return next((event.standing for event in events if isinstance(event, LoanEvent)), None)


class Step(NamedTuple):
    """What is to be done about a loan's autopay: `notify`, `submit` or `cancel`, and of which debit."""

    kind: str
    debit_id: str
    amount_minor: int
    collect_on: date


def next_step(loan: Loan, today: date) -> Step | None:
    """What autopay does next on a day: present what waits for that day, else announce what falls due within the notice.
    It announces none while another is open. One that had settled may come back while the next is announced: these two
    are presented one after the other."""
    loan = settled(loan)
    mandate = next((each for each in loan.autopay.mandates if is_in_force(each, today)), None)
    if mandate is None or loan.known.written_off_on or loan.closed_on:
        return None
    debit = next((each for each in loan.autopay.debits if each.is_open), None)
    if debit:
        return _step_of(loan, debit, mandate, today)
    part = min((part for part in loan.known.parts if not part.covered_on), key=lambda part: part.due_on, default=None)
    collect_on = today + timedelta(mandate.terms.rules.notice_days)
    if part is None or part.due_on > collect_on:
        return None
    amount_minor = min(collectable(loan, collect_on), mandate.terms.at_most_minor)
    if not amount_minor or not is_in_force(mandate, collect_on):
        return None
    debit_id = f"{mandate.mandate_id[:48]}-{len(loan.autopay.debits) + 1}"
    return Step("notify", debit_id, amount_minor, collect_on)


def take_next_step(loan: Loan, *, today: date) -> list[Event]:
    """Decide what `next_step` says; nothing where there is nothing to do."""
    step = next_step(loan, today)
    if step is None:
        return []
    if step.kind == "submit":
        return submit(loan, step.debit_id, today=today)
    if step.kind == "cancel":
        return cancel(loan, step.debit_id, reason="nothing is due that is not on its way, or too late", today=today)
    mandate = next(each for each in loan.autopay.mandates if is_in_force(each, today))
    return notify(loan, mandate.mandate_id, step.debit_id, step.amount_minor, collect_on=step.collect_on, today=today)


def _step_of(loan: Loan, debit: Debit, mandate: Mandate, today: date) -> Step | None:
    rules = mandate.terms.rules
    if not debit.waits or today < debit.collect_on or (debit.returned_on and today <= debit.returned_on):
        return None
    is_late = debit.first_on is not None and today > debit.first_on + timedelta(rules.within_days)
    amount_minor = min(debit.amount_minor, collectable(loan, today, without=debit.debit_id))
    is_over = is_late or not amount_minor or debit.attempt >= rules.attempts or debit.mandate_id != mandate.mandate_id
    return Step("cancel" if is_over else "submit", debit.debit_id, amount_minor, debit.collect_on)
