"""A made-up book is a book like any other: proved by the doctor, by the domain, by projections and by Kafka."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import reduce
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ledger.application.commands import LoanCommand, OpenLoan, RecordPayment, ReversePayment, VisitLoan
from ledger.application.dev_book import book as dev_book
from ledger.application.dev_book.long_loan import LONG_LOAN
from ledger.application.dev_book.plan import InvalidPlan, Plan
from ledger.application.loan_commands import AgreeLoan, DisburseLoan
from ledger.application.orders import Answer, Order
from ledger.bootstrap import DAY_END, Ledger
from ledger.domain import loan as loans
from ledger.domain.loan import Loan
from ledger.journal.database import Database
from ledger.journal.encoding import Decision, Provenance, StreamHead, encode
from ledger.journal.inspection import inspect
from ledger.journal.records import RecordedEvent
from ledger.journal.restore import JournalNotEmpty
from ledger.settings import Settings
from schemas.envelope import digest, read
from schemas.loans.events import CreditAgreed, LoanDisbursed, LoanOpened
from schemas.overdue.events import DelinquencyChanged
from schemas.payments.events import PaymentReceived, PaymentReversed
from schemas.registry import REGISTRY
from schemas.values import Event, LoanEvent
from tests.integration.relay.relayed import TABLES

NOW = datetime(2016, 12, 24, 12, tzinfo=UTC)
PLAN = Plan(loans=150, until=date(2016, 12, 23), late_share=0.5, installments_share=0.4, long_loan_payments=80)

Fresh = Callable[[str | None], Database]
Request = list[tuple[RecordedEvent, Event]]


@contextmanager
def a_ledger(database: Database, folder: Path, **settings: Any) -> Iterator[Ledger]:
    with Ledger(Settings(data=folder, database_url=database.url, **settings), clock=lambda: NOW) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dev-book")


@pytest.fixture(scope="module")
def made(fresh_database: Fresh, template: str, key_folder: Path) -> Database:
    """A database with the book of PLAN, for tests that only read it."""
    database = fresh_database(template)
    with a_ledger(database, key_folder) as ledger:
        ledger.write_dev_book("dev", PLAN)
    return database


@pytest.fixture
def ledger(made: Database, key_folder: Path) -> Iterator[Ledger]:
    with a_ledger(made, key_folder) as ledger:
        yield ledger


@pytest.fixture
def copy(made: Database, fresh_database: Fresh, key_folder: Path) -> Iterator[Ledger]:
    """A copy of the book that may be written to."""
    with a_ledger(fresh_database(made.url.rsplit("dbname=", 1)[1].split()[0]), key_folder) as ledger:
        yield ledger


def test_the_next_day_end_sees_to_the_due_share(fresh_database: Fresh, template: str, tmp_path: Path) -> None:
    plan = Plan(loans=400, until=date(2016, 12, 23), late_share=0, due_share=0.25, installments_share=0.5)
    with a_ledger(fresh_database(template), tmp_path) as ledger:
        ledger.write_dev_book("dev", plan)
        waiting = ledger.journal.due_streams(date(2016, 12, 24), 1000)
        assert len(waiting) == pytest.approx(100, abs=30)
        assert all(each.next_action_on == date(2016, 12, 24) for each in waiting)
        done = ledger.day_ends.run(date(2016, 12, 24), today=date(2016, 12, 24))
        assert (done.loans_visited, done.closed) == (len(waiting), True)


def problems(ledger: Ledger) -> list[str]:
    """What the doctor finds, by the clock of the machine."""
    return [check.found for check in inspect(ledger.database) if not check.ok]


def streams(ledger: Ledger) -> dict[str, list[Request]]:
    """Every loan's requests, in order, with their events decoded."""
    events = [event for event in ledger.journal.after(0, 1_000_000) if event.stream.startswith("loan/")]
    ordered = sorted(events, key=lambda event: (event.stream, event.version))
    return {
        stream: [
            [(event, REGISTRY.decode(read(event.state))) for event in request]
            for _, request in groupby(found, key=lambda event: read(event.state).commandid)
        ]
        for stream, found in groupby(ordered, key=lambda event: event.stream)
    }


_ASKED = (LoanOpened, CreditAgreed, LoanDisbursed, PaymentReceived, PaymentReversed)


def command_of(request: Request, day: date) -> LoanCommand:
    """What was asked, as the event tells that no passing of time leaves; without one it was day end."""
    facts = [fact for _, fact in request]
    event = next((fact for fact in facts if isinstance(fact, _ASKED)), facts[0])
    match event:
        case LoanOpened():
            return OpenLoan(
                loan_id=event.loan_id,
                currency=event.currency,
                principal_minor=event.principal_minor,
                due_on=event.installments[0].due_on,
                opened_on=event.opened_on,
                borrower_id=event.borrower_id or None,
            )
        case CreditAgreed():
            return AgreeLoan(
                loan_id=event.loan_id,
                currency=event.currency,
                terms=dict(event.terms),
                policy=event.servicing.policy.split("@")[0],
                product=event.product,
                cost_table_hash=event.cost_table_hash,
                parties=tuple((party.role, party.party_id) for party in event.parties),
            )
        case LoanDisbursed():
            return DisburseLoan(
                loan_id=event.loan_id,
                amount_minor=event.amount_minor,
                disbursement_id=event.disbursement_id,
                paid_out_on=event.disbursed_on,
            )
        case PaymentReceived():
            return RecordPayment(
                loan_id=event.loan_id,
                payment_id=event.payment_id,
                amount_minor=event.amount_minor,
                paid_on=event.paid_on,
            )
        case PaymentReversed():
            return ReversePayment(loan_id=event.loan_id, payment_id=event.payment_id, cause=event.cause)
    assert isinstance(event, LoanEvent)
    return VisitLoan(loan_id=event.loan_id, business_date=day)


def decided_on(request: Request) -> date:
    return datetime.fromisoformat(read(request[0][0].state).time).date()


def encoded_again(request: Request, head: StreamHead, next_on: date | None) -> list[bytes]:
    """The bytes that the encoder makes of these facts."""
    first = read(request[0][0].state)
    assert first.commandid
    assert first.commandhash
    ids = iter([read(event.state).id for event, _ in request])
    provenance = Provenance(
        book_id="dev",
        actor=first.actor,
        decided_at=datetime.fromisoformat(first.time),
        correlation_id=first.correlationid,
        command_id=bytes.fromhex(first.commandid),
        command_hash=bytes.fromhex(first.commandhash),
    )
    decision = Decision(head=head, events=[fact for _, fact in request], next_action_on=next_on)
    return [each.state for each in encode([decision], provenance, partitions=12, event_ids=lambda: next(ids)).events]


def test_the_doctor_finds_nothing(ledger: Ledger) -> None:
    assert problems(ledger) == []


def test_the_domain_decides_every_request_just_so(ledger: Ledger) -> None:
    for requests in streams(ledger).values():
        loan: Loan | None = None
        for request in requests:
            facts, today = [fact for _, fact in request], decided_on(request)
            assert isinstance(facts[0], LoanEvent)
            command = command_of(request, today)
            assert command.decide(loan, today=today, basis=facts[0].basis, fallback_id="") == facts
            loan = reduce(loans.apply, facts, loan)


def test_every_event_has_the_bytes_that_the_encoder_writes(ledger: Ledger) -> None:
    for stream, requests in streams(ledger).items():
        loan: Loan | None = None
        head = StreamHead(stream=stream)
        for request in requests:
            loan = reduce(loans.apply, [fact for _, fact in request], loan)
            assert loan
            recorded = [event.state for event, _ in request]
            assert encoded_again(request, head, loans.next_action_on(loan)) == recorded
            head = StreamHead(stream=stream, version=request[-1][0].version, hash=digest(recorded[-1]))


def test_streams_know_when_day_end_must_look_again(ledger: Ledger) -> None:
    with ledger.database.connect() as connection:
        known: dict[str, date | None] = dict(
            connection.execute("select stream, next_action_on from journal.stream").fetchall()
        )
    for stream, requests in streams(ledger).items():
        loan = reduce(loans.apply, [fact for request in requests for _, fact in request], None)
        assert loan
        next_on = known[stream]
        assert next_on == loans.next_action_on(loan)
        assert next_on is None or next_on > PLAN.until


def test_commands_are_known_by_the_keys_that_the_desk_makes(ledger: Ledger) -> None:
    for requests in streams(ledger).values():
        for number, request in enumerate(requests):
            event, _ = request[0]
            command = command_of(request, decided_on(request))
            envelope = read(event.state)
            principal, key = ledger.settings.principal, key_of(event, number)
            if isinstance(command, VisitLoan):
                principal, key = DAY_END, f"dayend:{command.business_date}:{event.key}"
            assert envelope.commandid == ledger.keys.command_id("dev", principal, key).hex()
            assert envelope.commandhash == ledger.keys.command_hash(command.body()).hex()


def key_of(event: RecordedEvent, number: int) -> str:
    """Requests of a loan are numbered from 1, those of the long one by the version before."""
    return f"{event.key}-{event.version - 1 if event.key == LONG_LOAN else number + 1}"


def test_a_command_of_the_book_is_answered_again_and_new_ones_go_on(copy: Ledger) -> None:
    opened = streams(copy)["loan/loan-0000150"][0]
    order = Order(
        command=command_of(opened, PLAN.until), key="loan-0000150-1", today=PLAN.until, principal="operator:cli"
    )
    answer = copy.desk.execute(order)
    assert isinstance(answer, Answer)
    assert answer.again
    payment = RecordPayment(loan_id="loan-0000150", amount_minor=1_00)
    head = copy.journal.head().position
    paid = copy.desk.execute(replace(order, command=payment, key="new", today=copy.today()))
    assert paid.first_position == head + 1
    assert copy.day_ends.run_until(copy.today(), today=copy.today())[-1].closed
    assert problems(copy) == []


def test_projections_fold_it(copy: Ledger) -> None:
    recorded = streams(copy)
    with copy.queries() as queries:
        rows = {row.loan: row for row in queries.balances(limit=1000).loans}
        assert {f"loan/{name}" for name in rows} == recorded.keys()
        for name, requests in recorded.items():
            newest = requests[-1][-1][1]
            row = rows[name.removeprefix("loan/")]
            assert isinstance(newest, LoanEvent)
            assert (row.status, row.principal_minor, row.overdue_minor, row.credit_minor) == (
                newest.standing.status,
                newest.standing.principal_minor,
                newest.standing.overdue_minor,
                newest.standing.credit_minor,
            )
            balance = queries.balance_as_of(row.loan, PLAN.until)
            assert (balance.principal_minor, balance.credit_minor) == (row.principal_minor, row.credit_minor)
            assert sum(account.amount_minor for account in balance.accounts) == 0
    assert {"active", "overdue", "paid_off"} == {row.status for row in rows.values()}


def test_the_share_of_late_loans_is_as_planned(ledger: Ledger) -> None:
    types = Counter(
        any(isinstance(fact, DelinquencyChanged) for request in requests for _, fact in request)
        for requests in streams(ledger).values()
        if requests[0][0][0].position < 200  # old enough to have fallen due
    )
    assert 0.2 < types[True] / types.total() < 0.8


def tables(database: Database) -> dict[str, list[Any]]:
    with database.connect() as connection:
        return {name: connection.execute(f"select * from journal.{name} order by 1").fetchall() for name in TABLES}


def test_the_same_seed_makes_the_same_book_and_another_seed_another(
    made: Database, fresh_database: Fresh, key_folder: Path
) -> None:
    again, other = fresh_database(None), fresh_database(None)
    with a_ledger(again, key_folder) as ledger:
        ledger.write_dev_book("dev", PLAN)
    with a_ledger(other, key_folder) as ledger:
        ledger.write_dev_book("dev", replace(PLAN, seed=2))
    assert tables(again) == tables(made)
    assert tables(other) != tables(made)


def test_a_book_made_by_several_processes_is_the_same(
    fresh_database: Fresh, key_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, here, there = replace(PLAN, loans=40), fresh_database(None), fresh_database(None)
    with a_ledger(here, key_folder) as ledger:
        ledger.write_dev_book("dev", plan)
    monkeypatch.setattr(dev_book, "_FEW_LOANS", 0)
    with a_ledger(there, key_folder) as ledger:
        ledger.write_dev_book("dev", plan)
    assert tables(there) == tables(here)


def test_a_journal_with_events_is_refused_and_stays_as_it_is(copy: Ledger) -> None:
    head = copy.journal.head()
    with pytest.raises(JournalNotEmpty, match=f"holds {head.position} events"):
        copy.write_dev_book("dev", PLAN)
    assert copy.journal.head() == head


def test_a_book_that_ends_tomorrow_is_refused(copy: Ledger) -> None:
    with pytest.raises(InvalidPlan, match="Give a day that is over"):
        copy.write_dev_book("dev", replace(PLAN, until=NOW.date()))


def test_a_book_that_is_broken_off_leaves_nothing(fresh_database: Fresh, tmp_path: Path) -> None:
    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    database = fresh_database(None)
    with a_ledger(database, tmp_path) as ledger:
        with pytest.raises(KeyboardInterrupt):
            ledger.write_dev_book("dev", PLAN, progress=give_up)
        assert ledger.find_book() is None


def published(ledger: Ledger) -> None:
    with ledger.relay() as relay:
        relay.drain()


def test_a_journal_restored_from_kafka_is_equal(
    fresh_database: Fresh, key_folder: Path, kafka_bootstrap: str, book_id: str
) -> None:
    plan: Plan = replace(PLAN, loans=30)
    made, restored = fresh_database(None), fresh_database(None)
    with a_ledger(made, key_folder, kafka_bootstrap=kafka_bootstrap) as ledger:
        ledger.write_dev_book(book_id, plan)
        published(ledger)
    with a_ledger(restored, key_folder, kafka_bootstrap=kafka_bootstrap) as ledger:
        assert ledger.restore(book_id, whole=True).count == ledger.journal.head().position
    assert tables(restored) == tables(made)
