from collections.abc import Sequence
from datetime import date, timedelta

from ledger.domain.allocation import Cover, Due, Payment, Share, cover_all, difference

DAY = date(2026, 3, 1)
DUES = [Due(number=1, due_on=DAY, principal_minor=100), Due(number=2, due_on=DAY + timedelta(30), principal_minor=50)]


def paid(payment_id: str, amount_minor: int, after: int = 0, received_at: str = "") -> Payment:
    """A payment so many days after DAY."""
    paid_on = DAY + timedelta(after)
    return Payment(payment_id=payment_id, amount_minor=amount_minor, paid_on=paid_on, received_at=received_at)


def allocate(dues: Sequence[Due], payments: Sequence[Payment]) -> list[Share]:
    return cover_all(dues, payments)[1]


def covers_of(*payments: Payment) -> dict[int, Cover]:
    return cover_all(DUES, payments)[0].by_number


def shares_of(*payments: Payment) -> list[tuple[str, int | None, int]]:
    return [(s.payment.payment_id, s.installment, s.amount_minor) for s in allocate(DUES, payments)]


def test_a_payment_covers_installments_in_the_order_of_their_due_dates() -> None:
    assert shares_of(paid("a", 120)) == [("a", 1, 100), ("a", 2, 20)]


def test_what_no_installment_needs_is_credit() -> None:
    assert shares_of(paid("a", 160)) == [("a", 1, 100), ("a", 2, 50), ("a", None, 10)]


def test_nothing_paid_is_nothing_placed() -> None:
    assert shares_of() == []


def test_the_value_date_decides_who_comes_first_and_not_the_order_of_entry() -> None:
    assert shares_of(paid("a", 100, after=1), paid("b", 60)) == [
        ("b", 1, 60),
        ("a", 1, 40),
        ("a", 2, 50),
        ("a", None, 10),
    ]


def test_source_time_and_then_id_order_payments_of_one_value_date() -> None:
    payments = [paid("b", 60), paid("a", 60), paid("0", 60, received_at="2026-03-01T08:00:00")]
    assert [name for name, _, _ in shares_of(*payments)] == ["a", "b", "b", "0", "0"]


def test_installments_of_one_due_date_are_covered_by_number() -> None:
    dues = [Due(number=2, due_on=DAY, principal_minor=10), Due(number=1, due_on=DAY, principal_minor=10)]
    assert [share.installment for share in allocate(dues, [paid("a", 20)])] == [1, 2]


def test_an_installment_is_covered_on_the_date_of_the_money_that_completed_it() -> None:
    covers = covers_of(paid("a", 60), paid("b", 40, after=3))
    assert covers[1].covered_on == DAY + timedelta(3)
    assert covers[2].covered_on is None
    assert {number: cover.needed_minor for number, cover in covers.items()} == {1: 0, 2: 50}


def test_money_on_the_due_date_is_in_time_and_later_money_is_not() -> None:
    assert covers_of(paid("a", 60), paid("b", 40, after=1))[1].in_time_minor == 60


def test_one_unit_short_is_not_covered() -> None:
    assert covers_of(paid("a", 99))[1].covered_on is None


def test_postings_of_a_late_entry_move_what_later_money_had_covered() -> None:
    before = allocate(DUES, [paid("b", 100, after=5)])
    after = allocate(DUES, [paid("b", 100, after=5), paid("a", 30)])
    lines = [(p.value_date, p.account, p.installment or 0, p.amount_minor) for p in difference(before, after)]
    late = DAY + timedelta(5)
    assert lines == [
        (DAY, "cash", 0, 30),
        (DAY, "receivable", 1, -30),
        (late, "receivable", 1, 30),
        (late, "receivable", 2, -30),
    ]


def test_the_way_back_undoes_the_way_there() -> None:
    before, after = allocate(DUES, []), allocate(DUES, [paid("a", 170)])
    there = {(p.account, p.installment): p.amount_minor for p in difference(before, after)}
    back = {(p.account, p.installment): -p.amount_minor for p in difference(after, before)}
    assert there == back
    assert difference(after, after) == ()
