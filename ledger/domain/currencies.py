"""Minor units of currencies: how many decimals an amount has (ISO 4217, list one).

Codes without minor units (gold, units of account, testing) are no currency here. Two that were withdrawn in 2025 and
2026 (ANG, BGN) are kept, because loans in them exist.
"""

from ledger.domain.errors import UnknownCurrency, shown

_CODES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
        CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
        GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
        MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
        RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
        TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_DECIMALS = {code: decimals for decimals, codes in _CODES_BY_DECIMALS.items() for code in codes.split()}


def minor_unit_exponent(currency: str) -> int:
    """Decimals of a currency by its code, else `UnknownCurrency` for what is not one."""
    try:
        return _DECIMALS[currency]
    except KeyError as error:
        raise UnknownCurrency(f"asked for currency {shown(currency)}; give an ISO 4217 code like USD or CNY") from error
