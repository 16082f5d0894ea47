"""Minor units of currencies: how many decimals an amount has (ISO 4217, list one)."""

import re

from ledger.domain.errors import UnknownCurrency

_NO_DECIMALS = re.compile("BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|UYI|VND|VUV|XAF|XOF|XPF")
_THREE_DECIMALS = re.compile("BHD|IQD|JOD|KWD|LYD|OMR|TND")


def minor_unit_exponent(currency: str) -> int:
    """Decimals of a currency by its three-letter code, else `UnknownCurrency` for what is not a code."""
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()):
        raise UnknownCurrency(f"asked for currency {currency!r}; give an ISO 4217 code like USD or CNY")
    if _NO_DECIMALS.fullmatch(currency):
        return 0
    return 3 if _THREE_DECIMALS.fullmatch(currency) else 2
