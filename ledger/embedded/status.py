"""What is known about one embedded server at one moment."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """A finding, not a promise: the server may end right after it was made."""

    name: str  # "postgres", "kafka", "kafka node 2"
    running: bool
    pid: int | None  # none while it does not run
    port: int | None  # none before the first start
    address: str | None  # host:port, several separated by commas; never a password
    folder: Path  # where the data lies
    since: datetime | None  # when the running process started, UTC
