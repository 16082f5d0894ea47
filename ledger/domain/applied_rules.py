"""Which of the agreed rules held for money when it was recorded: for whoever explains where it went.

Events say where money went, not by which of several orders of allocation; that follows from the same facts.
"""

from datetime import date

from ledger.domain.allocation import rule_on
from ledger.domain.fold import fold, follows, go_on, pass_time
from ledger.domain.loan import Loan, fact_of, footing, settled
from ledger.domain.transactions import GOODWILL, MERCHANT_REFUND, PAYMENT, order_of
from schemas.loans.servicing import AllocationRule
from schemas.values import Event

_MONEY = {PAYMENT, GOODWILL, MERCHANT_REFUND}


def allocation_rule_of(loan: Loan, event: Event) -> AllocationRule | None:
    """By which rule money of an event went to what had fallen due. `loan`: as it was before the event.

    None: the event brings no money, or nothing had fallen due.
    """
    money = fact_of(event)
    if money is None or money.kind not in _MONEY:
        return None
    loan = settled(loan)
    if follows(loan.known, money):
        work = go_on(loan.agreement, loan.known)
    else:
        onto, facts = footing(loan, money)
        work = fold(loan.agreement, [each for each in facts if order_of(each) < order_of(money)], date.min, onto)
    pass_time(work, money.on)
    return rule_on(work, money.on)
