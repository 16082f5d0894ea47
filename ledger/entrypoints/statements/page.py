"""A document as one page of HTML: no script, no file besides it, readable aloud and on paper."""

from collections.abc import Iterator
from html import escape

from ledger.entrypoints.statements.document import Column, Document, Row

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif;
       color: #1a1a1a; background: #fff; margin: 2rem auto; padding: 0 1rem; max-width: 80rem; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; margin: 0 0 1.5rem; }
dt { color: #555; } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding-bottom: .4rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #1a1a1a; vertical-align: bottom; }
tbody th { font-weight: normal; }
.amount { text-align: right; white-space: nowrap; }
.total th, .total td { font-weight: bold; background: #f3f3f3; }
.correction th { font-style: italic; }
small { display: block; color: #555; overflow-wrap: anywhere; }
footer { color: #555; margin-top: 1.5rem; } footer p { margin: .2rem 0; }
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { margin: 0; padding: 0; max-width: none; font-size: 8.5pt; }
  .wide { overflow: visible; } thead { display: table-header-group; } tr { break-inside: avoid; }
}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_html(document: Document) -> str:
    """The same document gives the same text."""
    return "\n".join(_page(document)) + "\n"


def _page(document: Document) -> Iterator[str]:
    title = escape(document.title)
    yield "<!doctype html>"
    yield f'<html lang="{document.language}">'
    yield '<head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{title}</title>"
    yield f"<style>{_STYLE}</style></head>"
    yield "<body><main>"
    yield f"<h1>{title}</h1>"
    yield "<dl>"
    yield from (f"<dt>{escape(name)}</dt><dd>{_apart(value)}</dd>" for name, value in document.facts)
    yield "</dl>"
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{title}">'
    yield from _table(document)
    yield "</div>"
    yield "</main><footer>"
    yield from (f"<p>{escape(note)}</p>" for note in document.notes)
    yield "</footer></body></html>"


def _table(document: Document) -> Iterator[str]:
    yield "<table>"
    yield f"<caption>{escape(document.title)}</caption>"
    headings = (f'<th scope="col"{_side(column)}>{escape(column.heading)}</th>' for column in document.columns)
    yield f"<thead><tr>{''.join(headings)}</tr></thead>"
    yield "<tbody>"
    yield from (_row(document.columns, row) for row in document.rows)
    yield "</tbody></table>"


def _row(columns: tuple[Column, ...], row: Row) -> str:
    kind = ' class="total"' if row.is_total else ' class="correction"' if row.is_correction else ""
    detail = f'<small lang="en">{_apart(row.detail)}</small>' if row.detail else ""
    what, *cells = row.cells
    rest = (f"<td{_side(column)}>{_apart(cell)}</td>" for column, cell in zip(columns[1:], cells, strict=True))
    return f'<tr{kind}><th scope="row">{_apart(what)}{detail}</th>{"".join(rest)}</tr>'


def _side(column: Column) -> str:
    return ' class="amount"' if column.is_amount else ""


def _apart(text: str) -> str:
    """Escaped, and kept from turning its neighbours around."""
    return f"<bdi>{escape(text)}</bdi>" if text else ""
