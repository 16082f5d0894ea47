"""A quote, and the options of quotes, as tables for people."""

from collections.abc import Iterable
from decimal import Decimal

from ledger.application.quote_options import QuoteOption
from ledger.domain.annual_rates import percent
from ledger.domain.cost_table import CostTable
from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.money import format_minor
from ledger.domain.quote import Quote
from ledger.domain.terms import Method, Terms
from ledger.entrypoints.cli.output import console, print_table


def print_quote(terms: Terms, found: Quote) -> None:
    """Installments and totals; rates, cost table and caps where there are any."""
    exponent = minor_unit_exponent(terms.currency)

    def shown(*amounts_minor: int) -> list[str]:
        return [format_minor(amount, exponent) for amount in amounts_minor]

    totals = found.totals
    rows: list[list[object]] = [
        [line.number, line.due_on, *shown(line.principal_minor, line.interest_minor, line.fee_minor, line.total_minor,
         line.balance_minor)]
        for line in found.installments
    ]  # fmt: skip
    rows.append(
        ["", "all", *shown(totals.principal_minor, totals.interest_minor, totals.fee_minor, totals.total_minor), ""]
    )
    console.print(_title(terms, *shown(terms.principal_minor)), style="bold", markup=False)
    print_table(
        f"{len(found.installments)} installments" if len(found.installments) > 1 else "1 installment",
        {"no.": "right", "due": "left", "principal": "right", "interest": "right", "fees": "right", "total": "right",
         "balance": "right"},
        rows,
    )  # fmt: skip
    paid_out, upfront, cost = shown(totals.paid_out_minor, totals.upfront_fee_minor, totals.cost_minor)
    console.print(f"Paid out {paid_out}   fees paid upfront {upfront}   interest and all fees {cost}")
    if found.unused:
        console.print(f"Installments of the term that rounding up makes needless: {found.unused}")
    if found.apr is not None and found.aprc is not None and found.irr is not None:
        irr = f"{percent(found.irr.nominal)} % nominal, {percent(found.irr.effective)} % effective"
        console.print(f"APR {percent(found.apr)} %   APRC {percent(found.aprc)} %   IRR {irr}")
    if found.cost_table:
        _print_cost(found.cost_table, exponent)
    for finding in found.caps:
        console.print(f"Cap {finding.status.value}  {finding.says}", markup=False)
    for remark in found.remarks:
        console.print(f"{remark[0].upper()}{remark[1:]}", markup=False)


def print_options(options: Iterable[QuoteOption]) -> None:
    """Every option with its default and its meaning; below it the words that it takes."""
    rows: list[tuple[str, str, str]] = []
    for option in options:
        words = [(f"  {each.word}", "", each.meaning) for each in option.words if each.meaning]
        takes = "" if words else f" Takes {'one of ' if option.words else ''}{option.values}."
        rows += [(option.name, _default(option), f"{option.meaning}{takes}"), *words]
    print_table("Options of a quote", {"option": "left", "default": "left", "meaning": "left"}, rows)


def _default(option: QuoteOption) -> str:
    if option.required:
        return "required"
    if option.default is None or option.default in ("", (), []):
        return "none"
    if isinstance(option.default, dict):
        return "as below"
    return str(option.default).lower() if isinstance(option.default, bool) else str(option.default)


def _title(terms: Terms, principal: str) -> str:
    method = terms.method.value.replace("_", " ")
    rate = f"{Decimal(terms.annual_rate).scaleb(2).normalize():f}"
    steps = f", {len(terms.rate_steps)} rate steps" if terms.rate_steps else ""
    fee = " as a fee" if terms.method is Method.FLAT_FEE else ""
    return (
        f"{principal} {terms.currency}   {method}, every {terms.every}   {rate} % per year{fee}{steps}   "
        f"{terms.day_count.value}   disbursed on {terms.disbursed_on}"
    )


def _print_cost(table: CostTable, exponent: int) -> None:
    rows: list[tuple[object, ...]] = [
        (line.name, line.charged, line.standard, line.paid_to, format_minor(line.amount_minor, exponent),
         "left out" if line.annual is None else f"{percent(line.annual)} %")
        for line in table.lines
    ]  # fmt: skip
    rows.append(("all", "", "", "", format_minor(table.total_minor, exponent), f"{percent(table.annual)} %"))
    rows += [(line.name, "in default", line.standard, line.paid_to, "", "") for line in table.in_default]
    print_table(
        f"Cost, per year by {table.method.upper()}",
        {"item": "left", "charged": "left", "by": "left", "paid to": "left", "amount": "right", "per year": "right"},
        rows,
        footer=f"simple rate {percent(table.simple)} %; what is not in this table may not be charged",
    )
