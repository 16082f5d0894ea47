"""Statements in every form and language: nothing is lost, nothing acts, the same figures give the same bytes."""

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from ledger.entrypoints.cli.output import console, print_json
from ledger.entrypoints.cli.statements import (
    FileNotWritten,
    SeveralForms,
    hand_over,
    print_document,
    require_one_form,
)
from ledger.entrypoints.statements import paper
from ledger.entrypoints.statements.account import account_document
from ledger.entrypoints.statements.document import Document, plain
from ledger.entrypoints.statements.page import as_html
from ledger.entrypoints.statements.paper import OUR_OWN, PdfMissing, TooLongForPdf, characters, font_file
from ledger.entrypoints.statements.payoff import payoff_document
from ledger.entrypoints.statements.texts import EN, TEXTS, ZH_CN, Language, Texts
from schemas.registry import types_of
from schemas.values import MoneyEvent
from tests.statement_builders import HASH, a_payoff, a_statement, owes

HOSTILE = '<script>alert(1)</script>"\'&amp; #panic("x") $x$ [/bold] \x1b[2J \u202e12.00 \U0001f600'
WORDS = [each.name for each in fields(Texts) if each.name not in {"language", "events"}]
ZH = Language.ZH_CN


def a_document(language: Language = Language.EN, *, exponent: int = 2, **other: str) -> Document:
    changes = owes(principal=1_234_56), owes(interest=12_34, fee=5_00, penalty_interest=77), owes(-234_56, credit=1)
    return account_document(a_statement(*changes, **other), exponent, language)


def as_pdf(document: Document, rows_max: int = 1_000) -> bytes:
    return paper.as_pdf(document, rows_max=rows_max)


def text_of(pdf: bytes) -> str:
    """What a reader of PDF finds on all pages."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


class Read(HTMLParser):
    """The elements of a page with their attributes, and the text of each cell."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_language_has_every_text_and_the_same_ones_filled_in() -> None:
    assert TEXTS.keys() == set(Language)
    for name in WORDS:
        texts = [str(getattr(TEXTS[language], name)) for language in Language]
        assert all(texts)
        assert len({frozenset(re.findall(r"\{\w+\}", text)) for text in texts}) == 1


def test_chinese_texts_are_chinese_and_english_ones_are_not() -> None:
    for name in WORDS:
        assert any("\u4e00" <= each <= "\u9fff" for each in getattr(ZH_CN, name)), name
        assert getattr(EN, name).isascii(), name
    assert all("\u4e00" <= text[0] <= "\u9fff" for text in ZH_CN.events.values())


@pytest.mark.parametrize("language", Language)
def test_every_event_that_moves_money_has_words_in_every_language(language: Language) -> None:
    assert TEXTS[language].events.keys() == types_of(MoneyEvent)
    assert all(TEXTS[language].events.values())


def test_an_event_of_a_later_version_is_shown_by_its_type() -> None:
    assert EN.event("ledger.loan.blessed.v7") == "ledger.loan.blessed.v7"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.EN, ["Opening balance", "Closing balance", "Principal", "Interest", "Fees", "Payment (correction)"]),
        (ZH, ["期初余额", "期末余额", "本金", "利息", "费用", "罚息", "溢缴款", "应还合计", "还款（更正）"]),
    ],
)
def test_a_statement_says_the_same_on_the_terminal_on_a_page_and_on_paper(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: Language, words: list[str]
) -> None:
    document = a_document(language)
    monkeypatch.setattr(console, "width", 200)
    print_document(document)
    forms = [capsys.readouterr().out, "".join(Read(as_html(document)).texts), text_of(as_pdf(document))]
    amounts = ["1,234.56", "12.34", "5.00", "0.77", "-234.56", "0.01", "1,018.11", "1,234,567", "3,000", "2026-01-08"]
    for form in forms:
        assert [each for each in (*words, *amounts) if each not in form] == []


def test_amounts_have_the_decimals_of_their_currency() -> None:
    yen, dinar = a_document(exponent=0, currency="JPY"), a_document(exponent=3, currency="KWD")
    assert "123,456" in as_html(yen)
    assert "123.456" in as_html(dinar)
    assert "123.456" in text_of(as_pdf(dinar))


def test_lines_show_what_changed_and_balances_show_every_component() -> None:
    opening, first, *_, last, closing = (row.cells[4:] for row in a_document().rows)
    assert opening == ("0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00")
    assert first == ("1,234.56", "", "", "", "", "-1,234.56", "1,234.56")
    assert last == ("-234.56", "", "", "", "0.01", "234.56", "1,018.11")
    assert closing == ("1,000.00", "12.34", "5.00", "0.77", "0.01", "", "1,018.11")


def test_a_page_can_be_read_aloud() -> None:
    read = Read(as_html(a_document(ZH, summary="received")))
    names = [tag for tag, _ in read.elements]
    assert read.elements[0] == ("html", {"lang": "zh-CN"})
    assert [attributes["scope"] for tag, attributes in read.elements if tag == "th"] == ["col"] * 11 + ["row"] * 5
    assert [names.count(tag) for tag in ("table", "caption", "thead", "h1", "main", "title")] == [1] * 6
    assert {attributes["lang"] for tag, attributes in read.elements if tag == "small"} == {"en"}


def test_a_page_needs_nothing_besides_it_and_runs_nothing() -> None:
    page = as_html(a_document())
    read = Read(page)
    assert {tag for tag, _ in read.elements}.isdisjoint({"script", "link", "img", "iframe", "form", "object"})
    assert not {name for _, attributes in read.elements for name in attributes} & {"src", "href", "onload", "style"}
    assert "default-src 'none'" in page
    assert "@media print" in page
    assert "url(" not in page


def test_hostile_words_are_words_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    document = a_document(loan=HOSTILE, summary=HOSTILE, event_type=HOSTILE + "!", currency=HOSTILE)
    print_document(document)
    printed = capsys.readouterr().out
    page = Read(as_html(document))
    assert plain(HOSTILE) in page.texts
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in Read(as_html(a_document(summary="x"))).elements}
    assert not {"\x1b", "\u202e"} & {*printed, *"".join(page.texts)}
    on_paper = " ".join(text_of(as_pdf(document)).split())
    for words in ("<script>alert(1)</script>", '#panic("x")', "[/bold]"):
        assert words in on_paper
        assert words in " ".join(printed.split())


@given(st.text(max_size=80))
def test_any_text_comes_out_of_a_page_as_it_went_in_less_what_acts(words: str) -> None:
    read = Read(as_html(a_document(loan=words, summary=words)))
    assert plain(words).strip() == "" or plain(words) in read.texts
    assert not {unicodedata.category(each) for each in plain(words)} & {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}


@given(st.text(max_size=40))
def test_any_text_can_be_put_on_paper(words: str) -> None:
    assert as_pdf(a_document(loan=words, summary=words)).startswith(b"%PDF-")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("on", [date.min, date(2026, 2, 5), date.max])
def test_the_same_statement_gives_the_same_bytes(language: Language, on: date) -> None:
    document = replace(a_document(language), dated_on=on)
    assert as_pdf(document) == as_pdf(document)
    assert as_html(document) == as_html(document)


def test_a_pdf_carries_its_font_its_language_and_its_title() -> None:
    reader = PdfReader(BytesIO(as_pdf(a_document(ZH))))
    on_pages: list[Any] = [page["/Resources"] for page in reader.pages]
    fonts = [font.get_object() for resources in on_pages for font in resources["/Font"].values()]
    inside = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts]
    assert all("NotoSansCJKsc" in font["/BaseFont"] for font in fonts)
    assert all("/FontFile2" in each or "/FontFile3" in each for each in inside)
    root: Any = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("zh-CN", True)
    assert reader.metadata
    assert reader.metadata.title == "贷款对账单"


def test_a_long_statement_has_pages_that_are_counted_and_headed() -> None:
    changes = [owes(principal=1)] * 200
    pages = PdfReader(BytesIO(as_pdf(account_document(a_statement(*changes), 2, ZH)))).pages
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert f"第 {number} 页，共 {len(pages)} 页" in text
        assert "应还合计" in text


def test_a_statement_that_is_too_long_for_a_pdf_says_how_long_one_may_be() -> None:
    assert as_pdf(a_document(), rows_max=5)
    with pytest.raises(TooLongForPdf, match="5 rows; it has at most 4"):
        as_pdf(a_document(), rows_max=4)


def test_the_font_has_every_character_that_is_not_looked_up() -> None:
    assert characters(font_file()) >= OUR_OWN


def test_who_lacks_the_font_or_the_typesetter_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "find_spec", lambda _: None)
    with pytest.raises(PdfMissing, match=r"manimgx_fonts_cjk.*repayment-ledger\[statements\]"):
        as_pdf(a_document())
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(PdfMissing, match=r"typst.*repayment-ledger\[statements\]"):
        as_pdf(a_document())


@pytest.mark.parametrize("render", [as_html, lambda document: text_of(as_pdf(document))])
def test_a_payoff_says_what_to_pay_on_which_day(render: Callable[[Document], str]) -> None:
    shown = render(payoff_document(a_payoff(), 2, ZH))
    for words in (
        "贷款结清金额单",
        "应还金额",
        "498.05",
        "-3.00",
        "2026-02-05",
        "2026-02-06",
        "本金",
        "500.00",
        "罚息",
    ):
        assert words in shown


def test_a_payoff_on_the_terminal_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_document(payoff_document(a_payoff(), 2, Language.EN))
    assert re.search(r"Amount to pay +498\.05", capsys.readouterr().out)
    print_json(a_payoff())
    assert json.loads(capsys.readouterr().out)["total_minor"] == 498_05


def test_json_has_the_hash_of_each_event(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(a_statement(owes(principal=1), owes(fee=2)))
    found = json.loads(capsys.readouterr().out)
    assert [line["hash"] for line in found["lines"]] == [HASH, HASH]
    assert found["closing"]["total_due_minor"] == 3


def test_the_terminal_leaves_out_columns_of_zeros(capsys: pytest.CaptureFixture[str]) -> None:
    print_document(account_document(a_statement(owes(principal=1)), 2, Language.EN))
    out = capsys.readouterr().out
    assert "Principal" in out
    assert "Penalty interest" not in out


@pytest.mark.parametrize("count", [1, 600])
def test_a_statement_of_any_length_can_be_printed(capsys: pytest.CaptureFixture[str], count: int) -> None:
    print_document(account_document(a_statement(*[owes(fee=1)] * count, summary="[/x]"), 2, Language.EN))
    assert capsys.readouterr().out.count("[/x]") == count


def test_one_form_at_a_time() -> None:
    with pytest.raises(SeveralForms, match="--json and --pdf"):
        require_one_form(json=True, html=None, pdf=Path("a.pdf"))


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match=r"away/a\.html.*No such file"):
        hand_over(a_document(), html=tmp_path / "away" / "a.html", pdf=None, pdf_rows=1)
