"""The jars of Apache Kafka: exact coordinates, each checked against its pinned SHA-256 whenever they are used.

The list is the truth: nothing is resolved, nothing transitive is fetched. A jar enters the cache by a rename after its
check, so that two fetchers at once do no harm and a wrong jar never lies there.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ledger.embedded import folder
from ledger.embedded.errors import JarsUnavailable, WheelMissing, WrongJar

Progress = Callable[[int, int], None]  # jars done, jars in all
_THREADS = 8
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str  # lowercase hex

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> tuple[Jar, ...]:
    """The list that is part of the package, in class path order."""
    return parse(files("ledger.embedded").joinpath("kafka_jars.txt").read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Jar, ...]:
    """One jar a line: `group:artifact:jar:version  sha256:<hex>`.

    >>> parse("org.slf4j:slf4j-api:jar:1.7.36  sha256:d3ef")[0].file_name
    'slf4j-api-1.7.36.jar'
    """
    return tuple(_parse_line(line) for line in text.splitlines() if line.strip())


def _parse_line(line: str) -> Jar:
    coordinate, digest = line.split()
    group, artifact, _, version = coordinate.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256:"))


def default_cache() -> Path:
    """`LEDGER_CACHE`, else `repayment-ledger` in the user's cache folder."""
    named = os.environ.get("LEDGER_CACHE")
    if named:
        return Path(named).absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "repayment-ledger"


def jar_folder(cache: Path | None = None) -> Path:
    """Where the jars lie, of the default cache or another."""
    return (cache or default_cache()) / "kafka"


def ensure(jars: tuple[Jar, ...], cache: Path, progress: Progress | None = None) -> list[Path]:
    """The checked files of all jars, fetched where they are missing, in the order of the list.

    Raises WrongJar (the wrong file is removed), JarsUnavailable, WheelMissing, FolderUnusable.
    """
    target = jar_folder(cache)
    with ThreadPoolExecutor(_THREADS) as pool:
        present = list(pool.map(lambda jar: _is_present(jar, target / jar.file_name), jars))
        missing = [jar for jar, here in zip(jars, present, strict=True) if not here]
        if missing:  # a full cache may be read-only
            folder.make(target, 0o755)
            _fetch_all(pool, missing, target, done=len(jars) - len(missing), progress=progress)
    return [target / jar.file_name for jar in jars]


def _is_present(jar: Jar, path: Path) -> bool:
    try:
        if path.exists():
            _check(jar, path)
            return True
    except OSError as error:
        raise folder.unusable(path.parent, error) from error
    return False


def _check(jar: Jar, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        path.unlink()
        raise WrongJar(
            f"The jar {jar.group}:{jar.artifact}:{jar.version} was asked for with SHA-256 {jar.sha256}; the file "
            f"{path.name} in {path.parent} had {found} and was removed. Try again to fetch it anew; if the same comes "
            "back, do not use it: ask where your network gets its jars from."
        )


def _fetch_all(
    pool: ThreadPoolExecutor, jars: list[Jar], target: Path, *, done: int, progress: Progress | None
) -> None:
    total = done + len(jars)
    if progress is not None:
        progress(done, total)
    try:
        for number, _ in enumerate(pool.map(lambda jar: _fetch(jar, target), jars), start=done + 1):
            if progress is not None:
                progress(number, total)
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _fetch(jar: Jar, target: Path) -> None:
    for attempt in range(1, _TRIES + 1):
        # Fresh for each try: the downloader takes what an interrupted one left for the whole file.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target) as scratch:
            try:
                found = _download(jar, Path(scratch))
            except (OSError, RuntimeError) as error:  # requests' errors are OSErrors
                if attempt == _TRIES:
                    raise JarsUnavailable(
                        f"The jar {jar.group}:{jar.artifact}:{jar.version} of Apache Kafka was asked for; {_TRIES} "
                        f"tries failed, the last with: {error}. Look at the network, or fill {target} from another "
                        "machine, or set LEDGER_KAFKA_BOOTSTRAP to a Kafka of your own."
                    ) from error
                time.sleep(attempt)
                continue
            _check(jar, found)
            shutil.move(found, target / jar.file_name)
            return


def _download(jar: Jar, scratch: Path) -> Path:
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 - 0.2 s, needed once in a machine's life
    except ImportError as error:
        raise WheelMissing(
            "The jars of Apache Kafka were asked for, but the package 'jgo', which fetches them, is not installed. "
            "Install 'repayment-ledger[embedded]', or set LEDGER_KAFKA_BOOTSTRAP to a Kafka of your own."
        ) from error
    project = MavenContext(repo_cache=scratch).project(jar.group, jar.artifact)
    return Path(project.at_version(jar.version).artifact(packaging="jar").resolve())
