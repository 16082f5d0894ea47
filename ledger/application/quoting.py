"""Quotes as JSON: a request in, an answer out, one alone or a stream of lines.

Amounts are integers in minor units. Rates are decimal strings, fractions like the rates of the terms ("0.1299" is
12.99 %), with at most 20 decimals and no zeros at the end. `irr` is nominal: the internal rate per period times the
periods of a year; compounded to a year it is `cost_table.effective`.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from ledger.application.line_reading import InputLine, lines_by_chunk
from ledger.application.quote_reading import LineTooLong, QuoteRequest, RequestId, id_of, read_request
from ledger.domain.cost_table import CostTable, DefaultLine
from ledger.domain.quote import Quote, quote
from ledger.domain.rate_caps import CapFinding, CapStatus, Measure
from ledger.domain.schedule import Line
from ledger.policies.quoting import POLICIES
from schemas.errors import LedgerError
from schemas.values import ABSENT, Absent, State

LINE_BYTES_MAX = 1 << 20
"""Far more than 1,200 explicit installments take."""

_ANSWERS_BYTES_MOST = 1 << 18  # held back at a time


class TotalsAnswer(State, frozen=True):
    """Sums of the quote, as in `ledger.domain.quote.Totals`; `unused`: installments that are not needed."""

    principal_minor: int
    interest_minor: int
    fee_minor: int
    total_minor: int
    upfront_fee_minor: int
    deducted_fee_minor: int
    paid_out_minor: int
    cost_minor: int
    unused: int


class CostAnswer(State, frozen=True):
    """An item of the cost table; `annual` is null for one that the annual cost leaves out."""

    name: str
    paid_to: str
    charged: str
    standard: str
    amount_minor: int
    annual: str | None


class CapAnswer(State, frozen=True):
    """What testing a cap has found."""

    rule: str
    status: CapStatus
    refuses: bool
    measure: Measure
    measured: str | None
    limit: str
    says: str


class CostTableAnswer(State, frozen=True):
    """The cost table, the caps that were tested by it, and what else there is to say."""

    principal_minor: int
    currency: str
    lines: tuple[CostAnswer, ...]
    in_default: tuple[DefaultLine, ...]
    total_minor: int
    annual: str
    effective: str
    simple: str
    method: str
    left_out: tuple[str, ...]
    caps: tuple[CapAnswer, ...]
    remarks: tuple[str, ...]


class QuoteAnswer(State, frozen=True):
    """A quote; without rates and cost table where only rows were asked for."""

    id: RequestId | None
    installments: tuple[Line, ...]
    totals: TotalsAnswer
    apr: str | Absent = ABSENT
    aprc: str | Absent = ABSENT
    irr: str | Absent = ABSENT
    cost_table: CostTableAnswer | Absent = ABSENT


class ErrorAnswer(State, frozen=True):
    """Why there is no quote; `field` is null where it is about no single one."""

    code: str
    message: str
    field: str | None


class FailedAnswer(State, frozen=True):
    """The answer to a line that cannot be quoted. `line` is counted from 1, blank lines included."""

    id: RequestId | None
    line: int
    error: ErrorAnswer


def quote_of(request: QuoteRequest, *, rows_only: bool = False) -> Quote:
    """The quote, under the policies of this package. Raises as `ledger.domain.quote.quote`."""
    return quote(request, POLICIES, with_rates=not (rows_only or request.rows_only))


def answer_of(request_id: str | int | None, found: Quote) -> QuoteAnswer:
    """A quote as it is written in JSON."""
    sums = found.totals
    totals = TotalsAnswer(
        principal_minor=sums.principal_minor,
        interest_minor=sums.interest_minor,
        fee_minor=sums.fee_minor,
        total_minor=sums.total_minor,
        upfront_fee_minor=sums.upfront_fee_minor,
        deducted_fee_minor=sums.deducted_fee_minor,
        paid_out_minor=sums.paid_out_minor,
        cost_minor=sums.cost_minor,
        unused=found.unused,
    )
    if found.apr is None or found.aprc is None or found.irr is None or found.cost_table is None:
        return QuoteAnswer(id=request_id, installments=found.installments, totals=totals)
    return QuoteAnswer(
        id=request_id,
        installments=found.installments,
        totals=totals,
        apr=plain(found.apr),
        aprc=plain(found.aprc),
        irr=plain(found.irr.nominal),
        cost_table=_cost_table(found.cost_table, found),
    )


def answers(
    chunks: Iterable[bytes], *, rows_only: bool = False, line_bytes_max: int = LINE_BYTES_MAX
) -> Iterator[bytes]:
    """Answers to NDJSON as NDJSON: a line for each line that is not blank, in order.

    All lines that a chunk completes are answered before the next chunk is asked for. A line that cannot be quoted is
    answered with its error, and the next ones go on.
    """
    for lines in lines_by_chunk(chunks, line_bytes_max):
        ready, size = list[bytes](), 0
        for line in lines:
            if line.text.strip():
                ready += (answer_line(line, rows_only=rows_only, line_bytes_max=line_bytes_max), b"\n")
                size += len(ready[-2])
            if size > _ANSWERS_BYTES_MOST:
                yield b"".join(ready)
                ready, size = [], 0
        if ready:
            yield b"".join(ready)


def answer_line(line: InputLine, *, rows_only: bool = False, line_bytes_max: int = LINE_BYTES_MAX) -> bytes:
    """The answer to one line, without a line feed. Raises nothing, whatever the line is."""
    request = None
    try:
        if line.is_cut:
            raise LineTooLong(
                f"asked for a quote in a line of more than {line_bytes_max} bytes; write shorter ones, or raise the "
                "limit by --line-bytes"
            )
        request = read_request(line.text)
        return _ENCODER.encode(answer_of(request.id, quote_of(request, rows_only=rows_only)))
    except LedgerError as error:
        field = getattr(error, "field", "") or None
        failed = ErrorAnswer(code=error.code, message=str(error), field=field)
    except Exception as error:  # a fault of ours must not end the other lines
        failed = ErrorAnswer(code="fault", message=f"the program has a fault, please report: {error!r}", field=None)
    return _ENCODER.encode(FailedAnswer(id=request.id if request else id_of(line.text), line=line.number, error=failed))


def as_object(answer: QuoteAnswer | CostTableAnswer) -> object:
    """The answer as plain values."""
    return msgspec.to_builtins(answer)


def plain(rate: Decimal) -> str:
    """A rate without an exponent, with at most 20 decimals.

    >>> plain(Decimal("0.129900")), plain(Decimal("1E-7")), plain(Decimal("-0E-9")), plain(Decimal(12))
    ('0.1299', '0.0000001', '0', '12')
    """
    text = f"{rate:.20f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


_ENCODER = msgspec.json.Encoder()


def _cost_table(table: CostTable, found: Quote) -> CostTableAnswer:
    return CostTableAnswer(
        principal_minor=table.principal_minor,
        currency=table.currency,
        lines=tuple(
            CostAnswer(
                name=line.name,
                paid_to=line.paid_to,
                charged=line.charged,
                standard=line.standard,
                amount_minor=line.amount_minor,
                annual=None if line.annual is None else plain(line.annual),
            )
            for line in table.lines
        ),
        in_default=table.in_default,
        total_minor=table.total_minor,
        annual=plain(table.annual),
        effective=plain(table.effective),
        simple=plain(table.simple),
        method=table.method,
        left_out=table.left_out,
        caps=tuple(map(_cap, found.caps)),
        remarks=found.remarks,
    )


def _cap(finding: CapFinding) -> CapAnswer:
    return CapAnswer(
        rule=finding.cap.rule,
        status=finding.status,
        refuses=finding.refuses,
        measure=finding.cap.measure,
        measured=None if finding.measured is None else plain(finding.measured),
        limit=plain(finding.limit),
        says=finding.says,
    )
