"""What callers may ask for about several loans at once, as plain commands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.application.commands import LoanCommand
from ledger.application.joint_desk import JointCommand, Read
from ledger.domain import payments
from ledger.domain.identifiers import loan_stream, require_identifier
from ledger.domain.loan import Loan
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class MovePayment(JointCommand):
    """A payment was meant for another loan: it never counted on the one, and counts on the other as it came.

    `paid_on` None: it keeps its value date. `method`: how it had come.
    """

    payment_id: str
    from_loan_id: str
    to_loan_id: str
    method: str
    paid_on: date | None = None

    def streams(self, read: Read) -> Collection[str]:
        return [loan_stream(require_identifier(loan_id, "loan")) for loan_id in (self.from_loan_id, self.to_loan_id)]

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        left, joined = (_loan(read, loan_id) for loan_id in (self.from_loan_id, self.to_loan_id))
        moved = payments.move_payment(
            left, joined, self.payment_id, method=self.method, paid_on=self.paid_on, today=today
        )
        return dict(zip((loan_stream(left.loan_id), loan_stream(joined.loan_id)), moved, strict=True))


def _loan(read: Read, loan_id: str) -> Loan:
    found = read[loan_stream(loan_id)]
    assert found is None or isinstance(found, Loan), "streams of loans hold loans"
    return LoanCommand(loan_id=loan_id).require(found)
