"""The terms of a loan: everything that its schedule and its cost follow from, and nothing else.

Terms are plain values, equal on any machine. They say what was agreed; they never say what was paid. Each optional
field has the default that is written beside it, and a value that is not a default is an agreement of the parties.
Amounts are integers in minor units of the currency, rates are decimal strings per year unless a field says otherwise
("0.1299" is 12.99 %), dates are ISO 8601.

What each field and each word means is written where it stands, and `ledger quote --explain-defaults` reads it there: a
field in the docstring of its class as "`name`: meaning", a word beside its value.
"""

from datetime import date
from enum import Enum
from typing import Annotated, Self

from schemas.values import AmountMinor, Currency, PositiveMinor, Text, Value, Word, matching

Rate = Annotated[str, matching(r"^[0-9]{1,6}(\.[0-9]{1,18})?\Z", 'decimal number as a string, such as "0.1299"')]
Every = Annotated[str, matching(r"^[1-9][0-9]{0,3}[dwm]\Z", "number of days, weeks or months, such as 30d, 2w, 1m")]


class Choice(Enum):
    """A word that terms choose, and what it means."""

    _value_: str
    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        choice = object.__new__(cls)
        choice._value_ = word
        choice.meaning = meaning
        return choice


class Method(Choice):
    """How principal and interest are spread over the installments."""

    EQUAL_INSTALLMENT = "equal_installment", "等额本息: one amount, interest on what is still owed"
    EQUAL_PRINCIPAL = "equal_principal", "等额本金: one amount of principal, interest on what is still owed"
    INTEREST_ONLY = "interest_only", "先息后本: interest each time, all principal with the last"
    BULLET = "bullet", "到期一次还本付息: principal and interest at the end, in one installment"
    FLAT_INTEREST = "flat_interest", "interest on the original principal, principal in equal parts"
    FLAT_FEE = "flat_fee", "手续费分期: the same as a fee per installment; there is no interest"
    GIVEN_INSTALLMENT = "given_installment", "`installment_minor` is agreed, the number of them follows"
    EXPLICIT = "explicit", "`lines` say it all"
    REVOLVING = "revolving", "循环: drawn and paid back at will up to the principal; each statement asks for a minimum"


class DayCount(Choice):
    """The share of a year that an interest period is."""

    THIRTY_360_US = "30/360", "bond basis: the 31st is the 30th, at the end only after a start on the 30th or 31st"
    THIRTY_U_360 = "30U/360", "the same, and the last of February is the 30th"
    THIRTY_E_360 = "30E/360", "every 31st is the 30th"
    ACTUAL_365F = "actual/365F", "days / 365"
    ACTUAL_360 = "actual/360", "days / 360"
    ACTUAL_ACTUAL = "actual/actual", "split at 31 December: each part by the length of its own year"
    ACTUAL_ACTUAL_ISDA = "actual/actual ISDA", "split at 1 January, otherwise the same"
    PERIOD = "period", "each whole period is one of those that a year has, whatever days are in it"


class MonthEnd(Choice):
    """Where an installment goes whose day the month does not have."""

    CLAMP = "clamp", "the last day of that month; the next one has its own day again"
    ROLL = "roll", "the day that comes after it: 31 January, then 3 March"
    FIRST_OF_NEXT = "first_of_next", "the first of the next month"


class BusinessDay(Choice):
    """Where an installment goes that falls on a day on which banks are closed."""

    NONE = "none", "where it is"
    FOLLOWING = "following", "the next open day"
    MODIFIED_FOLLOWING = (
        "modified_following",
        "the next open day, unless that is in the next month: then the one before",
    )
    PRECEDING = "preceding", "the open day before"


class Rounding(Choice):
    """To a whole minor unit, or to a whole multiple of them."""

    HALF_UP = "half_up", "to the nearest, a half up"
    HALF_EVEN = "half_even", "to the nearest, a half to the even one"
    UP = "up", "to the next larger one"
    DOWN = "down", "to the next smaller one"


class InstallmentRounding(Choice):
    """What becomes of the agreed amount of an installment before it is charged."""

    NONE = "none", "to whole minor units, in the mode of everything else"
    UP = "up", "to the next larger one"
    HALF_UP = "half_up", "to the nearest, a half up"
    HALF_EVEN = "half_even", "to the nearest, a half to the even one"


class Residue(Choice):
    """Which installment takes what rounding leaves over."""

    LAST = "last", "the last installment"
    FIRST = "first", "the first installment"
    SPREAD = "spread", "one unit each, from the first installment on"
    EVENED = "evened", "of equal installments: shared by all of them as far as it goes, the rest with the last"


class RoundingTerms(Value, frozen=True):
    """How exact amounts become those that are charged.

    `mode`: how interest and fees are rounded. `installment`: how the amount of an installment is rounded, to a
    multiple of `multiple_minor`. `multiple_minor`: of what the installment is a multiple. `interest_multiple_minor`:
    of what the interest of a period is a multiple. `residue`: which installment takes what rounding leaves over.
    """

    mode: Rounding = Rounding.HALF_UP
    installment: InstallmentRounding = InstallmentRounding.NONE
    multiple_minor: PositiveMinor = 1
    interest_multiple_minor: PositiveMinor = 1
    residue: Residue = Residue.LAST


class FeeTiming(Choice):
    """When a fee is paid."""

    UPFRONT = "upfront", "by the borrower, on the day of the disbursement, beside the loan"
    DEDUCTED = "deducted", "kept back from what is paid out; the borrower owes the whole principal"
    EACH = "each", "with every installment"
    LAST = "last", "with the last installment"
    DEFAULT = "default", "only if the borrower pays late; never in the schedule, always in the cost table"


class Fee(Value, frozen=True):
    """What the borrower pays besides interest. It has either an amount or a rate.

    `name`: what it is called in the cost table. `timing`: when it is paid. `amount_minor`: what is paid each time.
    `rate`: instead of an amount, a share (not per year) of what `rate_of` names; of a fee for default, per year of what
    is overdue. `rate_of`: of the `principal` as agreed, or, with each installment, of the `balance` that is owed before
    it. `paid_to`: who gets it (lender, guarantor, insurer, platform, ...). `in_cost`: whether annual rates count it;
    what the law leaves out of them, such as a tax, is left out by name, and a fee for default always is.
    """

    name: Word
    timing: FeeTiming
    amount_minor: AmountMinor | None = None
    rate: Rate | None = None
    rate_of: Word = "principal"
    paid_to: Word = "lender"
    in_cost: bool = True


class Disbursement(Value, frozen=True):
    """A part of the principal that is paid out on a date.

    `on`: the date. `amount_minor`: the part.
    """

    on: date
    amount_minor: PositiveMinor


class RateStep(Value, frozen=True):
    """From a date on another rate holds.

    `since`: the first day whose interest is by it. `annual_rate`: the rate from then on.
    """

    since: date
    annual_rate: Rate


class ExplicitLine(Value, frozen=True):
    """One agreed installment.

    `due_on`: when it is due. `principal_minor`: its principal. `interest_minor`: its interest; None: as the rate makes
    it. `fee_minor`: its fees, besides those of `fees`.
    """

    due_on: date
    principal_minor: AmountMinor
    interest_minor: AmountMinor | None = None
    fee_minor: AmountMinor = 0


class Revolving(Value, frozen=True):
    """How a balance is asked for that is drawn and paid back at will.

    `days_to_pay`: from each statement to the due date that it names (1 or more); the next statement comes after that.
    `minimum_share`: the share (not per year) of principal that a statement asks for, besides its interest and fees.
    `minimum_minor`: the least that a statement asks for, unless less is owed. `interest_free`: whether a statement that
    is paid in full by its due date costs no interest, nor what was drawn since. No interest runs after the last
    statement, which asks for everything.
    """

    days_to_pay: int
    minimum_share: Rate
    minimum_minor: AmountMinor = 0
    interest_free: bool = False


class Terms(Value, frozen=True):
    """What is agreed. Whether the parts fit together is asked by `quote`, which refuses by field.

    `principal_minor`: what is lent, all disbursements together.
    `currency`: of all amounts.
    `disbursed_on`: the day of the (first) disbursement.
    `annual_rate`: interest per year, until a rate step.
    `every`: the time from one due date to the next. Where `lines` say the dates it is the period that interest, IRR
    and APRC count in; the APR then counts in the one that occurs most often between those dates.
    `method`: how principal and interest are spread over the installments.
    `day_count`: the share of a year that an interest period is.
    `term`: number of installments (1 to 1200), those without principal or interest included; None where the method
    says it. For a bullet it is the number of periods after which the one installment is due. For a given installment
    it may be left out; where it is there, the last installment takes what is still owed.
    `first_due_on`: when the first installment is due; None: one period after the disbursement.
    `due_day`: the day of the month (1 to 31) on which installments are due, where the first due date cannot show it.
    `disbursements`: where there are several; they sum up to `principal_minor` and the first is on `disbursed_on`.
    `rate_steps`: rates that follow the first one, in the order of their dates.
    `rounding`: how exact amounts become those that are charged.
    `fees`: what is paid besides interest.
    `installment_minor`: the agreed amount of an installment, for the method that is named after it.
    `lines`: the agreed installments, for the method `explicit`.
    `revolving`: statements and what they ask for, for the method that is named after it.
    `installment_period`: how the amount of an equal installment is worked out: `day_count` by the same shares of a
    year as interest, `period` as if every period were the same, `thirty_days` as if every month had 30 of the days
    that a year of the day count has.
    `installment_changes`: what a later disbursement or rate step does to the amount of equal installments:
    `recalculated` works it out anew for those due after it, `level` has one amount, worked out with all of them.
    `odd_days`: interest of the days by which the first period is longer or shorter than a whole one: `spread` over
    all installments, or `added` to the first one (taken off it, if shorter).
    `odd_day_count`: with the day count `period`, how days beyond whole periods are counted; None: as a part of the
    period that they lie in, by its calendar days.
    `odd_day_place`: `first` counts whole periods back from the first due date, so that odd days come before them,
    `last` counts them from the disbursement.
    `interest_from_due_dates`: `adjusted` counts interest to the day on which an installment is due after moving it to
    a business day, `unadjusted` to the day before moving, `nominal` (30/360 only) to the agreed day of the month
    before the month-end strategy too, so that every month has 30 days.
    `month_end`: where an installment goes whose day the month does not have.
    `business_day`: where one goes that falls on a day on which banks are closed.
    `calendar`: the calendar that says which days those are, needed to move any.
    `principal_grace`: installments at the beginning without principal.
    `interest_grace`: installments at the beginning without interest, which is then due with the first one after them,
    without interest on it.
    `interest_free`: periods at the beginning in which no interest accrues.
    `down_payment_minor`: paid by the borrower on the day of the disbursement, as installment 0, out of the principal.
    `balloon_minor`: principal that is due with the last installment besides its usual part.
    `negative_amortisation`: interest that an installment does not cover is added to what is owed.
    `jurisdiction`: whose caps are tested; None: no cap is tested, and the quote says so.
    `lender`: the kind of lender that the caps are for, given with the jurisdiction.
    `product`: a name for people; nothing follows from it.
    """

    principal_minor: PositiveMinor
    currency: Currency
    disbursed_on: date
    annual_rate: Rate = "0"
    term: int | None = None
    every: Every = "1m"
    method: Method = Method.EQUAL_INSTALLMENT
    day_count: DayCount = DayCount.PERIOD
    first_due_on: date | None = None
    due_day: int | None = None
    rounding: RoundingTerms = RoundingTerms()
    installment_period: Word = "day_count"
    installment_changes: Word = "recalculated"
    odd_days: Word = "spread"
    odd_day_count: DayCount | None = None
    odd_day_place: Word = "first"
    installment_minor: PositiveMinor | None = None
    lines: tuple[ExplicitLine, ...] = ()
    revolving: Revolving | None = None
    fees: tuple[Fee, ...] = ()
    disbursements: tuple[Disbursement, ...] = ()
    rate_steps: tuple[RateStep, ...] = ()
    principal_grace: int = 0
    interest_grace: int = 0
    interest_free: int = 0
    down_payment_minor: AmountMinor = 0
    balloon_minor: AmountMinor = 0
    month_end: MonthEnd = MonthEnd.CLAMP
    business_day: BusinessDay = BusinessDay.NONE
    calendar: Word | None = None
    interest_from_due_dates: Word = "unadjusted"
    negative_amortisation: bool = False
    jurisdiction: Word | None = None
    lender: Word | None = None
    product: Text = ""
