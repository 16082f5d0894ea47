"""The commands that are measured: payments on loans that are opened beforehand."""

import uuid
from collections.abc import Iterable, Sequence

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment
from ledger.application.orders import Order
from ledger.bootstrap import Ledger
from schemas.errors import LedgerError

LENT_MINOR = 1_000_000_00
PAID_MINOR = 1_00
PRINCIPAL = "operator:bench"


def an_order(ledger: Ledger, command: LoanCommand) -> Order:
    """A command under a key of its own."""
    return Order(command=command, key=uuid.uuid4().hex, today=ledger.today(), principal=PRINCIPAL)


def a_payment(ledger: Ledger, loan_id: str) -> Order:
    """As a wallet tells it, with the time at which the borrower paid: those of one day are taken in that order."""
    paid_at = ledger.clock().replace(tzinfo=None).isoformat(timespec="microseconds")
    return an_order(ledger, RecordPayment(loan_id=loan_id, amount_minor=PAID_MINOR, received_at=paid_at))


def opening(ledger: Ledger, loan_id: str) -> Order:
    return an_order(
        ledger, OpenLoan(loan_id=loan_id, currency="USD", principal_minor=LENT_MINOR, due_on=ledger.today())
    )


def fresh_names(count: int) -> list[str]:
    """Ids of loans that nobody has seen."""
    prefix = uuid.uuid4().hex[:8]
    return [f"{prefix}-{number}" for number in range(count)]


def execute_all(ledger: Ledger, orders: Sequence[Order]) -> None:
    """Execute in bulk, and demand that nothing is refused."""
    for result in ledger.desk.execute_many(orders):
        if isinstance(result, LedgerError):
            raise result


def open_loans(ledger: Ledger, count: int) -> list[str]:
    names = fresh_names(count)
    execute_all(ledger, [opening(ledger, name) for name in names])
    return names


def pay_all(ledger: Ledger, names: Iterable[str]) -> None:
    execute_all(ledger, [a_payment(ledger, name) for name in names])
