"""The secret behind idempotency keys: HMAC-SHA-256 with one 32-byte key per book.

Key and body of a command are recorded as keyed digests, so that nothing personal in them is hashed in for ever where
it could be guessed. The key file is kept apart from database and Kafka and is never rotated; `BookOpened` holds its id.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from ledger.journal.errors import KeyFileProblem

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CommandKeys:
    """Makes the two digests of a command."""

    secret: bytes

    @property
    def key_id(self) -> str:
        """Names the key without telling it; lowercase hex."""
        return hashlib.sha256(b"ledger command key\x00" + self.secret).hexdigest()

    def command_id(self, book_id: str, principal: str, client_key: str) -> bytes:
        """Digest of the scope (book, principal, client key)."""
        return self._digest(b"id", [book_id, principal, client_key])

    def command_hash(self, body: dict[str, Any]) -> bytes:
        """Digest of a canonical body: sorted keys, no optional white space."""
        return self._digest(b"body", body)

    def _digest(self, purpose: bytes, value: object) -> bytes:
        # A copy of one that has the key. Not hmac.digest(): that lets go of the interpreter each time, and every thread
        # of a busy process wakes up.
        keyed = _prepared(self.secret).copy()
        keyed.update(purpose + b"\x00" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
        return keyed.digest()


@lru_cache(maxsize=8)
def _prepared(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def make_key_file(path: Path) -> CommandKeys:
    """Write a new key, readable by its owner only; a key that is there already is kept.

    The file appears whole or not at all, also when two processes make it at once.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name) as draft:  # mode 0600
            draft.write(secrets.token_bytes(_KEY_BYTES))
            draft.flush()
            os.fsync(draft.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    except OSError as error:
        raise KeyFileProblem(
            f"asked to write the key file {path}: {error}; choose another by LEDGER_KEY_FILE"
        ) from error
    return read_key_file(path)


def read_key_file(path: Path, expected_id: str | None = None) -> CommandKeys:
    """Read the key; `expected_id` is what the book says it must be."""
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except OSError as error:
        raise KeyFileProblem(
            f"asked to read the key file {path}: {error}; bring it back from its backup, or set LEDGER_KEY_FILE"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileProblem(f"the key file {path} may be read by others (mode {mode & 0o777:o}); chmod 600 {path}")
    if len(secret) != _KEY_BYTES:
        raise KeyFileProblem(
            f"the key file {path} has {len(secret)} bytes instead of {_KEY_BYTES}; bring back the right one"
        )
    keys = CommandKeys(secret)
    if expected_id and keys.key_id != expected_id:
        raise KeyFileProblem(
            f"the key file {path} holds key {keys.key_id[:12]}, the book was opened with {expected_id[:12]}; "
            "set LEDGER_KEY_FILE to the key of this book"
        )
    return keys
