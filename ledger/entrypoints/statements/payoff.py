"""A payoff statement as a document in a reader's language."""

from ledger.domain.money import format_minor
from ledger.domain.payoff_statement import PayoffStatement
from ledger.entrypoints.statements.document import Column, Document, Row, plain
from ledger.entrypoints.statements.texts import TEXTS, Language


def payoff_document(payoff: PayoffStatement, exponent: int, language: Language) -> Document:
    """`exponent`: decimals of the statement's currency."""
    texts = TEXTS[language]
    parts = (
        (texts.principal, payoff.principal_minor),
        (texts.interest, payoff.interest_minor),
        (texts.fee, payoff.fee_minor),
        (texts.penalty_interest, payoff.penalty_interest_minor),
        (texts.less_credit, -payoff.credit_minor),
    )
    total = Row(cells=(texts.to_pay, format_minor(payoff.total_minor, exponent)), is_total=True)
    known = f"{payoff.known_at:,}"
    return Document(
        language=language,
        title=texts.payoff,
        dated_on=payoff.payoff_on,
        facts=(
            (texts.loan, plain(payoff.loan)),
            (texts.payoff_on, payoff.payoff_on.isoformat()),
            (texts.valid_until, payoff.valid_until.isoformat()),
            (texts.currency, plain(payoff.currency)),
            (texts.known, known),
        ),
        columns=(Column(heading=texts.item), Column(heading=texts.amount, is_amount=True)),
        rows=(*(Row(cells=(name, format_minor(minor, exponent))) for name, minor in parts), total),
        notes=(texts.payoff_holds.format(known=known),),
        page=texts.page,
    )
