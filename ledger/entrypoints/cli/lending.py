"""Commands at the beginning and the end of a loan: agree, disburse, withdraw, payoff, write off, close, parties."""

from typing import Annotated

import msgspec
import typer

from ledger.application.loan_commands import (
    AddParty,
    AgreeLoan,
    CloseLoan,
    DisburseLoan,
    EndParty,
    FailDisbursement,
    WithdrawAgreement,
    WriteOffLoan,
)
from ledger.bootstrap import Ledger
from ledger.domain.errors import UnknownRole
from ledger.domain.fold import fold
from ledger.domain.loan import settled
from ledger.domain.money import parse_minor
from ledger.domain.payoff import payoff as payoff_of
from ledger.domain.payoff import projected
from ledger.domain.payoff_statement import PayoffStatement
from ledger.entrypoints.cli.asking import amounts
from ledger.entrypoints.cli.confirming import confirmed
from ledger.entrypoints.cli.options import AsOf, Json, Key, LoanId, OnDate, OverduePolicy, optional_date
from ledger.entrypoints.cli.output import console, print_json, print_table
from ledger.entrypoints.cli.statements import Html, Lang, Pdf, hand_over, require_one_form
from ledger.entrypoints.cli.writing import execute, loan_app
from ledger.entrypoints.statements.payoff import payoff_document
from ledger.entrypoints.statements.texts import Language
from ledger.settings import read_settings

Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]


@loan_app.command("agree")
def agree(
    loan: LoanId,
    terms: Annotated[str, typer.Option(metavar="FILE|-", help="Terms as JSON; see ledger quote --explain-defaults.")],
    policy: Annotated[str, typer.Option(help="How it is served: the name of a servicing policy.")],
    confirm: Annotated[str | None, typer.Option(metavar="HASH", help="Hash of the cost table that was shown.")] = None,
    party: Annotated[list[str] | None, typer.Option(metavar="ROLE:ID", help="Who has which role; repeatable.")] = None,
    product: Annotated[str, typer.Option(help="Kind of loan.")] = "installments",
    overdue_policy: OverduePolicy = "",
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that a loan was signed. Without --confirm it shows what it costs, and the hash to confirm it with."""
    shown = confirmed(terms, confirm, json=json)
    with Ledger(read_settings()) as ledger:
        command = AgreeLoan(
            loan_id=loan,
            currency=shown.terms.currency,
            terms=shown.terms.as_plain(),
            policy=policy,
            product=product,
            cost_table_hash=shown.hash,
            parties=tuple(_role_and_id(each) for each in party or []),
            overdue=overdue_policy,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("disburse")
def disburse(
    loan: LoanId,
    amount: Annotated[str | None, typer.Argument(help="Default: all that was agreed.")] = None,
    disbursement: Annotated[str | None, typer.Option(help="Id. Default: made from the key.")] = None,
    on: OnDate = None,
    method: Annotated[str, typer.Option(help="wallet, bank_transfer ...")] = "wallet",
    key: Key = None,
    json: Json = False,
) -> None:
    """Pay out what was agreed, or a part of it."""
    with Ledger(read_settings()) as ledger:
        found = ledger.loan(loan)
        agreed = found.agreement.terms.principal_minor if found.agreement.terms else 0
        exponent = ledger.book.exponent(found.currency)
        command = DisburseLoan(
            loan_id=loan,
            amount_minor=agreed if amount is None else parse_minor(amount, found.currency, exponent),
            disbursement_id=disbursement,
            paid_out_on=optional_date(on),
            method=method,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("disbursement-failed")
def disbursement_failed(
    loan: LoanId,
    disbursement: Annotated[str, typer.Argument(metavar="DISBURSEMENT", help="Its id.")],
    reason: Reason,
    key: Key = None,
    json: Json = False,
) -> None:
    """Undo a disbursement that never arrived."""
    with Ledger(read_settings()) as ledger:
        command = FailDisbursement(loan_id=loan, disbursement_id=disbursement, reason=reason)
        execute(ledger, command, key, json=json)


@loan_app.command("withdraw")
def withdraw(loan: LoanId, key: Key = None, json: Json = False) -> None:
    """Record that the borrower withdraws from the agreement, within the days for it."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, WithdrawAgreement(loan_id=loan), key, json=json)


@loan_app.command("write-off")
def write_off(loan: LoanId, reason: Reason, on: OnDate = None, key: Key = None, json: Json = False) -> None:
    """Take all that is owed off the books. The claim stays; money that still comes is a recovery."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, WriteOffLoan(loan_id=loan, reason=reason, on=optional_date(on)), key, json=json)


@loan_app.command("close")
def close(loan: LoanId, reason: Reason, key: Key = None, json: Json = False) -> None:
    """Close a loan on which nothing is expected any more in either direction."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, CloseLoan(loan_id=loan, reason=reason), key, json=json)


@loan_app.command("add-party")
def add_party(
    loan: LoanId,
    party: Annotated[str, typer.Argument(metavar="ROLE:ID", help="For example guarantor:g-31.")],
    on: OnDate = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Give somebody a role on a loan from a date on."""
    role, party_id = _role_and_id(party)
    with Ledger(read_settings()) as ledger:
        command = AddParty(loan_id=loan, party_id=party_id, role=role, since=optional_date(on))
        execute(ledger, command, key, json=json)


@loan_app.command("end-party")
def end_party(
    loan: LoanId,
    party: Annotated[str, typer.Argument(metavar="ROLE:ID", help="For example guarantor:g-31.")],
    reason: Reason,
    on: OnDate = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """End a role on a loan on a date."""
    role, party_id = _role_and_id(party)
    with Ledger(read_settings()) as ledger:
        command = EndParty(loan_id=loan, party_id=party_id, role=role, reason=reason, left_on=optional_date(on))
        execute(ledger, command, key, json=json)


@loan_app.command("payoff")
def payoff(
    loan: LoanId,
    on: OnDate = None,
    lang: Lang = Language.EN,
    json: Json = False,
    html: Html = None,
    pdf: Pdf = None,
) -> None:
    """What pays a loan off on a day, as known now. It holds for that day only: interest goes on."""
    require_one_form(json=json, html=html, pdf=pdf)
    with Ledger(read_settings()) as ledger:
        known_at = ledger.reader.head().position
        found = settled(ledger.loan(loan))
        day = optional_date(on) or ledger.today()
        work = fold(found.agreement, [each for each in found.counted if each.on <= day], day)
        answer = payoff_of(work, day)
        statement = PayoffStatement(
            loan=loan,
            currency=found.currency,
            payoff_on=day,
            valid_until=day,
            principal_minor=answer.principal_minor,
            interest_minor=answer.interest_minor,
            fee_minor=answer.fee_minor,
            penalty_interest_minor=answer.penalty_interest_minor,
            credit_minor=answer.credit_minor,
            total_minor=answer.total_minor,
            known_at=known_at,
        )
        if json:
            print_json(statement)
        else:
            document = payoff_document(statement, ledger.book.exponent(found.currency), lang)
            hand_over(document, html=html, pdf=pdf, pdf_rows=ledger.settings.pdf_rows)


@loan_app.command("expected")
def expected(loan: LoanId, as_of: AsOf = None, json: Json = False) -> None:
    """The whole schedule as it is now expected: what is overdue is paid on the day, all else when it falls due."""
    with Ledger(read_settings()) as ledger:
        found = settled(ledger.loan(loan))
        day = optional_date(as_of) or ledger.today()
        lines = projected(found.agreement, found.counted, day)
        if json:
            print_json(msgspec.to_builtins(lines))
            return
        rows = [
            (line.number, line.due_on, *amounts(
                ledger, found.currency, line.principal_minor, line.interest_minor, line.fee_minor,
                line.penalty_interest_minor, line.owed_minor,
            ))
            for line in lines
        ]  # fmt: skip
    columns = {"installment": "right", "due": "left", "principal": "right", "interest": "right", "fees": "right",
               "penalty interest": "right", "still to pay": "right"}  # fmt: skip
    print_table(f"Loan {loan} as expected on {day}, {found.currency}", columns, rows)
    console.print("What falls due later accrues until then; it is worked out as if all is paid on its day.")


def _role_and_id(text: str) -> tuple[str, str]:
    role, colon, party_id = text.partition(":")
    if not colon or not party_id:
        raise UnknownRole(f"asked for the party {text!r}; write its role and id, for example borrower:b-7001")
    return role, party_id
