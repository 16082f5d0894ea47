"""The chart of accounts: where lines of double entry may be written, and what a sum on an account means.

Every event that moves money adds up to zero on each of its value dates, on accounts of the chart that holds on its
booking date. An event that does not is a fault of the rules, never of a caller: nothing of it is recorded.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from ledger.domain.errors import OutsideChart, Unbalanced
from schemas.values import Event, MoneyEvent, Posting


class AccountType(Enum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


class Side(Enum):
    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """`components`: what a line may be part of; where there are any, a line names one of them and its installment."""

    code: str
    name: str
    type: AccountType
    side: Side
    components: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Accounts by code. `version`: the first date on which the chart holds, as written."""

    version: str
    accounts: Mapping[str, Account]


def require_bookable(chart: Chart, events: Iterable[Event]) -> None:
    """Raise `Unbalanced` or `OutsideChart` for the first event whose lines cannot stand in the books."""
    for event in events:
        if isinstance(event, MoneyEvent):
            _require_balanced(event)
            for posting in event.postings:
                _require_account(chart, event, posting)


def _require_balanced(event: MoneyEvent) -> None:
    """On each value date for itself, or the books of some date in between would not balance."""
    if len({posting.value_date for posting in event.postings}) == 1:
        return  # no event exists whose lines do not add up to zero in all
    totals = Counter[date]()
    for posting in event.postings:
        totals[posting.value_date] += posting.amount_minor
    for on, total_minor in totals.items():
        if total_minor:
            raise Unbalanced(
                f"asked to record {event.TYPE} of {event.loan_id}; its lines of {on} add up to {total_minor} "
                f"{event.currency} (minor units), not to 0. Nothing was recorded; report this fault"
            )


def _require_account(chart: Chart, event: MoneyEvent, posting: Posting) -> None:
    account = chart.accounts.get(posting.account)
    if account is None:
        raise _outside(chart, event, f"account {posting.account!r}, which is not in it")
    if (posting.component or None) not in (account.components or {None}):
        wanted = f"one of {', '.join(sorted(account.components))}" if account.components else "none"
        raise _outside(chart, event, f"{account.code} for component {posting.component or 'none'}; it carries {wanted}")
    if bool(posting.installment) != bool(account.components):
        found = f"installment {posting.installment}" if posting.installment else "no installment"
        raise _outside(chart, event, f"{account.code} for {found}; lines with a component name one, others do not")


def _outside(chart: Chart, event: MoneyEvent, found: str) -> OutsideChart:
    return OutsideChart(
        f"asked to record {event.TYPE} of {event.loan_id} by the chart of accounts since {chart.version}; found {found}"
        ". Nothing was recorded; correct the rule, or add a chart that allows it"
    )
