"""Every word that a borrower reads, in each language: one `Texts` a language, all of it together for who corrects it.

A language that lacks a text does not start. Braces are filled in; nothing else may depend on the order of words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """By its tag, as HTML and PDF want it (BCP 47)."""

    EN = "en"
    ZH_CN = "zh-CN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """`events`: what happened, by event type."""

    language: Language
    statement: str
    payoff: str
    loan: str
    period: str
    from_to: str
    known: str
    currency: str
    payoff_on: str
    valid_until: str
    opening: str
    closing: str
    what: str
    value_date: str
    booking_date: str
    record: str
    principal: str
    interest: str
    fee: str
    penalty_interest: str
    total_due: str
    credit: str
    cash: str
    item: str
    amount: str
    less_credit: str
    to_pay: str
    corrected: str
    signs: str
    corrections: str
    records: str
    payoff_holds: str
    page: str
    events: Mapping[str, str]

    def event(self, event_type: str) -> str:
        """The type itself where this version has no words for it."""
        return self.events.get(event_type, event_type)


EN = Texts(
    language=Language.EN,
    statement="Account statement",
    payoff="Payoff statement",
    loan="Loan",
    period="Period",
    from_to="{since} to {until}",
    known="As known at record",
    currency="Currency",
    payoff_on="Payoff on",
    valid_until="Valid until",
    opening="Opening balance",
    closing="Closing balance",
    what="What happened",
    value_date="Value date",
    booking_date="Booked on",
    record="Record",
    principal="Principal",
    interest="Interest",
    fee="Fees",
    penalty_interest="Penalty interest",
    total_due="Total owed",
    credit="Credit",
    cash="Received or paid out (-)",
    item="Item",
    amount="Amount",
    less_credit="less credit",
    to_pay="Amount to pay",
    corrected="{event} (correction)",
    signs="A minus sign lowers an amount. Credit is money that the lender owes the borrower.",
    corrections="A correction compensates earlier lines, which stay as they were.",
    records="Every line names its record in the lender's journal. This is what was known up to record {known}.",
    payoff_holds="Paid in full while this statement is valid, this amount settles the loan. "
    "This is what was known up to record {known}.",
    page="Page {page} of {pages}",
    events={
        "ledger.loan.opened.v1": "Loan paid out",
        "ledger.loan.disbursed.v1": "Loan paid out",
        "ledger.loan.disbursement_failed.v1": "Payout failed",
        "ledger.loan.charged.v1": "Interest and fees charged",
        "ledger.loan.fee_charged.v1": "Fee charged",
        "ledger.loan.written_off.v1": "Written off",
        "ledger.payment.received.v1": "Payment",
        "ledger.payment.reversed.v1": "Payment reversed",
        "ledger.payment.merchant_refunded.v1": "Merchant refund",
        "ledger.payment.goodwill_credited.v1": "Goodwill credit",
        "ledger.payment.amount_waived.v1": "Charge waived",
        "ledger.payment.credit_refunded.v1": "Credit refunded",
        "ledger.payment.credit_unclaimed.v1": "Unclaimed credit set apart",
        "ledger.payment.recovery_received.v1": "Payment after write-off",
        "ledger.payment.transaction_reversed.v1": "Transaction reversed",
        "ledger.payment.allocations_restated.v1": "Payments allocated anew",
    },
)

ZH_CN = Texts(
    language=Language.ZH_CN,
    statement="贷款对账单",
    payoff="贷款结清金额单",
    loan="贷款编号",
    period="账单期间",
    from_to="{since} 至 {until}",
    known="截至记录号",
    currency="币种",
    payoff_on="结清日",
    valid_until="有效期至",
    opening="期初余额",
    closing="期末余额",
    what="摘要",
    value_date="起息日",
    booking_date="记账日",
    record="记录号",
    principal="本金",
    interest="利息",
    fee="费用",
    penalty_interest="罚息",
    total_due="应还合计",
    credit="溢缴款",
    cash="收款或付款(-)",
    item="项目",
    amount="金额",
    less_credit="减：溢缴款",
    to_pay="应还金额",
    corrected="{event}（更正）",
    signs="负号表示该项金额减少。溢缴款为贷款人应退还借款人的款项。",
    corrections="更正行用于冲抵此前的记录，原记录保持不变。",
    records="每一行均注明贷款人账本中的记录号。本单依据截至记录号 {known} 的记录编制。",
    payoff_holds="在有效期内足额支付上述金额，贷款即告结清。本单依据截至记录号 {known} 的记录编制。",
    page="第 {page} 页，共 {pages} 页",
    events={
        "ledger.loan.opened.v1": "放款",
        "ledger.loan.disbursed.v1": "放款",
        "ledger.loan.disbursement_failed.v1": "放款失败冲回",
        "ledger.loan.charged.v1": "计收利息及费用",
        "ledger.loan.fee_charged.v1": "收取费用",
        "ledger.loan.written_off.v1": "贷款核销",
        "ledger.payment.received.v1": "还款",
        "ledger.payment.reversed.v1": "还款冲正",
        "ledger.payment.merchant_refunded.v1": "商户退款",
        "ledger.payment.goodwill_credited.v1": "优惠抵扣",
        "ledger.payment.amount_waived.v1": "息费减免",
        "ledger.payment.credit_refunded.v1": "溢缴款退还",
        "ledger.payment.credit_unclaimed.v1": "无人认领的溢缴款另行保管",
        "ledger.payment.recovery_received.v1": "核销后还款",
        "ledger.payment.transaction_reversed.v1": "交易冲正",
        "ledger.payment.allocations_restated.v1": "还款重新分配",
    },
)

TEXTS: Mapping[Language, Texts] = {each.language: each for each in (EN, ZH_CN)}
