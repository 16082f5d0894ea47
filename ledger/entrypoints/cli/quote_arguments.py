"""The terms of a quote as options of the command line, and the request that they make.

An option is the field of the same name (`--day-count` is `day_count`); where people write an amount like 1,000.00 the
field is in minor units, and where they write 12.99% it is a decimal. All else is left to the reader of requests, so
that an option and a field are refused for the same reasons.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import orjson
import typer

from ledger.application.quote_reading import InvalidValue, MissingField, QuoteRequest, read_request
from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.money import parse_minor

DEFAULT_CURRENCY = "USD"


def _option(name: str, metavar: str, help_text: str) -> Any:
    return typer.Option(*name.split(), metavar=metavar, help=help_text, show_default=False)


Amount = Annotated[
    str | None, typer.Argument(metavar="AMOUNT", help="Principal, for example 12000.00.", show_default=False)
]
Currency = Annotated[str | None, _option("--currency", "CODE", f"ISO 4217 code. Default: {DEFAULT_CURRENCY}.")]
AnnualRate = Annotated[str | None, _option("--annual-rate --rate", "RATE", "0.1299 or 12.99%. Default: 0.")]
Term = Annotated[int | None, _option("--term", "N", "Number of installments.")]
Every = Annotated[str | None, _option("--every", "PERIOD", "1m, 2w, 30d ... Default: 1m.")]
Method = Annotated[
    str | None,
    _option(
        "--method",
        "METHOD",
        "equal_installment, equal_principal, interest_only, bullet, flat_interest, flat_fee, given_installment; "
        "explicit and revolving need --terms. Default: equal_installment.",
    ),
]
DayCount = Annotated[
    str | None, _option("--day-count", "COUNT", "period, 30/360, actual/365F, actual/360 ... Default: period.")
]
DisbursedOn = Annotated[str | None, _option("--disbursed-on", "DATE", "Default: today (UTC).")]
FirstDueOn = Annotated[str | None, _option("--first-due-on", "DATE", "Default: one period after the disbursement.")]
DueDay = Annotated[int | None, _option("--due-day", "DAY", "Day of the month on which installments are due.")]
Mode = Annotated[str | None, _option("--rounding", "MODE", "Of interest and fees: half_up, half_even, up, down.")]
InstallmentRounding = Annotated[
    str | None, _option("--installment-rounding", "MODE", "Of the installment: none, up, half_up, half_even.")
]
Multiple = Annotated[str | None, _option("--multiple", "AMOUNT", "Of what the installment is made a multiple.")]
Residue = Annotated[str | None, _option("--residue", "WHERE", "Where the rest goes: last, first, spread.")]
Installment = Annotated[str | None, _option("--installment", "AMOUNT", "Agreed amount; the term follows from it.")]
Fees = Annotated[
    list[str] | None,
    _option(
        "--fee",
        "NAME:TIMING:AMOUNT[:PAID_TO]",
        "A fee, upfront, deducted, each, last or default; 15.00 or 2% of the principal. May be repeated.",
    ),
]
PrincipalGrace = Annotated[int | None, _option("--principal-grace", "N", "Installments without principal at first.")]
InterestGrace = Annotated[int | None, _option("--interest-grace", "N", "Installments without interest at first.")]
InterestFree = Annotated[int | None, _option("--interest-free", "N", "Periods in which no interest accrues.")]
DownPayment = Annotated[str | None, _option("--down-payment", "AMOUNT", "Paid on the day of the disbursement.")]
Balloon = Annotated[str | None, _option("--balloon", "AMOUNT", "Principal due with the last installment besides.")]
MonthEnd = Annotated[str | None, _option("--month-end", "WHERE", "clamp, roll, first_of_next. Default: clamp.")]
BusinessDay = Annotated[
    str | None, _option("--business-day", "WHERE", "none, following, modified_following, preceding. Default: none.")
]
Calendar = Annotated[str | None, _option("--calendar", "NAME", "cn, target, us_federal, weekends ...")]
Jurisdiction = Annotated[str | None, _option("--jurisdiction", "NAME", "Whose caps are tested: cn, gb, us.")]
Lender = Annotated[str | None, _option("--lender", "KIND", "The kind of lender that the caps are for.")]

_AS_THEY_ARE = (
    *("term", "every", "method", "day_count", "disbursed_on", "first_due_on", "due_day", "principal_grace"),
    *("interest_grace", "interest_free", "month_end", "business_day", "calendar", "jurisdiction", "lender"),
)
_AMOUNTS = {
    "amount": "principal_minor",
    "installment": "installment_minor",
    "down_payment": "down_payment_minor",
    "balloon": "balloon_minor",
}
_ROUNDING = {"rounding": "mode", "installment_rounding": "installment", "residue": "residue"}
ARGUMENTS = frozenset({*_AS_THEY_ARE, *_AMOUNTS, *_ROUNDING, "currency", "annual_rate", "multiple", "fee"})
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")


def request_of(given: Mapping[str, Any], *, today: date) -> QuoteRequest:
    """The request that was written as options. Raises `MissingField`, `InvalidAmount`, and as `read_request`."""
    if "amount" not in given:
        raise MissingField(
            "asked for a quote without a principal; write ledger quote 12000.00 --rate 12.99% --term 12, or give "
            "--terms, --batch or --explain-defaults",
            "principal_minor",
        )
    currency = given.get("currency", DEFAULT_CURRENCY)
    exponent = minor_unit_exponent(currency)
    fields = {name: given[name] for name in _AS_THEY_ARE if name in given}
    for name, field in _AMOUNTS.items():
        if name in given:
            fields[field] = parse_minor(given[name], currency, exponent)
    rounding = {field: given[name] for name, field in _ROUNDING.items() if name in given}
    if "multiple" in given:
        rounding["multiple_minor"] = parse_minor(given["multiple"], currency, exponent)
    if "annual_rate" in given:
        fields["annual_rate"] = read_percent(given["annual_rate"])
    fees = [_fee(text, currency, exponent) for text in given.get("fee", ())]
    document = {"disbursed_on": today, "currency": currency, **fields}
    return read_request(orjson.dumps(document | ({"rounding": rounding} if rounding else {}) | {"fees": fees}))


def read_percent(text: str) -> str:
    """A rate as a decimal: 12.99% is 0.1299; what is not in per cent stays as it is.

    >>> read_percent("12.99%"), read_percent("0.1299")
    ('0.1299', '0.1299')
    """
    found = _PERCENT.fullmatch(text)
    return f"{Decimal(found[1]).scaleb(-2):f}" if found else text


def _fee(text: str, currency: str, exponent: int) -> Mapping[str, Any]:
    parts: Sequence[str] = text.split(":")
    if len(parts) not in {3, 4}:
        raise InvalidValue(
            f"asked for the fee {text[:60]!r}; write NAME:TIMING:AMOUNT or NAME:TIMING:AMOUNT:PAID_TO, for example "
            "guarantee:each:15.00:guarantor or service:deducted:2%",
            "fees",
        )
    name, timing, amount = parts[:3]
    is_share = amount.endswith("%")
    worth = {"rate": read_percent(amount)} if is_share else {"amount_minor": parse_minor(amount, currency, exponent)}
    return {"name": name, "timing": timing, **worth, **({"paid_to": parts[3]} if len(parts) == 4 else {})}
