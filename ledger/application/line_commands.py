"""What callers may ask for about credit lines, as plain commands over the streams of a line and its loans."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from ledger.application.joint_desk import JointCommand, Read
from ledger.domain import lines, opening
from ledger.domain.errors import LineNotFound, LoanNotFound
from ledger.domain.identifiers import line_stream, loan_stream, require_identifier
from ledger.domain.lines import Line
from ledger.domain.loan import Loan, apply
from ledger.domain.opening import Signed
from ledger.domain.terms import Terms
from ledger.policies.open_days import open_days
from ledger.policies.servicing_policies import servicing_policy
from schemas.loans.events import Party
from schemas.values import Basis, Event


@dataclass(frozen=True, kw_only=True, slots=True)
class LineCommand(JointCommand):
    """A wish about one line."""

    line_id: str

    @property
    def stream(self) -> str:
        return line_stream(self.line_id)

    def streams(self, read: Read) -> Collection[str]:
        return [line_stream(require_identifier(self.line_id, "line"))]

    def find(self, read: Read) -> Line | None:
        found = read[self.stream]
        assert found is None or isinstance(found, Line), "streams of lines hold lines"
        return found

    def require(self, read: Read) -> Line:
        line = self.find(read)
        if line is None:
            raise LineNotFound(f"asked for line {self.line_id}; this book has no such line. Open it first")
        return line

    def with_loans(self, read: Read) -> Collection[str]:
        """The line and, once it is read, all its loans."""
        line = self.find(read) if self.stream in read else None
        loans = [loan_stream(loan_id) for loan_id in line.loans] if line else []
        return [line_stream(require_identifier(self.line_id, "line")), *loans]

    def loans(self, read: Read) -> list[Loan]:
        """All loans of the line that were read."""
        states = [read[loan_stream(loan_id)] for loan_id in self.require(read).loans]
        return [state for state in states if isinstance(state, Loan)]


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLine(LineCommand):
    """Let a borrower draw up to a limit."""

    currency: str
    limit_minor: int
    party_id: str
    product: str = "installments"

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        events = lines.open_line(
            self.find(read),
            self.line_id,
            product=self.product,
            party_id=self.party_id,
            limit_minor=self.limit_minor,
            currency=self.currency,
            today=today,
        )
        return {self.stream: events}


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeLimit(LineCommand):
    """Another limit holds from now on."""

    limit_minor: int
    reason: str

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        events = lines.change_limit(self.require(read), self.limit_minor, reason=self.reason, today=today)
        return {self.stream: events}


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeLine(LineCommand):
    """Let nothing be drawn, or (`frozen` False) let it be drawn again."""

    frozen: bool
    reason: str

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        act = lines.freeze if self.frozen else lines.unfreeze
        return {self.stream: act(self.require(read), reason=self.reason, today=today)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CloseLine(LineCommand):
    """End a line of which nothing is owed."""

    reason: str

    def streams(self, read: Read) -> Collection[str]:
        return self.with_loans(read)

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        return {self.stream: lines.close_line(self.require(read), self.loans(read), reason=self.reason, today=today)}


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawLoan(LineCommand):
    """Draw from a line with a loan of its own: signed and paid out at once. `terms`: as for an agreement, with the
    amount that is drawn; `cost_table_hash`: of the table that was shown and confirmed."""

    loan_id: str
    terms: dict[str, Any]
    policy: str
    cost_table_hash: str
    method: str = "wallet"

    def streams(self, read: Read) -> Collection[str]:
        return [*self.with_loans(read), loan_stream(require_identifier(self.loan_id, "loan"))]

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        line, terms = self.require(read), Terms.from_plain(self.terms)
        signed = Signed(
            terms=terms,
            servicing=servicing_policy(self.policy, today),
            product=line.product,
            cost_table_hash=self.cost_table_hash,
            parties=(Party(party_id=line.party_id, role="borrower", since=today),),
        )
        existing = _loan(read, self.loan_id)
        agreed = opening.agree(existing, self.loan_id, signed, open_days, today=today, basis=basis)
        loan = apply(None, agreed[0])
        assert loan, "an agreement makes a loan"
        draw = _Draw(fallback_id, terms.principal_minor, self.method, today)
        drawn, paid_out = _drawn(line, self.loans(read), loan, draw)
        return {self.stream: drawn, loan_stream(self.loan_id): [*agreed, *paid_out]}


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawMore(LineCommand):
    """Draw with a loan that revolves, and that was agreed before."""

    loan_id: str
    amount_minor: int
    method: str = "wallet"

    def streams(self, read: Read) -> Collection[str]:
        return sorted({*self.with_loans(read), loan_stream(require_identifier(self.loan_id, "loan"))})

    def decide(self, read: Read, *, today: date, basis: Basis, fallback_id: str) -> Mapping[str, Sequence[Event]]:
        line, loan = self.require(read), _loan(read, self.loan_id)
        if loan is None:
            raise LoanNotFound(
                f"asked to draw with loan {self.loan_id}; this book has none of that name. Agree it first"
            )
        lines.require_drawable(line, loan, f"draw with loan {self.loan_id} from line {self.line_id}")
        draw = _Draw(fallback_id, self.amount_minor, self.method, today)
        drawn, paid_out = _drawn(line, self.loans(read), loan, draw)
        return {self.stream: drawn, loan_stream(self.loan_id): paid_out}


class _Draw(NamedTuple):
    fallback_id: str
    amount_minor: int
    method: str
    today: date


def _drawn(line: Line, loans: Sequence[Loan], loan: Loan, draw: _Draw) -> tuple[list[Event], list[Event]]:
    """What a draw means to the line and to the loan that it is drawn with. `loans`: all of the line, before it."""
    draw_id = draw.fallback_id.replace("payment-", "draw-")
    drawn = lines.draw(
        line,
        loans,
        loan_id=loan.loan_id,
        disbursement_id=draw_id,
        amount_minor=draw.amount_minor,
        currency=loan.currency,
        today=draw.today,
    )
    paid_out = opening.disburse(
        loan,
        draw_id,
        draw.amount_minor,
        loan.currency,
        open_days,
        paid_out_on=draw.today,
        today=draw.today,
        method=draw.method,
        line_id=line.line_id,
    )
    return drawn, paid_out


def _loan(read: Read, loan_id: str) -> Loan | None:
    found = read[loan_stream(loan_id)]
    assert found is None or isinstance(found, Loan), "streams of loans hold loans"
    return found
