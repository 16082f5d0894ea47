from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest

from ledger.application import quoting
from ledger.application.line_reading import InputLine
from ledger.application.quoting import answer_line, answers
from tests.terms_builders import request_line

ROW = ["number", "due_on", "principal_minor", "interest_minor", "fee_minor", "total_minor", "balance_minor"]


def answer(text: bytes, **options: Any) -> Any:
    return orjson.loads(answer_line(InputLine(4, text, False), **options))


def answered(*lines: bytes, **options: Any) -> list[Any]:
    return [orjson.loads(line) for part in answers([b"\n".join(lines)], **options) for line in part.splitlines()]


def test_an_answer_has_these_fields_in_this_order() -> None:
    found = answer(request_line(id="a"))
    assert list(found) == ["id", "installments", "totals", "apr", "aprc", "irr", "cost_table"]
    assert [list(row) for row in found["installments"]] == [ROW] * 12
    assert found["installments"][0] == dict(zip(ROW, [1, "2026-02-01", 92016, 18000, 0, 110016, 1107984], strict=True))


def test_rates_are_fractions_as_decimal_strings() -> None:
    found = answer(request_line(method="interest_only"))
    assert (found["apr"], found["irr"], found["cost_table"]["annual"]) == ("0.18", "0.18", "0.18")
    assert Decimal(found["aprc"]) == (Decimal("1.015") ** 12 - 1).quantize(Decimal("1E-20"))


def test_a_rate_of_nothing_has_no_exponent() -> None:
    found = answer(request_line(annual_rate="0"))
    assert (found["apr"], found["aprc"], found["irr"], found["cost_table"]["simple"]) == ("0", "0", "0", "0")


@pytest.mark.parametrize("as_field", [True, False])
def test_rows_alone_have_no_rates_and_no_cost_table(as_field: bool) -> None:
    found = answer(request_line(rows_only=as_field), rows_only=not as_field)
    assert list(found) == ["id", "installments", "totals"]
    assert found["installments"] == answer(request_line())["installments"]


def test_the_cost_table_says_who_gets_what_and_what_caps_have_found() -> None:
    fees = [
        {"name": "guarantee", "timing": "each", "amount_minor": 15_00, "paid_to": "guarantor"},
        {"name": "stamp_duty", "timing": "upfront", "amount_minor": 5_00, "paid_to": "state", "in_cost": False},
        {"name": "reminder", "timing": "default", "amount_minor": 5_00},
    ]
    table = answer(request_line(fees=fees, jurisdiction="cn", lender="bank"))["cost_table"]
    assert [(line["name"], line["paid_to"], line["annual"] is None) for line in table["lines"]] == [
        ("interest", "lender", False), ("guarantee", "guarantor", False), ("stamp_duty", "state", True)
    ]  # fmt: skip
    assert ([line["name"] for line in table["in_default"]], table["left_out"]) == (["reminder"], ["stamp_duty"])
    [cap] = table["caps"]
    assert (cap["rule"], cap["status"], cap["limit"]) == ("cn/financial_loans/24", "within", "0.24")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"term": 0}, "invalid_terms", "term"),
        ({"annual_rate": 0.18}, "invalid_value", "annual_rate"),
        ({"jurisdiction": "cn", "lender": "private"}, "rate_above_cap", "annual_rate"),
        ({"method": "given_installment", "installment_minor": 1}, "interest_not_covered", "installment_minor"),
        ({"jurisdiction": "xx", "lender": "private"}, "unknown_jurisdiction", "jurisdiction"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_quoted_is_answered_with_its_error(fields: dict[str, Any], code: str, field: str) -> None:
    found = answer(request_line(id="a", **fields))
    assert list(found) == ["id", "line", "error"]
    assert (found["id"], found["line"]) == ("a", 4)
    assert list(found["error"]) == ["code", "message", "field"]
    assert (found["error"]["code"], found["error"]["field"]) == (code, field)


def test_an_error_that_is_about_no_field_says_null() -> None:
    found = answer(b"nonsense")
    assert (found["id"], found["line"], found["error"]["field"]) == (None, 4, None)
    assert found["error"]["message"].startswith("asked to read terms that are not JSON: invalid character")


def test_lines_are_answered_in_order_and_bad_ones_stop_nothing() -> None:
    found = answered(request_line(id=1), b"", b"{", b'{"id":3}', b"  \r", request_line(id=4))
    assert [each["id"] for each in found] == [1, None, 3, 4]
    assert [each.get("line") for each in found] == [None, 3, 4, None]


def test_lines_may_end_as_on_any_system() -> None:
    assert [each["id"] for each in answered(request_line(id=1) + b"\r", request_line(id=2) + b"\r")] == [1, 2]


def test_a_line_that_is_too_long_is_an_error_with_its_id() -> None:
    first, second = answered(request_line(id="a", product="x" * 400), request_line(id="b"), line_bytes_max=300)
    assert (first["id"], first["error"]["code"]) == ("a", "line_too_long")
    assert second["id"] == "b"
    [found] = answered(b'{"id":"a",' + b" " * 400, line_bytes_max=300)
    assert (found["id"], found["error"]["code"]) == ("a", "line_too_long")


def test_a_fault_of_the_program_stops_no_other_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quoting, "quote", lambda *_, **__: 1 // 0)
    found = answered(request_line(id=1), request_line(id=2))
    assert [(each["id"], each["error"]["code"]) for each in found] == [(1, "fault"), (2, "fault")]
    assert "ZeroDivisionError" in found[0]["error"]["message"]


def test_answers_of_a_large_chunk_come_in_parts() -> None:
    sizes = [len(part) for part in answers([request_line(rows_only=True, term=60) + b"\n"] * 2)]
    assert len(sizes) == 2
    one_chunk = (request_line(rows_only=True, term=600) + b"\n") * 20
    assert [part.count(b"\n") for part in answers([one_chunk])] == [4, 4, 4, 4, 4]


def test_the_balance_of_a_row_is_what_the_next_one_repays_from() -> None:
    rows = answer(request_line())["installments"]
    assert all(now["balance_minor"] - then["principal_minor"] == then["balance_minor"] for now, then in pairwise(rows))
