"""What a command costs, from the loan in memory to the encoded request: in order, and for a fact that comes late.

Loans with 10 to 10,000 payments take more of them, each of which must cost the same; a loan with 1,000 payments takes
one that counts from long ago, so that later ones are allocated anew. No server: waiting is measured elsewhere.
"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import median

from ledger.application.commands import RecordPayment
from ledger.application.decider import Decider
from ledger.application.loan_store import StoredLoan
from ledger.application.orders import Order
from ledger.bootstrap import collect_garbage_less_often
from ledger.clock import random_event_ids
from ledger.domain.book import apply as apply_to_book
from ledger.domain.book import open_book
from ledger.domain.loan import Loan, apply, settled
from ledger.domain.payments import receive_payment
from ledger.domain.terms import DayCount
from ledger.journal.encoding import StreamHead
from ledger.journal.keys import CommandKeys
from ledger.policies.servicing_policies import servicing_policy
from tests.agreement_builders import BASIS, AgreedLife, some_terms
from tests.bench.reporting import Figure, Must, percentile
from tests.loan_builders import a_loan_opened

LENGTHS = (10, 100, 1_000, 10_000)
COMMANDS = 640  # a whole number of times that a history is packed
LATE = 1_000
LATE_COMMANDS = 100
TODAY = date(2027, 6, 30)
_LENT_MINOR = 100_000_000_00
_LATE_MINOR = 1_00
_PACE = 800
"""Days in which all would be paid: the loan of two years is always a little late, which is what costs most."""

_MOST_MS = 100


def run(_: object) -> Iterator[Figure]:
    collect_garbage_less_often()  # as every process with a desk does
    decider = _a_decider()
    for kind, loan in (("bullet", _bullet()), ("daily", _daily())):
        times_us = {length: _in_order_us(decider, _paid(loan, length)) for length in LENGTHS}
        for length, time_us in times_us.items():
            yield Figure(
                name=f"fold_{kind}_{length}",
                value=time_us,
                unit="us",
                peer=f"a loan with {LENGTHS[0]} payments",
                ratio=times_us[LENGTHS[0]] / time_us,
                must=Must("ratio", ">=", 1 / 1.5),
            )
        times_ms = _late_ms(decider, _paid(loan, LATE))
        yield Figure(name=f"backdate_{kind}_{LATE}_p50", value=median(times_ms), unit="ms")
        p99_ms = percentile(times_ms, 0.99)
        yield Figure(name=f"backdate_{kind}_{LATE}_p99", value=p99_ms, unit="ms", must=Must("value", "<", _MOST_MS))


def _bullet() -> Loan:
    loan = apply(None, a_loan_opened(_LENT_MINOR))
    assert loan
    return loan


def _daily() -> Loan:
    """Two years of equal installments, interest by the day, penalty interest and late fees."""
    terms = some_terms(
        _LENT_MINOR,
        currency="CNY",
        disbursed_on=date(2026, 1, 5),
        annual_rate="0.12",
        term=24,
        day_count=DayCount.ACTUAL_360,
    )
    return AgreedLife(terms, servicing_policy("cn_consumer", terms.disbursed_on)).loan


def _paid(loan: Loan, payments: int) -> Loan:
    """With so many payments, spread evenly over its time up to today."""
    first = loan.agreed_on
    days = (TODAY - first).days
    amount_minor = _LENT_MINOR * days // (_PACE * payments)
    for number in range(payments):
        on = first + timedelta(days * number // payments)
        for event in receive_payment(
            loan, f"p{number}", amount_minor, loan.currency, paid_on=on, today=on, method="wallet"
        ):
            after = apply(loan, event)
            assert after
            loan = after
        loan = settled(loan)
    return loan


def _in_order_us(decider: Decider, loan: Loan) -> float:
    """Mean processor time of a payment today, each on what the one before it has left."""
    stored = _stored(loan)
    started_s = time.process_time()
    for number in range(COMMANDS):
        stored = _decided(decider, stored, f"next{number}", TODAY)
    return (time.process_time() - started_s) / COMMANDS * 1e6


def _late_ms(decider: Decider, loan: Loan) -> list[float]:
    """Times of payments that count from some day of the loan's first half; each on the same loan."""
    stored, times_ms = _stored(loan), []
    days = (TODAY - loan.agreed_on).days // 2
    for number in range(LATE_COMMANDS):
        on = loan.agreed_on + timedelta(1 + days * number // LATE_COMMANDS)
        started_s = time.perf_counter()
        _decided(decider, stored, f"late{number}", on)
        times_ms.append((time.perf_counter() - started_s) * 1e3)
    return times_ms


def _decided(decider: Decider, stored: StoredLoan, name: str, on: date) -> StoredLoan:
    assert stored.loan
    command = RecordPayment(
        loan_id=stored.loan.loan_id,
        currency=stored.loan.currency,
        amount_minor=_LATE_MINOR,
        paid_on=on,
        payment_id=name,
    )
    order = Order(command=command, key=name, today=TODAY, principal="operator:bench")
    return decider.decide(order, decider.keyed(order), stored).after


def _stored(loan: Loan) -> StoredLoan:
    """As if it had just been loaded; the chain of its stream goes on from any hash."""
    return StoredLoan(loan=loan, head=StreamHead(stream=f"loan/{loan.loan_id}", version=1, hash=bytes(32)))


def _a_decider() -> Decider:
    keys = CommandKeys(b"k" * 32)
    [opened] = open_book(
        None,
        "bench",
        journal_id="0" * 16,
        opened_on=date(2026, 1, 1),
        time_zone="UTC",
        cut_off="00:00",
        currencies={"USD": 2, "CNY": 2},
        partitions=12,
        key_id=keys.key_id,
    )
    book = apply_to_book(None, opened)
    assert book
    return Decider(book, keys, BASIS, clock=lambda: datetime.now(UTC), event_ids=random_event_ids)
