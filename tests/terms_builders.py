"""Builders of loan terms, and the few columns of a schedule that tests look at."""

from datetime import date
from typing import Any

import orjson

from ledger.domain.schedule import Schedule, build
from ledger.domain.terms import InstallmentRounding, Residue, Rounding, RoundingTerms, Terms

HALF_EVEN = RoundingTerms(mode=Rounding.HALF_EVEN)
EVENED = RoundingTerms(mode=Rounding.HALF_EVEN, residue=Residue.EVENED)
UP_TO_WHOLE = RoundingTerms(installment=InstallmentRounding.UP, multiple_minor=100)
TO_WHOLE = RoundingTerms(installment=InstallmentRounding.HALF_UP, multiple_minor=100)


def terms(**fields: Any) -> Terms:
    """12,000.00 CNY at 18 % in 12 monthly installments, with other values in some fields."""
    agreed: dict[str, Any] = {
        "principal_minor": 12_000_00,
        "currency": "CNY",
        "annual_rate": "0.18",
        "term": 12,
        "disbursed_on": date(2026, 1, 1),
    }
    return Terms(**(agreed | fields))


def request_line(**fields: Any) -> bytes:
    """The same terms as JSON; a field that is `...` is left out."""
    agreed = {"principal_minor": 12_000_00, "currency": "CNY", "annual_rate": "0.18", "term": 12}
    whole = agreed | {"disbursed_on": "2026-01-01"} | fields
    return orjson.dumps({name: value for name, value in whole.items() if value is not ...})


def schedule(**fields: Any) -> Schedule:
    return build(terms(**fields))


def column(built: Schedule, name: str) -> list[Any]:
    """One field of all lines."""
    return [getattr(line, f"{name}_minor" if name != "due_on" else name) for line in built.lines]


def rows(built: Schedule) -> list[tuple[str, int, int, int, int]]:
    """Due date, principal, interest, total and balance of all lines."""
    return [
        (str(line.due_on), line.principal_minor, line.interest_minor, line.total_minor, line.balance_minor)
        for line in built.lines
    ]
