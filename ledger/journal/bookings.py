"""Whether what an event says of money can stand in the books: from its bytes alone, whatever any read model holds."""

from ledger.domain.accounts import require_bookable
from ledger.policies.charts import chart_on
from schemas.envelope import read
from schemas.errors import LedgerError
from schemas.registry import REGISTRY
from schemas.values import MoneyEvent


def unbookable(kind: str, state: bytes) -> str:
    """What is wrong with the lines of an event; empty where nothing is, and for events that move no money."""
    if not issubclass(REGISTRY.types.get(kind, object), MoneyEvent):
        return ""
    try:
        event = REGISTRY.decode(read(state))
        if isinstance(event, MoneyEvent):
            require_bookable(chart_on(event.booking_date), [event])
    except LedgerError as error:
        return str(error)
    return ""
