"""What is known of a loan's mandates and debits, folded from their events; `mandates` decides on it."""

from datetime import date
from typing import ClassVar

from schemas.payments.mandates import (
    DebitCancelled,
    DebitNotified,
    DebitReturned,
    DebitSettled,
    DebitSubmitted,
    MandateAuthorised,
    MandateChanged,
    MandateEvent,
    MandateRevoked,
    MandateTerms,
)
from schemas.values import State


class Mandate(State, frozen=True):
    """`failures`: debits in a row that failed, up to now."""

    mandate_id: str
    party_id: str
    since: date
    terms: MandateTerms
    revoked_on: date | None = None
    failures: int = 0


class Debit(State, frozen=True):
    """`amount_minor`: as announced, then as presented last. `attempt`: how often it was presented; `first_on`: when for
    the first time. `again`: a return allows another presentation. `final_on`: of a settled one."""

    NOTIFIED: ClassVar[str] = "notified"
    SUBMITTED: ClassVar[str] = "submitted"
    SETTLED: ClassVar[str] = "settled"
    RETURNED: ClassVar[str] = "returned"
    CANCELLED: ClassVar[str] = "cancelled"

    debit_id: str
    mandate_id: str
    amount_minor: int
    collect_on: date
    status: str
    attempt: int = 0
    first_on: date | None = None
    again: bool = False
    code: str = ""
    returned_on: date | None = None
    final_on: date | None = None

    @property
    def waits(self) -> bool:
        """Whether it may still be presented."""
        return self.status == self.NOTIFIED or (self.status == self.RETURNED and self.again)

    @property
    def is_open(self) -> bool:
        """Whether money may still come of it."""
        return self.waits or self.status == self.SUBMITTED


class Autopay(State, frozen=True):
    """All mandates and debits of a loan, in the order in which they came."""

    mandates: tuple[Mandate, ...] = ()
    debits: tuple[Debit, ...] = ()

    def mandate(self, mandate_id: str) -> Mandate | None:
        return next((each for each in self.mandates if each.mandate_id == mandate_id), None)

    def debit(self, debit_id: str) -> Debit | None:
        return next((each for each in self.debits if each.debit_id == debit_id), None)


NO_AUTOPAY = Autopay()


def folded(autopay: Autopay, event: MandateEvent) -> Autopay:
    """Fold one recorded event; total, decides nothing."""
    match event:
        case MandateAuthorised():
            mandate = Mandate(
                mandate_id=event.mandate_id, party_id=event.party_id, since=event.authorised_on, terms=event.mandate
            )
            return autopay.changed(mandates=(*autopay.mandates, mandate))
        case MandateChanged():
            return _with_mandate(autopay, event.mandate_id, terms=event.mandate)
        case MandateRevoked():
            return _with_mandate(autopay, event.mandate_id, revoked_on=event.revoked_on)
        case DebitNotified():
            debit = Debit(
                debit_id=event.debit_id,
                mandate_id=event.mandate_id,
                amount_minor=event.amount_minor,
                collect_on=event.collect_on,
                status=Debit.NOTIFIED,
            )
            return autopay.changed(debits=(*autopay.debits, debit))
    return _presented(autopay, event)


def _presented(autopay: Autopay, event: MandateEvent) -> Autopay:
    match event:
        case DebitSubmitted():
            known = autopay.debit(event.debit_id)
            return _with_debit(
                autopay,
                event.debit_id,
                status=Debit.SUBMITTED,
                attempt=event.attempt,
                amount_minor=event.amount_minor,
                first_on=(known and known.first_on) or event.submitted_on,
                again=False,
            )
        case DebitSettled():
            settled = _with_mandate(autopay, event.mandate_id, failures=0)
            return _with_debit(settled, event.debit_id, status=Debit.SETTLED, final_on=event.final_on)
        case DebitReturned():
            mandate = autopay.mandate(event.mandate_id)
            failed = _with_mandate(autopay, event.mandate_id, failures=(mandate.failures if mandate else 0) + 1)
            return _with_debit(
                failed,
                event.debit_id,
                status=Debit.RETURNED,
                code=event.code,
                again=event.again,
                returned_on=event.returned_on,
                final_on=None,
            )
        case DebitCancelled():
            return _with_debit(autopay, event.debit_id, status=Debit.CANCELLED, again=False)
    return autopay


def _with_mandate(autopay: Autopay, mandate_id: str, **fields: object) -> Autopay:
    changed = (each.changed(**fields) if each.mandate_id == mandate_id else each for each in autopay.mandates)
    return autopay.changed(mandates=tuple(changed))


def _with_debit(autopay: Autopay, debit_id: str, **fields: object) -> Autopay:
    changed = (each.changed(**fields) if each.debit_id == debit_id else each for each in autopay.debits)
    return autopay.changed(debits=tuple(changed))
