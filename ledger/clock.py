"""Where time and event ids come from. Everything else gets them injected."""

from collections.abc import Callable
from datetime import UTC, datetime

import uuid_utils

Clock = Callable[[], datetime]
"""The present instant, aware, in UTC."""

EventIds = Callable[[], str]
"""A fresh UUIDv7 in its canonical text form (RFC 9562)."""


def system_clock() -> datetime:
    return datetime.now(UTC)


def random_event_ids() -> str:
    return str(uuid_utils.uuid7())
