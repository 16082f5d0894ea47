"""What time charges: interest of the contract, penalty interest on what is overdue, and late fees.

Interest accrues exactly and is rounded once when it is charged: at the due date of its installment, or earlier where
money pays it before. Penalty interest is charged whenever money comes or an installment falls due, never by the day.
"""

from datetime import date, timedelta

from ledger.domain.agreement import FEE, INTEREST, PENALTY
from ledger.domain.cycles import held_index, open_index, payoff_interest
from ledger.domain.interest import NOTHING_ACCRUED, Accrued, Period, accrued
from ledger.domain.rounding import rounded
from ledger.domain.tally import Part
from ledger.domain.terms import DayCount
from ledger.domain.working import Work, cap_rates


def accrue(work: Work, on: date) -> None:
    """Count interest on what is owed, and what caps allow, up to the beginning of `on`."""
    if on <= work.accrued_to or not work.parts:
        return
    if work.allowed and work.principal_minor:
        for number, cap in enumerate(work.servicing.cost_caps):
            if cap.annual_rate:
                work.allowed[number] = accrued(
                    work.principal_minor,
                    cap_rates(cap),
                    DayCount.ACTUAL_365F,
                    work.accrued_to,
                    on,
                    so_far=work.allowed[number],
                )
    if work.agreement.bears_interest and work.principal_minor:
        _accrue_contract(work, on)
    work.accrued_to = on


def end_stretch(work: Work) -> None:
    """Principal is about to change: where it is so agreed, interest so far is rounded."""
    if work.servicing.accrual_rounding == "stretch":
        for index in range(work.waiting, len(work.parts)):
            if (so_far := work.parts[index].accrued).numerator:
                minor, _ = so_far.posted(work.agreement.rounding, work.agreement.multiple_minor)
                work.change(index, accrued=Accrued(numerator=minor, denominator=1))


def charge_interest(work: Work, index: int, on: date, source: str) -> None:
    """Charge what has accrued in the period of a part, or what was agreed for it; and its fees if it falls due."""
    part = work.parts[index]
    if work.agreement.is_daily:
        minor, rest = part.accrued.posted(work.agreement.rounding, work.agreement.multiple_minor)
        work.change(index, accrued=rest)
    else:
        minor = part.uncharged_interest_minor
        work.change(index, uncharged_interest_minor=0)
    work.charge(index, INTEREST, minor, on, source)


def charge_fee(work: Work, index: int, on: date, source: str) -> None:
    """Charge the agreed fee of a part."""
    asked_minor = work.parts[index].uncharged_fee_minor
    if asked_minor:
        work.change(index, uncharged_fee_minor=0)
        work.charge(index, FEE, asked_minor, on, source)


def charge_penalties(work: Work, on: date) -> None:
    """Count penalty interest up to the beginning of `on`, and charge it where the days of grace are over."""
    penalty = work.servicing.penalty_interest
    if not penalty:
        return
    rates = work.agreement.penalty_rates(is_matured=work.is_matured)
    day_count, grace, of_day = DayCount(penalty.day_count), timedelta(penalty.grace_days), f"/{on}"
    for index in range(work.owing, work.waiting):
        part = work.parts[index]
        base_minor = part.owed_minor if penalty.compounding else part.principal_minor
        overdue = part.overdue
        if not base_minor and not overdue.numerator:
            continue
        counted_to = part.overdue_to
        if on > counted_to:
            overdue = accrued(base_minor, rates, day_count, counted_to, on, so_far=overdue)
            counted_to = on
        minor = 0
        if overdue.numerator and on > part.late_from + grace:
            minor, overdue = overdue.posted(work.agreement.rounding)
            if not base_minor:
                overdue = NOTHING_ACCRUED  # nothing comes to what is less than half of the smallest amount
        if minor:
            name = f"/penalty/{part.number}{of_day}"
            work.charge(index, PENALTY, minor, on, name, overdue=overdue, overdue_to=counted_to)
        else:
            work.change(index, overdue=overdue, overdue_to=counted_to)


def forgive_grace(work: Work, index: int, on: date) -> None:
    """A part that is covered within the days of grace costs no penalty interest."""
    penalty, part = work.servicing.penalty_interest, work.parts[index]
    if penalty and on <= part.late_from + timedelta(penalty.grace_days):
        work.change(index, overdue=NOTHING_ACCRUED)


def begin_lateness(work: Work, index: int) -> None:
    """From when a part that falls due, or is owed again, is late: when its first late fee is charged."""
    fee, part = work.servicing.late_fee, work.parts[index]
    if fee and part.covered_on is None:
        work.change(index, late_fee_on=part.late_from + timedelta(fee.grace_days + 1))


def next_late_fee(work: Work) -> tuple[date, int] | None:
    """When the next late fee is charged, and the index of its part."""
    if not work.servicing.late_fee:
        return None
    waiting = [
        (part.late_fee_on, index)
        for index, part in enumerate(work.parts)
        if part.late_fee_on and part.covered_on is None
    ]
    return min(waiting, default=None)


def charge_late_fee(work: Work, index: int, on: date) -> None:
    fee, part = work.servicing.late_fee, work.parts[index]
    assert fee, "who has no late fee is never asked for one"
    work.change(index, late_fee_on=on + timedelta(fee.again_after_days) if fee.again_after_days else None)
    asked_minor = fee.amount_minor
    if isinstance(fee.at_most_minor, int):
        asked_minor = min(asked_minor, fee.at_most_minor - work.late_fees_minor)
    if part.lacks_minor > fee.tolerance_minor and asked_minor > 0:
        work.late_fees_minor += work.charge(index, FEE, asked_minor, on, f"/late_fee/{part.number}/{on}")


def _accrue_contract(work: Work, on: date) -> None:
    """Period by period: the days up to `on` belong to those parts whose periods they are in."""
    if work.agreement.revolving:
        _accrue_revolving(work, min(on, work.parts[-1].until))
        return
    day = work.accrued_to
    for index, part in enumerate(work.parts):
        if part.until <= day:
            continue
        until = min(part.until, on)
        if until > day:
            work.change(index, accrued=part.accrued + _interest(work, part, day, until))
            day = until
        if day == on:
            return


def _accrue_revolving(work: Work, on: date) -> None:
    """Cycle by cycle; what is billed and may still be paid in full without interest bears it apart."""
    day = work.accrued_to
    while day < on:
        index, held = open_index(work, day), held_index(work)
        part = work.parts[index]
        until = min(part.until, on)
        own_minor = work.parts[held].principal_minor if held is not None else 0
        for place, minor in ((held, own_minor), (index, work.principal_minor - own_minor)):
            if place is not None and minor:
                more = accrued(
                    minor, work.agreement.rates, work.agreement.day_count, day, until, since=min(part.since, day)
                )
                work.change(place, accrued=work.parts[place].accrued + more)
        day = until


def _interest(work: Work, part: Part, start: date, end: date) -> Accrued:
    agreement = work.agreement
    if part.share is not None:
        period = Period(start=part.since, end=part.until, share=part.share)
        return accrued(work.principal_minor, agreement.rates, DayCount.PERIOD, start, end, period=period)
    return accrued(work.principal_minor, agreement.rates, agreement.day_count, start, end, since=part.since)


def payoff_charges(work: Work, on: date) -> list[tuple[int, int, int]]:
    """What a payoff on a day charges for the parts that have not fallen due: index, interest, fees in minor units."""
    if work.agreement.revolving:
        return [(index, interest_minor, 0) for index, interest_minor in payoff_interest(work, on)]
    first = work.waiting
    return [(index, *_earned(work, index, on, is_current=index == first)) for index in range(first, len(work.parts))]


def _earned(work: Work, index: int, on: date, *, is_current: bool) -> tuple[int, int]:
    part, until = work.parts[index], work.servicing.payoff_interest
    if until == "all":
        share = (1, 1)
    elif is_current:
        days = max((part.until - part.since).days, 1)
        share = (1, 1) if until == "to_due_date" else (min(max((on - part.since).days, 0), days), days)
    else:
        share = (0, 1)
    fee_minor = rounded(work.agreement.rounding, part.uncharged_fee_minor * share[0], share[1])
    if not work.agreement.is_daily:
        return rounded(work.agreement.rounding, part.uncharged_interest_minor * share[0], share[1]), fee_minor
    grown = part.accrued
    if until != "to_date" and is_current and part.until > on and work.agreement.bears_interest:
        grown += _interest(work, part, max(on, part.since), part.until)
    return grown.posted(work.agreement.rounding, work.agreement.multiple_minor)[0], fee_minor
