from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.currencies import minor_unit_exponent
from ledger.domain.errors import InvalidAmount, UnknownCurrency
from ledger.domain.money import format_minor, parse_minor, require_positive
from schemas.values import LARGEST_MINOR


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("1000", 2, 1000_00),
        ("1,000.00", 2, 1000_00),
        ("1,234,567.8", 2, 1_234_567_80),
        (" 0.05 ", 2, 5),
        ("-5", 2, -5_00),
        ("-0", 2, 0),
        ("1.500", 2, 1_50),
        ("1200", 0, 1200),
        ("1200.0", 0, 1200),
        ("0.001", 3, 1),
        ("0" * 5000 + "1", 2, 1_00),
        ("90071992547409.91", 2, LARGEST_MINOR),
        ("-90071992547409.91", 2, -LARGEST_MINOR),
    ],
)
def test_a_decimal_number_is_read_exactly(text: str, exponent: int, minor: int) -> None:
    assert parse_minor(text, "USD", exponent) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "-",
        "1.",
        ".5",
        "--1",
        "+1",
        "1e3",
        "0x10",
        "1_000",
        "1,00",
        "1,0000",
        ",100",
        "12,34.5",
        "1 000",
        "NaN",
        "Infinity",
        "1.2.3",
        "$5",
        "5 USD",
        "１２",
        "٣",
        "1\n2",
        "1\x00",
        "½",
        "−5",
        "1,000,00",
    ],
)
def test_text_that_is_not_a_plain_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match="write a decimal number"):
        parse_minor(text, "USD", 2)


@pytest.mark.parametrize(("text", "exponent"), [("0.001", 2), ("1.5", 0), ("9007199254740991.9", 0)])
def test_more_decimals_than_the_currency_has_are_refused_and_never_rounded(text: str, exponent: int) -> None:
    with pytest.raises(InvalidAmount, match=f"USD has {exponent} decimals"):
        parse_minor(text, "USD", exponent)


@pytest.mark.parametrize("text", ["90071992547409.92", "9" * 17, "9" * 100_000, "-90071992547409.92"])
def test_an_amount_beyond_what_json_readers_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match="the largest is 9007199254740991 minor units"):
        parse_minor(text, "USD", 2)


@pytest.mark.parametrize("text", ["x" * 100_000, "1." + "1" * 100_000, "9" * 100_000])
def test_a_refusal_of_endless_text_stays_short(text: str) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        parse_minor(text, "USD", 2)
    assert len(str(refusal.value)) < 300


@given(minor=st.integers(-LARGEST_MINOR, LARGEST_MINOR), exponent=st.integers(0, 4))
def test_what_is_written_is_read_back_the_same(minor: int, exponent: int) -> None:
    assert parse_minor(format_minor(minor, exponent), "USD", exponent) == minor


@given(text=st.text())
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    with suppress(InvalidAmount):
        assert abs(parse_minor(text, "USD", 2)) <= LARGEST_MINOR


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (0, 2, "0.00"),
        (-1, 2, "-0.01"),
        (1, 3, "0.001"),
        (-1200, 0, "-1,200"),
        (LARGEST_MINOR, 2, "90,071,992,547,409.91"),
    ],
)
def test_amounts_are_written_with_all_decimals_and_thousands(minor: int, exponent: int, text: str) -> None:
    assert format_minor(minor, exponent) == text


@pytest.mark.parametrize(("minor", "text"), [(0, "0.00"), (-1, "-0.01")])
def test_an_amount_that_must_be_positive_says_what_to_do_instead(minor: int, text: str) -> None:
    with pytest.raises(InvalidAmount, match=rf"a payment of {text} USD.*To undo a payment, reverse it"):
        require_positive(minor, "USD", "a payment", "To undo a payment, reverse it")


def test_a_positive_amount_has_a_limit_too() -> None:
    require_positive(LARGEST_MINOR, "USD", "a loan", "")
    with pytest.raises(InvalidAmount, match="the largest is"):
        require_positive(LARGEST_MINOR + 1, "USD", "a loan", "")


@pytest.mark.parametrize(("currency", "exponent"), [("USD", 2), ("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_a_currency_has_the_decimals_of_iso_4217(currency: str, exponent: int) -> None:
    assert minor_unit_exponent(currency) == exponent


@pytest.mark.parametrize("currency", ["", "usd", "US", "USDT", "USD\n", "U$D", "ＵＳＤ", "XYZ", "XAU", "XXX"])
def test_what_is_not_a_currency_code_is_refused(currency: str) -> None:
    with pytest.raises(UnknownCurrency, match="ISO 4217"):
        minor_unit_exponent(currency)
