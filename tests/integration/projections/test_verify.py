"""Rows that somebody changed are found, with loan, event and column."""

import re
from dataclasses import replace

import pytest

from projections import audit_trail, delinquency, loan_now, postings
from projections.catalogue import PROJECTIONS
from projections.errors import NotOfLoans, PoisonedEvent, ProjectionDrifted, ProjectionNotFound
from projections.projection import Projection
from projections.verify import Verified, verify
from schemas.payments.events import PaymentReceived
from schemas.registry import REGISTRY
from tests.integration.projections.recorded_book import RecordedBook
from tests.integration.projections.test_projecting import forbid_amounts

BY_LOAN = [
    each
    for each in PROJECTIONS
    if all(re.search(rb"\b%b\b" % column, each.statements["rows"]) for column in (b"loan", b"currency", b"position"))
]
"""Those whose rows a test can change in the same way."""


def verified(recorded: RecordedBook, projection: Projection, *loans: str, batch: int = 7) -> Verified:
    return verify(
        recorded.database, recorded.journal, recorded.book, projection, loans=list(loans) or None, batch=batch
    )


def execute(recorded: RecordedBook, statement: str) -> None:
    with recorded.database.connect("ledger_projector") as connection:
        assert connection.execute(statement.encode()).rowcount > 0


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: str(projection.name))
def test_rows_that_workers_made_are_what_their_events_make(recorded: RecordedBook, projection: Projection) -> None:
    recorded.every_kind()
    recorded.catches_up()
    found = verified(recorded, projection)
    found.require()
    types = [event.type for event in recorded.journal.after(0, 1_000)]
    assert found.events == len([kind for kind in types if projection.takes is None or kind in projection.takes])


@pytest.mark.parametrize("projection", BY_LOAN, ids=lambda projection: str(projection.name))
def test_some_loans_are_compared_and_no_others(recorded: RecordedBook, projection: Projection) -> None:
    recorded.lives(5)
    recorded.catches_up()
    execute(recorded, f"update projections.{projection.tables[0]} set currency = 'EUR' where loan = 'loan-3'")
    verified(recorded, projection, "loan-2", "loan-4").require()
    with pytest.raises(ProjectionDrifted, match="loan-3"):
        verified(recorded, projection, "loan-2", "loan-3").require()


@pytest.mark.parametrize("projection", BY_LOAN, ids=lambda projection: str(projection.name))
def test_the_first_row_that_somebody_changed_is_named_with_its_event_and_both_values(
    recorded: RecordedBook, projection: Projection
) -> None:
    recorded.lives(5)
    recorded.catches_up()
    execute(recorded, f"update projections.{projection.tables[0]} set currency = 'EUR' where loan = 'loan-3'")
    found = verified(recorded, projection)
    position = found.difference and found.difference.position
    assert position
    [event] = recorded.journal.between(position, position)
    assert (event.key, event.type) == ("loan-3", found.type)
    with pytest.raises(ProjectionDrifted, match=f"loan loan-3, position {position}.*currency EUR instead of USD"):
        found.require()


def test_a_row_that_is_gone_and_one_that_was_put_in_are_named(recorded: RecordedBook) -> None:
    recorded.lives(5)
    recorded.catches_up()
    execute(recorded, "update projections.loan_now set loan = 'a' where loan = 'loan-3'")
    with pytest.raises(ProjectionDrifted, match=r"the row of loan a, position \d+ should not be there"):
        verified(recorded, loan_now.PROJECTION).require()
    execute(recorded, "delete from projections.loan_now where loan = 'a'")
    with pytest.raises(ProjectionDrifted, match=r"the row of loan loan-3, position \d+ is missing"):
        verified(recorded, loan_now.PROJECTION, "loan-3").require()


def test_events_beyond_the_checkpoint_are_not_expected_yet(recorded: RecordedBook) -> None:
    head = recorded.lives(3)
    recorded.catches_up()
    recorded.lives(3)
    found = verified(recorded, audit_trail.PROJECTION)
    found.require()
    assert found.events == head


def test_rows_of_no_single_loan_are_verified_as_a_whole_only(recorded: RecordedBook) -> None:
    recorded.catches_up()
    rows = b"select book, currency, count(*) from loan_now where book = %(book)s group by book, currency"
    statements = {**loan_now.PROJECTION.statements, "rows": rows}
    whole = replace(loan_now.PROJECTION, key=("currency",), statements=statements)
    verified(recorded, whole).require()
    with pytest.raises(NotOfLoans, match="Verify all of it"):
        verified(recorded, whole, "loan-1")


def test_what_nobody_has_built_is_named(recorded: RecordedBook) -> None:
    with pytest.raises(ProjectionNotFound, match="ledger project --once"):
        verified(recorded, loan_now.PROJECTION)


def test_an_event_of_a_type_that_nobody_knows_is_raised(
    recorded: RecordedBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.lives(1)
    recorded.catches_up()
    monkeypatch.delitem(REGISTRY.types, PaymentReceived.TYPE)
    with pytest.raises(PoisonedEvent, match=r"ledger\.payment\.received\.v1"):
        verified(recorded, delinquency.PROJECTION)


def test_where_a_projection_stands_still_is_said_with_the_position_up_to_which_it_was_verified(
    recorded: RecordedBook,
) -> None:
    recorded.catches_up()
    forbid_amounts(recorded, 40_00)
    recorded.lives(4)
    with pytest.raises(PoisonedEvent):
        recorded.catches_up()
    found = verified(recorded, postings.PROJECTION)
    found.require()
    positions = recorded.positions("postings")
    assert found.stopped
    assert all(each.position == positions[each.partition] and each.problem for each in found.stopped)
    assert verified(recorded, loan_now.PROJECTION).stopped == []


def test_a_drift_is_mended_by_the_command_that_it_names(recorded: RecordedBook) -> None:
    recorded.lives(3)
    recorded.catches_up()
    execute(recorded, "update projections.loan_now set currency = 'EUR' where loan = 'loan-3'")
    with pytest.raises(ProjectionDrifted, match="ledger projections rebuild loan_now --accept REASON"):
        verified(recorded, loan_now.PROJECTION).require()


def test_a_sample_is_of_so_many_loans_that_there_are(recorded: RecordedBook) -> None:
    recorded.lives(9)
    some = recorded.journal.some_loans(4)
    assert len(set(some)) == 4
    assert set(some) <= {f"loan-{number}" for number in range(1, 10)}
    assert len(recorded.journal.some_loans(100)) == 9


def test_a_verification_leaves_nothing_behind(recorded: RecordedBook) -> None:
    recorded.lives(3)
    recorded.catches_up()
    before = tables(recorded)
    verified(recorded, loan_now.PROJECTION)
    assert tables(recorded) == before


def tables(recorded: RecordedBook) -> set[tuple[str, str]]:
    with recorded.database.connect("ledger_reader") as connection:
        return set(connection.execute("select schemaname, tablename from pg_tables").fetchall())
