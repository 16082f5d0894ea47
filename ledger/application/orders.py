"""What goes over the desk: an order, and the answer to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from ledger.application.commands import LoanCommand
from schemas.errors import LedgerError
from schemas.values import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command with the caller's key, and the business date on which it is decided."""

    command: LoanCommand
    key: str
    today: date
    principal: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a command led to. Positions are None if nothing had to be recorded; `again`: it had been answered before."""

    events: Sequence[Event]
    first_position: int | None = None
    last_position: int | None = None
    again: bool = False


Result = Answer | LedgerError
"""An answer, or the refusal in its place."""
