"""Events that cannot be applied: who stands still, who is told, and how it goes on."""

from dataclasses import replace

import pytest

from ledger.clock import system_clock
from projections import postings
from projections.dead_letters import DeadLetter, DeadLetters
from projections.errors import AppliedAlready, DeadLetterNotFound, PoisonedEvent, ProjectionStopped
from projections.feed import Batch
from projections.freshness import Patience, bring_current
from projections.queries import Queries
from projections.rebuild import Rebuild
from projections.verify import verify
from tests.integration.projections.recorded_book import RecordedBook, a_skip, eventually, running
from tests.integration.projections.test_projecting import allow_amounts, forbid_amounts

POISON_MINOR = 40_00  # one event of each life posts it


@pytest.fixture
def letters(recorded: RecordedBook) -> DeadLetters:
    return DeadLetters(recorded.database, recorded.journal, recorded.book.book_id)


def poisoned(recorded: RecordedBook) -> DeadLetter:
    """Lives of which one event cannot be posted; what is noted about the first of them."""
    recorded.lives(4)
    with recorded.worker() as runner:
        forbid_amounts(recorded, POISON_MINOR)
        with pytest.raises(PoisonedEvent):
            runner.catch_up()
    return DeadLetters(recorded.database, recorded.journal, recorded.book.book_id).all()[0]


def of_the_future(recorded: RecordedBook) -> tuple[Batch, int]:
    """The batch of the fullest partition, with an event in it that nobody knows yet, and its position."""
    recorded.lives(12)
    batch = max(recorded.batches().values(), key=lambda batch: len(batch.events))
    third = batch.events[2]._replace(type="ledger.loan.sold.v9")
    return Batch(batch.partition, (*batch.events[:2], third, *batch.events[3:])), third.position


def skip(recorded: RecordedBook, letter: DeadLetter, projection: str | None = "postings") -> None:
    """As the book's desk does it."""
    with DeadLetters(recorded.database, recorded.journal, recorded.book.book_id).skipping(letter.position, projection):
        event = a_skip(recorded.book.book_id, letter.position, projection, letter.partition)
        recorded.records(f"book/{recorded.book.book_id}", [event])


def test_a_dead_letter_names_event_projection_and_error(recorded: RecordedBook) -> None:
    letter = poisoned(recorded)
    [event] = recorded.journal.between(letter.position, letter.position)
    assert (letter.projection, letter.partition, letter.stream) == ("postings", event.partition, event.stream)
    assert (letter.type, letter.status, letter.times) == ("ledger.payment.received.v1", "stopped", 1)
    assert (letter.code, letter.seen_at) == ("CheckViolation", letter.first_seen_at)
    assert "forbidden" in letter.reason


def test_only_the_first_event_of_a_partition_is_a_dead_letter(recorded: RecordedBook, letters: DeadLetters) -> None:
    poisoned(recorded)
    partitions = [letter.partition for letter in letters.all()]
    assert len(partitions) == len(set(partitions))


def test_a_dead_letter_that_is_new_was_seen_first_and_last_at_the_same_instant(
    recorded: RecordedBook, letters: DeadLetters
) -> None:
    """Of a hundred at least one saw the clock go on between two readings."""
    poisoned(recorded)
    for _ in range(25):
        with recorded.database.connect("ledger_projector") as connection:
            connection.execute("delete from projections.dead_letter")
        with recorded.worker() as runner, pytest.raises(PoisonedEvent):
            runner.catch_up()
        assert [letter.first_seen_at == letter.seen_at for letter in letters.all()] == [True] * 4


def test_what_is_tried_again_in_vain_stays_one_dead_letter(recorded: RecordedBook, letters: DeadLetters) -> None:
    first = poisoned(recorded)
    with recorded.worker() as runner, pytest.raises(PoisonedEvent):
        runner.catch_up()
    again = letters.all()[0]
    assert (again.first_seen_at, again.times) == (first.first_seen_at, 2)
    assert again.seen_at > first.seen_at


def test_retry_lets_a_worker_go_on_that_stands_still(recorded: RecordedBook, letters: DeadLetters) -> None:
    letter = poisoned(recorded)
    with recorded.worker(retry_s=0.05, beat_s=0.05) as runner, running(runner):
        eventually(lambda: ("postings", letter.partition) in runner.stopped)
        allow_amounts(recorded)
        assert [each.name for each in letters.retry(letter.position)] == ["postings"]
        eventually(lambda: recorded.positions("postings")[letter.partition] > letter.position)
        [found] = letters.at(letter.position)
        assert found.status == "applied"


def test_retry_too_early_stops_again_and_says_why(recorded: RecordedBook, letters: DeadLetters) -> None:
    letter = poisoned(recorded)
    with recorded.worker(retry_s=0.05, beat_s=0.05) as runner, running(runner):
        eventually(lambda: ("postings", letter.partition) in runner.stopped)
        projections = letters.retry(letter.position)
        with pytest.raises(ProjectionStopped, match="poisoned_event"):
            bring_current(
                recorded.database,
                recorded.journal,
                recorded.book,
                patience=Patience(timeout_s=20),
                position=letter.position,
                projections=projections,
            )


def test_what_is_skipped_is_passed_over_now_and_by_every_later_build(
    recorded: RecordedBook, letters: DeadLetters
) -> None:
    poisoned(recorded)
    for letter in letters.all():
        skip(recorded, letter)
    recorded.catches_up()
    allow_amounts(recorded)  # a build from zero could apply them by now, and must not
    once = recorded.digests()
    assert recorded.digests_from_the_journal() == once
    positions = [letter.position for letter in letters.all() if letter.status == "skipped"]
    with recorded.database.connect("ledger_reader") as connection:
        query = "select count(*) from projections.postings where position = any(%s)"
        assert (len(positions), connection.execute(query, (positions,)).fetchone()) == (4, (0,))


def test_rebuild_and_verify_pass_over_what_is_skipped(recorded: RecordedBook, letters: DeadLetters) -> None:
    """The tables of the new build refuse nothing, so that it could apply all events."""
    poisoned(recorded)
    for letter in letters.all():
        skip(recorded, letter)
    recorded.catches_up()
    part = (recorded.database, recorded.journal, recorded.book, postings.PROJECTION)
    assert verify(*part).difference is None
    with Rebuild(*part, clock=system_clock, principal="operator:test") as rebuild:
        rebuilt = rebuild.run()
    assert rebuilt.digest == rebuilt.replaced_digest


def test_a_rebuild_that_cannot_apply_an_event_ends_with_it_and_writes_no_dead_letter(
    recorded: RecordedBook, letters: DeadLetters
) -> None:
    recorded.lives(1)
    recorded.catches_up()
    before = recorded.digests()
    broken = replace(postings.PROJECTION, apply=refuses)
    with (
        Rebuild(
            recorded.database, recorded.journal, recorded.book, broken, clock=system_clock, principal="operator:test"
        ) as rebuild,
        pytest.raises(PoisonedEvent, match="no such account"),
    ):
        rebuild.run()
    assert (letters.all(), recorded.digests()) == ([], before)


def refuses(*_: object) -> None:
    raise ValueError("no such account")


def test_a_worker_that_stands_still_goes_on_after_a_skip(recorded: RecordedBook, letters: DeadLetters) -> None:
    letter = poisoned(recorded)
    with recorded.worker(retry_s=0.05, beat_s=0.05) as runner, running(runner):
        eventually(lambda: ("postings", letter.partition) in runner.stopped)
        skip(recorded, letter)
        eventually(lambda: recorded.positions("postings")[letter.partition] >= letter.position)
    assert letters.at(letter.position)[0].status == "skipped"


def test_a_worker_that_claimed_before_a_skip_cannot_apply_the_event_after_it(recorded: RecordedBook) -> None:
    letter = poisoned(recorded)
    batch = recorded.batches()[letter.partition]
    with recorded.fed_with(Batch(batch.partition, ()), batch) as late:
        late.step()
        allow_amounts(recorded)
        skip(recorded, letter)
        late.step()
    assert recorded.positions("postings")[letter.partition] < letter.position
    assert ("postings", letter.partition) not in late.stopped


def test_an_event_that_nobody_can_read_is_skipped_for_all(recorded: RecordedBook, letters: DeadLetters) -> None:
    batch, position = of_the_future(recorded)
    with recorded.fed_with(batch) as runner:
        runner.step()
    skip(recorded, letters.at(position)[0], None)
    with recorded.fed_with(batch) as runner:
        runner.step()
        assert not runner.stopped
    assert {each.status for each in letters.at(position)} == {"skipped"}


def test_what_others_have_applied_is_not_skipped_for_all(recorded: RecordedBook, letters: DeadLetters) -> None:
    letter = poisoned(recorded)
    with (
        pytest.raises(AppliedAlready, match=r"audit_trail applied it.*--projection postings"),
        letters.skipping(letter.position),
    ):
        pytest.fail("it was allowed")


@pytest.mark.parametrize(("offset", "projection"), [(1, None), (0, "loan_now")])
def test_what_is_no_dead_letter_is_neither_retried_nor_skipped(
    recorded: RecordedBook, letters: DeadLetters, offset: int, projection: str | None
) -> None:
    position = poisoned(recorded).position + offset
    with pytest.raises(DeadLetterNotFound):
        letters.retry(position, projection)
    with pytest.raises(DeadLetterNotFound), letters.skipping(position, projection):
        pytest.fail("it was allowed")


def test_a_skip_that_cannot_be_recorded_changes_nothing(recorded: RecordedBook, letters: DeadLetters) -> None:
    letter = poisoned(recorded)
    with pytest.raises(ConnectionError), letters.skipping(letter.position, "postings"):
        raise ConnectionError("the journal was away")
    assert letters.all()[0] == letter


def test_lag_is_loud_about_what_stands_still(recorded: RecordedBook, letters: DeadLetters, queries: Queries) -> None:
    poisoned(recorded)
    [loud] = [each for each in queries.lag(recorded.journal) if each.problem]
    assert (loud.projection, loud.stopped, loud.dead_letters) == ("postings", loud.partitions, len(letters.all()))
    allow_amounts(recorded)
    recorded.catches_up()
    assert {(each.stopped, each.dead_letters) for each in queries.lag(recorded.journal)} == {(0, 0)}


def test_what_was_applied_is_no_dead_letter_again_for_who_reads_from_the_first_event(
    recorded: RecordedBook, queries: Queries
) -> None:
    poisoned(recorded)
    allow_amounts(recorded)
    recorded.catches_up()
    with recorded.database.connect("ledger_projector") as connection:
        assert connection.execute("delete from projections.checkpoint").rowcount
    assert {(each.events > 0, each.dead_letters) for each in queries.lag(recorded.journal)} == {(True, 0)}
