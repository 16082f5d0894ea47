"""What a person gets on paper: `loan statement`, and how any such document is handed over."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ledger.entrypoints.cli.asking import asking, known_position
from ledger.entrypoints.cli.options import Json, KnownAt, LoanId, WaitFor, optional_date
from ledger.entrypoints.cli.output import console, errors, print_json, print_table
from ledger.entrypoints.cli.writing import loan_app
from ledger.entrypoints.statements.account import account_document
from ledger.entrypoints.statements.document import Document
from ledger.entrypoints.statements.page import as_html
from ledger.entrypoints.statements.texts import Language
from schemas.errors import BadInput

Lang = Annotated[Language, typer.Option("--lang", help="Language of the statement; JSON has none.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page of HTML; - is stdout.")]
Pdf = Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="Write a PDF; - is stdout.")]
_STDOUT = Path("-")


class SeveralForms(BadInput):
    """More than one form of a statement at once."""

    code = "several_forms"


class FileNotWritten(BadInput):
    """A file for a statement that cannot be written."""

    code = "file_not_written"


@loan_app.command("statement")
def statement(
    loan: LoanId,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First value date. Default: that of the loan.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last value date. Default: today.")
    ] = None,
    known_at: KnownAt = None,
    wait_for: WaitFor = None,
    lang: Lang = Language.EN,
    json: Json = False,
    html: Html = None,
    pdf: Pdf = None,
) -> None:
    """An account statement: balances before and after, and everything in between, for the borrower."""
    require_one_form(json=json, html=html, pdf=pdf)
    first, last = optional_date(since), optional_date(until)
    with asking(wait_for) as (ledger, queries):
        position = known_position(ledger, queries, known_at, loan)
        found = queries.statement(loan, first, last or ledger.today(), known_at=position)
        if json:
            print_json(found)
        else:
            document = account_document(found, ledger.book.exponent(found.currency), lang)
            hand_over(document, html=html, pdf=pdf, pdf_rows=ledger.settings.pdf_rows)


def require_one_form(*, json: bool, html: Path | None, pdf: Path | None) -> None:
    """Raise `SeveralForms` where a caller asks for more than one."""
    asked = [name for name, value in (("--json", json), ("--html", html), ("--pdf", pdf)) if value]
    if len(asked) > 1:
        raise SeveralForms(f"asked for {' and '.join(asked)}; a statement comes in one form at a time. Ask twice")


def hand_over(document: Document, *, html: Path | None, pdf: Path | None, pdf_rows: int) -> None:
    """As HTML or PDF where a file is named for it, else on the terminal. `pdf_rows`: a PDF has no more."""
    if html:
        _write(html, as_html(document).encode())
    elif pdf:
        from ledger.entrypoints.statements.paper import as_pdf  # noqa: PLC0415 - most commands make no PDF

        _write(pdf, as_pdf(document, rows_max=pdf_rows))
    else:
        print_document(document)


def print_document(document: Document) -> None:
    """On the terminal, without columns in which there is nothing but zeros."""
    console.print(Text(document.title, style="bold"))
    for name, value in document.facts:
        console.print(Text(f"{name}: {value}"))
    shown = [
        number for number, column in enumerate(document.columns) if not column.is_amount or _moves(document, number)
    ]
    print_table(
        "",
        {
            document.columns[number].heading: "right" if document.columns[number].is_amount else "left"
            for number in shown
        },
        [[_cell(row.cells[number], row.detail if number == 0 else "") for number in shown] for row in document.rows],
    )
    for note in document.notes:
        console.print(Text(note, style="dim"))


def _moves(document: Document, number: int) -> bool:
    return any(character in "123456789" for row in document.rows for character in row.cells[number])


def _cell(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def _write(file: Path, content: bytes) -> None:
    if file == _STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise FileNotWritten(
            f"asked to write {file}: {error.strerror}. Name a file in a folder that is there and may be written to, "
            f"unlike {file.parent.resolve()}"
        ) from error
    errors.print(f"written to {file}", markup=False)
