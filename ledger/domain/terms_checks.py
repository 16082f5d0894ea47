"""Whether the terms of a loan fit together. Each refusal names the field, what was found, and what to do.

Options that a method does not use are refused, because terms that mean nothing are terms that somebody believes in.
"""

from datetime import date
from itertools import pairwise
from typing import Any

from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.due_dates import read_every
from ledger.domain.errors import InvalidTerms, UnknownCurrency
from ledger.domain.interest import rates_of, read_rate
from ledger.domain.terms import BusinessDay, DayCount, Fee, FeeTiming, Method, Residue, Terms
from schemas.values import LARGEST_MINOR

INSTALLMENTS_MAX = 1200
"""A hundred years of months."""

FIRST_DAY = date(1900, 1, 1)
"""Nothing that is quoted was paid out before."""

SPAN_YEARS_MAX = 100
"""From the disbursement to a date that the terms name."""

WORDS = {
    "installment_period": ("day_count", "period", "thirty_days"),
    "installment_changes": ("recalculated", "level"),
    "odd_days": ("spread", "added"),
    "odd_day_place": ("first", "last"),
    "interest_from_due_dates": ("unadjusted", "adjusted", "nominal"),
}
"""The words that options of no class of their own take."""

RATE_OF = ("principal", "balance")
"""What the rate of a fee may be of."""

_THIRTY = (DayCount.THIRTY_360_US, DayCount.THIRTY_U_360, DayCount.THIRTY_E_360)
_EQUAL = {Method.EQUAL_INSTALLMENT}
_PARTS = {Method.EQUAL_PRINCIPAL, Method.FLAT_INTEREST, Method.FLAT_FEE}
_GIVEN = {Method.GIVEN_INSTALLMENT}
_USED_BY = {
    "installment_minor": _GIVEN,
    "lines": {Method.EXPLICIT},
    "revolving": {Method.REVOLVING},
    "principal_grace": _EQUAL | _PARTS,
    "interest_grace": _EQUAL | _PARTS | _GIVEN | {Method.INTEREST_ONLY},
    "interest_free": _EQUAL | _PARTS | _GIVEN | {Method.INTEREST_ONLY, Method.BULLET},
    "balloon_minor": _EQUAL | _PARTS | _GIVEN,
    "odd_days": _EQUAL | _GIVEN,
    "negative_amortisation": _EQUAL | _GIVEN,
    "installment_period": _EQUAL,
    "installment_changes": _EQUAL,
}
_ROUNDING_USED_BY = _EQUAL | _PARTS
_DEFAULTS = Terms(principal_minor=1, currency="CNY", disbursed_on=date(1970, 1, 1))
_UNUSED: dict[Method, tuple[tuple[str, Any], ...]] = {
    method: tuple((field, getattr(_DEFAULTS, field)) for field, methods in _USED_BY.items() if method not in methods)
    for method in Method
}


def check(terms: Terms) -> None:
    """Raise `InvalidTerms` for the first thing that does not fit."""
    _check_amounts(terms)
    _check_used(terms)
    _check_words(terms)
    _check_term(terms)
    _check_dates(terms)
    _check_grace(terms)
    if terms.disbursements:
        _check_disbursements(terms)
    if terms.lines:
        _check_lines(terms)
    if terms.method is Method.REVOLVING:
        _check_revolving(terms)
    for number, fee in enumerate(terms.fees):
        _check_fee(fee, f"fees[{number}]")
    rates_of(terms.annual_rate, terms.rate_steps)


def _check_amounts(terms: Terms) -> None:
    principal = terms.principal_minor
    if not 0 < principal <= LARGEST_MINOR:
        raise _wrong("principal_minor", principal, f"give 1 to {LARGEST_MINOR} minor units (2^53 - 1)")
    if terms.down_payment_minor or terms.balloon_minor:
        _check_parts_of_principal(terms)
    if terms.installment_minor is not None and not 0 < terms.installment_minor <= LARGEST_MINOR:
        raise _wrong("installment_minor", terms.installment_minor, f"give 1 to {LARGEST_MINOR} minor units (2^53 - 1)")
    try:
        minor_unit_exponent(terms.currency)
    except UnknownCurrency as error:
        raise InvalidTerms(str(error), "currency") from error


def _check_parts_of_principal(terms: Terms) -> None:
    first = terms.disbursements[0].amount_minor if terms.disbursements else terms.principal_minor
    if not 0 <= terms.down_payment_minor < first:
        raise _wrong("down_payment_minor", terms.down_payment_minor, f"give less than what is paid out, {first}")
    left = terms.principal_minor - terms.down_payment_minor
    if not 0 <= terms.balloon_minor < left:
        raise _wrong("balloon_minor", terms.balloon_minor, f"give less than the principal to repay, {left}")


def _check_used(terms: Terms) -> None:
    method = terms.method
    for field, default in _UNUSED[method]:
        found = getattr(terms, field)
        if found != default:
            used = ", ".join(sorted(other.value for other in _USED_BY[field]))
            raise InvalidTerms(
                f"asked for {field} with the method {method.value}, where it means nothing; it belongs to {used}", field
            )
    rounding = terms.rounding
    if method not in _ROUNDING_USED_BY:
        for field in ("installment", "multiple_minor", "residue"):
            if getattr(rounding, field) != getattr(_DEFAULTS.rounding, field):
                raise InvalidTerms(
                    f"asked for rounding.{field} with the method {method.value}, which has no equal parts; "
                    "leave it out",
                    f"rounding.{field}",
                )
    if rounding.residue is Residue.EVENED and method not in _EQUAL:
        raise InvalidTerms(
            f"asked for rounding.residue evened with the method {method.value}, whose installments are not equal; give "
            "last, first or spread",
            "rounding.residue",
        )
    if rounding.multiple_minor != 1 and rounding.installment.value == "none":
        raise InvalidTerms(
            f"asked for installments in multiples of {rounding.multiple_minor} without rounding them; "
            "give rounding.installment, too",
            "rounding.multiple_minor",
        )
    for field in ("multiple_minor", "interest_multiple_minor"):
        if not 0 < getattr(rounding, field) <= LARGEST_MINOR:
            raise _wrong(f"rounding.{field}", getattr(rounding, field), "give 1 or more minor units")


def _check_words(terms: Terms) -> None:
    for field, words in WORDS.items():
        if getattr(terms, field) not in words:
            raise _wrong(field, repr(getattr(terms, field)), f"give one of {', '.join(words)}")
    monthly = read_every(terms.every).monthly
    if terms.interest_from_due_dates == "nominal" and not (terms.day_count in _THIRTY and monthly):
        raise InvalidTerms(
            f"asked for interest by nominal dates with {terms.day_count.value} every {terms.every}; only the 30/360 "
            "counts of months have them",
            "interest_from_due_dates",
        )
    if terms.interest_from_due_dates == "adjusted" and terms.day_count is DayCount.PERIOD:
        raise InvalidTerms(
            "asked for interest to moved due dates by whole periods, which moving does not change; count days, or "
            "leave interest_from_due_dates out",
            "interest_from_due_dates",
        )
    for field in ("odd_day_count", "odd_day_place"):
        if terms.day_count is not DayCount.PERIOD and getattr(terms, field) != getattr(_DEFAULTS, field):
            raise InvalidTerms(
                f"asked for {field} with {terms.day_count.value}, which counts all days alike; leave it out", field
            )
    if terms.business_day is not BusinessDay.NONE and terms.calendar is None:
        raise InvalidTerms(
            f"asked to move installments to open days ({terms.business_day.value}) without a calendar; name one, or "
            "weekends",
            "calendar",
        )


def _check_term(terms: Terms) -> None:
    term, method = terms.term, terms.method
    if method is Method.EXPLICIT:
        if not 0 < len(terms.lines) <= INSTALLMENTS_MAX:
            raise _wrong("lines", len(terms.lines), f"give 1 to {INSTALLMENTS_MAX} lines")
        if term not in {None, len(terms.lines)}:
            raise _wrong("term", term, f"the lines are {len(terms.lines)}; give that number, or leave it out")
    elif method is Method.GIVEN_INSTALLMENT:
        if terms.installment_minor is None:
            raise _wrong("installment_minor", None, "give the agreed amount of an installment")
        if term is None and (terms.balloon_minor or terms.negative_amortisation):
            raise _wrong("term", None, "a balloon, or a loan that may grow, needs an end; give the term")
    elif term is None and method is not Method.BULLET:
        raise _wrong("term", None, f"give the number of installments, 1 to {INSTALLMENTS_MAX}")
    if term is not None and not 0 < term <= INSTALLMENTS_MAX:
        raise _wrong("term", term, f"give a number of installments from 1 to {INSTALLMENTS_MAX}")


def _check_dates(terms: Terms) -> None:
    if terms.disbursed_on < FIRST_DAY:
        raise _wrong("disbursed_on", terms.disbursed_on, f"give {FIRST_DAY} or a later date")
    if terms.first_due_on is not None:
        _require_near(terms.first_due_on, terms, "first_due_on")
    if terms.disbursements:
        _require_near(terms.disbursements[-1].on, terms, f"disbursements[{len(terms.disbursements) - 1}].on")
    if terms.lines:
        _require_near(terms.lines[-1].due_on, terms, f"lines[{len(terms.lines) - 1}].due_on")
    if terms.first_due_on is not None and terms.first_due_on < terms.disbursed_on:
        raise InvalidTerms(
            f"asked for the first installment on {terms.first_due_on}, before the disbursement on "
            f"{terms.disbursed_on}; give that date or a later one",
            "first_due_on",
        )
    if terms.due_day is not None and not 0 < terms.due_day <= 31:
        raise _wrong("due_day", terms.due_day, "give a day of the month, 1 to 31")
    if terms.due_day is not None and not terms.every.endswith("m"):
        raise _wrong("due_day", terms.due_day, f"due dates every {terms.every} have no day of the month; leave it out")


def _require_near(day: date, terms: Terms, field: str) -> None:
    if day.year - terms.disbursed_on.year > SPAN_YEARS_MAX:
        raise _wrong(
            field, day, f"give a date of at most {SPAN_YEARS_MAX} years after the disbursement on {terms.disbursed_on}"
        )


def _check_grace(terms: Terms) -> None:
    for field, least_after in (("principal_grace", 1), ("interest_grace", 1), ("interest_free", 0)):
        found = getattr(terms, field)
        if found < 0:
            raise _wrong(field, found, "give 0 or more periods")
        if found and terms.term is not None and found > terms.term - least_after:
            raise _wrong(field, found, f"give at most {terms.term - least_after} of a term of {terms.term}")

    if terms.interest_grace and terms.negative_amortisation:
        raise InvalidTerms(
            "asked for interest_grace, which defers interest without interest on it, and negative_amortisation, which "
            "adds it to what is owed; agree on one of them",
            "interest_grace",
        )


def _check_disbursements(terms: Terms) -> None:
    parts = terms.disbursements
    total = sum(part.amount_minor for part in parts)
    if parts[0].on != terms.disbursed_on:
        raise InvalidTerms(
            f"asked for a first part on {parts[0].on} of a loan disbursed on {terms.disbursed_on}; give the same date",
            "disbursements[0].on",
        )
    for number, (before, after) in enumerate(pairwise(parts), 1):
        if after.on < before.on:
            raise InvalidTerms(
                f"asked for a part on {after.on} after one on {before.on}; put them in the order of dates",
                f"disbursements[{number}].on",
            )
    if total != terms.principal_minor or min(part.amount_minor for part in parts) <= 0:
        raise _wrong("disbursements", f"{total} in all", f"give parts that sum up to {terms.principal_minor}")
    if terms.method in {Method.FLAT_INTEREST, Method.FLAT_FEE} and terms.rounding.installment.value != "none":
        raise InvalidTerms(
            "asked for several disbursements of a flat loan with equal rounded installments; leave out the rounding",
            "rounding.installment",
        )


def _check_lines(terms: Terms) -> None:
    dates = [terms.disbursed_on, *(line.due_on for line in terms.lines)]
    for number, (before, after) in enumerate(pairwise(dates)):
        if after < before or (after == before and number):
            raise InvalidTerms(
                f"asked for a line due on {after} after {before}; put lines in the order of their dates, one for each",
                f"lines[{number}].due_on",
            )
    for number, line in enumerate(terms.lines):
        if min(line.principal_minor, line.interest_minor or 0, line.fee_minor) < 0:
            raise _wrong(f"lines[{number}]", "an amount below 0", "give 0 or more")
    total, expected = (
        sum(line.principal_minor for line in terms.lines),
        terms.principal_minor - terms.down_payment_minor,
    )
    if total != expected:
        raise InvalidTerms(
            f"asked for lines with a principal of {total} minor units in all, of a loan that has {expected} to repay; "
            "make the sum that amount",
            "lines",
        )
    if terms.first_due_on not in {None, terms.lines[0].due_on}:
        raise _wrong("first_due_on", terms.first_due_on, f"the first line is due on {terms.lines[0].due_on}")
    if terms.business_day is not BusinessDay.NONE:
        raise _wrong("business_day", terms.business_day.value, "explicit lines say when they are due; leave it out")


def _check_revolving(terms: Terms) -> None:
    revolving = terms.revolving
    if revolving is None:
        raise _wrong("revolving", None, "say how many days there are to pay, and what a statement asks for")
    if terms.day_count is DayCount.PERIOD:
        raise _wrong("day_count", terms.day_count.value, "a balance that changes by the day needs a count of days")
    for field in ("disbursements", "down_payment_minor"):
        if getattr(terms, field) != getattr(_DEFAULTS, field):
            raise _wrong(field, getattr(terms, field), "what revolves is drawn when it is needed; leave it out")
    for number, fee in enumerate(terms.fees):
        if fee.timing in {FeeTiming.DEDUCTED, FeeTiming.LAST} or fee.rate_of != "principal":
            raise _wrong(f"fees[{number}].timing", fee.timing.value, "give fees that are paid upfront or each time")
    top, bottom = read_rate(revolving.minimum_share, "revolving.minimum_share")
    if top > bottom:
        raise _wrong("revolving.minimum_share", revolving.minimum_share, "give a share from 0 to 1")
    if not 0 <= revolving.minimum_minor <= LARGEST_MINOR:
        raise _wrong("revolving.minimum_minor", revolving.minimum_minor, f"give 0 to {LARGEST_MINOR} minor units")
    if revolving.days_to_pay < 1:
        raise _wrong("revolving.days_to_pay", revolving.days_to_pay, "give 1 day or more")


def _check_fee(fee: Fee, field: str) -> None:
    if (fee.amount_minor is None) == (fee.rate is None):
        raise InvalidTerms(
            f"asked for the fee {fee.name} with {'both' if fee.rate else 'neither'} amount_minor and rate; give one",
            f"{field}.amount_minor",
        )
    if fee.rate_of not in RATE_OF:
        raise _wrong(f"{field}.rate_of", repr(fee.rate_of), "give principal or balance")
    if fee.rate_of == "balance" and (fee.rate is None or fee.timing is not FeeTiming.EACH):
        raise InvalidTerms(
            f"asked for the fee {fee.name} by the balance, {fee.timing.value}; give a rate with each installment",
            f"{field}.rate_of",
        )
    if fee.rate is not None:
        read_rate(fee.rate, f"{field}.rate")
    elif not 0 <= (fee.amount_minor or 0) <= LARGEST_MINOR:
        raise _wrong(f"{field}.amount_minor", fee.amount_minor, f"give 0 to {LARGEST_MINOR} minor units")


def _wrong(field: str, found: object, instead: str) -> InvalidTerms:
    text = str(found)
    asked = text if len(text) <= 60 else f"{text[:60]}... ({len(text)} characters)"
    return InvalidTerms(f"asked for {field} {asked}; {instead}", field)
