"""The schedule of a loan: what is due when, worked out from its terms alone.

Each line's total is its principal, interest and fees. The balance is the principal owed after the line, so the
principal of all lines adds up to what was paid out, and the last balance is 0. A down payment is line 0, on the day of
the disbursement. Where interest is not covered and may be added to what is owed, the principal of a line is below 0.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import accumulate
from operator import add, sub

from ledger.domain.due_dates import Calendars, OpenDays, Rhythm, read_every, rhythm_of, rhythm_to
from ledger.domain.errors import CalendarMissing, InvalidTerms, shown
from ledger.domain.frame import Frame, charge_of
from ledger.domain.installments import METHODS, Rows
from ledger.domain.interest import read_rate
from ledger.domain.periods import Periods, periods_of, periods_until
from ledger.domain.rounding import rounded
from ledger.domain.terms import BusinessDay, DayCount, Fee, FeeTiming, Method, Terms
from ledger.domain.terms_checks import INSTALLMENTS_MAX, check
from schemas.values import LARGEST_MINOR, State


class Line(State, frozen=True, kw_only=False):
    """One installment. Amounts in minor units; `balance_minor` is the principal owed after it."""

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    total_minor: int
    balance_minor: int


class Schedule(State, frozen=True):
    """The lines, and what is paid on the day of the disbursement.

    `down_payment_minor` is also line 0. `upfront_fee_minor` is paid beside the loan, `deducted_fee_minor` kept back
    from what is paid out. `unused`: installments of the term that are not needed, because rounding up repaid the loan
    before them; the schedule then ends early. `agreed_on`: the due dates of the lines to which interest counts,
    so before any moved to an open day, unless interest counts to the moved one.
    """

    lines: tuple[Line, ...]
    agreed_on: tuple[date, ...]
    down_payment_minor: int = 0
    upfront_fee_minor: int = 0
    deducted_fee_minor: int = 0
    unused: int = 0


class InterestPeriod(State, frozen=True):
    """Interest counts from `since` to the day before `until`. `share`: the part of a year that this is, where it is
    agreed whatever days are in it."""

    since: date
    until: date
    share: tuple[int, int] | None


def build(terms: Terms, calendars: Calendars | None = None) -> Schedule:
    """The schedule that the terms agree on.

    `calendars`: needed only where the terms move installments to open days. Raises `InvalidTerms` with the field that
    does not fit, `InterestNotCovered` for an installment that is less than its interest, `CalendarMissing` for a date
    of which no calendar is known.

    >>> day = date(2026, 1, 1)
    >>> terms = Terms(principal_minor=12_000_00, currency="CNY", annual_rate="0.18", term=12, disbursed_on=day)
    >>> build(terms).lines[0].total_minor
    110016
    """
    check(terms)
    moves = terms.business_day is not BusinessDay.NONE
    frame = _frame(terms, (calendars or _no_calendars)(terms.calendar or "") if moves else _always)
    rows = METHODS[terms.method](frame)
    if terms.interest_grace:
        _defer(rows[1], terms.interest_grace)
    count = _needed(frame, rows)
    return Schedule(
        lines=_lines(frame, rows, count),
        agreed_on=_agreed_on(frame, count),
        down_payment_minor=terms.down_payment_minor,
        upfront_fee_minor=_fees(terms, FeeTiming.UPFRONT),
        deducted_fee_minor=_deducted(terms),
        unused=frame.count - count if terms.term is not None and terms.method is not Method.BULLET else 0,
    )


def interest_periods(terms: Terms, calendars: Calendars | None = None) -> tuple[InterestPeriod, ...]:
    """The interest period of each line but the down payment; raises as `build`."""
    check(terms)
    moves = terms.business_day is not BusinessDay.NONE
    periods = _frame(terms, (calendars or _no_calendars)(terms.calendar or "") if moves else _always).periods
    starts = [terms.disbursed_on, *periods.ends[:-1]]
    bottom = periods.denominator // periods.rate_denominator
    is_agreed = terms.day_count is DayCount.PERIOD or terms.interest_from_due_dates == "nominal"
    found = [
        InterestPeriod(since=since, until=until, share=(share, bottom) if is_agreed or not share else None)
        for since, until, share in zip(starts, periods.ends, periods.shares, strict=True)
    ]
    if terms.method is not Method.BULLET:
        return tuple(found)
    whole = (sum(periods.shares), bottom) if is_agreed or not sum(periods.shares) else None
    return (InterestPeriod(since=terms.disbursed_on, until=periods.ends[-1], share=whole),)


def fee_minor(fee: Fee, terms: Terms, owed_minor: int = 0) -> int:
    """One payment of a fee: its amount, or its rate of the principal or of `owed_minor`, rounded as everything else."""
    if fee.amount_minor is not None:
        return fee.amount_minor
    top, bottom = read_rate(fee.rate or "0")
    base = terms.principal_minor if fee.rate_of == "principal" else owed_minor
    return rounded(terms.rounding.mode, base * top, bottom)


def _frame(terms: Terms, is_open: OpenDays) -> Frame:
    try:
        if terms.method is Method.EXPLICIT:
            return _explicit_frame(terms)
        rhythm = rhythm_of(terms)
        if terms.term is not None or terms.method is Method.BULLET:
            return _frame_of(terms, rhythm, periods_of(terms, rhythm, terms.term or 1, is_open))
        return _frame_as_long_as_needed(terms, rhythm, is_open)
    except (ValueError, OverflowError) as error:
        raise InvalidTerms(
            f"asked for installments every {terms.every} whose dates go beyond the year 9999; give fewer",
            "term",
        ) from error


def _explicit_frame(terms: Terms) -> Frame:
    every, ends = read_every(terms.every), [line.due_on for line in terms.lines]
    starts = [terms.disbursed_on, *ends[:-1]]
    rhythms = [rhythm_to(end, every, start.day, terms.month_end) for start, end in zip(starts, ends, strict=True)]
    return _frame_of(terms, rhythms[0], periods_until(terms, rhythms))


def _frame_as_long_as_needed(terms: Terms, rhythm: Rhythm, is_open: OpenDays) -> Frame:
    """As many periods as given installments take, or some more."""
    count = 4
    while True:
        frame = _frame_of(terms, rhythm, periods_of(terms, rhythm, count, is_open))
        if _repaid(METHODS[terms.method](frame)[0], frame):
            return frame
        if count == INSTALLMENTS_MAX:
            raise InvalidTerms(
                f"asked for installments of {terms.installment_minor} minor units, which would take more than "
                f"{INSTALLMENTS_MAX}; agree on a larger amount",
                "installment_minor",
            )
        count = min(4 * count, INSTALLMENTS_MAX)


def _frame_of(terms: Terms, rhythm: Rhythm, periods: Periods) -> Frame:
    return Frame(
        terms=terms,
        rhythm=rhythm,
        periods=periods,
        count=len(periods.due_on),
        owed_minor=_paid_out_at_first(terms) - terms.down_payment_minor,
        charge=charge_of(terms, periods),
    )


def _paid_out_at_first(terms: Terms) -> int:
    if not terms.disbursements:
        return terms.principal_minor
    return sum(part.amount_minor for part in terms.disbursements if part.on == terms.disbursed_on)


def _repaid(principals: Sequence[int], frame: Frame) -> bool:
    return sum(principals) == frame.owed_minor + sum(frame.periods.added)


def _defer(interests: list[int], grace: int) -> None:
    """Interest of the first installments is due with the first one after them, without interest on it."""
    grace = min(grace, len(interests) - 1)
    interests[grace] += sum(interests[:grace])
    interests[:grace] = [0] * grace


def _needed(frame: Frame, rows: Rows) -> int:
    """How many installments there are, up to the last one that has anything to pay."""
    principals, interests = rows
    count = len(principals)
    if principals[-1] or frame.terms.method in {Method.EXPLICIT, Method.BULLET, Method.REVOLVING}:
        return count
    while count > 1 and not principals[count - 1] and not interests[count - 1]:
        count -= 1
    return count


def _lines(frame: Frame, rows: Rows, count: int) -> tuple[Line, ...]:
    terms, added, due_on = frame.terms, frame.periods.added, frame.periods.due_on
    interests = [0] * count if terms.method is Method.FLAT_FEE else rows[1]
    if terms.method is Method.BULLET:
        due_on, added = due_on[-1:], [sum(added)]
    principals, added = rows[0][:count], added[:count]
    balances = list(accumulate(map(sub, added, principals), initial=frame.owed_minor))
    fees = _line_fees(terms, rows, count, map(add, balances[1:], principals))
    totals = list(map(sum, zip(principals, interests, fees, strict=False)))
    lines = tuple(map(Line, range(1, count + 1), due_on, principals, interests, fees, totals, balances[1:]))
    _require_readable(sum(totals), balances)
    if terms.down_payment_minor:
        down = terms.down_payment_minor
        return (Line(0, terms.disbursed_on, down, 0, 0, down, frame.owed_minor), *lines)
    return lines


def _agreed_on(frame: Frame, count: int) -> tuple[date, ...]:
    terms, days = frame.terms, frame.periods.ends
    days = days[-1:] if terms.method is Method.BULLET else days[:count]
    return (terms.disbursed_on, *days) if terms.down_payment_minor else tuple(days)


def _line_fees(terms: Terms, rows: Rows, count: int, owed: Iterable[int]) -> list[int]:
    """Fees by line; `owed`: what is owed before each."""
    each = [fee for fee in terms.fees if fee.timing is FeeTiming.EACH]
    fees = [sum(fee_minor(fee, terms, before) for fee in each) for before in owed] if each else [0] * count
    fees[-1] += _fees(terms, FeeTiming.LAST)
    if terms.method is Method.FLAT_FEE:
        return list(map(add, fees, rows[1]))
    if terms.method is Method.EXPLICIT:
        return [fee + line.fee_minor for fee, line in zip(fees, terms.lines, strict=True)]
    return fees


def _fees(terms: Terms, timing: FeeTiming) -> int:
    return sum(fee_minor(fee, terms) for fee in terms.fees if fee.timing is timing) if terms.fees else 0


def _deducted(terms: Terms) -> int:
    """Fees that are kept back from what is paid out at first, which is more."""
    kept, first = _fees(terms, FeeTiming.DEDUCTED), _paid_out_at_first(terms)
    if kept >= first:
        raise InvalidTerms(
            f"asked to keep back fees of {kept} minor units from {first} that are paid out; give fees of less", "fees"
        )
    return kept


def _require_readable(total_minor: int, balances: Sequence[int]) -> None:
    largest = max(total_minor, *balances)
    if largest > LARGEST_MINOR:
        raise InvalidTerms(
            f"asked for a loan that has more than {LARGEST_MINOR} minor units (2^53 - 1) to pay; lower its principal, "
            "rate or fees",
            "principal_minor",
        )


def _always(_: date) -> bool:
    return True


def _no_calendars(name: str) -> OpenDays:
    raise CalendarMissing(
        f"asked for the calendar {shown(name)}, where none is known; leave business_day out", "calendar"
    )
