"""A document as PDF: PDF/A-2a for the archive, PDF/UA-1 to be read aloud, with the glyphs that it uses inside.

The same document gives the same bytes: its date is the day that it speaks of, and typesetter and font are pinned.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import orjson

from ledger.entrypoints.statements.document import INSTEAD, Document
from ledger.entrypoints.statements.texts import TEXTS
from schemas.errors import BadInput, Misconfigured

FONT = "Noto Sans CJK SC"
_FONTS = "manimgx_fonts_cjk"
OUR_OWN = frozenset(map(chr, range(0x20, 0x7F))) | frozenset(str(TEXTS)) | {INSTEAD}
"""Characters that the font is known to have, so that it need not be looked into, which takes half a second."""


class TooLongForPdf(BadInput):
    """More rows than a PDF may have."""

    code = "too_long_for_pdf"


class PdfMissing(Misconfigured):
    """What makes PDF is not installed."""

    code = "pdf_missing"


def as_pdf(document: Document, *, rows_max: int) -> bytes:
    """A square stands for each character that the font does not have. Raises `PdfMissing`, `TooLongForPdf`."""
    if len(document.rows) > rows_max:
        raise TooLongForPdf(
            f"asked for a PDF of {len(document.rows):,} rows; it has at most {rows_max:,}. Ask for a shorter period, "
            "for HTML, or set LEDGER_PDF_ROWS"
        )
    font = font_file()
    try:
        import typst  # noqa: PLC0415 - only who makes PDF needs it
    except ImportError as error:
        raise _missing(str(error)) from error
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[font.parent])
    return typst.compile(
        resources.files("ledger.entrypoints.statements").joinpath("sheet.typ").read_bytes(),
        format="pdf",
        font_paths=fonts,
        ignore_system_fonts=True,
        pdf_standards=["a-2a", "ua-1"],
        sys_inputs={"document": _as_json(document, font), "font": FONT},
    )


def _as_json(document: Document, font: Path) -> str:
    encoded = orjson.dumps(document, default=str).decode()
    on = document.dated_on
    fields = orjson.loads(_shown(encoded, font)) | {"dated_on": {"year": on.year, "month": on.month, "day": on.day}}
    return orjson.dumps(fields).decode()


def _shown(text: str, font: Path) -> str:
    foreign = set(text) - OUR_OWN
    unknown = foreign - characters(font) if foreign else foreign
    return text.translate({ord(each): INSTEAD for each in unknown})


@cache
def characters(font: Path) -> frozenset[str]:
    """All that the font can show."""
    try:
        from fontTools.ttLib import TTCollection  # noqa: PLC0415 - only who makes PDF needs it
    except ImportError as error:
        raise _missing(str(error)) from error
    with TTCollection(str(font), lazy=True) as collection:
        [face] = [each for each in collection.fonts if each["name"].getDebugName(1) == FONT]
        return frozenset(map(chr, _code_points(face.getBestCmap())))


def _code_points(mapped: Iterable[int]) -> Iterable[int]:
    return (point for point in mapped if not 0xD800 <= point < 0xE000)


def font_file() -> Path:
    """Noto Sans CJK, as its package brings it. Raises `PdfMissing`."""
    found = find_spec(_FONTS)
    folders = [Path(each) for each in found.submodule_search_locations or ()] if found else []
    files = [file for folder in folders for file in sorted(folder.glob("*.ttc"))]
    if not files:
        raise _missing(f"no package {_FONTS} with the font {FONT}")
    return files[0]


def _missing(what: str) -> PdfMissing:
    return PdfMissing(
        f"asked for a PDF: {what}; install the ledger with its extra statements: repayment-ledger[statements]"
    )
