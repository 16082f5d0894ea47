"""Autopay with everything that can come back, in any order: it never takes more than is due, nor after a revocation."""

from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.domain import mandates
from ledger.domain.autopay import Debit
from ledger.domain.errors import AlreadyReversed, DebitRefused, LoanEnded, MandateEnded, MandateExists
from ledger.domain.loan import Loan, apply, settled
from ledger.domain.payoff import due_on
from ledger.domain.transactions import PAYMENT
from schemas.payments.mandates import DebitEvent, DebitNotified, DebitRules, DebitSubmitted, MandateTerms
from tests.loan_builders import DUE, Life, a_loan

REFUSALS = (DebitRefused, MandateEnded, MandateExists, LoanEnded, AlreadyReversed)
LENT_MINOR = 3 * 100_00


class AutopayOfALoan(RuleBasedStateMachine):
    """Three installments of 100.00; days go by, debits come and go, money comes by other ways too."""

    @initialize(
        attempts=st.integers(1, 3), notice=st.integers(0, 5), failures=st.integers(0, 3), most=st.integers(1, 150_00)
    )
    def begin(self, attempts: int, notice: int, failures: int, most: int) -> None:
        self.life = Life(loan=a_loan(100_00, 100_00, 100_00), requests=[])
        self.replayed: Loan = self.life.loan
        self.today = DUE - timedelta(20)
        self.number = 0
        rules = DebitRules(
            policy="p", attempts=attempts, within_days=40, notice_days=notice, failures=failures, again=("R01",),
            ending=("R07",),
        )  # fmt: skip
        self.terms = MandateTerms(rail="ach", account_token="t", at_most_minor=most, rules=rules)
        self.revoked: set[str] = set()

    def does(self, decide: object) -> None:
        assert callable(decide)
        before = settled(self.life.loan)
        with suppress(*REFUSALS):
            events = self.life.records(decide())
            for event in events:
                after = apply(self.replayed, event)
                assert after
                self.replayed = after
                if isinstance(event, DebitNotified):
                    assert not any(each.is_open for each in before.autopay.debits), "one debit begins at a time"
                if isinstance(event, DebitSubmitted):
                    self.is_within_limits(event, before)
                if event.TYPE.endswith("mandate_revoked.v1"):
                    self.revoked.add(getattr(event, "mandate_id", ""))
                assert not isinstance(event, DebitEvent) or event.debit_id

    def is_within_limits(self, event: DebitSubmitted, before: Loan) -> None:
        assert event.mandate_id not in self.revoked, "nothing is presented after a revocation"
        assert event.attempt <= self.terms.rules.attempts
        assert event.amount_minor <= self.terms.at_most_minor
        others = sum(
            each.amount_minor for each in before.autopay.debits if each.is_open and each.debit_id != event.debit_id
        )
        due_minor = due_on(before.agreement, before.known, self.today)
        assert event.amount_minor + others <= due_minor, "all that is on its way is due"

    @rule(by=st.integers(0, 15))
    def days_go_by(self, by: int) -> None:
        self.today += timedelta(by)

    @rule()
    def authorise(self) -> None:
        self.number += 1
        name = f"m{self.number}"
        self.does(lambda: mandates.authorise(self.life.loan, name, "b", self.terms, today=self.today))

    @rule()
    def take_next_step(self) -> None:
        self.does(lambda: mandates.take_next_step(self.life.loan, today=self.today))

    @rule(pick=st.integers(0, 9))
    def settle(self, pick: int) -> None:
        if debit := self.any_debit(pick):
            self.does(
                lambda: mandates.settle(
                    self.life.loan, debit.debit_id, debit.attempt, settled_on=self.today, today=self.today
                )
            )

    @rule(pick=st.integers(0, 9), code=st.sampled_from(["R01", "R07", "R10"]))
    def comes_back(self, pick: int, code: str) -> None:
        if debit := self.any_debit(pick):
            self.does(
                lambda: mandates.return_(
                    self.life.loan, debit.debit_id, debit.attempt, code, returned_on=self.today, today=self.today
                )
            )

    @rule(pick=st.integers(0, 9))
    def is_withheld(self, pick: int) -> None:
        if debit := self.any_debit(pick):
            self.does(lambda: mandates.withhold(self.life.loan, debit.debit_id, debit.attempt, today=self.today))

    @rule(amount=st.integers(1, 120_00))
    def pays_otherwise(self, amount: int) -> None:
        self.number += 1
        self.life.pays(amount, self.today)
        self.replayed = self.life.loan

    @rule(pick=st.integers(0, 9))
    def revoke(self, pick: int) -> None:
        found = self.life.loan.autopay.mandates
        if found:
            name = found[pick % len(found)].mandate_id
            self.does(lambda: mandates.revoke(self.life.loan, name, reason="no more", today=self.today))

    def any_debit(self, pick: int) -> Debit | None:
        found = [each for each in self.life.loan.autopay.debits if each.attempt]
        return found[pick % len(found)] if found else None

    @invariant()
    def money_and_debits_agree(self) -> None:
        if not hasattr(self, "life"):
            return
        loan = settled(self.life.loan)
        debits = loan.autopay.debits
        settled_minor = sum(each.amount_minor for each in debits if each.status == Debit.SETTLED)
        paid_minor = sum(each.amount_minor for each in loan.counted if each.kind == PAYMENT and "." in each.id)
        assert paid_minor == settled_minor, "settled less returned is what counts as payments"
        assert self.replayed == self.life.loan


TestAutopayOfALoan = AutopayOfALoan.TestCase
