"""Commands that change a debt and are no payment: fees, waivers, goodwill, refunds; and undoing them."""

from typing import Annotated

import typer

from ledger.application.joint_commands import MovePayment
from ledger.application.loan_commands import (
    AnnouncePayment,
    ChargeFee,
    CreditGoodwill,
    FailPayment,
    RefundByMerchant,
    RefundCredit,
    ReverseTransaction,
    SetCreditApart,
    WaiveCharge,
)
from ledger.bootstrap import Ledger
from ledger.entrypoints.cli.options import Json, Key, LoanId, OnDate, optional_date
from ledger.entrypoints.cli.writing import NEGATIVE_AMOUNTS, execute, execute_jointly, loan_app, minor_of
from ledger.settings import read_settings

Amount = Annotated[str, typer.Argument(help="Amount in the loan's currency, for example 25.00.")]
Name = Annotated[str | None, typer.Option("--id", help="Id of the transaction. Default: made from the key.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded.")]
ApprovedBy = Annotated[str, typer.Option(help="The second person, where the amount needs one.")]
Method = Annotated[str, typer.Option(help="wallet, bank_transfer, card ...")]


@loan_app.command("fee", context_settings=NEGATIVE_AMOUNTS)
def fee(
    loan: LoanId,
    amount: Amount,
    name: Annotated[str, typer.Option(help="What the fee is called in the cost table.")],
    installment: Annotated[int, typer.Option(help="With which installment. Default: the next one.")] = 0,
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Charge a fee. Where a cap leaves less of it, less is charged, and the event names the rule."""
    with Ledger(read_settings()) as ledger:
        command = ChargeFee(
            loan_id=loan,
            amount_minor=minor_of(ledger, loan, amount),
            on=optional_date(on),
            name=id_,
            fee=name,
            installment=installment,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("waive", context_settings=NEGATIVE_AMOUNTS)
def waive(
    loan: LoanId,
    amount: Amount,
    component: Annotated[str, typer.Option(help="interest, fee or penalty_interest.")],
    reason: Reason,
    approved_by: ApprovedBy = "",
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Give up a charge. Above the policy's limit a second person must approve it."""
    with Ledger(read_settings()) as ledger:
        command = WaiveCharge(
            loan_id=loan,
            amount_minor=minor_of(ledger, loan, amount),
            on=optional_date(on),
            name=id_,
            component=component,
            reason=reason,
            asked_by=ledger.settings.principal,
            approved_by=approved_by,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("goodwill", context_settings=NEGATIVE_AMOUNTS)
def goodwill(
    loan: LoanId,
    amount: Amount,
    reason: Reason,
    approved_by: ApprovedBy = "",
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Let the borrower off an amount, as if it had been paid."""
    with Ledger(read_settings()) as ledger:
        command = CreditGoodwill(
            loan_id=loan,
            amount_minor=minor_of(ledger, loan, amount),
            on=optional_date(on),
            name=id_,
            reason=reason,
            asked_by=ledger.settings.principal,
            approved_by=approved_by,
        )
        execute(ledger, command, key, json=json)


@loan_app.command("merchant-refund", context_settings=NEGATIVE_AMOUNTS)
def merchant_refund(
    loan: LoanId,
    amount: Amount,
    method: Method = "card",
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """A merchant gives back what was bought: due installments first, the rest makes all later ones smaller."""
    with Ledger(read_settings()) as ledger:
        command = RefundByMerchant(
            loan_id=loan, amount_minor=minor_of(ledger, loan, amount), on=optional_date(on), name=id_, method=method
        )
        execute(ledger, command, key, json=json)


@loan_app.command("refund-credit", context_settings=NEGATIVE_AMOUNTS)
def refund_credit(
    loan: LoanId,
    amount: Amount,
    method: Method = "bank_transfer",
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Pay the borrower's credit out, no more than there is."""
    with Ledger(read_settings()) as ledger:
        command = RefundCredit(
            loan_id=loan, amount_minor=minor_of(ledger, loan, amount), on=optional_date(on), name=id_, method=method
        )
        execute(ledger, command, key, json=json)


@loan_app.command("unclaimed", context_settings=NEGATIVE_AMOUNTS)
def unclaimed(
    loan: LoanId,
    amount: Amount,
    reason: Reason,
    on: OnDate = None,
    id_: Name = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Keep credit apart that nobody claims. Whoever claims it later: undo this, and refund the credit."""
    with Ledger(read_settings()) as ledger:
        command = SetCreditApart(
            loan_id=loan, amount_minor=minor_of(ledger, loan, amount), on=optional_date(on), name=id_, reason=reason
        )
        execute(ledger, command, key, json=json)


@loan_app.command("undo")
def undo(
    loan: LoanId,
    transaction: Annotated[str, typer.Argument(metavar="TRANSACTION", help="Id of the fee, waiver, refund ...")],
    cause: Annotated[
        str, typer.Option(help="bank_return, payer_dispute, lender_error or misdirected.")
    ] = "lender_error",
    key: Key = None,
    json: Json = False,
) -> None:
    """Undo a fee, waiver, goodwill, refund or write-off, as if it had never been. Payments: ledger reverse."""
    with Ledger(read_settings()) as ledger:
        command = ReverseTransaction(loan_id=loan, transaction_id=transaction, cause=cause)
        execute(ledger, command, key, json=json)


@loan_app.command("payment-pending", context_settings=NEGATIVE_AMOUNTS)
def payment_pending(
    loan: LoanId,
    amount: Amount,
    payment: Annotated[str, typer.Option(help="Id of the payment; the same when it is received or fails.")],
    method: Method = "wallet",
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that a payment is on its way. No balance changes before it is received."""
    with Ledger(read_settings()) as ledger:
        command = AnnouncePayment(
            loan_id=loan, payment_id=payment, amount_minor=minor_of(ledger, loan, amount), method=method
        )
        execute(ledger, command, key, json=json)


@loan_app.command("payment-failed")
def payment_failed(
    loan: LoanId,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="Id of the payment.")],
    reason: Reason,
    key: Key = None,
    json: Json = False,
) -> None:
    """Record that a payment which was on its way will not come."""
    with Ledger(read_settings()) as ledger:
        execute(ledger, FailPayment(loan_id=loan, payment_id=payment, reason=reason), key, json=json)


@loan_app.command("move-payment")
def move_payment(
    loan: LoanId,
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="Id of the payment; see ledger loan history.")],
    to: Annotated[str, typer.Option(metavar="LOAN", help="The loan that it was meant for.")],
    on: OnDate = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Move a payment that was meant for another loan there. Default: it keeps its value date."""
    with Ledger(read_settings()) as ledger:
        with ledger.queries() as queries:
            found = next((each for each in queries.payments(loan) if each.payment == payment), None)
        command = MovePayment(
            payment_id=payment,
            from_loan_id=loan,
            to_loan_id=to,
            method=found.method if found else "",
            paid_on=optional_date(on),
        )
        execute_jointly(ledger, command, key, json=json)
