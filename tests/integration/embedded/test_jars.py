"""Kafka's jars: fetched by exact coordinates, checked whenever they are used, never left wrong."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.embedded import jars
from ledger.embedded.errors import FolderUnusable, JarsUnavailable, WheelMissing, WrongJar
from ledger.embedded.jars import Jar
from tests.integration.embedded.conftest import OrdinaryUser

FETCH = """
import sys
from pathlib import Path
from ledger.embedded import jars
small = tuple(jar for jar in jars.pinned() if jar.artifact in sys.argv[2:])
print(len(jars.ensure(small, Path(sys.argv[1]))))
"""


def named(artifact: str) -> Jar:
    return next(jar for jar in jars.pinned() if jar.artifact == artifact)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with three small jars, fetched in truth."""
    cache = tmp_path_factory.mktemp("cache with spaces ü")
    jars.ensure((named("slf4j-api"), named("jopt-simple"), named("activation")), cache)
    return cache


@pytest.fixture
def cache(fetched: Path, tmp_path: Path) -> Path:
    """A copy of that cache, to be spoiled."""
    return Path(shutil.copytree(fetched, tmp_path / "cache"))


def files(cache: Path) -> set[str]:
    return {path.name for path in (cache / "kafka").iterdir()}


def test_the_cache_holds_the_jars_and_nothing_else(fetched: Path) -> None:
    assert files(fetched) == {named(name).file_name for name in ("slf4j-api", "jopt-simple", "activation")}


def test_a_filled_cache_needs_no_downloader(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    jar = named("slf4j-api")
    assert jars.ensure((jar,), cache) == [cache / "kafka" / jar.file_name]


def test_an_empty_cache_without_the_downloader_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(WheelMissing, match="set LEDGER_KAFKA_BOOTSTRAP"):
        jars.ensure((named("slf4j-api"),), tmp_path)


def test_a_jar_changed_in_the_cache_is_named_and_removed(cache: Path) -> None:
    jar = named("slf4j-api")
    with (cache / "kafka" / jar.file_name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WrongJar, match=f"org.slf4j:slf4j-api.*{jar.sha256}.*Try again"):
        jars.ensure((jar,), cache)
    assert jar.file_name not in files(cache)


def test_a_removed_jar_is_fetched_anew(cache: Path) -> None:
    jar = named("slf4j-api")
    (cache / "kafka" / jar.file_name).unlink()
    seen: list[tuple[int, int]] = []
    jars.ensure((jar, named("jopt-simple")), cache, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_a_download_that_is_not_the_pinned_one_never_enters_the_cache(tmp_path: Path) -> None:
    wrong = replace(named("slf4j-api"), sha256="0" * 64)
    with pytest.raises(WrongJar, match=r"with SHA-256 0{64}; the file slf4j-api"):
        jars.ensure((wrong,), tmp_path)
    assert files(tmp_path) == set()


def test_two_fetchers_at_once_do_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FETCH, str(tmp_path), "slf4j-api", "jopt-simple"]
    fetchers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [fetcher.communicate()[0].strip() for fetcher in fetchers] == ["2", "2"]
    assert len(files(tmp_path)) == 2


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(FolderUnusable, match="LEDGER_CACHE"):
        jars.ensure((named("slf4j-api"),), tmp_path / "cache")


def test_a_full_cache_may_be_read_only(cache: Path, ordinary_user: OrdinaryUser) -> None:
    full, jar = Path(shutil.copytree(cache, ordinary_user.home / "full")), named("slf4j-api")
    full.chmod(0o755)
    (full / "kafka").chmod(0o555)
    assert ordinary_user.run("jars", full, jar.artifact) == f"{full}/kafka/{jar.file_name}"


def test_a_repository_that_is_away_is_named_after_three_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(JarsUnavailable, match=r"3 tries failed.*set LEDGER_KAFKA_BOOTSTRAP"):
        jars.ensure((named("slf4j-api"),), tmp_path)
    assert files(tmp_path) == set()
