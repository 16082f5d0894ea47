"""What all parts of a made-up book have in common."""

from dataclasses import dataclass
from typing import Any

from ledger.application.dev_book.plan import Plan
from ledger.application.dev_book.stamps import moment
from ledger.journal.encoding import Provenance
from ledger.journal.keys import CommandKeys
from schemas.values import Basis

COMMIT_US = 2000
"""From the decision to the record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """`principal` acts for the lender, `day_end` closes days."""

    plan: Plan
    book_id: str
    partitions: int
    keys: CommandKeys
    basis: Basis
    principal: str
    day_end: str

    def provenance(self, principal: str, key: str, body: dict[str, Any], at_us: int) -> Provenance:
        """Who asked for what under which key, as the desk writes it."""
        command_id = self.keys.command_id(self.book_id, principal, key)
        return Provenance(
            book_id=self.book_id,
            actor=principal,
            decided_at=moment(at_us),
            correlation_id=command_id.hex(),
            command_id=command_id,
            command_hash=self.keys.command_hash(body),
        )
