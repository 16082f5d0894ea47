"""Loading a loan with 10,000 events beside one with 100, both as an ordinary command left them."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from statistics import median

from ledger.application.books import current_basis
from ledger.bootstrap import Ledger
from ledger.clock import random_event_ids
from ledger.domain.identifiers import loan_stream
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.records import Verdict
from ledger.settings import Settings
from schemas.envelope import digest
from schemas.payments.events import Allocation, PaymentReceived
from schemas.values import Posting, Standing
from tests.bench.orders import LENT_MINOR, PAID_MINOR, PRINCIPAL, a_payment, open_loans
from tests.bench.reporting import Figure, Must
from tests.bench.servers import Servers

FEW, MANY = 100, 10_000
LOADS = 50
_AT_ONCE = 500
_LEAST_RATIO = 0.5  # the same within what a shared machine lets one tell


def run(servers: Servers) -> Iterator[Figure]:
    with servers.book("load") as ledger:
        streams = [loan_stream(_a_loan_with(ledger, events)) for events in (FEW, MANY)]
        settings = ledger.settings
    few_ms, many_ms = _median_ms(settings, streams, LOADS)
    yield Figure(name=f"load_{FEW}", value=few_ms, unit="ms")
    yield Figure(
        name=f"load_{MANY}",
        value=many_ms,
        unit="ms",
        peer=f"a loan with {FEW} events",
        ratio=few_ms / many_ms,
        must=Must("ratio", ">=", _LEAST_RATIO),
    )
    _forget_snapshots(settings)
    [_, slow_ms] = _median_ms(settings, streams, 3)
    yield Figure(name=f"load_{MANY}_without_snapshot", value=slow_ms, unit="ms")


def _forget_snapshots(settings: Settings) -> None:
    with Ledger(settings) as ledger, ledger.database.connect("ledger_writer") as connection:
        connection.execute("delete from journal.snapshot")


def _median_ms(settings: Settings, streams: Sequence[str], loads: int) -> list[float]:
    """Of loads from the journal, in turn; nothing is remembered in between."""
    times_ms: dict[str, list[float]] = {stream: [] for stream in streams}
    with Ledger(settings) as ledger:
        for _ in range(loads):
            for stream in streams:
                started_s = time.perf_counter()
                ledger.loans.load([stream])
                times_ms[stream].append((time.perf_counter() - started_s) * 1000)
    return [median(times_ms[stream]) for stream in streams]


def _a_loan_with(ledger: Ledger, events: int) -> str:
    """A loan with so many events: opened, paid in small parts, and the last payment taken by the desk.

    The desk decides on all payments so far with every new one; 10,000 times would take minutes.
    """
    [name] = open_loans(ledger, 1)
    opened = ledger.journal.after(ledger.journal.head().position - 1, 1)[0]
    head = StreamHead(stream=opened.stream, version=opened.version, hash=digest(opened.state))
    for first in range(1, events - 1, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, events - 1))
        head = _append(ledger, head, [_payment(ledger, name, number) for number in numbers])
    # A ledger that does not remember the loan as it was opened.
    with Ledger(ledger.settings) as other:
        other.desk.execute(a_payment(other, name))
    return name


def _append(ledger: Ledger, head: StreamHead, payments: Sequence[PaymentReceived]) -> StreamHead:
    provenance = Provenance(
        book_id=ledger.book.book_id,
        actor=PRINCIPAL,
        decided_at=datetime.now(UTC),
        correlation_id="bench",
        command_id=digest(f"{head.stream} {head.version}".encode()),
        command_hash=digest(b""),
    )
    decision = Decision(head=head, events=payments)
    request = encode([decision], provenance, partitions=ledger.book.partitions, event_ids=random_event_ids)
    [outcome] = ledger.journal.append([request])
    assert outcome.verdict is Verdict.APPENDED, outcome
    last = request.events[-1]
    return StreamHead(stream=last.stream, version=last.version, hash=digest(last.state))


def _payment(ledger: Ledger, name: str, number: int) -> PaymentReceived:
    """The payment with this number, counted from 1, as the domain would have recorded it."""
    owed_minor = LENT_MINOR - number * PAID_MINOR
    today = ledger.today()
    post = partial(Posting, value_date=today)
    return PaymentReceived(
        loan_id=name,
        currency="USD",
        standing=Standing(
            status="active", principal_minor=owed_minor, overdue_minor=0, total_due_minor=owed_minor, credit_minor=0
        ),
        basis=current_basis(),
        booking_date=today,
        postings=(
            post(account="cash", amount_minor=PAID_MINOR),
            post(account="receivable", amount_minor=-PAID_MINOR, component="principal", installment=1),
        ),
        payment_id=f"bank-{number:09}",
        amount_minor=PAID_MINOR,
        paid_on=today,
        method="wallet",
        allocations=(Allocation(component="principal", installment=1, amount_minor=PAID_MINOR),),
        credit_minor=0,
    )
