"""Sets how days past due are counted, and lets counters stand still; what that makes of the marks follows at once."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from ledger.domain.delinquency import COUNTERS, FREEZE, PAUSE, DatedRules, Overdue, Pause
from ledger.domain.due_dates import OpenDays
from ledger.domain.errors import CalendarMissing, InvalidDate, LoanEnded, PauseExists, PauseNotFound, UnknownCounter
from ledger.domain.identifiers import require_identifier
from ledger.domain.lateness import Cause
from ledger.domain.loan import Loan, settled, with_overdue
from ledger.domain.outcomes import passed
from ledger.domain.standing import about
from schemas.overdue.counting import CountingPaused, CountingResumed, OverdueRulesSet
from schemas.overdue.rules import MovedDay, OverdueRules
from schemas.values import ABSENT, Event, LoanEvent, Standing

HOWS = (PAUSE, FREEZE)
REASONS = ("relief", "dispute", "moratorium", "disaster")
_LONGEST_CLOSURE = 30


def set_rules(
    loan: Loan, rules: OverdueRules, open_days: Callable[[str], OpenDays], *, since: date, today: date
) -> Sequence[Event]:
    """Say what overdue means for installments that fall due on a date or later, which may be in the past."""
    _require_open(loan, "set what overdue means")
    loan = settled(loan)
    moved = _moved_of(loan, rules, open_days, since)
    dated = DatedRules(since=since, rules=rules, moved=tuple((each.closed_on, each.open_on) for each in moved))

    def write(now: Standing) -> LoanEvent:
        return OverdueRulesSet(**about(loan, now), set_on=today, since=since, rules=rules, moved=moved)

    return _changed(loan, loan.agreement.overdue.with_rules(dated), today, Cause("rules", rules.policy), write)


def rules_from_the_start(
    loan: Loan, rules: OverdueRules, open_days: Callable[[str], OpenDays], *, now: Standing, today: date
) -> OverdueRulesSet:
    """What overdue means for a loan that just begins, so that time has done nothing yet. `now`: how it begins."""
    since = loan.agreed_on
    moved = _moved_of(loan, rules, open_days, since)
    return OverdueRulesSet(**about(loan, now), set_on=today, since=since, rules=rules, moved=moved)


def pause(loan: Loan, wish: Pause, reason: str, note: str, *, today: date) -> Sequence[Event]:
    """Let counters stand still; dates may lie in the past, and marks that were never true then are withdrawn."""
    _require_open(loan, "let counters stand still")
    require_identifier(wish.pause_id, "pause")
    for what, found, known in (
        *(("counter", each, COUNTERS) for each in wish.counters),
        ("way to stand still", wish.how, HOWS),
        ("reason", reason, REASONS),
    ):
        if found not in known:
            raise UnknownCounter(f"asked for the {what} {found[:60]!r}; use one of {', '.join(known)}")
    if not wish.counters:
        raise UnknownCounter(f"asked for a pause of no counter; name one or more of {', '.join(COUNTERS)}")
    if wish.until is not None and wish.until < wish.since:
        raise InvalidDate(f"asked for a pause from {wish.since} to {wish.until}; give a last day that is not before it")
    if any(each.pause_id == wish.pause_id for each in loan.agreement.overdue.pauses):
        raise PauseExists(f"asked for pause {wish.pause_id} of loan {loan.loan_id}, which it has; give another id")
    loan = settled(loan)

    def write(now: Standing) -> LoanEvent:
        return CountingPaused(
            **about(loan, now),
            pause_id=wish.pause_id,
            counters=wish.counters,
            how=wish.how,
            reason=reason,
            since=wish.since,
            until=wish.until or ABSENT,
            note=note or ABSENT,
        )

    return _changed(loan, loan.agreement.overdue.with_pause(wish), today, Cause(wish.how, wish.pause_id), write)


def resume(loan: Loan, pause_id: str, *, until: date, today: date) -> Sequence[Event]:
    """End a pause, or correct its end."""
    found = next((each for each in loan.agreement.overdue.pauses if each.pause_id == pause_id), None)
    if found is None:
        known = ", ".join(each.pause_id for each in loan.agreement.overdue.pauses) or "none"
        raise PauseNotFound(f"asked to end pause {pause_id[:64]!r} of loan {loan.loan_id}; it has {known}")
    loan = settled(loan)

    def write(now: Standing) -> LoanEvent:
        return CountingResumed(**about(loan, now), pause_id=pause_id, until=until)

    return _changed(loan, loan.agreement.overdue.resumed(pause_id, until), today, Cause("resume", pause_id), write)


def _changed(
    loan: Loan, overdue: Overdue, today: date, cause: Cause, write: Callable[[Standing], LoanEvent]
) -> Sequence[Event]:
    return passed(settled(with_overdue(loan, overdue)), today, cause, write)


def _moved_of(
    loan: Loan, rules: OverdueRules, open_days: Callable[[str], OpenDays], since: date
) -> tuple[MovedDay, ...]:
    if not rules.calendar:
        return ()
    last_days = {
        installment.due_on + timedelta(rule.grace_days)
        for installment in loan.agreement.installments
        if installment.due_on >= since
        for rule in (rules.contractual, rules.bureau, rules.regulatory)
    }
    return _moved(last_days, open_days(rules.calendar))


def _moved(days: Iterable[date], is_open: OpenDays) -> tuple[MovedDay, ...]:
    """Where a day is closed, the next open one; a day beyond the published calendar stays as it is."""
    found = []
    for day in sorted(days):
        try:
            moved_to = next(on for on in (day + timedelta(n) for n in range(_LONGEST_CLOSURE)) if is_open(on))
        except CalendarMissing:
            continue
        if moved_to != day:
            found.append(MovedDay(closed_on=day, open_on=moved_to))
    return tuple(found)


def _require_open(loan: Loan, asked: str) -> None:
    if loan.closed_on:
        raise LoanEnded(f"asked to {asked} for loan {loan.loan_id}; it was closed on {loan.closed_on}")
