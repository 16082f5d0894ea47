"""From terms to the installments of an agreement, numbered from 1; a down payment is the first of them."""

from datetime import timedelta
from math import gcd

from ledger.domain.agreement import DAILY, Agreement, Installment
from ledger.domain.due_dates import Calendars
from ledger.domain.errors import InvalidTerms
from ledger.domain.schedule import InterestPeriod, Line, Schedule, build, fee_minor, interest_periods
from ledger.domain.terms import FeeTiming, Method, Revolving, Terms
from schemas.loans.servicing import Servicing

_DAILY = {
    Method.EQUAL_INSTALLMENT,
    Method.EQUAL_PRINCIPAL,
    Method.INTEREST_ONLY,
    Method.GIVEN_INSTALLMENT,
    Method.BULLET,
    Method.REVOLVING,
}


def agreement(terms: Terms, servicing: Servicing, calendars: Calendars | None = None) -> Agreement:
    """What the terms and the policy agree on. Raises `InvalidTerms` as `build`, and where interest cannot accrue
    daily on such terms."""
    schedule = build(terms, calendars)
    if terms.revolving:
        _require_cycles(terms, servicing, schedule)
        return Agreement(installments=_cycles(terms, terms.revolving, schedule), servicing=servicing, terms=terms)
    if servicing.accrual == DAILY:
        _require_daily(terms, schedule)
    return Agreement(installments=installments(terms, schedule, calendars), servicing=servicing, terms=terms)


def installments(terms: Terms, schedule: Schedule, calendars: Calendars | None = None) -> tuple[Installment, ...]:
    """The lines of a schedule with their interest periods."""
    periods = interest_periods(terms, calendars)
    shift = 1 if schedule.lines[0].number == 0 else 0
    down = [
        _installment(1, line, InterestPeriod(since=line.due_on, until=line.due_on, share=None))
        for line in schedule.lines[:shift]
    ]
    lines = schedule.lines[shift:]
    return (
        *down,
        *(_installment(line.number + shift, line, period) for line, period in zip(lines, periods, strict=False)),
    )


def _cycles(terms: Terms, revolving: Revolving, schedule: Schedule) -> tuple[Installment, ...]:
    """One installment for each statement, of nothing yet; interest counts from statement to statement."""
    closing = [on - timedelta(revolving.days_to_pay) for on in schedule.agreed_on]
    fee = sum(fee_minor(fee, terms) for fee in terms.fees if fee.timing is FeeTiming.EACH)
    return tuple(
        Installment(
            number=number,
            due_on=line.due_on,
            principal_minor=0,
            interest_minor=0,
            fee_minor=fee,
            since=since,
            until=until,
        )
        for number, (line, since, until) in enumerate(
            zip(schedule.lines, [terms.disbursed_on, *closing], closing, strict=False), 1
        )
    )


def _require_cycles(terms: Terms, servicing: Servicing, schedule: Schedule) -> None:
    """Each statement comes after the day on which the one before it was due."""
    assert terms.revolving, "asked for such terms only"
    if servicing.accrual != DAILY:
        raise InvalidTerms(
            f"asked to serve a balance that revolves with interest that is {servicing.accrual}; serve it with accrual "
            "daily",
            "method",
        )
    days = timedelta(terms.revolving.days_to_pay)
    dues = [terms.disbursed_on, *(line.due_on for line in schedule.lines)]
    for before, on in zip(dues, schedule.agreed_on, strict=False):
        if on - days <= before:
            raise InvalidTerms(
                f"asked for {days.days} days to pay by {on}, from a statement on {on - days}, not after {before}; give "
                "fewer days, or a later first due date",
                "revolving.days_to_pay",
            )


def _installment(number: int, line: Line, period: InterestPeriod) -> Installment:
    return Installment(
        number=number,
        due_on=line.due_on,
        principal_minor=line.principal_minor,
        interest_minor=line.interest_minor,
        fee_minor=line.fee_minor,
        since=period.since,
        until=period.until,
        share=period.share and _reduced(*period.share),
    )


def _reduced(top: int, bottom: int) -> tuple[int, int]:
    common = gcd(top, bottom) or 1
    return top // common, bottom // common


def _require_daily(terms: Terms, schedule: Schedule) -> None:
    if terms.method not in _DAILY:
        raise InvalidTerms(
            f"asked for interest that accrues daily on a loan by {terms.method.value}, whose interest is agreed; serve "
            "it with accrual scheduled",
            "method",
        )
    if terms.interest_grace:
        raise InvalidTerms(
            "asked for interest that accrues daily on a loan with installments without interest at the beginning; "
            "serve it with accrual scheduled, or leave interest_grace out",
            "interest_grace",
        )
    days = zip(schedule.agreed_on, schedule.lines, strict=True)
    if any(until > line.due_on for until, line in days) or any(line.principal_minor < 0 for line in schedule.lines):
        raise InvalidTerms(
            "asked for interest that accrues daily on a loan that falls due before its interest is known, or that "
            "grows; serve it with accrual scheduled, or with interest_from_due_dates adjusted",
            "interest_from_due_dates",
        )
