"""A statement as a sheet of paper: title, facts, one table, notes. Every form of it is made from this alone.

All cells are text already: amounts in their currency's notation, words in the reader's language, nothing that could act
on a terminal or turn a line around.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date

from ledger.entrypoints.statements.texts import Language

_TURNS_LINES = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_TEXT = frozenset({"Cc", "Cs", "Cn", "Co"})
INSTEAD = "\u25a1"
"""An empty square, for a character that cannot be shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    heading: str
    is_amount: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """`cells`: one for each column; the first says what the row is. `detail`: more about it, in English.

    `is_total`: a balance rather than a change. `is_correction`: it compensates other rows.
    """

    cells: tuple[str, ...]
    detail: str = ""
    is_total: bool = False
    is_correction: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """`dated_on`: the last day that it speaks of. `page`: how it counts its pages, with {page} and {pages}."""

    language: Language
    title: str
    dated_on: date
    facts: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    page: str

    def __post_init__(self) -> None:
        assert all(len(row.cells) == len(self.columns) for row in self.rows), "each cell has a heading"


def plain(text: str) -> str:
    r"""Text from outside on one line, a square in place of each character that is none or turns lines around.

    >>> plain("paid\x1b[31m \u202e01")
    'paid□[31m □01'
    """
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    return INSTEAD if unicodedata.category(character) in _NOT_TEXT or character in _TURNS_LINES else character
