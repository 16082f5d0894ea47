"""The key file, and the digests that are made with it."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.journal.errors import KeyFileProblem
from ledger.journal.keys import CommandKeys, make_key_file, read_key_file

KEYS = CommandKeys(bytes(range(32)))


def test_a_new_key_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "book.key"
    keys = make_key_file(path)
    assert (stat.S_IMODE(path.stat().st_mode), len(keys.secret)) == (0o600, 32)


def test_a_key_that_is_there_is_kept(tmp_path: Path) -> None:
    first = make_key_file(tmp_path / "book.key")
    assert make_key_file(tmp_path / "book.key") == first == read_key_file(tmp_path / "book.key", first.key_id)


def test_two_books_never_have_the_same_key(tmp_path: Path) -> None:
    assert make_key_file(tmp_path / "one") != make_key_file(tmp_path / "other")


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "book.key"
    path.touch(0o600)
    path.write_bytes(bytes(size))
    with pytest.raises(KeyFileProblem, match=f"has {size} bytes instead of 32"):
        read_key_file(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o777])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    make_key_file(tmp_path / "book.key")
    (tmp_path / "book.key").chmod(mode)
    with pytest.raises(KeyFileProblem, match=f"may be read by others .mode {mode:o}.; chmod 600"):
        read_key_file(tmp_path / "book.key")


def test_of_many_that_make_a_key_at_once_all_get_the_same_and_nothing_else_is_left(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make_key_file(tmp_path / "book.key"), range(32)))
    assert len(set(made)) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "book.key"]


def test_the_key_of_another_book_is_refused_with_both_ids(tmp_path: Path) -> None:
    mine = make_key_file(tmp_path / "book.key")
    with pytest.raises(
        KeyFileProblem, match=f"holds key {mine.key_id[:12]}, the book was opened with {KEYS.key_id[:12]}"
    ):
        read_key_file(tmp_path / "book.key", KEYS.key_id)


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileProblem, match=r"read the key file .*book\.key.*bring it back from its backup"):
        read_key_file(tmp_path / "book.key")


def test_a_place_that_cannot_hold_a_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyFileProblem, match=r"choose another (with|by) LEDGER_KEY_FILE"):
        make_key_file(tmp_path / "file" / "folder" / "book.key")


def test_an_id_names_a_key_without_telling_it() -> None:
    assert KEYS.key_id == "31f04e4b305c9303d5364407d5f65a085ec3db579818a2795df0dd8c6fe4aa84"
    assert KEYS.secret.hex() not in KEYS.key_id


def test_a_command_is_the_same_whatever_the_order_of_its_fields() -> None:
    assert KEYS.command_hash({"a": 1, "b": [2]}) == KEYS.command_hash({"b": [2], "a": 1})


@pytest.mark.parametrize(
    "other", [("other", "ann", "k1"), ("main", "bob", "k1"), ("main", "ann", "k2"), ("main", "annk", "1")]
)
def test_book_principal_and_client_key_each_make_another_command(other: tuple[str, str, str]) -> None:
    assert KEYS.command_id(*other) != KEYS.command_id("main", "ann", "k1")


def test_another_secret_makes_other_digests_of_everything() -> None:
    other = CommandKeys(bytes(32))
    assert other.command_id("main", "ann", "k1") != KEYS.command_id("main", "ann", "k1")
    assert other.command_hash({}) != KEYS.command_hash({})


def test_digests_are_those_that_were_recorded_with_this_key_before() -> None:
    """A change here would make every key that was ever used unknown."""
    assert (
        KEYS.command_id("main", "operator:ann", "k1").hex()
        == "813a00ad4c499ba15c468e705310c0132a6cb6ebbf7dc6fad9db0b7247eaab6e"
    )
    assert (
        KEYS.command_hash({"payment_id": "p1", "amount_minor": 100}).hex()
        == "0d8e1263ebf93b28277b54139f1a202dc1f333731c591eb05e40d6f9cc0cefa3"
    )
