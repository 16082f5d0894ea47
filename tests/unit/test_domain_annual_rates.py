"""Annual rates of loans: the examples of the laws that define them, and flows that have none."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger.domain.annual_rates import annual_rates, apr, aprc, irr, percent, simple
from ledger.domain.errors import InvalidAmount, NoAnnualRate, SeveralAnnualRates, UnknownPeriod
from ledger.domain.flows import Flow
from tests.flow_builders import daily, flows, monthly, once

START = date(2025, 1, 10)

# Reg Z, 12 CFR 1026, appendix J (c): example, amount financed, on, payments, unit-period, APR in per cent
APPENDIX_J = [
    ("1i", 5000_00, date(1978, 1, 10), flows(monthly(date(1978, 2, 10), 24), 230_00), "1m", "9.69"),
    ("1ii", 6000_00, date(1978, 2, 10), flows(monthly(date(1978, 4, 1), 36), 200_00), "1m", "11.82"),
    (
        "1iii",
        5000_00,
        date(1978, 2, 23),
        flows(monthly(date(1978, 3, 1), 12) + monthly(date(1978, 3, 16), 12), 219_17),
        "semimonth",
        "10.34",
    ),
    ("1iv", 10000_00, date(1978, 5, 23), flows(monthly(date(1978, 10, 1), 40, step=3), 385_00), "3m", "8.97"),
    ("1v", 500_00, date(1978, 3, 20), flows(daily(date(1978, 4, 21), 30, step=7), 17_60), "1w", "14.96"),
    (
        "2i",
        5000_00,
        date(1978, 1, 10),
        once(date(1978, 2, 10), 250_00) + flows(monthly(date(1978, 3, 10), 23), 230_00),
        "1m",
        "10.08",
    ),
    (
        "2ii",
        400_00,
        date(1978, 3, 18),
        once(date(1978, 4, 20), 39_50) + flows(daily(date(1978, 5, 18), 11, step=28), 38_31),
        "4w",
        "28.50",
    ),
    (
        "3i",
        5000_00,
        date(1978, 1, 10),
        flows(monthly(date(1978, 2, 10), 23), 230_00) + once(date(1980, 1, 10), 280_00),
        "1m",
        "10.50",
    ),
    (
        "3ii",
        200_00,
        date(1978, 4, 3),
        flows(daily(date(1978, 4, 11), 19, step=14), 9_50) + once(date(1979, 1, 2), 30_00),
        "2w",
        "12.22",
    ),
    (
        "4i",
        5000_00,
        date(1978, 1, 10),
        once(date(1978, 2, 10), 250_00)
        + flows(monthly(date(1978, 3, 10), 22), 230_00)
        + once(date(1980, 1, 10), 280_00),
        "1m",
        "10.90",
    ),
    (
        "4ii",
        8000_00,
        date(1978, 1, 10),
        once(date(1978, 3, 1), 449_36)
        + flows(monthly(date(1978, 5, 1), 18, step=2), 465_00)
        + once(date(1981, 5, 1), 200_00),
        "2m",
        "7.30",
    ),
    ("5i", 1000_00, date(1978, 1, 3), once(date(1978, 9, 15), 1080_00), "1m", "11.45"),
]


@pytest.mark.parametrize(
    ("amount_minor", "on", "payments", "every", "published"),
    [row[1:] for row in APPENDIX_J],
    ids=[row[0] for row in APPENDIX_J],
)
def test_the_examples_of_appendix_j_come_out(
    amount_minor: int, on: date, payments: list[Flow], every: str, published: str
) -> None:
    assert percent(apr(once(on, amount_minor), payments, every)) == Decimal(published)
    assert percent(apr(once(on, amount_minor), payments)) == Decimal(published)  # the unit-period found in the dates


# Directive 98/7/EC, annex III: net amount, payments after days, APRC in per cent
ANNEX_III = [
    (1000_00, once(START + timedelta(days=546), 1200_00), "1d", "12.96"),
    (950_00, once(START + timedelta(days=546), 1200_00), "1d", "16.9"),
    (1000_00, flows(monthly(date(2026, 1, 10), 2, step=12), 600_00), "12m", "13.07"),
]


@pytest.mark.parametrize(("amount_minor", "payments", "every", "published"), ANNEX_III)
def test_the_examples_of_the_european_annex_come_out(
    amount_minor: int, payments: list[Flow], every: str, published: str
) -> None:
    rate = aprc(once(START, amount_minor), payments, every)
    assert percent(rate, places=len(published.partition(".")[2])) == Decimal(published)


def test_a_flat_fee_of_0_6_percent_a_month_is_an_annual_rate_of_13_percent() -> None:
    rate = irr(once(START, 12_000_00), flows(monthly(date(2025, 2, 10), 12), 1_072_00), "1m")
    assert percent(rate.per_period, 7) == Decimal("1.0861854")
    assert percent(rate.nominal, 4) == Decimal("13.0342")
    assert percent(rate.effective, 4) == Decimal("13.8418")


def test_a_year_and_a_half_of_equal_months_is_counted_in_months() -> None:
    rate = aprc(once(START, 1000_00), once(date(2026, 7, 10), 1200_00), "1m")
    assert percent(rate, 4) == Decimal("12.9243")


def test_six_monthly_payments_cost_12_69_percent_a_year() -> None:
    payments = flows(monthly(date(2019, 2, 1), 6), 172_55)  # as the curo library publishes it
    assert percent(aprc(once(date(2019, 1, 1), 1000_00), payments, "1m"), 4) == Decimal("12.6862")


def test_with_whole_periods_the_three_rates_solve_one_equation() -> None:
    rates = annual_rates(once(START, 12_000_00), flows(monthly(date(2025, 2, 10), 12), 1_072_00), "1m")
    assert rates.apr == rates.irr.nominal
    assert rates.aprc == rates.irr.effective


def test_a_fee_kept_back_raises_the_rate_as_much_as_one_paid_on_the_same_day() -> None:
    payments = flows(monthly(date(2025, 2, 10), 12), 100_00)
    kept_back = apr(once(START, 980_00), payments, "1m")
    assert abs(kept_back - apr(once(START, 1000_00), [*once(START, 20_00), *payments], "1m")) < Decimal("1E-18")


def test_a_loan_that_costs_nothing_has_a_rate_of_nothing() -> None:
    rates = annual_rates(once(START, 1200_00), flows(monthly(date(2025, 2, 10), 12), 100_00), "1m")
    assert {rates.apr, rates.aprc, rates.irr.effective} == {Decimal(0)}


def test_a_loan_that_pays_back_less_than_it_advanced_has_a_negative_rate() -> None:
    assert percent(apr(once(START, 1000_00), once(date(2026, 1, 10), 900_00), "1m")) == Decimal("-10.00")


def test_several_advances_with_payments_between_them_have_one_rate() -> None:
    advances = flows([START, date(2025, 3, 25), date(2025, 6, 10)], 10_000_00)
    payments = flows(monthly(date(2025, 2, 10), 8), 200_00) + once(date(2025, 10, 10), 30_000_00)
    assert Decimal("0.06") < apr(advances, payments, "1m") < Decimal("0.10")


def test_twelve_payments_that_come_to_less_have_a_negative_rate() -> None:
    rates = annual_rates(once(START, 1200_00), flows(monthly(date(2025, 2, 10), 12), 90_00), "1m")
    assert percent(rates.apr) == percent(rates.irr.nominal) == Decimal("-19.02")
    assert percent(rates.aprc) == Decimal("-17.44")


def test_a_fee_on_the_first_day_leaves_one_advance_and_one_payment() -> None:
    with_fee = apr(once(START, 1000_00), [*once(START, 20_00), *once(date(2025, 7, 11), 1060_00)], "1m")
    assert with_fee == apr(once(START, 980_00), once(date(2025, 7, 11), 1060_00), "1m")


@pytest.mark.parametrize(
    ("ends_on", "periods_per_year"),
    [(date(2025, 7, 10), 2), (date(2025, 7, 11), Decimal(365) / 182), (date(2026, 1, 10), 1)],
)
def test_one_payment_within_a_year_has_the_term_as_unit_period(ends_on: date, periods_per_year: Decimal) -> None:
    rate = apr(once(START, 1000_00), once(ends_on, 1100_00))
    assert abs(rate - Decimal("0.1") * periods_per_year) < Decimal("1E-18")


def test_one_payment_after_a_year_and_days_counts_the_days_of_365_at_simple_interest() -> None:
    rate = apr(once(START, 1000_00), once(date(2026, 1, 20), 1100_00))
    assert abs((1 + rate) * (1 + rate * 10 / 365) - Decimal("1.1")) < Decimal("1E-17")


def test_last_days_of_months_are_whole_months_apart() -> None:
    payments = flows(monthly(date(2025, 2, 28), 1) + monthly(date(2025, 3, 31), 11), 100_00)
    rates = annual_rates(once(date(2025, 1, 31), 1100_00), payments, "1m")
    assert rates.apr == rates.irr.nominal
    assert rates.aprc == rates.irr.effective


def test_the_simple_rate_of_interest_on_what_is_owed_is_the_agreed_rate() -> None:
    principal = flows(monthly(date(2025, 2, 10), 12), 100_00)
    cost_minor = sum(owed * 100_00 // 100 for owed in range(1, 13))  # 1 % a month of 1,200, 1,100, ...
    assert simple(cost_minor, once(START, 1200_00), principal) == Decimal("0.12")


@pytest.mark.parametrize(
    ("advances", "payments", "says"),
    [
        ([], once(START, 1), "nothing is advanced"),
        (once(START, 1), [], "nothing is paid back"),
        (once(START, 1), once(START, 1), "as much as is advanced"),
        (once(date(2025, 3, 1), 1), once(START, 2), "pays first"),
        (flows([START, date(2025, 3, 1)], 500), once(date(2025, 2, 1), 300), "never paid back"),
    ],
)
def test_flows_without_a_rate_are_refused(advances: list[Flow], payments: list[Flow], says: str) -> None:
    with pytest.raises(NoAnnualRate, match=says):
        annual_rates(advances, payments, "1m")


def test_flows_that_two_rates_solve_are_refused() -> None:
    advances = once(START, 100_00) + once(date(2027, 1, 10), 132_00)
    payments = once(date(2026, 1, 10), 230_00) + once(date(2027, 2, 10), 1_00)
    with pytest.raises(SeveralAnnualRates, match="take turns in owing"):
        aprc(advances, payments, "12m")


def test_a_negative_flow_is_refused() -> None:
    with pytest.raises(InvalidAmount, match="negative"):
        apr(once(START, 1000_00), once(date(2025, 2, 10), -1))


@pytest.mark.parametrize("every", ["1x", "0m", "m", "one month", "²m"])
def test_a_period_that_cannot_be_read_is_refused_by_field(every: str) -> None:
    with pytest.raises(UnknownPeriod, match="such as 1m") as refused:
        apr(once(START, 1000_00), flows(monthly(date(2025, 2, 10), 2), 600_00), every)
    assert refused.value.field == "every"


@pytest.mark.parametrize(("every", "rate"), [("1d", "12.96"), ("546d", "12.96"), ("78w", "12.92"), ("18m", "12.92")])
def test_the_aprc_of_more_than_a_year_counts_what_the_period_is_given_in(every: str, rate: str) -> None:
    lent, paid = once(date(2025, 1, 1), 1_000_00), once(date(2026, 7, 1), 1_200_00)  # 98/7/EC, annex III; 18 months
    assert percent(aprc(lent, paid, every)) == Decimal(rate)
