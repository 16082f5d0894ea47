"""One loan that takes tens of thousands of payments: the worst case of everything that reads a loan as a whole."""

from datetime import date
from functools import reduce
from random import Random

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment
from ledger.application.dev_book.lives import CURRENCY
from ledger.application.dev_book.plan import DAYS
from ledger.application.dev_book.stamps import event_id, moment
from ledger.application.dev_book.writer import COMMIT_US, Writer
from ledger.domain import loan as loans
from ledger.domain.identifiers import loan_stream
from ledger.domain.loan import Loan
from ledger.journal.encoding import Decision, StreamHead, encode
from ledger.journal.loading import Chunk
from schemas.envelope import digest

LONG_LOAN = "long-loan"

_PAID_MINOR = 1_00


class LongLoan:
    """Opened on the first day, paid on every day in equal parts, due when the book is over; requests 1 + payments."""

    def __init__(self, writer: Writer, random: Random) -> None:
        self._writer = writer
        self._random = random
        self._loan: Loan | None = None
        self._head = StreamHead(stream=loan_stream(LONG_LOAN))

    def record(self, chunk: Chunk, at_us: int) -> None:
        """Decide on the next request, and add it to a chunk."""
        writer, today = self._writer, moment(at_us).date()
        command = self._command(today)
        events = command.decide(self._loan, today=today, basis=writer.basis, fallback_id="")
        loan = self._loan = reduce(loans.apply, events, self._loan)
        assert loan, "it was opened first"
        next_on = loans.next_action_on(loan)
        request = encode(
            [Decision(head=self._head, events=events, next_action_on=next_on)],
            writer.provenance(writer.principal, f"{LONG_LOAN}-{self._head.version}", command.body(), at_us),
            partitions=writer.partitions,
            event_ids=lambda: event_id(self._random, at_us),
        )
        chunk.add(request, at_us + COMMIT_US)
        last = request.events[-1]
        self._head = StreamHead(stream=last.stream, version=last.version, hash=digest(last.state))
        if last.version > writer.plan.long_loan_payments:
            chunk.streams.append((last.stream, last.version, digest(last.state), next_on))

    def _command(self, today: date) -> LoanCommand:
        paid = self._head.version
        if self._loan is None:
            plan = self._writer.plan
            lent_minor = (plan.long_loan_payments + 1) * _PAID_MINOR  # something stays owed
            return OpenLoan(
                loan_id=LONG_LOAN,
                currency=CURRENCY,
                principal_minor=lent_minor,
                due_on=plan.day(DAYS),
                opened_on=today,
                borrower_id=LONG_LOAN,
            )
        return RecordPayment(
            loan_id=LONG_LOAN, payment_id=f"{LONG_LOAN}-{paid:07}", amount_minor=_PAID_MINOR, paid_on=today
        )
