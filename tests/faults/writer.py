"""A writer as a process of its own, to be killed and stopped: its tellers execute commands and note every answer.

What a teller asks for is a function of its name and a number, so the next life goes on where the last one ended. It
begins with commands that were answered already: their answers must be the same.

Run as `python -m tests.faults.writer FOLDER NAME AT_LEAST PAUSE_MS`.
"""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment, VisitLoan
from ledger.application.counting_commands import (
    PauseCounting,
    RestructureLoan,
    ResumeCounting,
    SetOverdueRules,
    WithdrawRestructuring,
)
from ledger.application.joint_desk import JointCommand, JointOrder
from ledger.application.line_commands import DrawMore, FreezeLine, OpenLine
from ledger.application.loan_commands import AgreeLoan, ChargeFee, DisburseLoan
from ledger.application.orders import Answer, Order
from ledger.bootstrap import Ledger
from ledger.domain.terms import DayCount, Method, Revolving, Terms
from ledger.journal.errors import StreamConflict
from ledger.settings import read_settings
from schemas.errors import Unavailable

TELLERS = 4
SHARED_LOANS = 32
OPENED, DUE, TODAY = date(2026, 1, 5), date(2026, 2, 5), date(2026, 3, 2)
PRINCIPAL = "service:teller"

COMMANDS_OF_A_LIFE = 7
_TERMS: dict[str, Any] = {
    "principal_minor": 300_00,
    "currency": "USD",
    "disbursed_on": OPENED,
    "annual_rate": "0.12",
    "day_count": DayCount.ACTUAL_365F,
}
_REPEATED = 10  # answers that a new life asks for again
_RETRY_S = 0.05


Steps = list[tuple[date, LoanCommand | JointCommand]]
"""What is asked for, and on which business date."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """That the command of this number was answered with these positions."""

    number: int
    first: int
    last: int


def order(teller: str, number: int) -> Order | JointOrder:
    """What a teller asks for: the life of one loan after the other, and payments to loans that all tellers share."""
    life, step = divmod(number, COMMANDS_OF_A_LIFE)
    key, loan_id = f"{teller}-{number}", f"{teller}-{life}"
    if step == COMMANDS_OF_A_LIFE - 1:
        shared = RecordPayment(loan_id=f"shared-{life % SHARED_LOANS}", amount_minor=1, payment_id=loan_id)
        return Order(command=shared, key=key, today=TODAY, principal=PRINCIPAL)
    on, command = _LIVES[life % len(_LIVES)](loan_id)[step]
    if isinstance(command, JointCommand):
        return JointOrder(command=command, key=key, today=on, principal=PRINCIPAL)
    return Order(command=command, key=key, today=on, principal=PRINCIPAL)


def _bullet(loan_id: str) -> Steps:
    """Paid, bounced, paid."""
    commands: list[LoanCommand] = [
        OpenLoan(loan_id=loan_id, currency="USD", principal_minor=100_00, due_on=DUE, opened_on=OPENED),
        VisitLoan(loan_id=loan_id, business_date=TODAY),
        RecordPayment(loan_id=loan_id, amount_minor=40_00, payment_id="p1"),
        RecordPayment(loan_id=loan_id, amount_minor=60_00, payment_id="p2"),
        ReversePayment(loan_id=loan_id, payment_id="p2", cause="bank_return"),
        RecordPayment(loan_id=loan_id, amount_minor=60_00, payment_id="p3"),
    ]
    return [(TODAY, command) for command in commands]


def _installments(loan_id: str) -> Steps:
    """Overdue with interest, by a payment that is known late not overdue, which turns out to be an error."""
    return [
        (OPENED, _agreed(loan_id, Terms(**_TERMS, term=3), "cn_consumer")),
        (OPENED, DisburseLoan(loan_id=loan_id, amount_minor=300_00)),
        (TODAY, VisitLoan(loan_id=loan_id, business_date=TODAY)),
        (TODAY, RecordPayment(loan_id=loan_id, amount_minor=150_00, payment_id="p1", paid_on=DUE)),
        (TODAY, ChargeFee(loan_id=loan_id, amount_minor=5_00, fee="certificate")),
        (TODAY, ReversePayment(loan_id=loan_id, payment_id="p1", cause="lender_error")),
    ]


def _counted(loan_id: str) -> Steps:
    """Overdue by rules of its own, which a relief that is known late stops, and not for as long as was thought."""
    commands: list[LoanCommand] = [
        OpenLoan(loan_id=loan_id, currency="USD", principal_minor=100_00, due_on=DUE, opened_on=OPENED),
        VisitLoan(loan_id=loan_id, business_date=TODAY),
        SetOverdueRules(loan_id=loan_id, policy="grace_of_3_days"),
        PauseCounting(loan_id=loan_id, reason="relief", since=DUE, until=TODAY, pause_id="relief"),
        ResumeCounting(loan_id=loan_id, pause_id="relief", until=DUE),
        RecordPayment(loan_id=loan_id, amount_minor=100_00, payment_id="p1"),
    ]
    return [(TODAY, command) for command in commands]


def _eased(loan_id: str) -> Steps:
    """Overdue, said to be restructured twice, once of them in error."""
    restructure = partial(RestructureLoan, loan_id=loan_id, reason="lost work", first_payment_on=TODAY)
    commands: list[LoanCommand] = [
        OpenLoan(loan_id=loan_id, currency="USD", principal_minor=100_00, due_on=DUE, opened_on=OPENED),
        VisitLoan(loan_id=loan_id, business_date=TODAY),
        restructure(restructuring_id="r1"),
        restructure(restructuring_id="r2"),
        WithdrawRestructuring(loan_id=loan_id, restructuring_id="r1", reason="said twice"),
        RecordPayment(loan_id=loan_id, amount_minor=100_00, payment_id="p1"),
    ]
    return [(TODAY, command) for command in commands]


def _revolving(loan_id: str) -> Steps:
    """Drawn from a line; a statement, which a payment that is known late corrects."""
    revolving = Revolving(days_to_pay=20, minimum_share="0.1", interest_free=True)
    terms = Terms(**_TERMS, term=12, method=Method.REVOLVING, revolving=revolving)
    return [
        (OPENED, OpenLine(line_id=loan_id, currency="USD", limit_minor=300_00, party_id="b-1")),
        (OPENED, _agreed(loan_id, terms, "by_the_day")),
        (OPENED, DrawMore(line_id=loan_id, loan_id=loan_id, amount_minor=200_00)),
        (TODAY, VisitLoan(loan_id=loan_id, business_date=TODAY)),
        (TODAY, RecordPayment(loan_id=loan_id, amount_minor=50_00, payment_id="p1", paid_on=OPENED)),
        (TODAY, FreezeLine(line_id=loan_id, frozen=True, reason="late")),
    ]


def _agreed(loan_id: str, terms: Terms, policy: str) -> AgreeLoan:
    return AgreeLoan(
        loan_id=loan_id,
        currency="USD",
        terms=terms.as_plain(),
        policy=policy,
        product="test",
        cost_table_hash="0" * 64,
        parties=(("borrower", "b-1"),),
    )


_LIVES = (_bullet, _installments, _revolving, _counted, _eased)


class AnswerBook:
    """The answers that one teller was given, in a file that outlives it; each is written down before the next order."""

    def __init__(self, folder: Path, teller: str) -> None:
        self._path = folder / f"{teller}.answers"

    def read(self) -> list[Acknowledged]:
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="ascii").split("\n")[:-1]
        return [Acknowledged(*map(int, line.split())) for line in lines]

    def add(self, given: Acknowledged) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{given.number} {given.first} {given.last}\n".encode())


class Teller(Thread):
    """Executes its commands in order, each until it is answered; ends after `at_least`, once `finish` exists."""

    def __init__(self, ledger: Ledger, folder: Path, name: str, at_least: int, pause_s: float) -> None:
        super().__init__(name=name)
        self._ledger = ledger
        self._answers = AnswerBook(folder, name)
        self._finish = folder / "finish"
        self._complaints = folder / "complaints"
        self._at_least = at_least
        self._pause_s = pause_s

    def run(self) -> None:
        try:
            given = self._answers.read()
            for known in given[-_REPEATED:]:
                again = self._answered(known.number)
                assert again == known, f"answered {known} first and {again} now"
            for number in self._numbers(len(given)):
                self._answers.add(self._answered(number))
        except Exception:
            with self._complaints.open("a", encoding="utf-8") as file:
                file.write(f"{self.name}: {traceback.format_exc()}")

    def _numbers(self, first: int) -> Iterator[int]:
        """From the first one that has no answer on: who was killed may have asked it, so it is asked in any case."""
        for number in count(first):
            if self._finish.exists():
                if number >= self._at_least and number > first:
                    return
            else:
                time.sleep(self._pause_s)
            yield number

    def _answered(self, number: int) -> Acknowledged:
        while True:
            try:
                answer = execute(self._ledger, order(self.name, number))
            except (Unavailable, StreamConflict):
                time.sleep(_RETRY_S)
            else:
                assert answer.first_position, f"{self.name} {number} led to nothing"
                assert answer.last_position
                return Acknowledged(number, answer.first_position, answer.last_position)


def execute(ledger: Ledger, wanted: Order | JointOrder) -> Answer:
    if isinstance(wanted, JointOrder):
        return ledger.joint_desk.execute(wanted)
    return ledger.desk.execute(wanted)


def teller_names(writer: str) -> list[str]:
    return [f"{writer}-{number}" for number in range(TELLERS)]


def main() -> int:
    folder, name, at_least, pause_ms = sys.argv[1:]
    Thread(target=_end_with_input, daemon=True).start()
    with Ledger(read_settings()) as ledger:
        tellers = [
            Teller(ledger, Path(folder), teller, int(at_least), int(pause_ms) / 1000) for teller in teller_names(name)
        ]
        for teller in tellers:
            teller.start()
        for teller in tellers:
            teller.join()
    return 0


def _end_with_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
