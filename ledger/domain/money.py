"""Amounts of money: integers in minor units, with a currency. Text is read and written here and nowhere else."""

import re

from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.errors import InvalidAmount, shown
from schemas.values import LARGEST_MINOR

_AMOUNT = re.compile(r"^(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?$", re.ASCII)


def parse_minor(text: str, currency: str, exponent: int) -> int:
    """Read `1,000.00` as minor units of a currency with `exponent` decimals; exact, never rounded.

    Raises `InvalidAmount` for text that is not a plain decimal number, for more decimals than the currency has, and
    for amounts beyond 2^53 - 1 minor units.
    """
    match = _AMOUNT.match(text.strip())
    if match is None:
        raise InvalidAmount(f"asked for an amount of {shown(text)} {currency}; write a decimal number like 1000.00")
    sign, whole, fraction = match[1], match[2].replace(",", ""), match[3] or ""
    if len(fraction.rstrip("0")) > exponent:
        raise InvalidAmount(f"asked for an amount of {shown(text)} {currency}; {currency} has {exponent} decimals")
    if len(whole.lstrip("0")) > len(str(LARGEST_MINOR)):
        raise _too_large(shown(text), currency)
    minor: int = int(whole.lstrip("0") or "0") * 10**exponent + int(fraction[:exponent].ljust(exponent, "0") or "0")
    if minor > LARGEST_MINOR:
        raise _too_large(shown(text), currency)
    return -minor if sign else minor


def format_minor(amount_minor: int, exponent: int) -> str:
    """Write minor units as `1,000.00`.

    >>> format_minor(-123456, 2), format_minor(5, 2), format_minor(1200, 0)
    ('-1,234.56', '0.05', '1,200')
    """
    whole, fraction = divmod(abs(amount_minor), 10**exponent)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{whole:,}" + (f".{fraction:0{exponent}d}" if exponent else "")


def require_positive(amount_minor: int, currency: str, what: str, instead: str) -> None:
    """Refuse zero, negative and too large amounts; `what` names the amount, `instead` says what to do."""
    if amount_minor <= 0:
        asked = format_minor(amount_minor, minor_unit_exponent(currency))
        raise InvalidAmount(f"asked for {what} of {asked} {currency}; it is more than zero. {instead}")
    if amount_minor > LARGEST_MINOR:
        raise _too_large(f"{amount_minor} minor units", currency)


def _too_large(text: str, currency: str) -> InvalidAmount:
    return InvalidAmount(
        f"asked for an amount of {text} {currency}; the largest is {LARGEST_MINOR} minor units (2^53 - 1). Split it"
    )
