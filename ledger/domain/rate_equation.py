"""Solves the equation that every annual rate is defined by: what is advanced equals what is paid, both discounted.

Each flow is worth `amount / ((1 + f i) (1 + i)^t)` after `t` whole periods and a fraction `f` of one, at the rate `i`
per period (Reg Z, 12 CFR 1026, appendix J (b)(8)). Where the law has fractions compound too, the period is chosen so
small that there are none, and `f` is 0.

The step is Newton's on the logarithm of paid over advanced, which is nearly a straight line in the logarithm of
`1 + i`; a logarithm x is written as 2 (e^x - 1) / (e^x + 1), right where the ratio comes to 1. All sums have positive
terms only, so no digits are lost. A bracket around the rate takes over where a step would leave it.
"""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, localcontext
from operator import mul, sub

from ledger.domain.errors import NoAnnualRate

DIGITS = 38
STEPS_MAX = 200
STEPS_FAST = 20  # after so many, every other step halves the bracket
ENOUGH = Decimal("1E-12")  # paid over advanced is so near to 1 that one step more makes it exact to 20 digits
CONTEXT = Context(prec=DIGITS, Emax=10**12, Emin=-(10**12))

ONE, TWO = Decimal(1), Decimal(2)


class Sum:
    """Flows of one side with the same fraction of a period, discounted together by Horner's rule."""

    __slots__ = ("_amounts", "_even_gap", "_first", "_fraction", "_gaps", "_moments")

    def __init__(self, fraction: Decimal, times: Sequence[int], amounts: Sequence[int]) -> None:
        """`times`: whole periods (0 or more, ascending, equal ones allowed). `amounts`: minor units (> 0)."""
        self._fraction = fraction
        self._first = times[0]
        self._gaps = list(map(sub, times[1:], times))[::-1]
        self._even_gap = self._gaps[0] if len(set(self._gaps)) == 1 else 0
        self._amounts = list(map(Decimal, reversed(amounts)))
        weighted = list(map(mul, times, amounts))
        self._moments = sum(amounts), sum(weighted), sum(map(mul, times, weighted))

    def moments(self) -> tuple[Decimal, Decimal, Decimal]:
        """Sums of amount, amount x time and amount x time squared, without discount."""
        zeroth, first, second = map(Decimal, self._moments)
        fraction = self._fraction
        return zeroth, first + fraction * zeroth, second + fraction * (2 * first + fraction * zeroth)

    def discounted(self, growth: Decimal, shrink: Decimal) -> tuple[Decimal, Decimal]:
        """The worth at `growth` = 1 + i (`shrink` = 1 / growth), and its fall per unit of ln(growth)."""
        worth, fall = self._even(shrink) if self._even_gap else self._uneven(shrink)
        if self._first:
            to_first = shrink**self._first
            worth, fall = worth * to_first, (fall + self._first * worth) * to_first
        if self._fraction:
            odd = 1 / (1 + self._fraction * (growth - ONE))
            worth, fall = worth * odd, (fall + worth * self._fraction * growth * odd) * odd
        return worth, fall

    def _even(self, shrink: Decimal) -> tuple[Decimal, Decimal]:
        gap = self._even_gap
        if gap != 1:
            shrink = shrink**gap
        worth = fall = Decimal(0)
        for amount in self._amounts:
            fall = (fall + worth) * shrink
            worth = worth * shrink + amount
        return worth, fall * gap

    def _uneven(self, shrink: Decimal) -> tuple[Decimal, Decimal]:
        powers = {gap: shrink**gap for gap in set(self._gaps)}
        worth, fall = self._amounts[0], Decimal(0)
        for gap, amount in zip(self._gaps, self._amounts[1:], strict=True):
            power = powers[gap]
            fall = (fall + gap * worth) * power
            worth = worth * power + amount
        return worth, fall


class _Bracket:
    """Where the rate lies: above `low` (none yet: None), below `high`. `stride`: how far to look for the first two."""

    def __init__(self, stride: Decimal) -> None:
        self.low: Decimal | None = None
        self.high: Decimal | None = None
        self._stride = stride

    def narrow(self, growth: Decimal, surplus: Decimal) -> None:
        if surplus > 0:
            self.low = growth
        else:
            self.high = growth

    def holds(self, growth: Decimal) -> bool:
        return growth > (self.low or 0) and (self.high is None or growth < self.high)

    def middle(self) -> Decimal:
        """Half way between both ends; a stride beyond the only one, which doubles each time."""
        if self.low is not None and self.high is not None:
            return (self.low + self.high) / 2
        self._stride *= 2
        return self.low * (1 + self._stride) if self.low is not None else (self.high or ONE) / (1 + self._stride)


def growth_per_period(advances: Sequence[Sum], payments: Sequence[Sum]) -> Decimal:
    """1 + i to more than 20 digits. Raises `NoAnnualRate` if no step comes near it.

    It is for flows that have one rate; `flows` says how that is known.
    """
    with localcontext(CONTEXT):
        growth, stride = _first_guess(advances, payments)
        bracket = _Bracket(stride)
        for number in range(STEPS_MAX):
            surplus, better = _step(growth, advances, payments, stride)
            if abs(surplus) <= ENOUGH:
                return better
            bracket.narrow(growth, surplus)
            is_slow = number > STEPS_FAST and number % 2 == 0
            growth = better if bracket.holds(better) and not is_slow else bracket.middle()
    raise NoAnnualRate(f"asked for the rate of a loan; none was found after {STEPS_MAX} steps. Check its flows")


def _step(
    growth: Decimal, advances: Sequence[Sum], payments: Sequence[Sum], stride: Decimal
) -> tuple[Decimal, Decimal]:
    """By how much paid over advanced is more than 1, and a better growth."""
    shrink = ONE / growth
    advanced, fall_of_advanced = _total(advances, growth, shrink)
    paid, fall_of_paid = _total(payments, growth, shrink)
    surplus = (paid - advanced) / advanced
    slope = fall_of_paid / paid - fall_of_advanced / advanced
    step = 2 * surplus / (TWO + surplus) / slope if slope else stride
    step = min(max(step, -stride), stride)
    return surplus, growth * (TWO + step) / (TWO - step)


def _total(sums: Sequence[Sum], growth: Decimal, shrink: Decimal) -> tuple[Decimal, Decimal]:
    if len(sums) == 1:
        return sums[0].discounted(growth, shrink)
    return _added(each.discounted(growth, shrink) for each in sums)


def _added(pairs: Iterable[tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    worth = fall = Decimal(0)
    for each, its_fall in pairs:
        worth += each
        fall += its_fall
    return worth, fall


def _first_guess(advances: Sequence[Sum], payments: Sequence[Sum]) -> tuple[Decimal, Decimal]:
    """A growth, and the longest step that may be made from one: it changes no discount by more than e or so.

    The guess follows from the amounts, the mean times and their spread, as a series in the rate up to its square.
    """
    advanced, mean_of_advanced, spread_of_advanced = _mean_and_spread(advances)
    paid, mean_of_paid, spread_of_paid = _mean_and_spread(payments)
    stride = ONE / max(mean_of_paid, ONE)
    time = mean_of_paid - mean_of_advanced
    if time <= 0:
        return ONE, stride
    ratio = paid / advanced
    logarithm = 3 * (ratio * ratio - 1) / (ratio * ratio + 4 * ratio + 1)
    rate = logarithm / time
    rate = (logarithm + rate * rate * (spread_of_paid - spread_of_advanced) / 2) / time
    rate = min(max(rate, -stride), stride)
    return (TWO + rate) / (TWO - rate), stride


def _mean_and_spread(sums: Sequence[Sum]) -> tuple[Decimal, Decimal, Decimal]:
    zeroth, first, second = (sum(moment, Decimal(0)) for moment in zip(*(each.moments() for each in sums), strict=True))
    mean = first / zeroth
    return zeroth, mean, second / zeroth - mean * mean
