"""Autopay: announces and presents what is due under mandates, and books what comes of it.

Nothing is lost or doubled wherever a run ends. A presentation is recorded before it is handed over; whoever presents it
takes each name once, so all that are on their way are handed over again by the next run. Where the mandate has ended
meanwhile it is withheld instead, unless it had been handed over. What came of one is booked under a key made from its
name before it is acknowledged; until then it is told again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import msgspec

from ledger.application.commands import LoanCommand
from ledger.application.desk import Desk
from ledger.application.loan_store import LoanStore
from ledger.application.orders import Order
from ledger.domain import mandates
from ledger.domain.autopay import Debit
from ledger.domain.identifiers import loan_stream
from ledger.domain.loan import Loan
from ledger.policies.debit_policies import debit_policy
from schemas.errors import LedgerError
from schemas.payments.mandates import MandateTerms
from schemas.values import ABSENT, Basis, Event

SETTLED, RETURNED = "settled", "returned"


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """One presentation of a debit. `id` is its name, the same whenever it is handed over."""

    id: str
    account_token: str
    rail: str
    amount_minor: int
    currency: str
    collect_on: date


class DebitOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of a presentation. `id` names this news; `outcome` is `settled`, or `returned` with a `code`."""

    id: str
    presentation_id: str
    outcome: str
    on: date
    code: str = ""


class DebitGateway(Protocol):
    """Presents debits somewhere. Every presentation counts once, however often it is handed over."""

    def present(self, presentations: Sequence[Presentation]) -> None:
        """Hand presentations over; when this returns they are accepted. Raises `GatewayUnavailable`."""

    def withhold(self, presentation_ids: Sequence[str]) -> Sequence[str]:
        """Which of these were never handed over, and from now on never will be taken; the others are carried out."""

    def outcomes(self) -> Sequence[DebitOutcome]:
        """News that nobody has acknowledged, the oldest first; empty where there is none."""

    def acknowledge(self, outcomes: Sequence[DebitOutcome]) -> None:
        """Have news not told again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthoriseMandate(LoanCommand):
    """A payer allows debits. `policy` names what a scheme allows of them."""

    mandate_id: str
    party_id: str
    rail: str
    account_token: str
    at_most_minor: int
    policy: str
    until: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        terms = _terms(self, today)
        return mandates.authorise(self.require(loan), self.mandate_id, self.party_id, terms, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeMandate(LoanCommand):
    """Other terms hold from now on. What is None stays as it is."""

    mandate_id: str
    account_token: str | None = None
    at_most_minor: int | None = None
    until: date | None = None

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        asked = f"change mandate {self.mandate_id} of loan {loan.loan_id}"
        terms = mandates.require_in_force(loan, self.mandate_id, asked, today).terms
        changed = {"account_token": self.account_token, "at_most_minor": self.at_most_minor, "until": self.until}
        given = {name: value for name, value in changed.items() if value is not None}
        return mandates.change(loan, self.mandate_id, terms.changed(**given), today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeMandate(LoanCommand):
    """Nothing more is debited under it."""

    mandate_id: str
    reason: str

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return mandates.revoke(self.require(loan), self.mandate_id, reason=self.reason, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeNextStep(LoanCommand):
    """Announce, present or cancel a debit, as `mandates.next_step` says; nothing where there is nothing to do."""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return mandates.take_next_step(self.require(loan), today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class BookOutcome(LoanCommand):
    """Book what came of a presentation."""

    debit_id: str
    attempt: int
    outcome: str
    on: date
    code: str = ""

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        loan = self.require(loan)
        if self.outcome == SETTLED:
            return mandates.settle(loan, self.debit_id, self.attempt, settled_on=self.on, today=today)
        return mandates.return_(loan, self.debit_id, self.attempt, self.code, returned_on=self.on, today=today)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithholdDebit(LoanCommand):
    """Record that a presentation was never handed over, and will not be."""

    debit_id: str
    attempt: int

    def decide(self, loan: Loan | None, *, today: date, basis: Basis, fallback_id: str) -> Sequence[Event]:
        return mandates.withhold(self.require(loan), self.debit_id, self.attempt, today=today)


@dataclass(kw_only=True, slots=True)
class AutopayRun:
    """What a run did. `refused`: by its name, news that could not be booked, and why; it is told again next time."""

    announced: int = 0
    presented: int = 0
    cancelled: int = 0
    settled: int = 0
    returned: int = 0
    refused: dict[str, str] = field(default_factory=dict)


class Autopay:
    """Runs autopay of one book. `pages`: ids of the loans with a mandate in force on a date or a debit on its way, some
    at a time."""

    def __init__(
        self,
        desk: Desk,
        store: LoanStore,
        gateway: DebitGateway,
        *,
        pages: Callable[[date], Iterator[Sequence[str]]],
        principal: str,
    ) -> None:
        self._desk = desk
        self._store = store
        self._gateway = gateway
        self._pages = pages
        self._principal = principal

    def run(self, today: date) -> AutopayRun:
        """Book all news, then bring every loan as far as it can go today, and hand over what is to be presented."""
        done = AutopayRun()
        while news := self._gateway.outcomes():
            if not self._book(news, today, done):
                break
        for loan_ids in self._pages(today):
            for _ in range(2):  # what is announced without notice is presented at once
                self._take_steps(loan_ids, today, done)
            waiting = list(self._on_their_way(loan_ids))
            if allowed := [_presentation(loan, debit) for loan, debit in waiting if _is_allowed(loan, debit, today)]:
                self._gateway.present(allowed)
            self._withhold([each for each in waiting if not _is_allowed(*each, today)], today, done)
        return done

    def _book(self, news: Sequence[DebitOutcome], today: date, done: AutopayRun) -> bool:
        """Whether anything was booked."""
        readable = [(each, place) for each in news if (place := _place_of(each))]
        orders = [self._order(_booking(each, *place), f"autopay:outcome:{each.id}", today) for each, place in readable]
        booked = []
        for (each, _), result in zip(readable, self._desk.execute_many(orders), strict=True):
            if isinstance(result, LedgerError):
                done.refused[each.id] = str(result)
                continue
            booked.append(each)
            if not result.again:
                done.settled += each.outcome == SETTLED
                done.returned += each.outcome == RETURNED
        for each in news:
            if not _place_of(each):
                done.refused[each.id] = f"{each.outcome} of {each.presentation_id}, which is no presentation of ours"
        if booked:
            self._gateway.acknowledge(booked)
        return bool(booked)

    def _take_steps(self, loan_ids: Sequence[str], today: date, done: AutopayRun) -> None:
        orders = [
            self._order(TakeNextStep(loan_id=loan.loan_id), f"autopay:{loan.loan_id}:{version}", today)
            for loan, version in self._load(loan_ids)
            if mandates.next_step(loan, today)
        ]
        for result in self._desk.execute_many(orders):
            if isinstance(result, LedgerError):
                raise result
            if not result.again:
                done.announced += any(event.TYPE.endswith("debit_notified.v1") for event in result.events)
                done.presented += any(event.TYPE.endswith("debit_submitted.v1") for event in result.events)
                done.cancelled += any(event.TYPE.endswith("debit_cancelled.v1") for event in result.events)

    def _on_their_way(self, loan_ids: Sequence[str]) -> Iterator[tuple[Loan, Debit]]:
        for loan, _ in self._load(loan_ids):
            for debit in loan.autopay.debits:
                if debit.status == Debit.SUBMITTED:
                    yield loan, debit

    def _withhold(self, ended: Sequence[tuple[Loan, Debit]], today: date, done: AutopayRun) -> None:
        """A run may have broken off between record and hand-over, and the mandate ended since."""
        if not ended:
            return
        by_name = {_name(loan, debit): (loan, debit) for loan, debit in ended}
        orders = [
            self._order(
                WithholdDebit(loan_id=loan.loan_id, debit_id=debit.debit_id, attempt=debit.attempt),
                f"autopay:withhold:{name}",
                today,
            )
            for name in self._gateway.withhold(list(by_name))
            for loan, debit in [by_name[name]]
        ]
        for result in self._desk.execute_many(orders):
            if isinstance(result, LedgerError):
                raise result
            done.cancelled += not result.again

    def _load(self, loan_ids: Sequence[str]) -> list[tuple[Loan, int]]:
        """Loans with the versions of their streams."""
        found = self._store.load_whole([loan_stream(each) for each in loan_ids])
        return [(stored.loan, stored.head.version) for stored in found.values() if stored.loan]

    def _order(self, command: LoanCommand, key: str, today: date) -> Order:
        return Order(command=command, key=key, today=today, principal=self._principal)


def _place_of(outcome: DebitOutcome) -> tuple[str, str, int] | None:
    """Loan, debit and attempt of a presentation of ours."""
    parts = outcome.presentation_id.split("/")
    if len(parts) != 3 or not parts[2].isdecimal() or outcome.outcome not in {SETTLED, RETURNED}:
        return None
    return parts[0], parts[1], int(parts[2])


def _name(loan: Loan, debit: Debit) -> str:
    return f"{loan.loan_id}/{debit.debit_id}/{debit.attempt}"


def _is_allowed(loan: Loan, debit: Debit, today: date) -> bool:
    mandate = loan.autopay.mandate(debit.mandate_id)
    return mandate is not None and mandates.is_in_force(mandate, today)


def _presentation(loan: Loan, debit: Debit) -> Presentation:
    mandate = loan.autopay.mandate(debit.mandate_id)
    assert mandate, "a debit has a mandate"
    return Presentation(
        id=_name(loan, debit),
        account_token=mandate.terms.account_token,
        rail=mandate.terms.rail,
        amount_minor=debit.amount_minor,
        currency=loan.currency,
        collect_on=debit.collect_on,
    )


def _booking(outcome: DebitOutcome, loan_id: str, debit_id: str, attempt: int) -> BookOutcome:
    return BookOutcome(
        loan_id=loan_id, debit_id=debit_id, attempt=attempt, outcome=outcome.outcome, on=outcome.on, code=outcome.code
    )


def _terms(asked: AuthoriseMandate, today: date) -> MandateTerms:
    return MandateTerms(
        rail=asked.rail,
        account_token=asked.account_token,
        at_most_minor=asked.at_most_minor,
        rules=debit_policy(asked.policy, today),
        until=asked.until or ABSENT,
    )
