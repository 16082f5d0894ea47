"""Where a loan stands once some of its facts are taken in their order: what each installment asks for and still lacks.

Amounts are in minor units. A tally is what a fold leaves behind, so that the next fact costs the same however many
there were before it.
"""

from datetime import date

from ledger.domain.agreement import Agreement, Installment
from ledger.domain.interest import NOTHING_ACCRUED, Accrued
from ledger.domain.transactions import Order
from schemas.values import State


class Billed(State, frozen=True, array_like=True):
    """What a statement of a balance that revolves said. `balance_minor`: all that was owed; `minimum_minor`: what is
    asked for by the due date, besides what is past due (`past_due_minor`); `principal_minor`, `interest_minor` and
    `fee_minor`: of the minimum. `billed_minor`: principal that had not fallen due before. `is_held`: its interest is
    not charged as long as it can still be paid in full; `is_paid_in_full`: whether it was, once it has fallen due."""

    balance_minor: int
    minimum_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    past_due_minor: int
    billed_minor: int
    is_held: bool = False
    is_paid_in_full: bool = False


class Part(State, frozen=True, array_like=True):
    """One installment. The first four amounts are still open; principal is all that is planned for it, the others are
    what is charged already.

    `amount_minor`: principal and interest together, as agreed. `uncharged_*`: agreed, and charged when it is due.
    `charged_interest_minor`: all interest of it, paid or not. `repaid_minor`: principal that is paid. `asked_minor`:
    principal, interest and fees that it asks for in all. `in_time_minor`: what of it came in time: by `late_from`, the
    due date or the day of a later excuse, unless something else was set. `covered_on`: value date of what completed it;
    `tolerated_on`: of late money that left no more missing than is tolerated. `accrued`: interest of its period so far.
    `overdue`: penalty interest that is not charged yet, counted to `overdue_to`. `late_fee_on`: when the next late fee
    is charged, unless it is covered. `billed`: of a balance that revolves, once its statement is issued.
    """

    number: int
    due_on: date
    since: date
    until: date
    share: tuple[int, int] | None
    late_from: date
    overdue_to: date
    amount_minor: int
    principal_minor: int
    interest_minor: int = 0
    fee_minor: int = 0
    penalty_minor: int = 0
    uncharged_interest_minor: int = 0
    uncharged_fee_minor: int = 0
    charged_interest_minor: int = 0
    repaid_minor: int = 0
    asked_minor: int = 0
    in_time_minor: int = 0
    covered_on: date | None = None
    has_fallen: bool = False
    late_fee_on: date | None = None
    accrued: Accrued = NOTHING_ACCRUED
    overdue: Accrued = NOTHING_ACCRUED
    billed: Billed | None = None
    tolerated_on: date | None = None

    @property
    def lacks_minor(self) -> int:
        """What it takes to cover it; penalty interest does not count."""
        return (
            self.principal_minor
            + self.interest_minor
            + self.fee_minor
            + self.uncharged_interest_minor
            + self.uncharged_fee_minor
        )

    @property
    def owed_minor(self) -> int:
        """Principal, and what is charged."""
        return self.principal_minor + self.interest_minor + self.fee_minor + self.penalty_minor

    @property
    def is_done(self) -> bool:
        """Whether it has fallen due, and nothing of it is owed or waits to be charged."""
        return self.has_fallen and not (self.owed_minor or self.overdue.numerator)


class Tally(State, frozen=True):
    """`parts`: in the order of due dates. `to`: the day up to which installments have fallen due and late fees are
    charged; `newest`: where the last thing stands that happened. `accrued_to`: the day up to which interest is counted.
    `lent_minor`, `paid_minor`: all disbursements, all money. `charged_minor`: all charges; `allowed`: what each yearly
    cap allows so far. `late_fees_minor`: of those. `claims`: what was written off, by component and
    installment. `last_paid_on`: value date of what was last taken off a debt."""

    parts: tuple[Part, ...]
    to: date
    newest: Order | None = None
    accrued_to: date = date.min
    lent_minor: int = 0
    paid_minor: int = 0
    credit_minor: int = 0
    charged_minor: int = 0
    late_fees_minor: int = 0
    allowed: tuple[Accrued, ...] = ()
    claims: tuple[tuple[str, int, int], ...] = ()
    written_off_on: date | None = None
    last_paid_on: date | None = None
    disbursed_on: date | None = None

    @property
    def principal_minor(self) -> int:
        return sum(part.principal_minor for part in self.parts)

    @property
    def owed_minor(self) -> int:
        return sum(part.owed_minor for part in self.parts)

    def part(self, number: int) -> Part:
        return next(part for part in self.parts if part.number == number)


def nothing_yet(agreement: Agreement, on: date) -> Tally:
    """Before the first disbursement."""
    return Tally(parts=(), to=on, allowed=tuple(NOTHING_ACCRUED for _ in agreement.servicing.cost_caps))


def part_of(installment: Installment, agreement: Agreement) -> Part:
    """An installment of which nothing has happened yet."""
    scheduled_minor = 0 if agreement.is_daily else installment.interest_minor
    return Part(
        number=installment.number,
        due_on=installment.due_on,
        since=installment.since,
        until=installment.until,
        share=installment.share,
        late_from=installment.due_on,
        overdue_to=installment.due_on,
        amount_minor=installment.principal_minor + installment.interest_minor,
        principal_minor=installment.principal_minor,
        uncharged_interest_minor=scheduled_minor,
        uncharged_fee_minor=installment.fee_minor,
        asked_minor=installment.principal_minor + scheduled_minor + installment.fee_minor,
    )
