"""Rounding of exact amounts to whole minor units, or to whole multiples of them.

An exact amount is a numerator over a denominator that does not change, so that a loop over installments rounds with
one division. Half up rounds a tie to the larger amount; half even to the even one (ISO 80000-1, annex B, rules B and
A).
"""

from collections.abc import Callable

from ledger.domain.terms import InstallmentRounding, Rounding

Rounder = Callable[[int], int]
"""From the numerator of an exact amount, 0 or more, to minor units."""


def rounder(mode: Rounding, denominator: int, multiple_minor: int = 1) -> Rounder:
    """Rounds what is given as a numerator over `denominator` (> 0) minor units, to multiples of `multiple_minor`.

    >>> half_up, half_even = rounder(Rounding.HALF_UP, 10), rounder(Rounding.HALF_EVEN, 10)
    >>> half_up(125), half_even(125), rounder(Rounding.UP, 10)(121), rounder(Rounding.DOWN, 10, 5)(129)
    (13, 12, 13, 10)
    """
    if multiple_minor != 1:
        to_multiples = rounder(mode, denominator * multiple_minor)
        return lambda numerator: to_multiples(numerator) * multiple_minor
    if mode is Rounding.UP:
        return lambda numerator: -(-numerator // denominator)
    if mode is Rounding.DOWN:
        return lambda numerator: numerator // denominator
    if mode is Rounding.HALF_EVEN:
        return lambda numerator: _half_even(numerator, denominator)
    if denominator % 2:
        twice = 2 * denominator
        return lambda numerator: (2 * numerator + denominator) // twice
    half = denominator // 2
    return lambda numerator: (numerator + half) // denominator


def rounded(mode: Rounding, numerator: int, denominator: int, multiple_minor: int = 1) -> int:
    """One exact amount, 0 or more, in minor units."""
    if mode is Rounding.HALF_UP and multiple_minor == 1:
        return (2 * numerator + denominator) // (2 * denominator)
    return rounder(mode, denominator, multiple_minor)(numerator)


def installment_mode(installment: InstallmentRounding, otherwise: Rounding) -> Rounding:
    """The mode in which the amount of an installment is rounded; `none` is rounded as everything else."""
    return otherwise if installment is InstallmentRounding.NONE else Rounding(installment.value)


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))
