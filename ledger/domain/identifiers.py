"""Names of things: loans, payments, books, and the streams that hold their events."""

import re

from ledger.domain.errors import InvalidIdentifier, shown

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_LONGEST_KEY = 200
_WORD = re.compile(r"[a-z][a-z0-9_]{0,63}")


def require_identifier(text: str, what: str) -> str:
    """The text itself if it can name a `what`, else `InvalidIdentifier`."""
    if not _IDENTIFIER.fullmatch(text):
        raise InvalidIdentifier(
            f"asked to name a {what} {shown(text)}; use 1 to 64 letters, digits, '.', '_', ':' or '-', "
            "beginning with a letter or digit"
        )
    return text


def require_word(text: str, what: str) -> str:
    """The text itself if it can be a `what` (a kind of something, as events write it), else `InvalidIdentifier`."""
    if not _WORD.fullmatch(text):
        raise InvalidIdentifier(
            f"asked for the {what} {shown(text)}; use 1 to 64 lowercase letters, digits or '_', beginning with a letter"
        )
    return text


def require_key(text: str) -> str:
    """The text itself if it can be an idempotency key, else `InvalidIdentifier`."""
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_KEY:
        raise InvalidIdentifier(
            f"asked to use the idempotency key {shown(text)}; give 1 to {_LONGEST_KEY} printable characters, or none "
            "for a new key"
        )
    return text


def loan_stream(loan_id: str) -> str:
    return f"loan/{loan_id}"


def line_stream(line_id: str) -> str:
    return f"line/{line_id}"


def book_stream(book_id: str) -> str:
    return f"book/{book_id}"
