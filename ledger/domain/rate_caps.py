"""Caps on what credit may cost: which hold for a lender on a date, and whether a loan keeps to them at its origination.

A cap names the measure that it limits, and its limit: a rate, or a multiple of a published reference rate such as the
one-year LPR on that date. How sure a cap is goes with it. One that is not confirmed is a finding and refuses nothing,
unless its file says that it does; then the refusal says how sure it is.

Which caps there are is data, with sources and dates, in `ledger/policies/rate_caps/`.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum

from ledger.domain.annual_rates import percent
from ledger.domain.errors import NoReferenceRate, RateAboveCap, UnknownLender, shown
from schemas.values import State


class Measure(Enum):
    """What a cap limits. All but the last are per year."""

    IRR = "irr"  # nominal: the internal rate per period times the periods of a year
    IRR_EFFECTIVE = "irr_effective"
    SIMPLE = "simple"  # cost over the principal still out
    APR = "apr"
    APRC = "aprc"
    TOTAL_COST = "total_cost"  # all cost over the principal, whatever the time


class Confidence(Enum):
    """How sure a value is, and from what."""

    CONFIRMED = "confirmed"  # the text of the rule was read
    SECONDARY = "secondary"  # seen in news, an explanation or somebody's data
    MEMORY_HIGH = "memory_high"  # remembered; at least 95 % sure
    MEMORY_MEDIUM = "memory_medium"  # at least 75 %
    LOW = "low"


class RateCap(State, frozen=True):
    """One rule, from `effective_from` to `effective_to` (both days included; None: until further notice).

    `limit`: a rate, 0.24 is 24 %; or, with `reference`, a multiple of that series. `places`: the digits of a per cent
    to which the measure is rounded, half up, before it is compared, so that cents do not decide. `blocks`: whether a
    loan above it is refused.
    """

    rule: str
    lenders: tuple[str, ...]
    measure: Measure
    limit: Decimal
    effective_from: date
    source: str
    confidence: Confidence
    blocks: bool
    reference: str | None = None
    effective_to: date | None = None
    places: int = 2
    note: str = ""

    def holds_on(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class CapPolicy(State, frozen=True):
    """The caps of a jurisdiction, and the kinds of lenders that it tells apart, each with what is meant."""

    jurisdiction: str
    lenders: Mapping[str, str]
    caps: tuple[RateCap, ...]


class ReferenceRate(State, frozen=True):
    """A value of a published series from `effective_from` to `effective_to` (both included; None: the newest)."""

    rate: Decimal
    effective_from: date
    source: str
    confidence: Confidence
    effective_to: date | None = None


class ReferenceSeries(State, frozen=True):
    """Values in the order of their dates, without a gap. After `known_until` the newest one is carried forward."""

    name: str
    known_until: date
    values: tuple[ReferenceRate, ...]

    def on(self, on: date) -> ReferenceRate:
        """The value that holds on a date. Raises `NoReferenceRate` before the first one."""
        begun = [value for value in self.values if value.effective_from <= on]
        if not begun:
            raise NoReferenceRate(
                f"asked for {self.name} on {on}; it is published since {self.values[0].effective_from}. "
                "Test the caps that held then"
            )
        return begun[-1]


class CapStatus(Enum):
    WITHIN = "within"
    ABOVE = "above"
    NOT_MEASURED = "not_measured"


class CapFinding(State, frozen=True):
    """What testing one cap found. `limit` is the rate that the measure was compared with; `says` is for people."""

    cap: RateCap
    status: CapStatus
    on: date
    limit: Decimal
    measured: Decimal | None
    says: str

    @property
    def refuses(self) -> bool:
        return self.cap.blocks and self.status is not CapStatus.WITHIN


def applicable(policy: CapPolicy, lender: str, on: date) -> tuple[RateCap, ...]:
    """The caps for a kind of lender on a date. Raises `UnknownLender` for a kind that the policy does not list."""
    if lender not in policy.lenders:
        raise UnknownLender(
            f"asked for the caps of {shown(lender)} in {policy.jurisdiction}; it tells apart "
            f"{', '.join(policy.lenders)}. Give one of them"
        )
    return tuple(cap for cap in policy.caps if lender in cap.lenders and cap.holds_on(on))


def examine(
    caps: Sequence[RateCap],
    measured: Mapping[Measure, Decimal],
    on: date,
    references: Mapping[str, ReferenceSeries],
) -> tuple[CapFinding, ...]:
    """Test each cap by its own measure on the day of origination; a finding for each, those within too.

    Raises `NoReferenceRate` if a cap is a multiple of a rate that was not published yet.
    """
    return tuple(_examine(cap, measured.get(cap.measure), on, references) for cap in caps)


def require_within(findings: Sequence[CapFinding]) -> None:
    """Refuse a loan that is above a cap that blocks, or not measured for it, with all of these in one message."""
    if refused := [finding for finding in findings if finding.refuses]:
        raise RateAboveCap("asked to grant a loan that a cap forbids; " + "; ".join(each.says for each in refused))


def _examine(cap: RateCap, measured: Decimal | None, on: date, references: Mapping[str, ReferenceSeries]) -> CapFinding:
    limit, basis = _limit(cap, on, references)
    if measured is None:
        status, found = CapStatus.NOT_MEASURED, f"{cap.measure.value} was not measured"
    else:
        is_above = percent(measured, cap.places) > 100 * limit
        status = CapStatus.ABOVE if is_above else CapStatus.WITHIN
        found = f"{cap.measure.value} is {percent(measured, cap.places)} %"
    says = f"{cap.rule}: {found} on {on}, the limit is {_plain(100 * limit)} %{basis} ({_how_sure(cap)})"
    return CapFinding(cap=cap, status=status, on=on, limit=limit, measured=measured, says=says)


def _limit(cap: RateCap, on: date, references: Mapping[str, ReferenceSeries]) -> tuple[Decimal, str]:
    """The limit as a rate, and what it was worked out from."""
    if cap.reference is None:
        return cap.limit, ""
    series = references[cap.reference]
    value = series.on(on)
    basis = f", {_plain(cap.limit)} x {series.name} of {_plain(100 * value.rate)} % since {value.effective_from}"
    if value.confidence is not Confidence.CONFIRMED:
        basis += f" (not confirmed, {value.confidence.value})"
    if on > series.known_until:
        basis += f", known until {series.known_until} and carried forward: add what was published since"
    return cap.limit * value.rate, basis


def _how_sure(cap: RateCap) -> str:
    held = f"in force since {cap.effective_from}" + (f" until {cap.effective_to}" if cap.effective_to else "")
    sure = "" if cap.confidence is Confidence.CONFIRMED else f"; not confirmed, {cap.confidence.value}"
    return f"{cap.source}, {held}{sure}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
