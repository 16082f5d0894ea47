"""What time does to a balance that revolves: statements, and what becomes of them when they fall due.

A statement asks for interest, fees and a minimum of principal. What is not asked for, and is not paid by the due date
either, goes on into the next cycle. Where it is so agreed, interest waits until the due date says whether all of a
statement was paid in time.
"""

from datetime import date

from ledger.domain.allocation import use_credit
from ledger.domain.charging import charge_fee, charge_interest
from ledger.domain.cycles import is_free, still_asked_minor
from ledger.domain.installments import minimum_minor
from ledger.domain.interest import NOTHING_ACCRUED
from ledger.domain.tally import Billed
from ledger.domain.working import Work


def issue_statement(work: Work, index: int, on: date) -> None:
    """The cycle of a part ends: what of it is asked for by the due date."""
    revolving, name = work.agreement.revolving, f"/statement/{work.parts[index].number}"
    assert revolving, "only what revolves has statements"
    is_held = is_free(work, index)
    if not is_held:
        charge_interest(work, index, on, name)
    charge_fee(work, index, on, name)
    use_credit(work, name, on)
    part = work.parts[index]
    charged_minor = part.interest_minor + part.fee_minor
    asked_minor = part.principal_minor + charged_minor
    if index < len(work.parts) - 1:
        asked_minor = minimum_minor(revolving, work.agreement.rounding, part.principal_minor, charged_minor)
    billed = Billed(
        balance_minor=sum(each.owed_minor for each in work.parts),
        minimum_minor=asked_minor,
        principal_minor=asked_minor - charged_minor,
        interest_minor=part.interest_minor,
        fee_minor=part.fee_minor,
        past_due_minor=sum(each.owed_minor for each in work.parts[:index]),
        billed_minor=part.principal_minor,
        is_held=is_held,
    )
    work.change(index, billed=billed, amount_minor=asked_minor - part.fee_minor)


def end_cycle(work: Work, index: int, name: str) -> None:
    """The due date of a statement is over: principal beyond what it still asks for is none of it any more."""
    part, last = work.parts[index], len(work.parts) - 1
    billed, revolving = part.billed, work.agreement.revolving
    assert revolving, "only what revolves has cycles"
    assert billed, "a statement comes before its due date"
    is_paid = not part.lacks_minor and work.owing == index
    rest = part.accrued
    if index < last and not (is_paid and revolving.interest_free):
        work.change(index + 1, accrued=work.parts[index + 1].accrued + rest)
    if index < last or (is_paid and revolving.interest_free):
        rest = NOTHING_ACCRUED
    work.change(index, billed=billed.changed(is_paid_in_full=is_paid), accrued=rest)
    if index < last:
        asked_minor = still_asked_minor(part)
        rest_minor = part.principal_minor - asked_minor
        later_minor = work.parts[index + 1].principal_minor
        work.move_principal(name, part.due_on, [(index, asked_minor), (index + 1, later_minor + rest_minor)])
