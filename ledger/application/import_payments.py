"""Takes payments from a stream of NDJSON, each once, whatever is sent again: a bank reference names its payment.

A line is a JSON object, `{"bank_reference": "N7-0042", "loan_id": "l1", "amount_minor": 2500, "currency": "USD",
"paid_on": "2026-03-01"}`, and may say `method` and `received_at`. Every line has its own outcome: what is refused is
reported, while the others go on. Lines of one loan are recorded in their order. Memory depends on the longest line and
on how many lines are on their way, not on how many there are.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Annotated

import msgspec

from ledger.application.commands import RecordPayment
from ledger.application.desk import Desk
from ledger.application.line_reading import InputLine, lines_by_chunk
from ledger.application.orders import Order, Result
from ledger.domain.errors import InvalidIdentifier
from ledger.domain.identifiers import require_identifier, require_key
from schemas.errors import BadInput, LedgerError

LINE_BYTES_MAX = 16 * 1024
_ON_THEIR_WAY = 8192  # lines


class InvalidLine(BadInput):
    """A line that is no payment."""

    code = "invalid_line"


class PaymentLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A payment as a bank, or whoever else took the money, tells it. `received_at`: local time of the source."""

    bank_reference: Annotated[str, msgspec.Meta(min_length=1, max_length=190)]
    loan_id: str
    amount_minor: int
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    paid_on: date
    method: str = "bank_transfer"
    received_at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedLine:
    """A line that was not taken, and why: the code of the refusal and its message."""

    line: int
    code: str
    message: str
    text: str


@dataclass(kw_only=True, slots=True)
class ImportedPayments:
    """What came of the lines. `again`: recorded before, by this file or another; `amounts_minor`: of what is new, by
    currency, to compare with the control total of whoever sent them."""

    lines: int = 0
    recorded: int = 0
    again: int = 0
    refused: int = 0
    amounts_minor: Counter[str] = field(default_factory=Counter)
    last_position: int | None = None


class PaymentImport:
    """Imports payments into one book, each on the business date `today`."""

    def __init__(self, desk: Desk, *, principal: str, today: date) -> None:
        self._desk = desk
        self._principal = principal
        self._today = today
        self._decode = msgspec.json.Decoder(PaymentLine).decode

    def run(
        self,
        chunks: Iterable[bytes],
        *,
        refused: Callable[[RefusedLine], None],
        progress: Callable[[int], None] = lambda done: None,
    ) -> ImportedPayments:
        """Import what a stream brings. `refused` is told each line that was not taken, `progress` how many are done."""
        imported = ImportedPayments()
        for lines in _gathered(lines_by_chunk(chunks, LINE_BYTES_MAX), _ON_THEIR_WAY):
            self._take(lines, imported, refused)
            progress(imported.lines)
        return imported

    def _take(
        self, lines: Sequence[InputLine], imported: ImportedPayments, refused: Callable[[RefusedLine], None]
    ) -> None:
        orders: list[tuple[InputLine, Order]] = []
        wrong: list[tuple[InputLine, LedgerError]] = []
        for line in lines:
            try:
                orders.append((line, self._order(line)))
            except LedgerError as error:
                wrong.append((line, error))
        orders = _in_rounds(orders)
        results = self._desk.execute_many(order for _, order in orders)
        for (line, order), result in zip(orders, results, strict=True):
            if isinstance(result, LedgerError):
                wrong.append((line, result))
            else:
                _count(imported, order, result)
        imported.lines += len(lines)
        imported.refused += len(wrong)
        for line, refusal in sorted(wrong, key=itemgetter(0)):
            refused(RefusedLine(line=line.number, code=refusal.code, message=str(refusal), text=_shown(line)))

    def _order(self, line: InputLine) -> Order:
        payment = self._read(line)
        command = RecordPayment(
            loan_id=payment.loan_id,
            currency=payment.currency,
            amount_minor=payment.amount_minor,
            paid_on=payment.paid_on,
            payment_id=payment_id_of(payment.bank_reference),
            method=payment.method,
            received_at=payment.received_at,
        )
        key = require_key(f"bank:{payment.bank_reference}")
        return Order(command=command, key=key, today=self._today, principal=self._principal)

    def _read(self, line: InputLine) -> PaymentLine:
        if line.is_cut:
            raise InvalidLine(
                f"asked to read a payment from line {line.number}, which is longer than {LINE_BYTES_MAX} bytes"
            )
        try:
            return self._decode(line.text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidLine(
                f"asked to read a payment from line {line.number}: {error}. Give one JSON object per line, with "
                "bank_reference, loan_id, amount_minor, currency and paid_on"
            ) from error


def payment_id_of(bank_reference: str) -> str:
    """The reference itself where it can name a payment, else a name made from its SHA-256."""
    try:
        return require_identifier(bank_reference, "payment")
    except InvalidIdentifier:
        return f"ref-{hashlib.sha256(bank_reference.encode()).hexdigest()[:40]}"


def _gathered(chunks: Iterable[Sequence[InputLine]], least: int) -> Iterator[list[InputLine]]:
    """Lines that are not blank, some at a time."""
    gathered: list[InputLine] = []
    for lines in chunks:
        gathered += [line for line in lines if line.is_cut or line.text.strip()]
        if len(gathered) >= least:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _in_rounds(orders: Sequence[tuple[InputLine, Order]]) -> list[tuple[InputLine, Order]]:
    """First the first payment of each loan, then the second ones: those of one loan have to wait for each other."""
    seen: Counter[str] = Counter()
    rounds = []
    for each in orders:
        loan_id = each[1].command.loan_id
        rounds.append((seen[loan_id], each))
        seen[loan_id] += 1
    return [each for _, each in sorted(rounds, key=itemgetter(0))]


def _count(imported: ImportedPayments, order: Order, answer: Result) -> None:
    assert not isinstance(answer, LedgerError)
    assert isinstance(order.command, RecordPayment)
    if answer.again:
        imported.again += 1
    else:
        imported.recorded += 1
        imported.amounts_minor[order.command.currency or ""] += order.command.amount_minor
        imported.last_position = max(imported.last_position or 0, answer.last_position or 0)


def _shown(line: InputLine) -> str:
    return line.text.decode(errors="replace")
