"""Sets what overdue means for many loans: a request each, under a key of its own; it may be stopped and repeated."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from ledger.application.counting_commands import SetOverdueRules
from ledger.application.desk import Desk
from ledger.application.orders import Order
from schemas.errors import LedgerError, Misconfigured, Unavailable

Progress = Callable[[int, None], None]
"""Told how many loans were looked at; how many there are is not known before the end."""


@dataclass(kw_only=True, slots=True)
class RolledOut:
    """What was done. `refused`: loans with the reason, such as that they are closed."""

    loans: int = 0
    again: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def roll_out(
    desk: Desk,
    pages: Iterable[Sequence[str]],
    *,
    policy: str,
    since: date | None,
    today: date,
    principal: str,
    progress: Progress = lambda done, total: None,
) -> RolledOut:
    """Count by a policy what falls due from a date on (None: all of each loan), for the loans of some pages.

    Once set today, a loan is passed over when the same is asked again.
    """
    done = RolledOut()
    seen = 0
    for page in pages:
        orders = [
            Order(
                command=SetOverdueRules(loan_id=loan, policy=policy, since=since),
                key=f"overdue-rules:{policy}:{since or 'all'}:{today}:{loan}",
                today=today,
                principal=principal,
            )
            for loan in page
        ]
        for loan, result in zip(page, desk.execute_many(orders), strict=True):
            if isinstance(result, Unavailable | Misconfigured):
                raise result
            if isinstance(result, LedgerError):
                done.refused[loan] = str(result)
            else:
                done.loans += not result.again
                done.again += result.again
        seen += len(page)
        progress(seen, None)
    return done
