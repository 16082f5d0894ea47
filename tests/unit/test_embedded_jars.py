"""The pinned list of Kafka's jars."""

from pathlib import Path

import pytest

from ledger.embedded import jars


def test_the_list_names_a_whole_broker() -> None:
    names = {jar.artifact for jar in jars.pinned()}
    assert len(jars.pinned()) == 93
    assert {"kafka_2.13", "kafka-clients", "log4j-core", "zstd-jni"} <= names


def test_every_jar_is_pinned_by_a_whole_digest() -> None:
    assert all(len(jar.sha256) == 64 and int(jar.sha256, 16) for jar in jars.pinned())


def test_no_two_jars_share_a_file_name() -> None:
    assert len({jar.file_name for jar in jars.pinned()}) == len(jars.pinned())


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LEDGER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jars.default_cache() == tmp_path / "repayment-ledger"
    monkeypatch.setenv("LEDGER_CACHE", str(tmp_path / "own"))
    assert jars.default_cache() == tmp_path / "own"
