"""All settings, read once from the environment. Every limit of the ledger is one of them."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from schemas.errors import Misconfigured

_LARGEST = 1_000_000  # of any number here; beyond it libraries below us overflow


class InvalidSettings(Misconfigured):
    code = "invalid_settings"


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "secret": secret})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The environment variable of a setting is its name in capitals after `LEDGER_`; `ledger config` prints all."""

    data: Path = _setting(Path(".ledger"), "folder of the embedded servers and the key file")
    cache: Path | None = _setting(None, "folder for downloaded jars; empty: the user's cache folder")
    database_url: str = _setting("", "a PostgreSQL 18 server; empty: the embedded one", secret=True)
    kafka_bootstrap: str = _setting("", "Kafka brokers; empty: the embedded one, where asked for")
    key_file: Path | None = _setting(None, "secret of the idempotency keys; empty: book.key in the data folder")
    principal: str = _setting("operator:cli", "who acts, as role:id")
    kafka_partitions: int = _setting(12, "partitions of each topic, fixed when a book is opened")
    kafka_replication: int = _setting(1, "replicas of each topic that the relay creates")
    kafka_timeout_s: int = _setting(30, "an answer of Kafka may take at most")
    connect_timeout_s: int = _setting(10, "wait for a connection to PostgreSQL at most")
    statement_timeout_s: int = _setting(60, "a statement may take at most")
    pool_size: int = _setting(8, "connections to the journal at most")
    attempts: int = _setting(5, "tries of a command whose streams keep changing")
    append_batch: int = _setting(128, "events in one commit at most, unless one command alone makes more")
    append_patience_s: int = _setting(10, "a commit is tried again so long while the journal is away")
    queue_capacity: int = _setting(10_000, "commands that may wait, and as many from bulk work")
    queue_wait_s: int = _setting(30, "a caller waits for room in a full queue at most")
    loan_memory_mib: int = _setting(256, "MiB that loans which commands keep in memory take at most, about")
    snapshot_every: int = _setting(25, "versions of a loan from one snapshot to the next")
    day_end_chunk: int = _setting(500, "loans that day end loads at once")
    relay_window: int = _setting(5000, "events in one Kafka transaction at most")
    relay_stall_s: int = _setting(60, "a relay whose window stands still so long ends itself, to be started again")
    restore_batch: int = _setting(5000, "events that ledger restore writes in one transaction")
    projection_batch: int = _setting(2000, "events that a projection applies at once")
    rebuild_batch: int = _setting(10_000, "events that a rebuild applies at once")
    pdf_rows: int = _setting(2000, "rows of a statement as PDF at most; a thousand take two seconds and 200 MB")
    poll_interval_ms: int = _setting(50, "pause of a follower that found nothing new")
    lag_timeout_s: int = _setting(30, "a query waits for its projections at most")
    lease_stale_s: int = _setting(5, "a relay or worker that was silent so long is replaced")

    @property
    def key_path(self) -> Path:
        return self.key_file or self.data / "book.key"

    def rows(self) -> list[tuple[str, str, str]]:
        """Environment variable, value with secrets masked, meaning; one row per setting."""
        return [
            (
                _variable(each),
                "***" if each.metadata["secret"] and value else str(value or ""),
                each.metadata["meaning"],
            )
            for each in fields(self)
            for value in [getattr(self, each.name)]
        ]


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables. Raises `InvalidSettings` that lists every problem at once."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for setting in fields(Settings):
        if text := environment.get(_variable(setting), ""):
            try:
                values[setting.name] = _reader(setting)(text)
            except ValueError as error:
                problems.append(f"{_variable(setting)} is {text!r}; {error}")
    if problems:
        raise InvalidSettings("asked to read the settings, found:\n  " + "\n  ".join(problems))
    return Settings(**values)


def _masked(setting: Field[Any], value: object) -> str:
    return "***" if setting.metadata["secret"] and value else str(value or "")


def _variable(setting: Field[Any]) -> str:
    return f"LEDGER_{setting.name.upper()}"


def _reader(setting: Field[Any]) -> Callable[[str], Any]:
    if setting.name == "principal":
        return _principal
    if isinstance(setting.default, int):
        return _positive
    return _text if isinstance(setting.default, str) else _path


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= _LARGEST):
        raise ValueError(f"give a whole number from 1 to {_LARGEST}")
    return int(text)


def _principal(text: str) -> str:
    if not re.fullmatch(r"[a-z_]+:.{1,100}", _text(text)):
        raise ValueError("write role:id, for example operator:ann")
    return text


def _path(text: str) -> Path:
    try:
        return Path(_text(text)).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{error}") from error


def _text(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that cannot be printed")
    return text
