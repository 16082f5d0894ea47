"""Payments from NDJSON: each line once, in the order of its loan, and none keeps the others from being taken."""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from ledger.application.commands import OpenLoan
from ledger.application.import_payments import LINE_BYTES_MAX, ImportedPayments, RefusedLine, payment_id_of
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from ledger.domain.transactions import PAYMENT
from tests.integration.conftest import NOW

TODAY = NOW.date()


@pytest.fixture
def lent(opened: Ledger) -> Ledger:
    """Three loans of 100.00."""
    for loan_id in ("l1", "l2", "l3"):
        command = OpenLoan(loan_id=loan_id, currency="USD", principal_minor=100_00, due_on=TODAY)
        opened.desk.execute(Order(command=command, key=loan_id, today=TODAY, principal="operator:ann"))
    return opened


def line(reference: str, loan_id: str, amount_minor: int, **other: Any) -> bytes:
    fields = {"bank_reference": reference, "loan_id": loan_id, "amount_minor": amount_minor, "currency": "USD"}
    return orjson.dumps(fields | {"paid_on": TODAY} | other) + b"\n"


def imported(ledger: Ledger, *lines: bytes) -> tuple[ImportedPayments, list[RefusedLine]]:
    refused: list[RefusedLine] = []
    return ledger.payment_import().run(lines, refused=refused.append), refused


def paid(ledger: Ledger, loan_id: str) -> list[tuple[str, int]]:
    """Ids and amounts of the payments of a loan, as they became known."""
    return [(each.id, each.amount_minor) for each in ledger.loan(loan_id).counted if each.kind == PAYMENT]


def test_every_line_is_a_payment_in_the_order_of_its_loan(lent: Ledger) -> None:
    lines = [line(f"r{n}", f"l{1 + n % 3}", 1_00 + n) for n in range(12)]
    done, refused = imported(lent, *lines)
    assert (done.lines, done.recorded, done.again, done.refused, refused) == (12, 12, 0, 0, [])
    assert done.amounts_minor == {"USD": 12 * 1_00 + sum(range(12))}
    assert done.last_position == lent.journal.head().position
    assert paid(lent, "l2") == [("r1", 1_01), ("r4", 1_04), ("r7", 1_07), ("r10", 1_10)]


def test_what_is_sent_again_changes_nothing(lent: Ledger) -> None:
    lines = [line(f"r{n}", "l1", 1_00) for n in range(5)]
    imported(lent, *lines[:3])
    before = lent.loan("l1").known
    again, _ = imported(lent, *lines[:3])
    assert (again.recorded, again.again, again.amounts_minor) == (0, 3, {})
    assert lent.loan("l1").known == before
    rest, _ = imported(lent, *lines, *lines)
    assert (rest.recorded, rest.again) == (2, 8)


def test_a_reference_that_comes_with_another_amount_or_loan_is_refused(lent: Ledger) -> None:
    imported(lent, line("r1", "l1", 1_00))
    done, refused = imported(lent, line("r1", "l1", 2_00), line("r1", "l2", 1_00), line("r2", "l2", 1_00))
    assert [(each.line, each.code) for each in refused] == [(1, "key_reused"), (2, "key_reused")]
    assert (done.recorded, paid(lent, "l1"), paid(lent, "l2")) == (1, [("r1", 1_00)], [("r2", 1_00)])


def test_a_reference_that_somebody_else_imported_is_refused(lent: Ledger) -> None:
    imported(lent, line("r1", "l1", 1_00))
    lent.settings = replace(lent.settings, principal="operator:bob")
    _, [refused] = imported(lent, line("r1", "l1", 1_00))
    assert refused.code == "payment_exists"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"{", "invalid_line"),
        (b"[]", "invalid_line"),
        (b"\xff\xfe", "invalid_line"),
        (b'{"loan_id": "l1"}', "invalid_line"),
        (line("r", "l1", 1_00, more=1), "invalid_line"),
        (line("r", "l1", 1.5), "invalid_line"),  # type: ignore[arg-type] # because that is what is refused
        (line("r", "l1", 1_00, paid_on="2016-13-01"), "invalid_line"),
        (line("", "l1", 1_00), "invalid_line"),
        (b" " * LINE_BYTES_MAX + line("r", "l1", 1_00), "invalid_line"),
        (line("r\n", "l1", 1_00), "invalid_identifier"),
        (line("r", "l1", 0), "invalid_amount"),
        (line("r", "l1", 2**53), "invalid_amount"),
        (line("r", "l\0", 1_00), "invalid_identifier"),
        (line("r", "no", 1_00), "loan_not_found"),
        (line("r", "l1", 1_00, currency="EUR"), "unknown_currency"),
        (line("r", "l1", 1_00, paid_on="2017-01-01"), "invalid_date"),
        (line("r", "l1", 1_00, method="By Hand"), "invalid_identifier"),
    ],
)
def test_a_line_that_is_wrong_is_told_and_the_others_are_taken(lent: Ledger, bad: bytes, code: str) -> None:
    done, [refused] = imported(lent, line("a", "l1", 1_00), b"\n", bad.rstrip(b"\n") + b"\n", line("b", "l1", 2_00))
    assert (refused.line, refused.code, done.recorded, done.refused) == (3, code, 2, 1)
    assert paid(lent, "l1") == [("a", 1_00), ("b", 2_00)]


def test_refusals_are_told_in_the_order_of_the_lines(lent: Ledger) -> None:
    lines = [line(f"r{n}", "no" if n % 2 else "l1", 1_00) for n in range(10)]
    _, refused = imported(lent, *lines)
    assert [each.line for each in refused] == [2, 4, 6, 8, 10]
    assert orjson.loads(refused[0].text)["bank_reference"] == "r1"


def test_lines_may_come_in_any_pieces(lent: Ledger) -> None:
    whole = b"".join(line(f"r{n}", "l1", 1_00, paid_on=date(2016, 12, 24)) for n in range(5)).rstrip(b"\n")
    done, _ = imported(lent, *(whole[n : n + 7] for n in range(0, len(whole), 7)))
    assert done.recorded == 5


def test_a_reference_that_is_no_identifier_names_its_payment_by_its_digest() -> None:
    assert payment_id_of("N7-0042") == "N7-0042"
    assert payment_id_of("N7/0042 Müller") == payment_id_of("N7/0042 Müller") != payment_id_of("N7/0042 Muller")
    assert payment_id_of("N7/0042 Müller").startswith("ref-")
