"""Events of autopay: what a payer has allowed to be debited, and each debit from its announcement to its end.

A settled debit is a payment of the loan; `DebitSettled` and `PaymentReceived` are recorded together, as are a late
`DebitReturned` and `PaymentReversed`.
"""

from datetime import date
from typing import Annotated

from msgspec import Meta

from schemas.values import ABSENT, Absent, Count, Identifier, LoanEvent, PositiveCount, PositiveMinor, Text, Value, Word

ReturnCode = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9]{1,9}\Z", description="as the scheme writes it")]


class DebitRules(Value, frozen=True):
    """What a scheme, the law and the lender allow; agreed with the mandate, so that nobody needs a policy file.

    `notice_days`: from the announcement of a debit to its day. `attempts`: presentations of one debit in all, none more
    than `within_days` after the first one. `again`: return codes after which it may be presented again; `ending`: those
    that end the mandate. `failures`: after so many failed debits in a row the mandate ends (0: never). `final_days`: a
    settled debit is provisional for so long.
    """

    policy: Text
    attempts: PositiveCount
    within_days: Count
    notice_days: Count = 0
    failures: Count = 0
    final_days: Count = 0
    again: tuple[ReturnCode, ...] = ()
    ending: tuple[ReturnCode, ...] = ()


class MandateTerms(Value, frozen=True):
    """What a payer allows: no debit above `at_most_minor`, none after `until`. `account_token` names the account to
    whoever presents the debit, and tells nothing by itself."""

    rail: Word
    account_token: Identifier
    at_most_minor: PositiveMinor
    rules: DebitRules
    until: date | Absent = ABSENT


class MandateEvent(LoanEvent, frozen=True):
    """A fact about a mandate."""

    FAMILY = "ledger.payments"

    mandate_id: Identifier


class MandateAuthorised(MandateEvent, frozen=True):
    """A payer allows debits from a day on."""

    TYPE = "ledger.payment.mandate_authorised.v1"

    party_id: Identifier
    authorised_on: date
    mandate: MandateTerms

    @property
    def value_date(self) -> date:
        return self.authorised_on


class MandateChanged(MandateEvent, frozen=True):
    """From a day on other terms hold."""

    TYPE = "ledger.payment.mandate_changed.v1"

    changed_on: date
    mandate: MandateTerms

    @property
    def value_date(self) -> date:
        return self.changed_on


class MandateRevoked(MandateEvent, frozen=True):
    """Nothing more is debited: the payer said so, or what came back ended it. A debit on its way may still settle."""

    TYPE = "ledger.payment.mandate_revoked.v1"

    revoked_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.revoked_on


class DebitEvent(MandateEvent, frozen=True):
    """A fact about one debit."""

    debit_id: Identifier


class DebitNotified(DebitEvent, frozen=True):
    """The payer is told what will be debited, and when."""

    TYPE = "ledger.payment.debit_notified.v1"

    amount_minor: PositiveMinor
    notified_on: date
    collect_on: date

    @property
    def value_date(self) -> date:
        return self.notified_on


class DebitSubmitted(DebitEvent, frozen=True):
    """A debit is presented, for the first time or again. What was due less by then is debited less."""

    TYPE = "ledger.payment.debit_submitted.v1"

    attempt: PositiveCount
    amount_minor: PositiveMinor
    submitted_on: date

    @property
    def value_date(self) -> date:
        return self.submitted_on


class DebitSettled(DebitEvent, frozen=True):
    """The money came: it is payment `payment_id`, provisional until `final_on`."""

    TYPE = "ledger.payment.debit_settled.v1"

    attempt: PositiveCount
    amount_minor: PositiveMinor
    payment_id: Identifier
    settled_on: date
    final_on: date

    @property
    def value_date(self) -> date:
        return self.settled_on


class DebitReturned(DebitEvent, frozen=True):
    """A debit did not come, or was taken back after it had settled (`was_settled`). `again`: it may be presented again,
    within the rules of the mandate."""

    TYPE = "ledger.payment.debit_returned.v1"

    attempt: PositiveCount
    amount_minor: PositiveMinor
    code: ReturnCode
    returned_on: date
    was_settled: bool
    again: bool

    @property
    def value_date(self) -> date:
        return self.returned_on


class DebitCancelled(DebitEvent, frozen=True):
    """A debit that was announced is not presented, or not again."""

    TYPE = "ledger.payment.debit_cancelled.v1"

    cancelled_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.cancelled_on
