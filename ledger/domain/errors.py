"""Refusals of the domain. Each message says what was asked, what was found, and what to do."""

from schemas.errors import BadInput, Corrupt, NotFound, Refused


class InvalidAmount(BadInput):
    code = "invalid_amount"


class InvalidIdentifier(BadInput):
    code = "invalid_identifier"


class InvalidDate(BadInput):
    code = "invalid_date"


class UnknownCurrency(BadInput):
    code = "unknown_currency"


class UnknownPeriod(BadInput):
    code = "unknown_period"
    field = "every"


class NoAnnualRate(BadInput):
    """Flows that no rate makes equal."""

    code = "no_annual_rate"


class SeveralAnnualRates(BadInput):
    """Flows that more than one rate may make equal."""

    code = "several_annual_rates"


class UnknownJurisdiction(BadInput):
    code = "unknown_jurisdiction"
    field = "jurisdiction"


class UnknownLender(BadInput):
    """A kind of lender that the caps of a jurisdiction do not know, so that none would be tested."""

    code = "unknown_lender"
    field = "lender"


class NoReferenceRate(BadInput):
    """A date on which the rate that a cap is a multiple of was not published yet."""

    code = "no_reference_rate"
    field = "disbursed_on"


class RateAboveCap(Refused):
    code = "rate_above_cap"
    field = "annual_rate"


class UnknownCause(BadInput):
    code = "unknown_cause"


class WrongCurrency(Refused):
    code = "wrong_currency"


class LoanNotFound(NotFound):
    code = "loan_not_found"


class LoanExists(Refused):
    code = "loan_exists"


class NotDisbursed(Refused):
    """Something that needs a debt, on a loan of which nothing is paid out yet."""

    code = "not_disbursed"


class AlreadyDisbursed(Refused):
    """A disbursement beyond what was agreed, or one that cannot be undone any more."""

    code = "already_disbursed"


class LoanEnded(Refused):
    """Something that a loan which is withdrawn, written off or closed does not take any more."""

    code = "loan_ended"


class NothingToWaive(Refused):
    code = "nothing_to_waive"


class UnknownComponent(BadInput):
    """Not principal, interest, fee or penalty_interest."""

    code = "unknown_component"


class ApprovalMissing(Refused):
    """An amount that needs a second person, who is not the one who asks."""

    code = "approval_missing"


class CreditTooSmall(Refused):
    code = "credit_too_small"


class CoolingOffOver(Refused):
    code = "cooling_off_over"


class InstallmentNotFound(NotFound):
    """An installment that a loan does not have, or did not have yet."""

    code = "installment_not_found"


class TransactionNotFound(NotFound):
    code = "transaction_not_found"


class LineExists(Refused):
    code = "line_exists"


class LineNotFound(NotFound):
    code = "line_not_found"


class LineIsFrozen(Refused):
    code = "line_is_frozen"


class LineClosedAlready(Refused):
    code = "line_closed"


class LineStillOwes(Refused):
    code = "line_still_owes"


class DrawnFromLine(Refused):
    """A balance that revolves is paid out by drawing from the line that it belongs to, and from no other."""

    code = "drawn_from_line"


class LimitExceeded(Refused):
    """A draw for which the line has too little left."""

    code = "limit_exceeded"


class MandateExists(Refused):
    code = "mandate_exists"


class MandateEnded(Refused):
    """A mandate that is revoked, or not in force on the day."""

    code = "mandate_ended"


class MandateNotFound(NotFound):
    code = "mandate_not_found"


class DebitExists(Refused):
    code = "debit_exists"


class DebitRefused(Refused):
    """A debit that its mandate, its rules or what is due do not allow."""

    code = "debit_refused"


class DebitNotFound(NotFound):
    code = "debit_not_found"


class PartyExists(Refused):
    code = "party_exists"


class PartyNotFound(NotFound):
    code = "party_not_found"


class UnknownRole(BadInput):
    code = "unknown_role"


class SameLoan(BadInput):
    """A payment that is to be moved from a loan to itself."""

    code = "same_loan"


class PaymentNotFound(NotFound):
    code = "payment_not_found"


class PaymentExists(Refused):
    code = "payment_exists"


class AlreadyReversed(Refused):
    code = "already_reversed"


class BookExists(Refused):
    code = "book_exists"


class Unbalanced(Corrupt):
    """Lines of double entry that do not add up to zero."""

    code = "unbalanced"


class OutsideChart(Corrupt):
    """A line on an account, or with a component, that the chart of accounts does not have."""

    code = "outside_chart"


class ReasonMissing(BadInput):
    code = "reason_missing"


class PauseExists(Refused):
    code = "pause_exists"


class PauseNotFound(NotFound):
    code = "pause_not_found"


class RestructuringExists(Refused):
    code = "restructuring_exists"


class RestructuringNotFound(NotFound):
    code = "restructuring_not_found"


class UnknownCounter(BadInput):
    code = "unknown_counter"


class PeriodIsClosed(Refused):
    """Something that would be booked on a day of a closed accounting period."""

    code = "period_is_closed"


class PeriodNotOver(Refused):
    """An accounting period that cannot be closed yet."""

    code = "period_not_over"


class AlreadySkipped(Refused):
    code = "already_skipped"


class InvalidTerms(BadInput):
    """Terms of a loan that do not fit together, or a value among them that means nothing; `field` says which."""

    code = "invalid_terms"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InterestNotCovered(InvalidTerms):
    """An installment that is less than the interest due with it."""

    code = "interest_not_covered"


class CalendarMissing(InvalidTerms):
    """A calendar that nobody has, or a year for which none was published."""

    code = "calendar_missing"


def shown(text: str) -> str:
    """A caller's text as a message quotes it: at most its first 60 characters."""
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}... ({len(text)} characters)"
