"""Who has which role on a loan, since when and until when. Who they are is told elsewhere; here are ids only."""

from datetime import date

from ledger.domain.errors import PartyExists, PartyNotFound, UnknownRole
from ledger.domain.identifiers import require_identifier
from ledger.domain.loan import Loan, settled
from ledger.domain.standing import about, standing
from schemas.loans.events import Party, PartyJoined, PartyLeft
from schemas.values import Event

ROLES = ("borrower", "co_borrower", "guarantor", "guardian", "administrator", "attorney", "adviser")


def require_party(party: Party) -> None:
    require_identifier(party.party_id, "party")
    if party.role not in ROLES:
        raise UnknownRole(f"asked for a party with role {party.role!r}; give one of {', '.join(ROLES)}")


def join(loan: Loan, party: Party, *, today: date) -> list[Event]:
    """Give somebody a role from a date on; refused while they have it."""
    require_party(party)
    if any((each.party_id, each.role, each.until) == (party.party_id, party.role, None) for each in loan.parties):
        raise PartyExists(
            f"asked to make {party.party_id} {party.role} of loan {loan.loan_id}, which they are; end that first"
        )
    loan = settled(loan)
    event = PartyJoined(
        **about(loan, standing(loan, today)),
        party=party,
    )
    return [event]


def leave(loan: Loan, party_id: str, role: str, *, left_on: date, today: date, reason: str) -> list[Event]:
    """End a role; refused where nobody has it."""
    if not any((each.party_id, each.role, each.until) == (party_id, role, None) for each in loan.parties):
        raise PartyNotFound(
            f"asked to end the role {role} of {party_id} on loan {loan.loan_id}; they do not have it. See its parties"
        )
    loan = settled(loan)
    event = PartyLeft(
        **about(loan, standing(loan, today)),
        party_id=party_id,
        role=role,
        left_on=left_on,
        reason=reason,
    )
    return [event]
