from datetime import date
from typing import Any

import pytest

from ledger.application.quote_reading import InvalidRequest, id_of, read_request
from ledger.domain.terms import DayCount, Fee, FeeTiming, Method, Residue
from tests.terms_builders import request_line, terms

FEE = {"name": "guarantee", "timing": "each", "amount_minor": 15_00}


def refused(text: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read_request(text)
    return caught.value


def without(text: bytes, *added: bytes) -> bytes:
    """The object with more fields as they are written."""
    return text[:-1] + b"".join(b"," + each for each in added) + b"}"


def test_a_request_has_the_terms_that_it_says_and_defaults_for_the_rest() -> None:
    found = read_request(request_line(id="a-1"))
    assert (found.id, found.rows_only) == ("a-1", False)
    assert all(getattr(found, name) == getattr(terms(), name) for name in terms().__struct_fields__)


def test_words_dates_and_lists_are_read() -> None:
    found = read_request(request_line(
        method="flat_fee", day_count="30/360", disbursed_on="2026-02-28", fees=[FEE], rounding={"residue": "first"}
    ))  # fmt: skip
    assert (found.method, found.day_count) == (Method.FLAT_FEE, DayCount.THIRTY_360_US)
    assert (found.disbursed_on, found.rounding.residue) == (date(2026, 2, 28), Residue.FIRST)
    assert found.fees == (Fee(name="guarantee", timing=FeeTiming.EACH, amount_minor=15_00),)


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"annual_rate": 0.1299}, "annual_rate", '0.1299; it takes a decimal number as a string, such as "0.1299"'),
        ({"annual_rate": "12,99"}, "annual_rate", '"12,99"; it takes a decimal'),
        ({"annual_rate": "-0.1"}, "annual_rate", "decimal"),
        ({"annual_rate": "1e-2"}, "annual_rate", "decimal"),
        ({"annual_rate": None}, "annual_rate", "null; it takes a decimal"),
        ({"principal_minor": "1200000"}, "principal_minor", '"1200000"; it takes an integer from 1'),
        ({"principal_minor": 1200000.0}, "principal_minor", "1200000.0; it takes an integer"),
        ({"principal_minor": 2**53}, "principal_minor", "9007199254740992; it takes an integer from 1 to 90"),
        ({"principal_minor": None}, "principal_minor", "null"),
        ({"principal_minor": True}, "principal_minor", "true"),
        ({"term": 12.5}, "term", "12.5; it takes an integer"),
        ({"currency": "cny"}, "currency", '"cny"; it takes an ISO 4217 code'),
        ({"every": "monthly"}, "every", "such as 30d, 2w, 1m"),
        ({"disbursed_on": "2026-02-30"}, "disbursed_on", "a date as YYYY-MM-DD"),
        ({"disbursed_on": 20260101}, "disbursed_on", "a date as YYYY-MM-DD"),
        ({"method": "annuity"}, "method", "one of equal_installment, equal_principal"),
        ({"negative_amortisation": "yes"}, "negative_amortisation", "true or false"),
        ({"rounding": "up"}, "rounding", "an object"),
        ({"rounding": None}, "rounding", "an object"),
        ({"rounding": {"mode": "half_down"}}, "rounding.mode", "one of half_up, half_even, up, down"),
        ({"fees": {}}, "fees", "a list of at most 100 objects"),
        ({"fees": [FEE] * 101}, "fees", "[...]; it takes a list of at most 100 objects"),
        ({"lines": {}}, "lines", "a list of objects"),
        ({"fees": [FEE, "x"]}, "fees[1]", "expected `object`"),
        ({"fees": [FEE, FEE | {"timing": "monthly"}]}, "fees[1].timing", "one of upfront, deducted"),
        ({"rate_steps": [{"since": "2026-02-01", "annual_rate": 1}]}, "rate_steps[0].annual_rate", "decimal"),
        ({"id": 1.5}, "id", "text of at most 200 characters or an integer"),
        ({"id": "x" * 201}, "id", "... (203 characters)"),
    ],
)  # fmt: skip
def test_a_value_that_an_option_does_not_take_is_refused_by_field(
    fields: dict[str, Any], field: str, words: str
) -> None:
    error = refused(request_line(**fields))
    assert (error.code, error.field) == ("invalid_value", field)
    assert f"asked for {field}" in str(error)
    assert words in str(error)


@pytest.mark.parametrize(
    ("fields", "field", "meant"),
    [
        ({"anual_rate": "0.1"}, "anual_rate", "annual_rate"),
        ({"rate": "0.1"}, "rate", "fees[].rate"),
        ({"principal": 5}, "principal", "principal_minor"),
        ({"residue": "last"}, "residue", "rounding.residue"),
        ({"rounding": {"mod": "up"}}, "rounding.mod", "rounding.mode"),
        ({"fees": [FEE, FEE | {"amount": 5}]}, "fees[1].amount", "fees[].amount_minor"),
        ({"zzz": 1}, "zzz", None),
        ({"": 1}, "", None),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_known_one(
    fields: dict[str, Any], field: str, meant: str | None
) -> None:
    error = refused(request_line(**fields))
    assert (error.code, error.field) == ("unknown_field", field)
    assert (f"did you mean {meant}?" in str(error)) if meant else ("did you mean" not in str(error))


def test_a_missing_field_is_named_with_what_it_takes() -> None:
    error = refused(request_line(disbursed_on=...))
    assert (error.code, error.field) == ("missing_field", "disbursed_on")
    assert "a date as YYYY-MM-DD" in str(error)
    assert refused(request_line(fees=[{"name": "x"}])).field == "fees[0].timing"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (without(request_line(), b'"term":6'), "term"),
        (without(request_line(), b'"\\u0074erm": 12'), "term"),
        (without(request_line(id="a"), b'"id":"a"'), "id"),
        (without(request_line(), b'"rounding":{"mode":"up","mode":"up"}'), "rounding.mode"),
        (without(request_line(), b'"fees":[{"name":"a","timing":"each","rate":"1","rate":"2"}]'), "fees[0].rate"),
    ],
)
def test_a_field_that_is_there_twice_is_refused(text: bytes, field: str) -> None:
    error = refused(text)
    assert (error.code, error.field) == ("repeated_field", field)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b"nonsense", ""),
        (b"{", ""),
        (request_line()[:-1], ""),
        (request_line() + b"{}", ""),
        (without(request_line(), b'"every":NaN'), "every"),
        (without(request_line(), b'"rounding":{"mode":-Infinity}'), "rounding.mode"),
        (without(request_line(), b'"product":"\xff"'), ""),
        (without(request_line(), b'"product":"\\ud800"'), ""),
        (b"\xef\xbb\xbf" + request_line(), ""),
    ],
)
def test_what_is_not_json_is_refused(text: bytes, field: str) -> None:
    error = refused(text)
    assert (error.code, error.field) == ("malformed_json", field)


@pytest.mark.parametrize("text", [b"[]", b"7", b'"x"', b"null", b"[" * 100_000])
def test_json_that_is_no_object_is_refused(text: bytes) -> None:
    assert refused(text).code == "invalid_request"


@pytest.mark.parametrize(
    "field", ["term", "first_due_on", "due_day", "installment_minor", "calendar", "jurisdiction", "id"]
)
def test_null_is_taken_where_an_option_is_nothing_by_default(field: str) -> None:
    assert getattr(read_request(request_line(**{field: None})), field) is None


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("field", [b"product", b"lines", b"zz", b"id"])
def test_depth_is_refused_like_anything_else(field: bytes, depth: int) -> None:
    text = without(request_line(id="a"), b'"%b":%b%b' % (field, b"[" * depth, b"]" * depth))
    assert refused(text).code in {"invalid_value", "unknown_field", "malformed_json"}


@pytest.mark.parametrize("digits", [20, 4_000, 5_000])
def test_a_number_of_any_length_is_refused_in_a_short_message(digits: int) -> None:
    assert len(str(refused(without(request_line(), b'"due_day":1%b' % (b"0" * digits,), b'"x":1')))) < 400


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"id":"a","term":', "a"),
        (b'{"term":[1,{"id":"inner"}], "id" : 7, nonsense', 7),
        (b'{"id":"caf\\u00e9"', "café"),
        (b'{"term":, "id":"a"}', None),
        (b'{"id":1.5}', None),
        (b'{"id":true}', None),
        (b'{"id":"\xff"}', None),
        (b'{"id":"\\ud800"}', None),
        (b'{"id":"' + b"x" * 201 + b'"}', None),
        (b'{"fees":' + b"[" * 100_000, None),
        (b'["id","a"]', None),
        (b"", None),
    ],
)
def test_the_id_of_a_broken_line_is_read_if_it_stands_before_what_is_broken(
    text: bytes, found: str | int | None
) -> None:
    assert id_of(text) == found
