"""Made-up books to read: the same in every run."""

from datetime import date

from ledger.application.dev_book.plan import Plan

UNTIL = date(2025, 12, 31)

SMALL = Plan(loans=19_000, until=UNTIL)
"""About 100,000 events: loans with five events each, one in ten late."""

POSTINGS_EACH = 50
"""Of a loan that is paid off."""
_POSTINGS_MEAN = 44  # the youngest loans are still being paid
LONG_POSTINGS = 40_000


def book_of_postings(total: int, longest: int) -> Plan:
    """Loans of 50 postings, and one that has `longest` of so many in all. A payment is two postings."""
    return Plan(
        loans=(total - longest) // _POSTINGS_MEAN,
        until=UNTIL,
        payments_per_loan=POSTINGS_EACH // 2 - 1,
        late_share=0.02,
        long_loan_payments=longest // 2 - 1,
    )


FEW_POSTINGS = book_of_postings(200_000, LONG_POSTINGS // 10)
"""About 100,000 events."""
DUE = 30_000
_DUE_BY_CHANCE = 0.0055
"""The part of all loans that wait on any day: they fall due, or come into the next bucket."""


def book_of_due(loans: int) -> Plan:
    """About DUE loans for the next day end to see to, whatever the number of all; three in ten have installments and
    interest."""
    return Plan(
        loans=loans,
        until=UNTIL,
        payments_per_loan=2,
        late_share=0.02,
        due_share=DUE / loans - _DUE_BY_CHANCE,
        installments_share=0.3,
    )


MANY_POSTINGS = book_of_postings(2_000_000, LONG_POSTINGS)
"""About 1,000,000 events."""
