"""An account statement as a document in a reader's language."""

from datetime import date

from ledger.domain.money import format_minor
from ledger.entrypoints.statements.document import Column, Document, Row, plain
from ledger.entrypoints.statements.texts import TEXTS, Language, Texts
from projections.statement_answers import AccountStatement, Amounts, StatementLine


def account_document(statement: AccountStatement, exponent: int, language: Language) -> Document:
    """`exponent`: decimals of the statement's currency."""
    texts = TEXTS[language]
    since, until, known = statement.since.isoformat(), statement.until.isoformat(), f"{statement.known_at:,}"
    corrects = any(line.compensates for line in statement.lines)
    return Document(
        language=language,
        title=texts.statement,
        dated_on=statement.until,
        facts=(
            (texts.loan, plain(statement.loan)),
            (texts.period, texts.from_to.format(since=since, until=until)),
            (texts.currency, plain(statement.currency)),
            (texts.known, known),
        ),
        columns=_columns(texts),
        rows=(
            _balance(texts.opening, statement.since, statement.opening, exponent),
            *(_line(texts, line, exponent) for line in statement.lines),
            _balance(texts.closing, statement.until, statement.closing, exponent),
        ),
        notes=(texts.signs, *([texts.corrections] if corrects else []), texts.records.format(known=known)),
        page=texts.page,
    )


def _columns(texts: Texts) -> tuple[Column, ...]:
    words = (texts.what, texts.value_date, texts.booking_date, texts.record)
    amounts = (
        texts.principal,
        texts.interest,
        texts.fee,
        texts.penalty_interest,
        texts.credit,
        texts.cash,
        texts.total_due,
    )
    return (*(Column(heading=each) for each in words), *(Column(heading=each, is_amount=True) for each in amounts))


def _balance(what: str, on: date, balance: Amounts, exponent: int) -> Row:
    amounts = (format_minor(each, exponent) for each in (*_parts(balance), balance.credit_minor))
    total = format_minor(balance.total_due_minor, exponent)
    return Row(cells=(what, on.isoformat(), "", "", *amounts, "", total), is_total=True)


def _line(texts: Texts, line: StatementLine, exponent: int) -> Row:
    """What did not change stays empty."""
    event = plain(texts.event(line.type))
    what = texts.corrected.format(event=event) if line.compensates else event
    changes = (*_parts(line.change), line.change.credit_minor, line.cash_minor)
    amounts = (format_minor(each, exponent) if each else "" for each in changes)
    total = format_minor(line.balance.total_due_minor, exponent)
    dates = (line.value_date.isoformat(), line.booking_date.isoformat())
    return Row(
        cells=(what, *dates, f"{line.position:,}", *amounts, total),
        detail="" if line.summary == line.type else plain(line.summary),
        is_correction=line.compensates,
    )


def _parts(amounts: Amounts) -> tuple[int, ...]:
    return amounts.principal_minor, amounts.interest_minor, amounts.fee_minor, amounts.penalty_interest_minor
