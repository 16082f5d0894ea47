"""Replays the loans of a file in the order of their dates: opened, paid off, and day end by day end."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment
from ledger.application.csv_records import Finding
from ledger.application.day_end import DayEnds, Progress
from ledger.application.desk import Desk
from ledger.application.loan_file import FileLoan, InvalidFile, LoanFile
from ledger.application.orders import Order
from ledger.domain.errors import InvalidDate
from schemas.errors import LedgerError

_FINDINGS_SHOWN = 1000


@dataclass(kw_only=True, slots=True)
class Imported:
    """What an import did. `days` were closed; `again` counts commands recorded by an earlier import."""

    until: date
    opened: int = 0
    paid: int = 0
    again: int = 0
    days: int = 0
    rejected: list[Finding] = field(default_factory=list)


class LoanImport:
    """Imports loan files into one book. Amounts are in `currency`, without interest; times are local to the book."""

    def __init__(self, desk: Desk, day_ends: DayEnds, *, currency: str, principal: str) -> None:
        self._desk = desk
        self._day_ends = day_ends
        self._currency = currency
        self._principal = principal

    def run(
        self,
        file: LoanFile,
        *,
        today: date,
        until: date | None = None,
        skip_invalid: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> Imported:
        """Import a file up to and including `until` (None: the file's last date, but no day that is not over).

        Everything is checked first. A finding raises `InvalidFile` and nothing is imported; with `skip_invalid` the
        lines with findings are left out and reported.
        """
        findings = [*file.findings, *self._findings_in_book(file.loans)]
        if findings and not skip_invalid:
            raise InvalidFile(_summary(findings))
        bad_lines = {finding.line for finding in findings}
        loans = [loan for loan in file.loans if loan.line not in bad_lines]
        yesterday = today - timedelta(days=1)
        last = until or min(file.last_date or yesterday, yesterday)
        if last > today:
            raise InvalidDate(
                f"asked to import up to {last}; today is {today}. Give --until {today} or an earlier date"
            )
        imported = Imported(until=last, rejected=findings)
        if loans:
            self._replay(loans, last, imported, progress)
        return imported

    def _replay(self, loans: Sequence[FileLoan], last: date, imported: Imported, progress: Progress) -> None:
        openings, payments = self._by_date(loans)
        first = min(loan.opened_on for loan in loans)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        for nth, day in enumerate(days, 1):
            imported.opened += self._execute(openings[day], imported)
            imported.paid += self._execute(payments[day], imported)
            imported.days += self._day_ends.run(day, today=day).closed
            progress(nth, len(days))
        self._day_ends.visit_latecomers()

    def _execute(self, orders: Sequence[Order], imported: Imported) -> int:
        new = 0
        for result in self._desk.execute_many(orders) if orders else []:
            if isinstance(result, LedgerError):
                raise result
            new += not result.again
            imported.again += result.again
        return new

    def _by_date(self, loans: Sequence[FileLoan]) -> tuple[dict[date, list[Order]], dict[date, list[Order]]]:
        openings: dict[date, list[Order]] = defaultdict(list)
        payments: dict[date, list[Order]] = defaultdict(list)
        for loan in loans:
            openings[loan.opened_on].append(self._opening(loan))
            if loan.paid_off_at:
                payments[loan.paid_off_at.date()].append(self._payoff(loan))
        return openings, payments

    def _findings_in_book(self, loans: Sequence[FileLoan]) -> Iterator[Finding]:
        """Rows that contradict what the book holds already."""
        openings = self._desk.find_obstacles([self._opening(loan) for loan in loans])
        paid_off = [loan for loan in loans if loan.paid_off_at]
        payoffs = self._desk.find_obstacles([self._payoff(loan) for loan in paid_off])
        taken = [loans[n] for n in openings] + [paid_off[n] for n in payoffs]
        for loan in sorted({loan.line: loan for loan in taken}.values(), key=lambda loan: loan.line):
            yield Finding(
                line=loan.line,
                column="Loan_ID",
                found=loan.loan_id,
                expected="a loan that the book does not have, or the values that it was imported with",
            )

    def _opening(self, loan: FileLoan) -> Order:
        command = OpenLoan(
            loan_id=loan.loan_id,
            currency=self._currency,
            principal_minor=loan.principal_minor,
            opened_on=loan.opened_on,
            due_on=loan.due_on,
        )
        return self._order(command, "open", loan.opened_on)

    def _payoff(self, loan: FileLoan) -> Order:
        assert loan.paid_off_at, "only loans that were paid off have a payoff"
        paid_on = loan.paid_off_at.date()
        command = RecordPayment(
            loan_id=loan.loan_id,
            currency=self._currency,
            amount_minor=loan.principal_minor,
            paid_on=paid_on,
            payment_id=f"{loan.loan_id[:57]}-payoff",
            received_at=loan.paid_off_at.isoformat(timespec="minutes"),
        )
        return self._order(command, "payoff", paid_on)

    def _order(self, command: LoanCommand, step: str, day: date) -> Order:
        return Order(command=command, key=f"import:{command.loan_id}:{step}", today=day, principal=self._principal)


def _summary(findings: Sequence[Finding]) -> str:
    shown = "\n  ".join(str(finding) for finding in findings[:_FINDINGS_SHOWN])
    more = f"\n  and {len(findings) - _FINDINGS_SHOWN} more" if len(findings) > _FINDINGS_SHOWN else ""
    return (
        f"asked to import a file with {len(findings)} findings, so nothing was imported:\n  {shown}{more}\n"
        "Correct the file, or import the other lines with --skip-invalid"
    )
