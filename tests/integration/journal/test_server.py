"""A server that is away, comes back, or is not safe to keep a journal on."""

import socket
import time
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.journal.database import Database
from ledger.journal.errors import JournalMisconfigured, JournalUnavailable, UnsafeServer
from ledger.journal.inspection import inspect
from ledger.journal.journal import Journal
from ledger.journal.records import Verdict
from tests.integration.journal.requests import a_request, assert_dense, everything

UNSAFE = {
    "synchronous_commit": "off",
    "default_transaction_isolation": "'repeatable read'",
}


def a_closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port


def name_of(database: Database) -> sql.Identifier:
    return sql.Identifier(str(conninfo_to_dict(database.url)["dbname"]))


def set_open(database: Database, server_url: str, allowed: bool) -> None:
    """Let sessions into a database, or end them all and let none in: as if its server were away."""
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("alter database {} with allow_connections {}").format(name_of(database), sql.Literal(allowed))
        )
        if not allowed:
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
                (conninfo_to_dict(database.url)["dbname"],),
            )


@pytest.mark.parametrize(("setting", "value"), UNSAFE.items())
def test_a_server_that_could_lose_or_mix_up_events_is_refused(database: Database, setting: str, value: str) -> None:
    with database.connect() as connection:
        connection.execute(
            sql.SQL("alter database {} set {} = " + value).format(name_of(database), sql.Identifier(setting))
        )
    with pytest.raises(UnsafeServer, match=f"the server runs with {setting} = "):
        Journal(database)
    assert [check.name for check in inspect(database) if not check.ok] == ["durability"]


def test_a_server_that_nobody_listens_at_is_unavailable_at_once() -> None:
    url = f"postgresql://somebody:a-secret@127.0.0.1:{a_closed_port()}/ledger"
    started = time.monotonic()
    with pytest.raises(JournalUnavailable, match="see that the server runs") as refusal:
        Journal(Database(url=url, connect_timeout_s=2))
    assert time.monotonic() - started < 10
    assert "a-secret" not in str(refusal.value)


def test_a_server_that_does_not_answer_is_unavailable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://ledger@127.0.0.1:{silent.getsockname()[1]}/ledger"
        started = time.monotonic()
        with pytest.raises(JournalUnavailable):
            Journal(Database(url=url, connect_timeout_s=2))
        assert time.monotonic() - started < 10


def test_an_address_that_cannot_be_read_is_misconfigured_and_keeps_its_secret() -> None:
    with pytest.raises(JournalMisconfigured, match="write postgresql://"):
        Journal(Database(url="postgresql://a-secret@[host/ledger"))


def test_a_server_that_goes_away_is_unavailable_in_bounded_time_and_good_again_when_back(
    database: Database, server_url: str
) -> None:
    impatient = replace(database, connect_timeout_s=2)
    with Journal(impatient, patience_s=2) as journal:
        journal.append([a_request("a")])
        set_open(database, server_url, allowed=False)
        started = time.monotonic()
        with pytest.raises(JournalUnavailable):
            journal.append([a_request("b")])
        assert time.monotonic() - started < 15
        set_open(database, server_url, allowed=True)
        assert _retried(journal) is Verdict.APPENDED
        assert_dense(everything(journal))


def _retried(journal: Journal) -> Verdict:
    """Append until the server is back, at most 20 seconds long."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return journal.append([a_request("b")])[0].verdict
        except JournalUnavailable:
            assert time.monotonic() < deadline


def test_a_connection_that_breaks_is_replaced_without_the_caller_noticing(database: Database, server_url: str) -> None:
    with Journal(database, pool_size=1) as journal:
        for number in range(3):
            _end_sessions(database, server_url)
            [outcome] = journal.append([a_request(f"l{number}", key=f"k{number}")])
            assert outcome.verdict is Verdict.APPENDED
        assert_dense(everything(journal))


def _end_sessions(database: Database, server_url: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            (conninfo_to_dict(database.url)["dbname"],),
        )


def test_a_lock_that_is_not_given_back_ends_in_a_named_error(database: Database) -> None:
    holder = database.connect("ledger_owner", autocommit=False)
    with holder, Journal(replace(database, statement_timeout_s=1), patience_s=2) as journal:
        holder.execute("select * from journal.head for update")
        with pytest.raises(JournalUnavailable, match="statement timeout"):
            journal.append([a_request("a")])
        holder.rollback()
        assert journal.append([a_request("a")])[0].verdict is Verdict.APPENDED


def test_a_wait_for_all_connections_to_be_given_back_is_bounded(database: Database) -> None:
    holder = database.connect("ledger_owner", autocommit=False)
    with holder, Journal(replace(database, statement_timeout_s=1), pool_size=1, patience_s=0) as journal:
        holder.execute("lock table journal.event in access exclusive mode")
        with pytest.raises(JournalUnavailable):
            journal.after(0, 1)
        holder.rollback()
        assert journal.after(0, 1) == []


def test_an_address_is_shown_without_user_and_password() -> None:
    database = Database(url="postgresql://ann:a-secret@db.example:5433/ledger")
    assert database.address == "db.example:5433/ledger"
    assert Database(url=make_conninfo(database.url, dbname="x")).address == "db.example:5433/x"
