"""From terms to the installments of an agreement, numbered from 1; a down payment is the first of them."""

from math import gcd

from ledger.domain.agreement import DAILY, Agreement, Installment
from ledger.domain.due_dates import Calendars
from ledger.domain.errors import InvalidTerms
from ledger.domain.schedule import InterestPeriod, Line, Schedule, build, interest_periods
from ledger.domain.terms import Method, Terms
from schemas.loans.servicing import Servicing

_DAILY = {
    Method.EQUAL_INSTALLMENT,
    Method.EQUAL_PRINCIPAL,
    Method.INTEREST_ONLY,
    Method.GIVEN_INSTALLMENT,
    Method.BULLET,
}


def agreement(terms: Terms, servicing: Servicing, calendars: Calendars | None = None) -> Agreement:
    """What the terms and the policy agree on. Raises `InvalidTerms` as `build`, and where interest cannot accrue
    daily on such terms."""
    schedule = build(terms, calendars)
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
