"""How a loan is served once it is agreed: where payments go, what lateness costs, and how much all of it may be.

These values are agreed with the loan and stay with it; an event carries them, so that nobody needs a policy file to
repeat a decision. Rates are decimal strings, per year unless their field says otherwise.
"""

from typing import Annotated

from schemas.values import ABSENT, Absent, AmountMinor, Count, PositiveMinor, Text, Value, Word, matching

Rate = Annotated[str, matching(r"^[0-9]{1,6}(\.[0-9]{1,18})?\Z", 'decimal number as a string, such as "0.1299"')]


class AllocationRule(Value, frozen=True):
    """Where money goes from a number of days past due on.

    `order` names the components of what is due, the first one first. `across` is `installment` (all components of the
    oldest installment, then of the next one) or `component` (the first component of all installments, then the next).
    """

    from_days_past_due: Count
    order: tuple[Word, ...]
    across: Word = "installment"


class PenaltyInterest(Value, frozen=True):
    """What overdue principal costs, from the due date on, once `grace_days` have passed without the money.

    While interest of the contract runs, `uplift` times its rate comes on top; afterwards 1 + `uplift` times the rate.
    `annual_rate` in place of `uplift`: this rate in both cases. `compounding`: on overdue interest too.
    """

    day_count: Text
    uplift: Rate = "0"
    annual_rate: Rate | Absent = ABSENT
    grace_days: Count = 0
    compounding: bool = False


class LateFee(Value, frozen=True):
    """Charged on the day after `grace_days` for an installment that lacks more than `tolerance_minor`.

    `again_after_days`: charged again each time so many days have passed (0: once). `at_most_minor`: of all late fees of
    the loan.
    """

    amount_minor: PositiveMinor
    grace_days: Count = 0
    tolerance_minor: AmountMinor = 0
    again_after_days: Count = 0
    at_most_minor: AmountMinor | Absent = ABSENT


class CostCap(Value, frozen=True):
    """No more is charged than this: a charge that would cross it is cut, and `rule` says by what.

    `annual_rate` of the principal that is owed day by day (actual/365), `of_principal` of what was lent; all interest,
    fees and penalty interest together.
    """

    rule: Text
    annual_rate: Rate | Absent = ABSENT
    of_principal: Rate | Absent = ABSENT


class Servicing(Value, frozen=True):
    """`policy`: id and version of where these values come from.

    `accrual`: interest is as `scheduled`, or accrues `daily` on what is really owed; `accrual_rounding`: it is rounded
    once for its `period`, or for each `stretch` in which the same principal was owed. `early_money`: where money goes
    that comes before the next due date: `principal` (at once; interest stays due on its date), `interest_first`
    (interest to that day, then principal), or `hold` (it waits as credit). `prepayment`: what it does to later
    installments: `next` (pays those that come next), `shorten` (from the end), or `lower` (all become smaller).
    `payoff_interest`: a payoff owes it `to_date`, `to_due_date` (of the current period), or `all` that was agreed.
    `cooling_off_days`: days from the first disbursement in which the borrower may withdraw. `waiver_limit_minor`: more
    needs a second person.
    """

    policy: Text
    allocation: tuple[AllocationRule, ...]
    accrual: Word = "scheduled"
    accrual_rounding: Word = "period"
    early_money: Word = "principal"
    prepayment: Word = "next"
    payoff_interest: Word = "to_date"
    penalty_interest: PenaltyInterest | Absent = ABSENT
    late_fee: LateFee | Absent = ABSENT
    cost_caps: tuple[CostCap, ...] = ()
    cooling_off_days: Count = 0
    waiver_limit_minor: AmountMinor = 0
