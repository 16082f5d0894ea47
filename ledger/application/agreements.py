"""Before a loan is signed: its terms are quoted, its cost table is shown, and its hash says that it was."""

import hashlib
from typing import NamedTuple

import msgspec

from ledger.application.quote_reading import read_request
from ledger.application.quoting import CostTableAnswer, answer_of, as_object, quote_of
from ledger.domain.errors import InvalidTerms
from ledger.domain.quote import Quote
from ledger.domain.terms import Terms
from schemas.errors import Refused


class CostTableNotConfirmed(Refused):
    """Nobody signs what was not shown."""

    code = "cost_table_not_confirmed"


class Shown(NamedTuple):
    """What is shown before signing. `hash`: SHA-256 of the cost table as JSON, lowercase hex."""

    terms: Terms
    quote: Quote
    cost_table: CostTableAnswer
    hash: str


def show(text: bytes) -> Shown:
    """The quote of terms in JSON, with a cost table; raises as a quote does."""
    request = read_request(text)
    found = quote_of(request)
    table = answer_of(None, found).cost_table
    if not isinstance(table, CostTableAnswer):
        raise InvalidTerms("asked to agree on terms without a cost table; leave rows_only out", "rows_only")
    fields = {name: getattr(request, name) for name in Terms.__struct_fields__}
    encoded = msgspec.json.encode(as_object(table), order="sorted")
    return Shown(Terms(**fields), found, table, hashlib.sha256(encoded).hexdigest())


def require_confirmed(shown: Shown, confirmed: str | None) -> None:
    """Raise `CostTableNotConfirmed` unless this very table was confirmed by its hash."""
    if confirmed != shown.hash:
        found = "no confirmation" if confirmed is None else f"the confirmation of another table, {confirmed[:64]!r}"
        raise CostTableNotConfirmed(
            f"asked to agree on a loan; found {found}. Show the cost table, and confirm it with --confirm {shown.hash}"
        )
