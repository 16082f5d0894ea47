"""A balance from snapshots is the plain sum of the lines, on both axes, however the events were cut into batches."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.journal.database import Connection
from projections import builds, postings
from projections.digest import digest
from projections.feed import FeedEvent
from projections.place import Place
from projections.projection import Fact
from projections.queries import Queries
from projections.reading import Reader
from schemas.envelope import Attributes, write
from schemas.loans.events import LoanPaidOff
from schemas.payments.events import PaymentReversed
from schemas.values import ABSENT, LoanEvent, MoneyEvent, Posting, Standing
from tests.integration.projections.recorded_book import RecordedBook, a_skip, opened
from tests.loan_builders import BASIS, OPENED, days

Cell = tuple[str, str | None, int | None]
STANDING = Standing(status="active", principal_minor=0, overdue_minor=0, total_due_minor=0, credit_minor=0)
LAST_DAY = 90
NOW = 2**62

amounts = st.integers(-5, 5)
value_days = st.integers(0, LAST_DAY)
lines = st.tuples(st.sampled_from(["receivable", "cash"]), amounts, value_days, st.integers(1, 3))
entries = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.none() | st.lists(lines, max_size=6)), max_size=60)


def fact(position: int, version: int, loan: str, postings: Sequence[Posting] | None) -> Fact:
    """An event that moves money as told, or (None) none at all. What else it says plays no part here."""
    if postings is None:
        return recorded_fact(position, version, loan, a_payoff(loan))
    event = PaymentReversed(
        loan_id=loan,
        currency="USD",
        standing=STANDING,
        basis=BASIS,
        booking_date=OPENED,
        postings=tuple(postings),
        payment_id="p",
        amount_minor=1,
        paid_on=OPENED,
        reversed_on=OPENED,
        cause="bank_return",
    )
    return recorded_fact(position, version, loan, event)


def a_payoff(loan: str) -> LoanPaidOff:
    return LoanPaidOff(loan_id=loan, currency="USD", standing=STANDING, basis=BASIS, paid_off_on=OPENED)


def recorded_fact(position: int, version: int, loan: str, event: LoanEvent) -> Fact:
    attributes = Attributes(
        specversion="1.0",
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        type=event.TYPE,
        source="/books/b",
        subject=loan,
        time="2026-03-01T00:00:00.000000Z",
        datacontenttype="application/json",
        stream=f"loan/{loan}",
        streamversion=version,
        prevhash=ABSENT if version == 1 else "0" * 64,
        valuedate=OPENED,
        actor="operator:test",
        correlationid="test",
        requestindex=1,
        requestsize=1,
    )
    state = write(attributes, event)
    return Fact(FeedEvent(position, position, version, 0, event.TYPE, state))


def facts_of(entered: Sequence[tuple[str, Sequence[tuple[str, int, int, int]] | None]]) -> list[Fact]:
    """One event for each entry, at every second position; a last line makes it add up to zero, None has no lines."""
    versions = Counter[str]()
    facts: list[Fact] = []
    for number, (loan, found) in enumerate(entered, 1):
        versions[loan] += 1
        facts.append(fact(2 * number, versions[loan], loan, None if found is None else balanced(found)))
    return facts


def balanced(found: Sequence[tuple[str, int, int, int]]) -> list[Posting]:
    moved = [posting(account, amount, day, installment) for account, amount, day, installment in found]
    rest = Posting(account="funding", amount_minor=-sum(each.amount_minor for each in moved), value_date=OPENED)
    return [*moved, rest]


def posting(account: str, amount_minor: int, day: int, installment: int) -> Posting:
    on = OPENED + timedelta(day)
    if account == "cash":
        return Posting(account=account, amount_minor=amount_minor, value_date=on)
    return Posting(
        account=account, amount_minor=amount_minor, value_date=on, component="principal", installment=installment
    )


def plain_sum(facts: Sequence[Fact], loan: str, on: date, known_at: int) -> dict[Cell, int]:
    sums = Counter[Cell]()
    for each in facts:
        if isinstance(each.event, MoneyEvent) and each.event.loan_id == loan and each.position <= known_at:
            for line in each.event.postings:
                if line.value_date <= on:
                    sums[line.account, line.component or None, line.installment or None] += line.amount_minor
    return {cell: amount for cell, amount in sums.items() if amount}


@dataclass(frozen=True)
class Table:
    """The postings of a book, without the worker that fills them otherwise."""

    recorded: RecordedBook
    connection: Connection
    monkeypatch: pytest.MonkeyPatch

    def fill(self, facts: Sequence[Fact], chance: random.Random) -> str:
        """Apply facts in batches cut by chance, some of them twice, now and then from the first one on; the digest."""
        builds.begin(self.connection, postings.PROJECTION, Place.LIVE)
        builds.index(self.connection, postings.PROJECTION, Place.LIVE)
        done = 0
        while done < len(facts):
            begin = 0 if chance.random() < 0.1 else max(0, done - chance.randint(0, 3))
            done += chance.choice([1, 2, 7, 40])
            with self.connection.transaction():
                postings.apply(self.connection, self.recorded.book, facts[begin:done])
        return digest(self.recorded.database, self.recorded.book.book_id, postings.PROJECTION)

    def balance(self, loan: str, on: date, known_at: int) -> dict[Cell, int]:
        at = Reader(self.connection, self.recorded.book.book_id)
        rows = at.dicts("balance", {"loan": loan, "as_of": on, "known_at": known_at})
        return {(row["account"], row["component"], row["installment"]): row["amount_minor"] for row in rows}


@pytest.fixture
def table(recorded: RecordedBook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with recorded.database.connect("ledger_projector", options=Place.LIVE.options) as connection:
        yield Table(recorded, connection, monkeypatch)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recorded=entries.map(facts_of),
    every=st.sampled_from([1, 2, 3, 5, 8, 256]),
    skipped=st.sets(st.integers(1, 30), max_size=4),
    seed=st.integers(0, 2**32),
)
def test_a_balance_is_the_plain_sum_whatever_the_dates_the_positions_the_batches_and_what_is_skipped(
    table: Table, recorded: Sequence[Fact], every: int, skipped: set[int], seed: int
) -> None:
    table.monkeypatch.setattr(postings, "SNAPSHOT_EVERY", every)
    chance = random.Random(seed)
    facts = [fact for fact in recorded if fact.position // 2 not in skipped]
    assert table.fill(facts, chance) == table.fill(facts, chance)
    for _ in range(30):
        loan, on = chance.choice("abc"), OPENED + timedelta(chance.randint(-1, LAST_DAY))
        known_at = chance.choice([chance.randint(0, 2 * len(recorded) + 1), NOW])
        assert table.balance(loan, on, known_at) == plain_sum(facts, loan, on, known_at)


def a_long_life(recorded: RecordedBook) -> int:
    """210 payments, every tenth of them known late, the last ones returned; the last position."""
    life = opened("long")
    for number in range(210):
        life.pays(30, days(number if number % 10 else max(-30, number - 60)), today=days(200 + number))
    for number in range(150, 210):
        life.reverses(f"p{number}", days(500))
    return recorded.records("loan/long", life.events)


def test_a_long_life_has_snapshots_and_the_same_digest_from_any_batches(
    recorded: RecordedBook, queries: Queries
) -> None:
    last = a_long_life(recorded)
    recorded.catches_up()
    at_once = recorded.digests()
    with recorded.database.connect("ledger_reader", options=Place.LIVE.options) as connection:
        [(taken, late)] = connection.execute(
            "select (select count(*) from postings_snapshot), (select count(*) from postings where late)"
        ).fetchall()
    assert taken >= 2
    assert late >= 50
    recorded.forgets_everything()
    script = [
        batch._replace(events=batch.events[:cut]) for cut in (7, 90, None) for batch in recorded.batches().values()
    ]
    with recorded.fed_with(*script) as runner:
        for _ in script:
            runner.step()
    assert recorded.digests() == at_once
    facts = [Fact(event) for batch in recorded.batches().values() for event in batch.events]
    for known_at in range(1, last + 1, 13):
        for on in map(days, (-31, -30, 0, 20, 120, 300)):
            accounts = queries.balance_as_of("long", on, known_at=known_at).accounts
            found = {(each.account, each.component, each.installment): each.amount_minor for each in accounts}
            assert found == plain_sum(facts, "long", on, known_at)


@pytest.mark.parametrize("skipped", [None, postings.SNAPSHOT_EVERY], ids=["nothing", "boundary"])
@pytest.mark.parametrize("cut", [100, 130, 250])
def test_a_checkpoint_that_is_deleted_in_the_middle_of_a_long_life_changes_nothing(
    recorded: RecordedBook, cut: int, skipped: int | None
) -> None:
    """`skipped`: the number of an event of that life which postings pass over: one after which a snapshot is due."""
    last = a_long_life(recorded)
    [whole] = [batch for batch in recorded.batches().values() if batch.events[-1].position == last]
    if skipped:
        position = next(event.position for event in whole.events if event.streamversion == skipped)
        skip = a_skip(recorded.book.book_id, position, "postings", whole.partition)
        recorded.records(f"book/{recorded.book.book_id}", [skip])
    with recorded.fed_with(whole._replace(events=whole.events[:cut])) as runner:
        runner.step()
    with recorded.database.connect("ledger_projector") as connection:
        assert connection.execute("delete from projections.checkpoint where projection = 'postings'").rowcount
    rest = [whole._replace(events=whole.events[:end]) for end in (cut - 20, cut + 20, None)]
    with recorded.fed_with(*rest) as runner:
        for _ in rest:
            runner.step()
        assert not runner.stopped
    recorded.catches_up()
    assert recorded.digests() == recorded.digests_from_the_journal()
