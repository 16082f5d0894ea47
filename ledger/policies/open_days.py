"""Reads the calendars of open days: a folder for each, in it a file for each edition, named by its first date."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from ledger.domain import calendars
from ledger.domain.calendars import Calendar, Edition, Holiday, Shift
from ledger.domain.due_dates import OpenDays
from ledger.domain.errors import CalendarMissing, shown
from schemas.errors import Misconfigured

_FIELDS = frozenset({"source", "collections", "confidence", "until", "weekend", "closed", "open", "day", "shift"})


class UnreadableCalendar(Misconfigured):
    code = "unreadable_calendar"


@cache
def open_days(name: str) -> OpenDays:
    """Whether banks are open on a day, by a calendar's name. Raises `CalendarMissing` for one that nobody has."""
    if name not in calendar_names():
        raise CalendarMissing(
            f"asked for the calendar {shown(name)}; there are {', '.join(calendar_names())}. Name one of them",
            "calendar",
        )
    files = resources.files("ledger.policies").joinpath("calendars", name).iterdir()
    texts = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
    editions = tuple(read_edition(name, since, texts[since]) for since in sorted(texts))
    return calendars.open_days(Calendar(name=name, editions=editions))


@cache
def calendar_names() -> tuple[str, ...]:
    """What calendars there are."""
    folders = resources.files("ledger.policies").joinpath("calendars").iterdir()
    return tuple(sorted(folder.name for folder in folders if folder.is_dir()))


def read_edition(name: str, since: str, text: str) -> Edition:
    """An edition from its TOML. Raises `UnreadableCalendar` with what is wrong."""
    try:
        return _edition(date.fromisoformat(since), tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise UnreadableCalendar(
            f"asked to read the calendar {name} of {since}: {error!r}; it has source, confidence and weekend, and "
            "closed and open dates with until, or days by rules"
        ) from error


def _edition(since: date, table: Mapping[str, Any]) -> Edition:
    if unknown := table.keys() - _FIELDS:
        raise ValueError(f"{', '.join(sorted(unknown))} mean nothing")
    if not (table["source"] and table["confidence"]):
        raise ValueError("where it comes from, and how sure it is, is empty")
    edition = Edition(
        since=since,
        until=table.get("until"),
        weekend=frozenset(table["weekend"]),
        closed=frozenset(table.get("closed", ())),
        open=frozenset(table.get("open", ())),
        holidays=tuple(Holiday(**day) for day in table.get("day", ())),
        shift=Shift(table.get("shift", "none")),
    )
    for day in edition.closed | edition.open:
        if edition.until is None or not since <= day <= edition.until:
            raise ValueError(f"{day} is not between {since} and {edition.until}")
    return edition
