"""Equal installments of an independent library (pyxirr, in floats): ours are the same, rounded."""

from datetime import date

import pyxirr
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.schedule import build
from ledger.domain.terms import Terms


@given(principal=st.integers(1_000_00, 10**10), rate=st.integers(1, 3600), term=st.integers(2, 360))
def test_an_equal_installment_is_that_of_the_peer(principal: int, rate: int, term: int) -> None:
    terms = Terms(
        principal_minor=principal, currency="CNY", annual_rate=f"0.{rate:04}", term=term, disbursed_on=date(2026, 1, 1)
    )
    theirs = pyxirr.pmt(rate / 10_000 / 12, term, -principal)
    assert theirs is not None
    assert abs(build(terms).lines[0].total_minor - theirs) <= 0.5 + 1e-9 * principal
