"""What an operator sees and types when an event cannot be applied."""

import pytest

from ledger.journal.database import Database
from tests.e2e.conftest import Program
from tests.e2e.test_serve import wait_for

POISON = "alter table projections.postings add constraint forbidden check (amount_minor <> 6660)"
CURE = "alter table projections.postings drop constraint forbidden"


def does(book: Program, statement: str) -> None:
    with Database(url=book.settings["LEDGER_DATABASE_URL"]).connect("ledger_projector") as connection:
        connection.execute(statement.encode())


@pytest.fixture
def stopped(book: Program) -> Program:
    """A book whose postings stand still at a payment."""
    book("loan", "open", "l1", "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
    book("trial-balance")
    does(book, POISON)
    book("pay", "l1", "66.60", "--on", "2026-01-15", "--payment", "p1")
    assert "error poisoned_event" in book("trial-balance", status=8).err
    return book


def test_a_question_that_does_not_need_what_stands_still_is_answered(stopped: Program) -> None:
    assert stopped("loan", "show", "l1", "--json").json["total_due_minor"] == 3340
    assert stopped("balances", "--json").json[0]["total_due_minor"] == 3340


def position(book: Program) -> str:
    [letter] = book("dead-letters", "list", "--json").json
    return str(letter["position"])


def test_a_dead_letter_is_listed_with_its_loan_and_why(stopped: Program) -> None:
    [letter] = stopped("dead-letters", "list", "--json").json
    told = {"projection": "postings", "stream": "loan/l1", "status": "stopped", "code": "CheckViolation", "times": 1}
    assert {name: letter[name] for name in told} == told
    assert "loan/l1" in stopped("dead-letters", "list").out


def test_a_dead_letter_is_shown_as_it_was_recorded(stopped: Program) -> None:
    shown = stopped("dead-letters", "show", position(stopped), "--json").json
    assert shown["event"]["data"]["payment_id"] == "p1"
    assert shown["hash"] == shown["letters"][0]["hash"]
    text = stopped("dead-letters", "show", position(stopped)).out
    assert all(word in text for word in ("postings stopped", "CheckViolation", '"amount_minor": 6660', shown["hash"]))


def test_status_is_loud_about_what_stands_still(stopped: Program) -> None:
    [row] = [each for each in stopped("project", "status", "--json").json["projections"] if each["problem"]]
    assert (row["projection"], row["stopped"], row["dead_letters"]) == ("postings", 1, 1)
    checked = stopped("project", "status", "--check", status=8)
    assert "ALARM postings stands still" in " ".join(checked.err.split())
    assert "error parts_stand_still" in checked.err


def test_status_tells_a_projection_that_is_left_out_from_one_that_stands_still(stopped: Program) -> None:
    stopped("balances")
    does(stopped, "update projections.build set version = 0 where projection = 'loan_now'")
    alarms = " ".join(stopped("projections", "lag").err.split())
    assert "ALARM postings stands still on 1 partitions: poisoned_event" in alarms
    assert "ALARM loan_now is left out: projection_rebuild_needed" in alarms


def test_a_retry_after_the_cure_brings_everything_forward(stopped: Program) -> None:
    assert "error poisoned_event" in stopped("dead-letters", "retry", position(stopped), status=8).err
    does(stopped, CURE)
    assert "to postings" in stopped("dead-letters", "retry", position(stopped)).out
    assert stopped("dead-letters", "list", "--json").json == []
    [letter] = stopped("dead-letters", "list", "--all", "--json").json
    assert (letter["status"], letter["times"]) == ("applied", 2)
    assert stopped("loan", "show", "l1", "--json").json["total_due_minor"] == 3340


def test_one_event_is_retried_or_skipped_while_another_one_still_stands_in_the_way_elsewhere(stopped: Program) -> None:
    stopped.start("project")
    wait_for(lambda: bool(stopped("project", "status", "--json").json["workers"]), "a worker")
    for loan in ("l2", "l5"):  # each on a partition of its own
        stopped("loan", "open", loan, "100.00", "--due", "2026-01-31", "--on", "2026-01-01")
        stopped("pay", loan, "66.60", "--on", "2026-01-15")
    wait_for(lambda: len(stopped("dead-letters", "list", "--json").json) == 3, "three dead letters")
    first, second, third = (str(each["position"]) for each in stopped("dead-letters", "list", "--json").json)
    does(stopped, CURE)
    retried = stopped("dead-letters", "retry", second, "--json").json
    assert retried == {"position": int(second), "applied": ["postings"]}
    skipped = stopped("dead-letters", "skip", third, "--projection", "postings", "--reason", "x", "--json").json
    assert (skipped["position"], skipped["projection"]) == (int(third), "postings")
    assert [str(each["position"]) for each in stopped("dead-letters", "list", "--json").json] == [first]


def test_a_running_worker_goes_on_after_a_skip_and_the_trail_shows_it(stopped: Program) -> None:
    stopped.start("project")
    where = position(stopped)
    arguments = ["dead-letters", "skip", where, "--projection", "postings", "--key", "k", "--reason", "swapped lines"]
    assert f"Skipped position {where}" in stopped(*arguments).out
    assert stopped(*arguments).out == stopped(*arguments).out
    assert stopped("project", "status", "--json").json["projections"][1]["problem"] is None
    assert "error already_skipped" in stopped(*arguments[:-4], "--reason", "again", status=3).err


def test_the_reason_of_a_skip_can_be_read_where_the_event_is_shown_and_listed(stopped: Program) -> None:
    where = position(stopped)
    skipped = stopped("dead-letters", "skip", where, "--projection", "postings", "--reason", "bank [sic] file twice")
    for [letter] in (
        stopped("dead-letters", "list", "--all", "--json").json,
        stopped("dead-letters", "show", where, "--json").json["letters"],
    ):
        assert (letter["status"], letter["skip_reason"]) == ("skipped", "bank [sic] file twice")
        assert letter["skipped_by"].startswith("operator:")
        assert f"recorded at position {letter['skipped_at_position']}" in skipped.out
    shown = " ".join(stopped("dead-letters", "show", where).out.split())
    assert "postings passes over it: bank [sic] file twice decided by operator:" in shown


def test_a_projection_that_is_none_is_refused_by_name(stopped: Program) -> None:
    for arguments in (["retry"], ["skip", "--reason", "x"]):
        refused = stopped("dead-letters", *arguments, position(stopped), "--projection", "nope", status=4)
        assert "error projection_not_found" in refused.err


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["show", "1"], 4, "dead_letter_not_found"),
        (["retry", "1"], 4, "dead_letter_not_found"),
        (["skip", "1", "--reason", "x"], 4, "dead_letter_not_found"),
        (["skip", "999", "--reason", "x"], 4, "event_not_found"),
        (["skip", "1", "--reason", ""], 2, "reason_missing"),
    ],
)
def test_what_is_no_dead_letter_is_refused_by_name(
    looked_at: Program, arguments: list[str], status: int, code: str
) -> None:
    assert f"error {code}" in looked_at("dead-letters", *arguments, status=status).err
