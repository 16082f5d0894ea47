"""Events that say that the terms of a loan were eased because its borrower could not keep them."""

from datetime import date

from schemas.values import Identifier, LoanEvent, Text


class LoanRestructured(LoanEvent, frozen=True):
    """Terms were eased on `restructured_on` for a borrower in difficulty, who is observed for a while.

    `first_payment_on`: the first due date by the eased terms.
    """

    TYPE = "ledger.loan.restructured.v1"
    FAMILY = "ledger.overdue"

    restructuring_id: Identifier
    restructured_on: date
    first_payment_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.restructured_on


class RestructuringWithdrawn(LoanEvent, frozen=True):
    """It turns out that terms were not eased for a borrower in difficulty: it counts as if nobody had said so."""

    TYPE = "ledger.loan.restructuring_withdrawn.v1"
    FAMILY = "ledger.overdue"

    restructuring_id: Identifier
    told_on: date
    reason: Text

    @property
    def value_date(self) -> date:
        return self.told_on
