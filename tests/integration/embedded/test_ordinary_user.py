"""The embedded servers of a user without special rights."""

import getpass
import os
from pathlib import Path

from ledger.embedded.errors import FolderUnusable
from tests.integration.embedded.conftest import OrdinaryUser

NAME = "nobody" if os.geteuid() == 0 else getpass.getuser()


def test_postgresql_runs_as_that_user_below_the_folder(ordinary_user: OrdinaryUser) -> None:
    version, owner = ordinary_user.run("postgres", ordinary_user.home / "my data").split()
    assert version.startswith("18.")
    assert owner == NAME
    assert (ordinary_user.home / "my data/postgres/server/cluster/PG_VERSION").exists()


def test_kafka_runs_as_that_user_with_a_cache_that_it_cannot_write(
    ordinary_user: OrdinaryUser, full_cache: Path
) -> None:
    assert ordinary_user.run("kafka", ordinary_user.home / "my data", full_cache).startswith("127.0.0.1:")
    assert (ordinary_user.home / "my data/kafka/data1").owner() == NAME


def test_a_folder_that_the_user_cannot_write_is_named(ordinary_user: OrdinaryUser) -> None:
    locked = ordinary_user.home / "locked"
    locked.mkdir(mode=0o500)
    assert ordinary_user.run("postgres", locked / "data") == FolderUnusable.code
    assert ordinary_user.run("kafka", locked / "data", locked / "cache") == FolderUnusable.code
